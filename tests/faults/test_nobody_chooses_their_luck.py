"""Our draw is independent of the caller's id, and no caller can foresee or choose it."""

from __future__ import annotations

from pathlib import Path

from situations import NOW, gives_up, says, sent, shares, spends

import marketofone
from bank_projects import Projects, keep_half_for_control
from marketofone import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, Instant
from marketofone.services.decisions.inputs import seed_of
from proofs import proven


def furnish(bank: Bank, *customers: str) -> None:
    for customer in customers:
        says(bank, customer)
        bank.ingest([*spends(customer), sent("app.opened", customer)], now=NOW)


def drawn(decision: Decision) -> list[tuple[str, str, float, float]]:
    return [(one.action, one.stage, one.draw, one.propensity) for one in decision.candidates]


def test_whatever_id_a_caller_names_the_draw_is_the_same(project: Path, projects: Projects, tmp_path: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank, "c-1")
    made = []
    for number, name in enumerate(("d", "another", "x" * 100, None)):
        twin = projects.copy(project, tmp_path / f"twin-{number}")
        with marketofone.open(twin, now=NOW) as bank:
            made.append(bank.decide("c-1", occasion="app.opened", id=name, now=NOW))
    assert len({one.id for one in made}) == 4
    assert all(drawn(one) == drawn(made[0]) for one in made)


def test_a_question_draws_from_elsewhere_and_moves_no_decision(
    project: Path, projects: Projects, tmp_path: Path
) -> None:
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank, "c-1")
    twin = projects.copy(project, tmp_path / "twin")
    with marketofone.open(project, now=NOW) as asked, marketofone.open(twin, now=NOW) as never_asked:
        for step in range(5):
            answers = [asked.decide("c-1", occasion="app.opened", now=NOW, as_of=Instant(NOW - n)) for n in range(6)]
            made = [bank.decide("c-1", occasion="app.opened", id=f"d-{step}", now=NOW) for bank in (asked, never_asked)]
            assert drawn(made[0]) == drawn(made[1])
            assert all(drawn(one) != drawn(made[0]) for one in answers)


def test_banks_with_the_same_people_and_ids_draw_differently(project: Path, projects: Projects, tmp_path: Path) -> None:
    other = projects.twin(project, tmp_path / "other")
    made = []
    for folder in (project, other):
        with marketofone.open(folder, now=NOW) as bank:
            furnish(bank, "c-1")
            made.append(bank.decide("c-1", occasion="app.opened", id="d-1", now=NOW))
    assert drawn(made[0]) != drawn(made[1]), "the secret of the bank is its own"


def test_one_person_is_in_one_group_for_ever_whichever_id_is_asked_and_whoever_joins(project: Path) -> None:
    people = [f"c-{number}" for number in range(24)]
    keep_half_for_control(project)
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank, *people)
        fixed_for_ever(bank, people)
        proven(bank)


def fixed_for_ever(bank: Bank, people: list[str]) -> None:
    """Let the ids of the people join and part in pairs: the first decision of a person fixed the group."""
    group = {one: bank.decide(one, occasion="app.opened", now=NOW).assignment for one in people}
    assert set(group.values()) == {"policy", "control"}
    for first, second in zip(people[::2], people[1::2], strict=True):
        shares(bank, f"k-{first}", second, first)
        joined = [bank.decide(one, occasion="app.opened", now=Instant(NOW + DAY)).assignment for one in (second, first)]
        assert joined == [group[first]] * 2, "the first decision of the person fixed it"
        gives_up(bank, f"k-{first}", second)
        apart = [
            bank.decide(one, occasion="app.opened", now=Instant(NOW + 2 * DAY)).assignment for one in (first, second)
        ]
        assert apart == [group[first], group[second]]


def test_a_question_enrols_nobody(bank: Bank) -> None:
    furnish(bank, "c-1")
    for step in range(10):
        bank.decide("c-1", occasion="app.opened", now=NOW, as_of=Instant(NOW - step))
    with bank.context.store.read() as reader:
        assert bank.context.snapshot(reader).person("c-1").assignment is None


def test_no_draw_comes_again_when_ids_are_linked_and_parted(bank: Bank) -> None:
    furnish(bank, "a", "b")
    shares(bank, "k", "a", "b")
    seeds = [seed_before(bank, one) for one in ("b", "b", "b")]
    gives_up(bank, "k", "b")
    seeds += [seed_before(bank, one) for one in ("a", "a", "a", "b")]
    assert len(set(seeds)) == len(seeds)


def seed_before(bank: Bank, customer: str) -> bytes:
    """Give what the next decision about a customer is drawn from, and make that decision."""
    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person(customer)
    seed = seed_of(person, secret=bank.context.keys.secret, domain="decision")
    bank.decide(customer, occasion="app.opened", now=NOW)
    return seed
