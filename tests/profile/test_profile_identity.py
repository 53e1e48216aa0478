"""Customers that share a strong key are one person, whatever order the links come in, and merging can be undone."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from marketofone.profile.identity import Link, Links

CUSTOMERS = [f"c-{number}" for number in range(6)]
LINKS = st.sets(
    st.builds(Link, st.sampled_from(["device", "email_hash"]), st.sampled_from("abc"), st.sampled_from(CUSTOMERS))
)


def resolved(links: Iterable[Link]) -> dict[str, tuple[str, ...]]:
    known = Links()
    for link in links:
        known.add(link)
    return {customer: known.members(customer) for customer in CUSTOMERS}


@given(LINKS)
def test_two_customers_of_one_key_are_one_person_named_by_the_smallest_id(links: set[Link]) -> None:
    members = resolved(links)

    for one in links:
        for other in links:
            if one[:2] == other[:2]:
                assert members[one.customer] == members[other.customer]
    for customer, together in members.items():
        assert customer in together
        assert list(together) == sorted(together)


@given(LINKS, st.data())
def test_the_order_of_links_does_not_matter(links: set[Link], data: st.DataObject) -> None:
    assert resolved(data.draw(st.permutations(sorted(links)))) == resolved(sorted(links))


@given(LINKS, LINKS, st.data())
def test_merging_and_splitting_again_leaves_no_trace(links: set[Link], more: set[Link], data: st.DataObject) -> None:
    known = Links()
    for link in sorted(links | more):
        known.add(link)
    for link in data.draw(st.permutations(sorted(more - links))):
        known.remove(link)

    assert {customer: known.members(customer) for customer in CUSTOMERS} == resolved(links)


def test_a_link_that_does_not_stand_can_be_taken_back_without_harm() -> None:
    known = Links()
    known.remove(Link("device", "a", "c-1"))

    assert known.person("c-1") == "c-1"
