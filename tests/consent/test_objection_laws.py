"""Laws of an objection to marketing: it beats every grant, and ends when it is lifted by name."""

from __future__ import annotations

from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sayings import CHANGES, GRANTS, LATEST, MARKETING, MOMENTS, POLICY, SOURCES, opened, says, usable

from marketofone.consent.gate import WHY, permit, scope_state
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, together
from marketofone.consent.policy import parse_policy
from marketofone.consent.saying import explicit
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant

OBJECTION = explicit(
    ConsentChange(customer="c-1", change="object", since=Instant(0)), policy=POLICY, now=Instant(LATEST)
)
LIFTING = msgspec.structs.replace(OBJECTION, change="lift")
HISTORIES = st.lists(CHANGES, max_size=6)
UNLIFTED = st.lists(CHANGES.filter(lambda change: change.change != "lift"), max_size=6)


@given(before=HISTORIES, after=UNLIFTED, now=MOMENTS)
def test_after_an_objection_nothing_that_is_granted_opens_marketing_at_any_moment(
    before: list[ConsentChange], after: list[ConsentChange], now: Instant
) -> None:
    consents = says([*before, OBJECTION, *after])
    assert not any(purpose == MARKETING for purpose, _, _ in opened(consents, now))
    for channel in (None, *POLICY.channels):
        granted = permit(MARKETING, consents, customer="c-1", channel=channel, policy=POLICY, now=now)
        assert granted.sources == frozenset()


@given(before=UNLIFTED, after=UNLIFTED, now=MOMENTS)
def test_an_objection_moves_nothing_but_marketing(
    before: list[ConsentChange], after: list[ConsentChange], now: Instant
) -> None:
    plain, objected = says([*before, *after]), says([*before, OBJECTION, *after])
    assert {one for one in opened(plain, now) if one[0] != MARKETING} == opened(objected, now)


@given(before=HISTORIES, between=HISTORIES, after=HISTORIES, now=MOMENTS)
def test_lifting_gives_back_what_would_be_open_had_nobody_objected(
    before: list[ConsentChange], between: list[ConsentChange], after: list[ConsentChange], now: Instant
) -> None:
    def plain(some: list[ConsentChange]) -> list[ConsentChange]:
        return [change for change in some if change.change not in ("object", "lift")]

    lifted = says([*before, OBJECTION, *between, LIFTING, *plain(after)])
    assert opened(lifted, now) == opened(says(plain([*before, *between, *after])), now)


@given(each=st.lists(HISTORIES, min_size=1, max_size=3), which=st.integers(0, 2), now=MOMENTS)
def test_an_objection_under_any_id_of_a_person_counts_for_all(
    each: list[list[ConsentChange]], which: int, now: Instant
) -> None:
    ids = [says(history) for history in each]
    which %= len(ids)
    ids[which] = says([*each[which], OBJECTION])
    assert not any(purpose == MARKETING for purpose, _, _ in opened(together(ids), now))


@given(history=HISTORIES, now=MOMENTS)
def test_a_source_that_only_marketing_would_use_is_not_let_in_after_an_objection(
    history: list[ConsentChange], now: Instant
) -> None:
    consents = says([*history, OBJECTION])
    used = {source for _, _, source in opened(consents, now)}
    assert usable(consents, now) == used
    assert "life_events" not in used  # no other purpose asks for it


@given(history=HISTORIES, now=MOMENTS)
def test_every_scope_stands_as_permits_say_and_an_objection_is_told_where_something_was_granted(
    history: list[ConsentChange], now: Instant
) -> None:
    consents = says(history)
    for scope in POLICY.scopes():
        granted = permit(scope.purpose, consents, customer="c-1", channel=scope.channel, policy=POLICY, now=now)
        state = scope_state(scope, consents, policy=POLICY, now=now)
        assert (state == "granted") == (scope.source in granted.sources)
        assert granted.refused.get(scope.source) == (None if state == "granted" else WHY[state])


@given(history=HISTORIES)
def test_consents_with_an_objection_survive_as_bytes(history: list[ConsentChange]) -> None:
    consents = says(history)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(consents), type=Consents) == consents


@pytest.mark.parametrize("field", ["purposes", "sources", "channels"])
def test_an_objection_is_to_all_marketing_and_names_no_part_of_it(field: str) -> None:
    word = {"purposes": MARKETING, "sources": "app", "channels": "phone"}[field]
    for change in ("object", "lift"):
        said = ConsentChange(customer="c-1", change=change, since=Instant(0))
        with pytest.raises(MalformedRequest) as raised:
            explicit(msgspec.structs.replace(said, **{field: (word,)}), policy=POLICY, now=Instant(1))
        assert raised.value.field == field
        all_of_it = explicit(msgspec.structs.replace(said, **{field: ("*",)}), policy=POLICY, now=Instant(1))
        assert all_of_it == explicit(said, policy=POLICY, now=Instant(1))


def test_an_objection_that_names_a_past_date_holds_at_once_and_none_is_said_for_a_moment_ahead() -> None:
    past = msgspec.structs.replace(OBJECTION, since=Instant(1))
    assert says([GRANTS["everything"], past]).objects
    ahead = ConsentChange(customer="c-1", change="object", since=Instant(LATEST + 1))
    with pytest.raises(MalformedRequest) as raised:
        explicit(ahead, policy=POLICY, now=Instant(LATEST))
    assert raised.value.field == "since"


def test_an_objection_names_what_it_closes_today_and_holds_for_what_serves_marketing_later() -> None:
    text = (files("marketofone") / "template" / "consent.toml").read_text(encoding="utf-8")
    moved = text.replace('serves = "marketing"', "").replace('serves = "personalisation"', 'serves = "marketing"')
    now, policy, other = Instant(20_000 * DAY), parse_policy(text), parse_policy(moved)
    every = ("*",)
    yes = ConsentChange(customer="c-1", change="grant", purposes=every, sources=every, channels=every, since=now)
    no = ConsentChange(customer="c-1", change="object", since=now)
    said = [explicit(one, policy=policy, now=now) for one in (yes, no)]
    assert (said[1].purposes, said[1].channels) == (("marketing",), policy.ways)
    consents = says(said)

    def open_to(purpose: str, *, under: object) -> bool:
        chosen = other if under is other else policy
        return bool(permit(purpose, consents, customer="c", channel="app", policy=chosen, now=now).sources)

    assert (open_to("marketing", under=policy), open_to("personalisation", under=policy)) == (False, True)
    assert (open_to("marketing", under=other), open_to("personalisation", under=other)) == (True, False)


def test_whoever_never_spoke_objects_to_nothing_and_is_told_that_they_allowed_nothing() -> None:
    assert not NEVER_ASKED.objects
    refused = permit(MARKETING, says([OBJECTION]), customer="c-1", channel="app", policy=POLICY, now=Instant(0)).refused
    assert set(refused.values()) == {WHY["never"]}
    assert set(refused) == SOURCES[MARKETING]
