"""A yes is for the version of a purpose that it was given to; a no is for every version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketofone.consent.gate import WHY, admissible, opened_by, permit, scope_state
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, apply, fold, together
from marketofone.consent.policy import Channel, ConsentPolicy, ConsentScope, DataSource, Purpose
from marketofone.consent.saying import brought, explicit
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant

NOW = Instant(20_000 * DAY)
NAMES = ("care", "offers")
SOURCES: tuple[Literal["app", "location"], ...] = ("app", "location")
EVERY = ("*",)


def at(care: int = 1, offers: int = 1) -> ConsentPolicy:
    """Give a policy whose purposes are in some versions."""
    return ConsentPolicy(
        purposes={
            "care": Purpose(
                title="Care", notice="We look.", gives="Quiet.", serves="care", sources=SOURCES, version=care
            ),
            "offers": Purpose(
                title="Offers", notice="We look.", gives="More.", serves="marketing", sources=SOURCES, version=offers
            ),
        },
        sources={name: DataSource(title=name, notice="Used.") for name in SOURCES},
        channels={"app": Channel(title="App"), "push": Channel(title="Push")},
    )


def says(
    change: Literal["grant", "withdraw"] = "grant", *purposes: str, sources: Sequence[str] = EVERY
) -> ConsentChange:
    return ConsentChange(
        customer="c-1", change=change, purposes=purposes or EVERY, sources=tuple(sources), channels=EVERY, since=NOW
    )


def spoken(*said: tuple[ConsentChange, ConsentPolicy]) -> Consents:
    return fold(explicit(change, policy=policy, now=NOW) for change, policy in said)


def open_for(purpose: str, consents: Consents, policy: ConsentPolicy) -> frozenset[str]:
    return permit(purpose, consents, customer="c-1", channel="app", policy=policy, now=NOW).sources


def test_a_new_version_ends_what_was_allowed_before_and_says_so() -> None:
    consents = spoken((says(), at()))
    assert open_for("care", consents, at()) == {"app", "location"}
    told = permit("care", consents, customer="c-1", channel="app", policy=at(care=2), now=NOW)
    assert (told.sources, dict(told.refused)) == (frozenset(), dict.fromkeys(SOURCES, WHY["changed"]))
    assert open_for("offers", consents, at(care=2)) == {"app", "location"}  # others go on
    assert opened_by("app", consents, policy=at(care=2), now=NOW) == ("offers",)
    assert not admissible("app", spoken((says("grant", "care"), at())), policy=at(care=2), now=NOW)


def test_a_yes_to_the_new_version_opens_it_and_not_the_old_one() -> None:
    consents = spoken((says("grant", "care"), at(care=2)))
    assert open_for("care", consents, at(care=2)) == {"app", "location"}
    assert open_for("care", consents, at()) == frozenset()


def test_a_no_is_for_every_version_also_where_the_bank_goes_back() -> None:
    consents = spoken((says(), at()), (says(), at(care=2)), (says("withdraw", "care"), at(care=2)))
    for version in (1, 2):
        assert open_for("care", consents, at(care=version)) == frozenset(), version
        scope = ConsentScope(purpose="care", source="app", channel="app")
        assert scope_state(scope, consents, policy=at(care=version), now=NOW) == "withdrawn"
    before = spoken((says(), at()), (says("withdraw", "care"), at(care=3)))
    assert open_for("care", before, at()) == frozenset()


def test_the_entry_names_the_versions_it_is_for_and_the_first_is_the_plain_name() -> None:
    first = explicit(says(), policy=at(), now=NOW)
    assert (first.purposes, first.versions, first.words) == (NAMES, msgspec.UNSET, NAMES)
    assert b"versions" not in msgspec.msgpack.encode(first)  # written as in the first releases
    second = explicit(says(), policy=at(care=2), now=NOW)
    assert (second.purposes, second.versions, second.words) == (NAMES, (2, 1), ("care@2", "offers"))


@pytest.mark.parametrize(("word", "accepted"), [("care", True), ("care@2", True), ("care@1", False), ("care@3", False)])
def test_a_yes_may_name_the_version_that_was_shown_and_no_other_than_the_present(word: str, *, accepted: bool) -> None:
    if accepted:
        assert explicit(says("grant", word), policy=at(care=2), now=NOW).words == ("care@2",)
        return
    with pytest.raises(MalformedRequest) as refused:
        explicit(says("grant", word), policy=at(care=2), now=NOW)
    assert refused.value.field == "purposes"
    assert "read its notice again" in refused.value.fix


def test_what_is_brought_opens_the_version_that_it_names() -> None:
    there = explicit(says(), policy=at(care=2), now=NOW)
    for version, open_here in ((1, False), (2, True)):
        here = brought(there, policy=at(care=version), now=NOW)
        assert here is not None
        assert bool(open_for("care", fold([here]), at(care=version))) is open_here
    with pytest.raises(MalformedRequest):
        brought(replace(there, versions=(2,)), policy=at(), now=NOW)


def test_of_several_ids_each_must_have_said_yes_to_the_present_version() -> None:
    new, old = spoken((says(), at(care=2))), spoken((says(), at()))
    assert open_for("care", together([new, old]), at(care=2)) == frozenset()
    assert open_for("care", together([new, new]), at(care=2)) == {"app", "location"}


class Said(NamedTuple):
    change: Literal["grant", "withdraw"]
    purpose: str
    source: str
    version: int


SAID = st.builds(Said, st.sampled_from(("grant", "withdraw")), st.sampled_from(NAMES), st.sampled_from(SOURCES),
                 st.integers(1, 3))  # fmt: skip


@given(st.lists(SAID, max_size=8), st.integers(1, 3))
def test_a_scope_is_open_if_the_last_that_counts_for_it_is_a_yes_to_this_version(
    history: list[Said], version: int
) -> None:
    """The simplest possible model: walk back until a no, whatever its version, or a yes to this very version."""
    consents = NEVER_ASKED
    for one in history:
        policy = at(care=one.version, offers=one.version)
        said = says(one.change, one.purpose, sources=(one.source,))
        consents = apply(consents, explicit(said, policy=policy, now=NOW))
    policy = at(care=version, offers=version)
    for purpose in NAMES:
        for source in SOURCES:
            counting = [
                one
                for one in history
                if (one.purpose, one.source) == (purpose, source)
                and (one.change == "withdraw" or one.version == version)
            ]
            expected = bool(counting) and counting[-1].change == "grant"
            assert (source in open_for(purpose, consents, policy)) is expected


@given(st.lists(SAID, max_size=6))
def test_no_new_version_ever_opens_anything(history: list[Said]) -> None:
    consents = NEVER_ASKED
    for one in history:
        policy = at(care=one.version, offers=one.version)
        said = says(one.change, one.purpose, sources=(one.source,))
        consents = apply(consents, explicit(said, policy=policy, now=NOW))
    fresh = at(care=4, offers=4)
    assert [open_for(purpose, consents, fresh) for purpose in NAMES] == [frozenset(), frozenset()]
