"""What was seen of a person is given again while nothing of it can have changed, and not a moment longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from people import happened, ordinary_months

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import AppOpened
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.domain.money_events import OpenBankingTransaction, TransactionBooked
from marketofone.features.vector import Seen
from marketofone.projection.live import Projection
from marketofone.services.decisions.inputs import permits_of

Allow = Callable[..., None]


def seen(bank: Bank, *, now: Instant, projection: Projection | None = None) -> Mapping[str, Seen]:
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader, projection=projection)
        person = snapshot.person("c-1")
        permits = permits_of(person, config=snapshot.config, channel="app", now=person.judged(now))
        return snapshot.seen(person, permits=list(permits.values()), now=now, judged=person.judged(now))


def bytes_of(told: Mapping[str, Seen]) -> dict[str, bytes]:
    return {purpose: of.values.tobytes() for purpose, of in told.items()}


def anew(bank: Bank, *, now: Instant) -> dict[str, bytes]:
    return bytes_of(seen(bank, now=now, projection=Projection(bank.context.keys)))


def lives(bank: Bank, allow: Allow, *, now: Instant) -> None:
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now, days=40), happened("c-1", AppOpened(), at=now)], now=now)


def test_a_decision_more_and_a_minute_later_nothing_is_read_again(bank: Bank, allow: Allow, now: Instant) -> None:
    lives(bank, allow, now=now)
    before = seen(bank, now=now)
    bank.decide("c-1", occasion="app.opened", now=now)

    assert seen(bank, now=Instant(now + MINUTE)) is before


def test_so_it_is_where_accounts_here_and_at_another_bank_are_looked_at_together(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    lives(bank, allow, now=now)
    number = "DE89370400440532013000"
    out = TransactionBooked(
        account="account-c-1", amount_minor=-77_700, currency="EUR", text="Transfer", counterparty_account=number
    )
    there = OpenBankingTransaction(
        institution="Other", account="there", number=number, amount_minor=77_700, currency="EUR", text="Transfer"
    )
    bank.ingest([happened("c-1", data, at=now) for data in (out, there)], now=now)
    before = seen(bank, now=now)

    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        states = snapshot.states(snapshot.person("c-1"), now=now, alone=True)
    assert states["transactions"].alone is not None, "what one account tells rests on the other"
    assert seen(bank, now=now) is before
    bank.ingest([happened("c-1", there, at=Instant(now + 1))], now=Instant(now + 1))
    after = seen(bank, now=Instant(now + 1))
    assert after is not before
    assert bytes_of(after) == anew(bank, now=Instant(now + 1))


def test_on_the_next_day_and_after_each_event_it_is_looked_again(bank: Bank, allow: Allow, now: Instant) -> None:
    lives(bank, allow, now=now)
    before = bytes_of(seen(bank, now=now))
    tomorrow = Instant(now + DAY)

    assert bytes_of(seen(bank, now=tomorrow)) == anew(bank, now=tomorrow) != before
    bank.ingest([happened("c-1", AppOpened(), at=tomorrow)], now=tomorrow)
    before = anew(bank, now=tomorrow)
    bank.ingest([happened("c-1", AppOpened(), at=Instant(tomorrow + 1))], now=Instant(tomorrow + 1))
    assert bytes_of(seen(bank, now=Instant(tomorrow + 1))) == anew(bank, now=Instant(tomorrow + 1)) != before


def test_a_no_hides_at_once_what_was_seen_before_it(bank: Bank, allow: Allow, now: Instant) -> None:
    lives(bank, allow, now=now)
    assert "app" in seen(bank, now=now)["marketing"].sources
    bank.consent(
        ConsentChange(
            customer="c-1", change="withdraw", purposes=("marketing",), sources=("app",), channels=("*",), since=now
        ),
        now=now,
    )

    told = seen(bank, now=now)
    assert "app" not in told["marketing"].sources
    assert "app" in told["personalisation"].sources
    assert bytes_of(told) == anew(bank, now=now)


def test_other_documents_are_followed_from_the_next_look_on(
    bank: Bank, project: Path, allow: Allow, now: Instant
) -> None:
    lives(bank, allow, now=now)
    before = seen(bank, now=now)
    features = project / "features.py"
    features.write_text(features.read_text(encoding="utf-8").replace('window="90d"', 'window="20d"'), encoding="utf-8")
    with marketofone.open(project, now=now) as another:
        told = seen(bank, now=now)

        assert next(iter(told.values())).catalogue is not next(iter(before.values())).catalogue
        assert bytes_of(told) == anew(another, now=now) != bytes_of(before)


def test_nothing_is_remembered_of_who_was_forgotten(bank: Bank, allow: Allow, now: Instant) -> None:
    lives(bank, allow, now=now)
    before = seen(bank, now=now)
    asked = bank.context.keys.find(("c-1",))["c-1"]
    bank.context.projection.forget(asked.subject)

    assert seen(bank, now=now) is not before
