"""A purpose that comes to mean more needs a new version, and then people are asked anew; all of it stays provable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, ordinary_months

import marketofone
from allowing import everything
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused, MalformedDocument
from marketofone.domain.event import AppOpened
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.rights.changed_meaning import changed_meaning
from marketofone.services.rights.consent_history import consent_receipt
from marketofone.services.rights.export import export_customer
from proofs import proven
from renaming import in_english_alone

Edit = Callable[[str], str]
CARE = r"(?ms)^\[purposes\.care\]\n.*?(?=^\[)"


def edit(project: Path, change: Edit) -> None:
    path = project / "consent.toml"
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def of_care(change: Edit) -> Edit:
    """Change the purpose of care alone."""
    return lambda text: re.sub(CARE, lambda block: change(block[0]), text)


def line(field: str, value: str) -> Edit:
    return of_care(lambda block: block.rstrip("\n") + f"\n{field} = {value}\n\n")


def places_too(text: str) -> str:
    """Let care ask for places as well, and say so."""
    wider = of_care(lambda block: block.replace('"life_events", "messages"]', '"life_events", "messages", "location"]'))
    return of_care(lambda block: block.replace("and life events,", "places and life events,"))(wider(text))


def typo(text: str) -> str:
    return of_care(lambda block: block.replace("hard days", "difficult days"))(text)


def care_learns(text: str) -> str:
    """Let care serve learning as well, in place of the purpose that did."""
    alone = re.sub(r"(?ms)^\[purposes\.learning\]\n.*?(?=^\[)", "", text)
    return alone.replace('serves = "care"', 'serves = ["care", "learning"]')


def both(*changes: Edit) -> Edit:
    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


@pytest.fixture
def lived(project: Path, now: Instant) -> Path:
    """Give a bank that somebody said yes to."""
    in_english_alone(project)
    with marketofone.open(project, now=now) as bank:
        bank.consent(everything("c-1", since=now), now=now)
        bank.ingest(ordinary_months("c-1", until=now, days=60), now=now)
        bank.decide("c-1", occasion="app.opened", id="before", now=now)
    return project


def on(bank: Bank, purpose: str, *, now: Instant) -> set[str]:
    cells = bank.consents("c-1", now=now).cells
    return {of.source for of in cells if of.purpose == purpose and of.state == "granted"}


@pytest.mark.parametrize(
    ("change", "field", "shape"),
    [
        (places_too, "consent.toml purposes.care.sources", "more sources than version 1 of 'care' had"),
        (typo, "consent.toml purposes.care.notice", "other words than version 1 of 'care' had"),
        (of_care(lambda block: block.replace("Look after me", "Help me")), "consent.toml purposes.care.title", "other"),
        (of_care(lambda block: block.replace("A kind word", "A word")), "consent.toml purposes.care.gives", "other"),
        (
            care_learns,
            "consent.toml purposes.care.serves",
            "more that it serves than version 1 of 'care' had",
        ),
        (
            lambda text: text.replace("never your position", "and your position"),
            "consent.toml sources.location",
            "other words than version 1 of 'insights' had",
        ),
    ],
    ids=["more sources", "notice", "title", "gives", "more roles", "words of a source"],
)
def test_what_means_more_or_reads_otherwise_does_not_open_without_a_new_version(
    lived: Path, now: Instant, change: Edit, field: str, shape: str
) -> None:
    edit(lived, change)
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(lived, now=now)
    assert refused.value.field == field
    assert shape in refused.value.shape
    assert "version = 2" in refused.value.fix


def test_a_bank_without_customers_writes_what_it_likes(project: Path, now: Instant) -> None:
    marketofone.open(project, now=now).close()
    edit(project, typo)
    marketofone.open(project, now=now).close()


def test_a_typo_is_marked_each_time_and_every_yes_goes_on(lived: Path, now: Instant) -> None:
    edit(lived, both(typo, line("not_material", '"another word for the same"')))
    with marketofone.open(lived, now=now) as bank:
        assert len(on(bank, "care", now=now)) == 4
        proven(bank)
    edit(lived, of_care(lambda block: block.replace("difficult days", "bad days")))
    with pytest.raises(MalformedDocument) as refused:  # the mark was about another text
        marketofone.open(lived, now=now)
    assert "another one than before" in refused.value.fix
    edit(lived, of_care(lambda block: block.replace("another word", "one more word")))
    marketofone.open(lived, now=now).close()


def test_asking_for_less_is_marked_and_every_other_yes_goes_on(lived: Path, now: Instant) -> None:
    def without_life_events(text: str) -> str:
        fewer = of_care(lambda block: block.replace(', "life_events"', "").replace(" and life events", ""))(text)
        return of_care(lambda block: block.replace("payments, use of the app,", "payments and use of the app,"))(fewer)

    edit(lived, both(without_life_events, line("not_material", '"it asks for less"')))
    actions = (lived / "actions.toml").read_text(encoding="utf-8")
    for name in ("bereavement_support", "job_loss_support"):
        actions = re.sub(rf'(?ms)^\[\[actions\]\]\nid = "{name}".*?(?=^\[\[|^# ---|\Z)', "", actions)
    (lived / "actions.toml").write_text(actions, encoding="utf-8")
    with marketofone.open(lived, now=now) as bank:
        assert on(bank, "care", now=now) == {"transactions", "app", "messages"}


def test_a_new_version_ends_the_yes_for_it_alone_and_all_of_it_is_replayed(lived: Path, now: Instant) -> None:
    later = Instant(now + HOUR)
    edit(lived, both(places_too, line("version", "2")))
    with marketofone.open(lived, now=later) as bank:
        assert on(bank, "care", now=later) == set()
        assert len(on(bank, "insights", now=later)) == 6
        made = bank.decide("c-1", occasion="app.opened", id="between", now=later)
        assert "care" not in {purpose for purpose, _ in made.uses}
        assert any("what it is for changed" in one.why for one in made.not_used)
        with pytest.raises(ConsentRefused):  # it looked for signs of stress under the meaning of then
            bank.decision("before", now=later)

        before = changed_meaning(bank.context, "c-1", "care", now=later)
        assert before is not None
        assert "places" not in before.notice
        assert "places" in bank.config.policy.purposes["care"].notice

        yes = ConsentChange(
            customer="c-1", change="grant", purposes=("care",), sources=("*",), channels=("*",), since=later
        )
        given = bank.consent_given(yes, now=later)
        assert on(bank, "care", now=later) == {"transactions", "app", "life_events", "messages", "location"}
        assert changed_meaning(bank.context, "c-1", "care", now=later) is None
        bank.ingest([happened("c-1", AppOpened(), at=later)], now=later)
        after = bank.decide("c-1", occasion="app.opened", id="after", now=Instant(later + HOUR))
        assert ("care", "location") in after.uses
        receipt = consent_receipt(bank.context, "c-1", given.entry.n, now=later)
        assert receipt.said.change.versions == (2,)
        assert {of.purpose for of in receipt.opened} == {"care"}
        proven(bank)
    with marketofone.open(lived, now=Instant(later + DAY)) as again:  # and what was folded before is folded alike
        assert len(on(again, "care", now=later)) == 5
        proven(again)


def test_the_receipt_of_an_old_yes_tells_what_it_opened_and_no_undo_says_yes_to_the_new_meaning(
    lived: Path, now: Instant
) -> None:
    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=("care",), sources=("*",), channels=("*",), since=now
    )
    with marketofone.open(lived, now=now) as bank:
        n = bank.consent_given(no, now=now).entry.n
        assert [of.change for of in consent_receipt(bank.context, "c-1", n, now=now).undone_by] == ["grant"]
    edit(lived, both(places_too, line("version", "2")))
    with marketofone.open(lived, now=now) as bank:
        first = consent_receipt(bank.context, "c-1", 1, now=now)
        assert {of.source for of in first.opened if of.purpose == "care"} >= {"transactions", "messages"}
        taken_back = consent_receipt(bank.context, "c-1", n, now=now)
        assert {of.purpose for of in taken_back.closed} == {"care"}
        assert taken_back.undone_by == ()


def test_a_bank_that_goes_back_finds_what_was_said_to_the_old_meaning(lived: Path, now: Instant) -> None:
    old = (lived / "consent.toml").read_text(encoding="utf-8")
    edit(lived, both(places_too, line("version", "2")))
    marketofone.open(lived, now=now).close()
    (lived / "consent.toml").write_text(old, encoding="utf-8")
    with marketofone.open(lived, now=now) as bank:
        assert len(on(bank, "care", now=now)) == 4
    edit(lived, typo)  # version 1 means what it meant when it was in force
    with pytest.raises(MalformedDocument):
        marketofone.open(lived, now=now)


def test_versions_are_taken_along(lived: Path, now: Instant) -> None:
    edit(lived, both(places_too, line("version", "2")))
    with marketofone.open(lived, now=now) as bank:
        bank.consent(everything("c-1", since=now), now=now)
        said = export_customer(bank.context, "c-1", now=now).consents
    assert [one.versions for one in said if one.change == "grant"][1] == (1, 1, 1, 2, 1)
