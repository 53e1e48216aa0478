"""Whoever shares a key with a person opens nothing of them: what several ids allow is what each of them allows."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from situations import NOW, gives_up, pays, said_in, says, sent, shares, spends, states, values

import marketofone
from marketofone import Bank
from marketofone.domain.errors import ConsentRefused, MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.projection.records import IdentityRecord
from marketofone.services.intake.identity import MOST_HOLDERS, MOST_IDS
from marketofone.services.rights.consent_service import whose
from proofs import proven, recorded

STRONG = "email_hash"


def used_of(bank: Bank, customer: str, *, now: int = NOW) -> set[str]:
    decision = bank.decide(customer, occasion="app.opened", now=Instant(now))
    return {source for _, source in decision.uses} - {"protection"}


@pytest.mark.parametrize("kind", ["device", "account", STRONG])
@pytest.mark.parametrize("first", ["victim", "attacker"])
def test_a_person_who_never_spoke_stays_shut_whatever_key_another_shares_with_them(
    bank: Bank, kind: str, first: str
) -> None:
    bank.ingest(spends("victim", category="health"), now=NOW)
    says(bank, "attacker")
    order = ("victim", "attacker") if first == "victim" else ("attacker", "victim")
    shares(bank, "one-key", *order, kind=kind)

    assert states(bank, "victim") == {"never"}
    assert bank.insights("victim", now=NOW) == []
    assert bank.profile("victim", now=NOW).known == ()
    assert used_of(bank, "victim") == set()
    with pytest.raises(ConsentRefused):
        bank.forecast("victim", now=NOW)
    assert bank.insights("attacker", now=NOW) == []
    assert not any(values(bank, "attacker").values())
    proven(bank)


@pytest.mark.parametrize("kind", ["device", "account"])
def test_a_device_and_an_account_identify_nobody(bank: Bank, kind: str) -> None:
    for customer in ("anna", "boris"):
        says(bank, customer)
    bank.ingest([sent("life.declared", "anna", event="job_loss"), pays("anna", 300_000, "salary")], now=NOW)
    shares(bank, "family-tablet", "anna", "boris", kind=kind)

    assert bank.profile("boris", now=NOW).person == "boris"
    assert not any(values(bank, "boris").values())
    assert values(bank, "anna")["income_30d"] == 300_000


def test_a_key_that_more_than_a_few_share_links_none_of_them_and_says_so(bank: Bank) -> None:
    people = [f"p-{number}" for number in range(MOST_HOLDERS + 2)]
    for one in people:
        says(bank, one)
        bank.ingest([pays(one, 100, "salary")], now=NOW)
    for number, one in enumerate(people, start=1):
        shares(bank, "default@bank", one)
        assert bank.profile(one, now=NOW).person == (people[0] if number <= MOST_HOLDERS else one)

    for one in people:
        assert bank.profile(one, now=NOW).person == one
        assert values(bank, one)["income_30d"] == 100
    last = [record for record in said_in(bank, people[-1]) if isinstance(record, IdentityRecord)]
    assert [record.shared for record in last] == [True]
    proven(bank)


def test_a_shared_key_that_is_given_up_by_some_links_the_few_that_are_left(bank: Bank) -> None:
    people = [f"p-{number}" for number in range(MOST_HOLDERS + 1)]
    for one in people:
        says(bank, one)
        bank.ingest([pays(one, 100, "salary")], now=NOW)
    shares(bank, "joint@bank", *people)
    assert {bank.profile(one, now=NOW).person for one in people} == set(people)

    gives_up(bank, "joint@bank", people[-1])
    assert {bank.profile(one, now=NOW).person for one in people[:-1]} == {people[0]}
    assert bank.profile(people[-1], now=NOW).person == people[-1]
    assert values(bank, people[1])["income_30d"] == 100 * MOST_HOLDERS
    proven(bank)


def test_a_hundred_customers_with_one_default_id_stay_a_hundred_and_cost_as_many_entries(bank: Bank) -> None:
    people = [f"p-{number:03}" for number in range(100)]
    for kind in ("device", STRONG):
        shares(bank, "00000000", *people, kind=kind)
    for one in people[::9]:
        says(bank, one)
        assert bank.profile(one, now=NOW).person == one
    entries = recorded(bank, "identity")
    assert entries <= 2 * len(people) + MOST_HOLDERS**2, "the cost is linear in the links"


def test_a_chain_of_keys_that_two_share_ends_where_a_person_would_have_too_many_ids(bank: Bank) -> None:
    people = [f"p-{number:03}" for number in range(2 * MOST_IDS)]
    for number, pair in enumerate(pairwise(people)):
        bank.ingest(
            [sent("identity.linked", one, key_kind=STRONG, key=f"key-{number}") for one in pair], now=Instant(NOW)
        )

    persons = [bank.profile(one, now=NOW).person for one in people]

    assert max(Counter(persons).values()) == MOST_IDS
    with bank.context.store.read() as reader:
        refused = reader.letters(limit=10)
    assert [letter.field for letter in refused] == ["data.key"]
    assert refused[0].shape == f"a key that makes one person of {MOST_IDS + 1} customers"
    proven(bank)


@pytest.mark.parametrize("order", list(permutations(("yes", "no", "silent"))), ids="-".join)
def test_what_three_ids_allow_together_is_what_each_of_them_allows_in_whatever_order_they_meet(
    bank: Bank, order: tuple[str, ...]
) -> None:
    for customer in order:
        bank.ingest(spends(customer), now=NOW)
    says(bank, "yes")
    says(bank, "no")
    says(bank, "no", "withdraw", source="transactions")
    shares(bank, "first", *order[:2])
    shares(bank, "second", *order[1:])

    assert {bank.profile(one, now=NOW).person for one in order} == {"no"}
    for customer in order:
        assert "granted" not in states(bank, customer)
        assert used_of(bank, customer) == set()

    says(bank, "silent", now=NOW + 1)
    for customer in order:
        assert "transactions" not in used_of(bank, customer, now=NOW + 2)
        assert "granted" in states(bank, customer, now=NOW + 2)
    says(bank, "yes", now=NOW + 3)  # a new yes of one opens nothing that another said no to
    for customer in order:
        assert "transactions" not in used_of(bank, customer, now=NOW + 4)
    says(bank, "no", now=NOW + 5)
    for customer in order:
        assert "transactions" in used_of(bank, customer, now=NOW + 6)
    proven(bank)


def test_a_no_of_each_id_shuts_what_all_had_opened_and_a_third_id_flips_nothing_back(bank: Bank) -> None:
    for customer in ("a", "b"):
        says(bank, customer)
        bank.ingest(spends(customer), now=NOW)
    shares(bank, "k", "a", "b")
    assert "transactions" in used_of(bank, "a")
    for first, second in (("a", "b"), ("b", "a")):
        says(bank, first, "withdraw", source="transactions")
        assert "transactions" not in used_of(bank, second) | used_of(bank, first)
        says(bank, "c")
        shares(bank, f"third-{first}", "c", second)
        assert "transactions" not in used_of(bank, "c") | used_of(bank, second) | used_of(bank, first)
        gives_up(bank, f"third-{first}", "c")
        says(bank, first, source="transactions")
        assert "transactions" in used_of(bank, second)
    proven(bank)


def test_a_link_taken_back_and_made_again_leaves_everything_as_it_would_be(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        for customer in ("a", "b"):
            says(bank, customer)
            bank.ingest(spends(customer), now=NOW)
        apart = [values(bank, customer) for customer in ("a", "b")]
        shares(bank, "k", "a", "b")
        both = [values(bank, customer) for customer in ("a", "b")]
        assert both[0] == both[1] != apart[0]
        for round_ in range(3):
            moment = NOW + round_
            gives_up(bank, "k", "a" if round_ % 2 else "b", now=moment)
            assert [values(bank, customer) for customer in ("a", "b")] == apart
            used_of(bank, "a", now=moment)
            shares(bank, "k", "a" if round_ % 2 else "b", now=moment)
            assert [values(bank, customer) for customer in ("a", "b")] == both
            used_of(bank, "b", now=moment)
        says(bank, "b", "withdraw", now=NOW + 3 * DAY)
        assert used_of(bank, "a", now=NOW + 3 * DAY) == set()
        gives_up(bank, "k", "b", now=NOW + 4 * DAY)
        assert "transactions" in used_of(bank, "a", now=NOW + 4 * DAY)
        proven(bank)
    with marketofone.open(project, now=NOW) as again:  # another process folds the same
        assert "transactions" in used_of(again, "a", now=NOW + 4 * DAY)
        assert used_of(again, "b", now=NOW + 4 * DAY) == set()
        proven(again)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_key_that_was_taken_back_joins_nobody_by_a_link_that_is_older_and_arrives_late(
    project: Path, order: tuple[int, ...]
) -> None:
    told = [
        sent("identity.linked", "a", at=NOW - 3 * DAY, key_kind=STRONG, key="k"),
        sent("identity.linked", "b", at=NOW - 3 * DAY, key_kind=STRONG, key="k"),
        sent("identity.unlinked", "b", at=NOW - 2 * DAY, key_kind=STRONG, key="k"),
    ]
    with marketofone.open(project, now=NOW) as bank:
        for customer in ("a", "b"):
            says(bank, customer)
            bank.ingest([pays(customer, 100, "salary")], now=NOW)
        for place in order:
            bank.ingest([told[place]], now=NOW)
        proven(bank)
    with marketofone.open(project, now=NOW) as again:
        assert [again.profile(one, now=NOW).person for one in ("a", "b")] == ["a", "b"]
        assert values(again, "a")["income_30d"] == 100

        shares(again, "k", "b", now=NOW - DAY)  # linked again, later than it was taken back
        assert [again.profile(one, now=NOW).person for one in ("a", "b")] == ["a", "a"]
        assert values(again, "b")["income_30d"] == 200
        again.ingest([sent("identity.linked", "b", at=NOW - 3 * DAY, id="late", key_kind=STRONG, key="k")], now=NOW)
        assert again.profile("b", now=NOW).person == "a", "nor does it part who was linked since"
        proven(again)


def test_an_event_that_arrived_under_two_ids_of_one_person_counts_once(bank: Bank) -> None:
    for customer in ("a", "b"):
        says(bank, customer)
    bank.ingest([pays("a", -700, "dining", id="one-meal"), pays("b", -700, "dining", id="one-meal")], now=NOW)
    assert values(bank, "a")["dining_30d"] == values(bank, "b")["dining_30d"] == 700
    shares(bank, "k", "a", "b")
    assert values(bank, "a")["dining_30d"] == values(bank, "b")["dining_30d"] == 700
    proven(bank)


def test_what_arrives_for_one_id_is_judged_by_what_all_ids_of_the_person_allow(bank: Bank) -> None:
    says(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    says(bank, "b", "withdraw", source="messages")
    report = bank.ingest([sent("message.received", "a", text="i lost my job")], now=NOW)
    assert (report.events, report.refused) == (1, 1)


def foreseen_of(bank: Bank, customer: str) -> bool:
    """Say whether decisions about a person know of a forecast."""
    with bank.context.store.read() as reader:
        return bank.context.snapshot(reader).person(customer).forecast is not None


def look_ahead_together(bank: Bank) -> None:
    """Look ahead for two ids that both say yes and are one person."""
    for customer in ("anna", "boris"):
        says(bank, customer)
        bank.ingest(spends(customer), now=NOW)
    shares(bank, "one-key", "anna", "boris", kind=STRONG)
    bank.forecast("anna", now=NOW)


def test_a_later_yes_brings_no_forecast_back_that_the_no_of_another_id_ended(bank: Bank) -> None:
    look_ahead_together(bank)
    assert foreseen_of(bank, "boris")

    says(bank, "boris", "withdraw", source="transactions", now=NOW + 1)
    assert not foreseen_of(bank, "anna")
    says(bank, "boris", now=NOW + 2)
    assert not foreseen_of(bank, "anna")
    assert not foreseen_of(bank, "boris")

    bank.forecast("boris", now=Instant(NOW + 3))
    assert foreseen_of(bank, "anna")
    proven(bank)


def test_a_forecast_of_two_linked_ids_says_nothing_of_one_of_them_alone(bank: Bank) -> None:
    look_ahead_together(bank)

    gives_up(bank, "one-key", "boris", kind=STRONG)
    assert not foreseen_of(bank, "anna")
    assert not foreseen_of(bank, "boris")
    proven(bank)


def test_an_account_that_is_called_like_a_customer_stands_for_nobody_else(bank: Bank) -> None:
    for one in ("victim", "attacker"):
        says(bank, one)
    bank.ingest([sent("identity.linked", "attacker", key_kind="account", key="victim")], now=NOW)
    bank.ingest([sent("identity.linked", "attacker", key_kind="device", key="phone")], now=NOW)
    assert whose(bank.context, "victim") == "victim"
    assert whose(bank.context, "device:phone") == "device:phone"


def test_an_account_of_two_customers_names_neither(bank: Bank) -> None:
    for one in ("a", "b"):
        says(bank, one)
        bank.ingest([sent("identity.linked", one, key_kind="account", key="joint")], now=NOW)
    with pytest.raises(MalformedRequest, match="2 customers"):
        whose(bank.context, "joint")
