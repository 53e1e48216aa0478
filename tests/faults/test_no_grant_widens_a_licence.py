"""What was allowed at another bank is a ceiling: until when, of what, from which day on, and never for offers."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from situations import NOW, says, sent, shares, values

from marketofone import Bank
from marketofone.consent.gate import Admitted, admit, permit
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, apply, together
from marketofone.consent.licence import ALL, GOVERNED
from marketofone.consent.narrowing import with_facts
from marketofone.consent.policy import parse_policy
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant, datetime_of
from proofs import proven

END = NOW + 30 * DAY
DENIES_OFFERS = "does not cover offers"
ACCOUNTS, BALANCE = "other_bank_accounts", "other_bank_balance"


def licence(
    institution: str = "first",
    *,
    at: int = NOW,
    until: int | str | None = END,
    id: str | None = None,  # noqa: A002
    **more: object,
) -> bytes:
    end = datetime_of(Instant(until)).isoformat() if isinstance(until, int) else until
    facts = {"institution": institution, "scopes": ALL, **more, **({} if end is None else {"until": end})}
    return sent("openbanking.licensed", "c-1", at=at, id=id, **facts)


def balance(institution: str = "first", minor: int = 50_000, *, at: int = NOW, id: str | None = None) -> bytes:  # noqa: A002
    account = f"account-{institution}"
    facts = {"institution": institution, "account": account, "balance_minor": minor, "currency": "EUR"}
    return sent("openbanking.balance", "c-1", at=at, id=id, **facts)


def payment(institution: str = "first", *, at: int = NOW, id: str | None = None, **more: object) -> bytes:  # noqa: A002
    facts = {"institution": institution, "account": f"account-{institution}", "amount_minor": -900, "currency": "EUR"}
    return sent("openbanking.transaction", "c-1", at=at, id=id, **facts, **more)


def refused(bank: Bank, *events: bytes, now: int = NOW) -> int:
    report = bank.ingest(events, now=Instant(now))
    assert (report.dead_letters, report.rows) == (0, len(events))
    return report.refused


def whys(bank: Bank, *, now: int) -> str:
    made = bank.decide("c-1", occasion="app.opened", now=Instant(now))
    return " ".join(one.why for one in made.not_used if one.source == GOVERNED)


def test_what_a_licence_does_not_cover_is_refused_at_the_door_and_can_be_sent_again(bank: Bank) -> None:
    says(bank, "c-1")
    told = licence(scopes=["accounts", "balances"], since="2026-01-01")
    early, covered = balance(at=NOW - 30 * DAY, id="early"), balance(id="in")
    payments = [payment(id="p-1"), payment(booked="2025-12-31", id="p-2"), payment("second", id="p-3")]

    assert refused(bank, early, *payments, covered, told) == 3  # whatever stands first among what arrives together
    assert values(bank, "c-1")[BALANCE] == 50_000
    assert values(bank, "c-1")[ACCOUNTS] == 2
    assert refused(bank, licence(at=NOW + 1), now=NOW + 2) == 0
    again = bank.ingest([early, *payments, covered], now=Instant(NOW + 2))
    assert (again.events, again.refused, again.duplicates) == (3, 0, 2)
    proven(bank)


def test_after_its_end_nothing_of_that_institution_is_used_and_others_stay(bank: Bank) -> None:
    says(bank, "c-1")
    refused(bank, licence(), licence("second", until=None), balance(), balance("second", 7_000), payment())
    before = bank.decide("c-1", occasion="app.opened", now=Instant(NOW))
    assert ("insights", GOVERNED) in before.uses
    bank.forecast("c-1", now=Instant(NOW))
    assert values(bank, "c-1", now=END - 1)[BALANCE] == 57_000
    assert whys(bank, now=END - 1).count("has ended") == 0

    assert values(bank, "c-1", now=END)[BALANCE] == 7_000
    assert values(bank, "c-1", now=END)[ACCOUNTS] == 1
    ended = "your permission at first has ended"
    assert ended in whys(bank, now=END)
    assert bank.profile("c-1", now=Instant(END)).refused[GOVERNED] == ended
    assert f"open banking not used: {ended}" in bank.spending("c-1", now=Instant(END)).notes
    assert f"open_banking not used: {ended}" in bank.forecast("c-1", now=Instant(END)).notes
    with pytest.raises(ConsentRefused):  # it rests on what ended since
        bank.decide("c-1", occasion="app.opened", id=before.id, now=Instant(END))
    assert refused(bank, balance(at=END), balance("second", 8_000, at=END), now=END) == 1
    (one, other) = bank.consents("c-1", now=Instant(END)).licences
    assert (one.institution, one.ended, other.ended) == ("first", True, False)
    proven(bank)

    says(bank, "c-1", now=END + 1)  # no grant brings it back
    assert values(bank, "c-1", now=END + 1)[BALANCE] == 8_000
    refused(bank, licence(at=END + 2, until=END + 90 * DAY), now=END + 2)  # a new licence does
    assert values(bank, "c-1", now=END + 2)[BALANCE] == 58_000
    proven(bank)


def test_offers_rest_on_no_data_of_another_bank_unless_its_licence_allows_them(bank: Bank) -> None:
    says(bank, "c-1", source=GOVERNED)
    refused(bank, balance(), balance("second"))
    assert DENIES_OFFERS not in whys(bank, now=NOW)
    assert refused(bank, licence("second", marketing=True), now=NOW + 1) == 0
    assert DENIES_OFFERS not in whys(bank, now=NOW + 1)
    assert refused(bank, licence(), now=NOW + 2) == 0

    made = bank.decide("c-1", occasion="app.opened", now=Instant(NOW + 2))
    assert ("insights", GOVERNED) in made.uses
    assert ("marketing", GOVERNED) not in made.uses
    assert f"your permission at first {DENIES_OFFERS} (marketing)" in whys(bank, now=NOW + 2)
    assert DENIES_OFFERS not in whys(bank, now=END)  # nothing of it is used any more
    proven(bank)


def test_data_for_offers_alone_is_not_even_kept_under_a_licence_that_does_not_allow_them(bank: Bank) -> None:
    says(bank, "c-1", purpose="marketing", source=GOVERNED)
    assert refused(bank, licence(), balance()) == 1
    assert ACCOUNTS not in values(bank, "c-1")


def test_a_licence_that_comes_late_takes_out_what_it_does_not_cover(bank: Bank) -> None:
    says(bank, "c-1")
    refused(bank, balance(), payment(booked="2025-12-01"), *(payment("second") for _ in range(70)))
    made = bank.decide("c-1", occasion="app.opened", now=Instant(NOW))
    bank.forecast("c-1", now=Instant(NOW))
    assert values(bank, "c-1")[ACCOUNTS] == 2

    refused(bank, licence(scopes=[]), now=NOW + 1)
    assert values(bank, "c-1", now=NOW + 1)[ACCOUNTS] == 1
    with pytest.raises(ConsentRefused, match="became less"):
        bank.decide("c-1", occasion="app.opened", id=made.id, now=Instant(NOW + 1))
    refused(bank, licence(at=NOW - DAY), now=NOW + 2)  # told before, and arrived late: it counts no more
    assert values(bank, "c-1", now=NOW + 2)[ACCOUNTS] == 1
    proven(bank)


def test_of_several_ids_of_one_person_each_licence_holds(bank: Bank) -> None:
    for customer in ("c-1", "c-2"):
        says(bank, customer)
    refused(bank, licence(until=None), balance())
    other = licence().replace(b'"c-1"', b'"c-2"')
    refused(bank, other)
    shares(bank, "key", "c-1", "c-2")
    assert values(bank, "c-1", now=END - 1)[ACCOUNTS] == 1
    assert ACCOUNTS not in values(bank, "c-1", now=END)
    proven(bank)


def test_a_wide_licence_of_one_id_does_not_open_what_that_of_another_closes(bank: Bank) -> None:
    for customer in ("c-1", "c-2"):
        says(bank, customer)
    refused(bank, licence(scopes=["balances"], at=NOW - DAY).replace(b'"c-1"', b'"c-2"'))
    shares(bank, "key", "c-1", "c-2")

    assert refused(bank, licence(), payment(), balance()) == 1  # whatever comes together with the wider one
    assert refused(bank, payment()) == 1
    proven(bank)


@pytest.mark.parametrize("narrow", [{"scopes": []}, {"since": "2026-01-05"}, {"until": NOW - DAY}])
def test_what_one_id_was_told_is_hidden_where_the_licence_of_a_later_id_does_not_cover_it(
    bank: Bank, narrow: dict[str, object]
) -> None:
    for customer in ("c-1", "c-2"):
        says(bank, customer)
    refused(bank, licence(at=NOW - DAY, **narrow).replace(b'"c-1"', b'"c-2"'))  # type: ignore[arg-type]
    refused(bank, licence(), balance(at=NOW - 2 * DAY), payment(at=NOW - 2 * DAY))
    made = bank.decide("c-1", occasion="app.opened", now=Instant(NOW + 1))
    assert bank.decision(made.id, now=Instant(NOW + 1)).uses
    bank.forecast("c-1", now=Instant(NOW + 1))

    shares(bank, "key", "c-1", "c-2", now=NOW + 2)

    assert BALANCE not in values(bank, "c-1", now=NOW + 3)
    with pytest.raises(ConsentRefused, match="became less"):
        bank.decision(made.id, now=Instant(NOW + 3))
    after = bank.decide("c-1", occasion="app.opened", now=Instant(NOW + 3))
    assert bank.decision(after.id, now=Instant(NOW + 4)).action == after.action
    proven(bank)


def test_no_merchant_is_told_that_only_data_beyond_a_licence_name(bank: Bank) -> None:
    says(bank, "c-1")
    refused(bank, licence(), payment(merchant="Ended"), payment("second", merchant="Early"))

    def told(now: int) -> list[str]:
        return [one.name for one in bank.merchants("c-1", now=Instant(now))]

    assert told(END - 1) == ["Early", "Ended"]
    assert told(END) == ["Early"]
    refused(bank, licence("second", since="2026-01-06", at=END), now=END)
    assert told(END + 1) == []
    proven(bank)


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_an_end_in_any_year_can_be_told(bank: Bank, until: str) -> None:
    says(bank, "c-1")
    assert refused(bank, licence(until=until), balance()) == (until < "2000")


POLICY = parse_policy((files("marketofone") / "template" / "consent.toml").read_text(encoding="utf-8"))
INSTANTS = st.integers(min_value=0, max_value=3).map(lambda days: Instant(NOW + days * DAY))
TOLD = st.builds(
    lambda number, institution, scopes, at, until, since, offers: parse_event(
        licence(
            institution,
            at=at,
            until=until,
            scopes=scopes,
            marketing=offers,
            id=f"l-{number}",
            **({} if since is None else {"since": since.isoformat()}),
        )
    ),
    st.integers(min_value=0, max_value=9),
    st.sampled_from(("first", "second")),
    st.lists(st.sampled_from(ALL), unique=True),
    INSTANTS,
    st.none() | INSTANTS,
    st.none() | st.dates(min_value=date(2026, 1, 1), max_value=date(2026, 1, 9)),
    st.booleans(),
)
DATA = [
    parse_event(make(of, at=NOW + day * DAY))
    for make in (balance, payment)
    for of in ("first", "second")
    for day in (0, 3)
]
EVERYTHING = ConsentChange(
    customer="c-1",
    change="grant",
    purposes=("insights", "marketing"),
    sources=(GOVERNED,),
    channels=("app",),
    since=Instant(0),
)


def usable(consents: Consents, now: Instant) -> tuple[set[bytes], set[str]]:
    admitted = {one.event.key for one in admit(DATA, consents, policy=POLICY, now=now) if isinstance(one, Admitted)}
    opened = {
        purpose
        for purpose in POLICY.purposes
        if GOVERNED in permit(purpose, consents, customer="c-1", channel="app", policy=POLICY, now=now).sources
    }
    return admitted, opened


@given(told=st.lists(TOLD, max_size=5), now=INSTANTS)
def test_licences_only_take_away_and_together_allow_what_each_allows(told: list[Event], now: Instant) -> None:
    granted = apply(NEVER_ASKED, EVERYTHING)
    under = [with_facts(granted, [one], recorded=Instant(NOW)) for one in told]
    all_events, all_purposes = usable(granted, now)
    for one in [*under, with_facts(granted, told, recorded=Instant(NOW)), *([together(under)] if under else [])]:
        events, purposes = usable(one, now)
        assert events <= all_events
        assert purposes <= all_purposes
        used = {event.data.institution for event in DATA if event.key in events}  # type: ignore[attr-defined]
        no_offers = {licence.institution for licence in one.licences if not licence.marketing}
        assert "marketing" not in purposes or not used & no_offers
    if under:
        assert usable(together(under), now)[0] <= set.intersection(*(usable(one, now)[0] for one in under))


@given(told=st.lists(TOLD, min_size=1, max_size=4, unique_by=lambda event: event.at))
def test_the_licence_told_last_counts_in_whatever_order_they_arrive(told: list[Event]) -> None:
    one_way, other = (with_facts(NEVER_ASKED, some, recorded=Instant(0)).licences for some in (told, told[::-1]))
    assert [replace(one, narrowed=Instant(0)) for one in one_way] == [
        replace(one, narrowed=Instant(0)) for one in other
    ]
