"""Laws of consent, for any history of grants and withdrawals, at any moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.consent.gate import WHY, Admitted, Gap, Refused, admissible, admissible_sources, admit, permit
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, apply, fold, together
from marketofone.consent.policy import ConsentPolicy, ConsentScope, parse_policy
from marketofone.consent.saying import brought, explicit
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import (
    KINDS,
    SOURCES,
    SWITCHABLE,
    AppOpened,
    ArrearsChanged,
    DistrictDescribed,
    Event,
    MessageReceived,
    PlaceVisited,
)
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import TransactionBooked

# Two purposes that share one source and have one each of their own, one duty, and `location`, which no purpose may use;
# `messages` is in a purpose but not in the bank's sources: what comes from there cannot be judged.
POLICY = parse_policy("""
[purposes.insights]
title = "Insights"
notice = "We look."
gives = "Numbers."
sources = ["transactions", "app"]

[purposes.marketing]
title = "Offers"
notice = "We choose."
gives = "Offers."
sources = ["app", "life_events", "messages"]

[purposes.protection]
title = "Protection"
notice = "The law asks it."
gives = "Peace."
basis = "legal_duty"
sources = ["protection"]

[sources]
transactions = { title = "Payments", notice = "Kept.", kept = true }
app = { title = "App", notice = "Used." }
life_events = { title = "Life", notice = "Told." }
location = { title = "Places", notice = "Coarse." }
protection = { title = "Arrears", notice = "Kept.", kept = true }

[channels]
app = { title = "App" }
phone = { title = "Phone" }
""")
CELLS = POLICY.scopes()
LATEST = 12  # moments are small numbers, so that beginnings, ends and questions meet
MOMENTS = st.integers(0, LATEST).map(Instant)
EVENTS: list[EventData] = [
    TransactionBooked(account="a", amount_minor=1, currency="EUR"),
    AppOpened(),
    MessageReceived(text="hello"),
    PlaceVisited(venue="airport"),
    ArrearsChanged(in_arrears=True),
    DistrictDescribed(name="n", region="r", figures={}),
]
KIND_OF = {structure: kind for kind, (structure, _) in KINDS.items()}


def words(*allowed: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(["*", *allowed]), min_size=1, max_size=2).map(tuple)


@st.composite
def changes(draw: st.DrawFn, *whats: Literal["grant", "withdraw"]) -> ConsentChange:
    change = draw(st.sampled_from(whats))
    since = draw(MOMENTS)
    ends = draw(st.none() | st.integers(1, 6)) if change == "grant" else None
    said = ConsentChange(
        customer="c-1",
        change=change,
        purposes=draw(words("insights", "marketing")),
        sources=draw(words("transactions", "app", "life_events")),
        channels=draw(words("app", "phone")),
        since=since,
        until=None if ends is None else Instant(since + ends),
    )
    return explicit(said, policy=POLICY, now=since)


NOES, YESES = changes("withdraw"), changes("grant")
HISTORIES = st.lists(NOES | YESES, max_size=6)


def says(history: Sequence[ConsentChange]) -> Consents:
    return fold(history)


def granted_cells(consents: Consents, now: Instant) -> set[ConsentScope]:
    return {scope for scope in CELLS if consents.state(scope, now) == "granted"}


def opened(consents: Consents, now: Instant) -> set[tuple[str, str, str]]:
    """Give every (purpose, channel, source) that some permit opens at a moment."""
    return {
        (purpose, channel, source)
        for purpose in POLICY.purposes
        for channel in POLICY.channels
        for source in permit(purpose, consents, customer="c-1", channel=channel, policy=POLICY, now=now).sources
    }


def happened(number: int, data: EventData) -> Event:
    return Event(id=str(number), producer="/t", kind=KIND_OF[type(data)], customer="c-1", at=Instant(number), data=data)


EVERYTHING = [happened(number, data) for number, data in enumerate(EVENTS)]


def admitted(consents: Consents, now: Instant) -> set[str]:
    return {
        verdict.event.source
        for verdict in admit(EVERYTHING, consents, policy=POLICY, now=now)
        if isinstance(verdict, Admitted)
    }


def about(change: ConsentChange, scope: ConsentScope) -> bool:
    return scope.purpose in change.purposes and scope.source in change.sources and scope.channel in change.channels


@given(history=HISTORIES, now=MOMENTS)
def test_of_everything_said_about_a_scope_the_last_entry_counts_whatever_date_it_names(
    history: list[ConsentChange], now: Instant
) -> None:
    consents = says(history)
    for scope in CELLS:
        last = next((change for change in reversed(history) if about(change, scope)), None)
        expected = "never"
        if last is not None and last.change == "withdraw":
            expected = "withdrawn"
        elif last is not None:
            assert last.until is not None
            expected = "not_yet" if now < last.since else "expired" if last.until <= now else "granted"
        assert consents.state(scope, now) == expected


@given(history=HISTORIES, no=NOES, place=st.integers(0, 6), now=MOMENTS)
def test_one_more_withdrawal_anywhere_in_the_history_never_opens_anything(
    history: list[ConsentChange], no: ConsentChange, place: int, now: Instant
) -> None:
    before, after = says(history), says([*history[:place], no, *history[place:]])
    assert granted_cells(after, now) <= granted_cells(before, now)
    assert opened(after, now) <= opened(before, now)
    assert admitted(after, now) <= admitted(before, now)


@given(history=HISTORIES, no=NOES)
def test_what_was_withdrawn_is_withdrawn_for_every_question_and_nothing_else_moved(
    history: list[ConsentChange], no: ConsentChange
) -> None:
    before, after = says(history), apply(says(history), no)
    for scope in CELLS:
        for moment in map(Instant, range(LATEST + 1)):
            if about(no, scope):
                assert after.state(scope, moment) == "withdrawn"
            else:
                assert after.state(scope, moment) == before.state(scope, moment)


@given(history=HISTORIES, yes=YESES, now=MOMENTS)
def test_one_more_grant_never_shuts_anything_while_it_holds(
    history: list[ConsentChange], yes: ConsentChange, now: Instant
) -> None:
    before, after = says(history), apply(says(history), yes)
    if yes.since <= now < (yes.until or now):
        assert granted_cells(before, now) <= granted_cells(after, now)
        assert opened(before, now) <= opened(after, now)
        assert admitted(before, now) <= admitted(after, now)


@given(history=HISTORIES, later=YESES, now=MOMENTS)
def test_a_grant_opens_nothing_at_a_moment_before_it_begins(
    history: list[ConsentChange], later: ConsentChange, now: Instant
) -> None:
    before, after = says(history), apply(says(history), later)
    if now < later.since:
        assert granted_cells(after, now) <= granted_cells(before, now)


@given(each=st.lists(HISTORIES, min_size=1, max_size=4), now=MOMENTS)
def test_what_several_ids_allow_is_what_each_of_them_allows_and_silence_is_a_no(
    each: list[list[ConsentChange]], now: Instant
) -> None:
    ids = [says(history) for history in each]
    both = together(ids)
    assert granted_cells(both, now) == set.intersection(*(granted_cells(one, now) for one in ids))
    assert opened(both, now) == set.intersection(*(opened(one, now) for one in ids))
    assert granted_cells(together([*ids, NEVER_ASKED]), now) == set()


def test_of_several_ids_that_say_no_the_first_one_is_shown() -> None:
    """The person is named by the first of their ids, and what is said of them is what it says."""
    changes: list[tuple[Literal["grant", "withdraw"], int]] = [("grant", 1), ("withdraw", 2), ("withdraw", 3)]
    said = [
        ConsentChange(
            customer=f"c-{at}",
            change=change,
            purposes=("insights",),
            sources=("app",),
            channels=("app",),
            since=Instant(at),
        )
        for change, at in changes
    ]
    shown = together([says([one]) for one in said]).validity(
        ConsentScope(purpose="insights", source="app", channel="app")
    )
    assert shown is not None
    assert (shown.granted, shown.since) == (False, 2)


@given(each=st.lists(HISTORIES, min_size=2, max_size=4), order=st.randoms(), now=MOMENTS)
def test_the_order_of_the_ids_of_a_person_says_nothing(
    each: list[list[ConsentChange]], order: random.Random, now: Instant
) -> None:
    ids = [says(history) for history in each]
    mixed = order.sample(ids, len(ids))
    one, other = together(ids), together(mixed)
    assert one.epoch == other.epoch
    assert {scope: one.state(scope, now) == "granted" for scope in CELLS} == {
        scope: other.state(scope, now) == "granted" for scope in CELLS
    }


@given(history=HISTORIES, now=MOMENTS)
def test_a_permit_and_the_ledger_agree_cell_by_cell_and_part_the_sources_of_the_purpose(
    history: list[ConsentChange], now: Instant
) -> None:
    consents = says(history)
    for purpose, spec in POLICY.purposes.items():
        for channel in POLICY.channels:
            granted = permit(purpose, consents, customer="c-1", channel=channel, policy=POLICY, now=now)
            assert (granted.customer, granted.purpose, granted.channel) == ("c-1", purpose, channel)
            assert granted.sources.isdisjoint(granted.refused)
            assert granted.sources | granted.refused.keys() == set(spec.sources)
            for scope in CELLS:
                if (scope.purpose, scope.channel) == (purpose, channel):
                    state = consents.state(scope, now)
                    assert (scope.source in granted.sources) == (state == "granted")
                    assert granted.refused.get(scope.source) == (None if state == "granted" else WHY[state])


@given(history=HISTORIES, now=MOMENTS)
def test_an_event_is_admitted_when_some_purpose_may_use_it_through_some_channel(
    history: list[ConsentChange], now: Instant
) -> None:
    consents = says(history)
    verdicts = admit(EVERYTHING, consents, policy=POLICY, now=now)

    assert [verdict.event for verdict in verdicts] == EVERYTHING
    for verdict in verdicts:
        source = verdict.event.source
        usable = any(scope.source == source for scope in granted_cells(consents, now))
        if source in ("reference", "protection"):
            assert isinstance(verdict, Admitted)
        elif source == "messages":
            assert isinstance(verdict, Gap)
        else:
            assert isinstance(verdict, Admitted if usable else Refused)


@given(history=HISTORIES)
def test_the_epoch_counts_every_change(history: list[ConsentChange]) -> None:
    consents = NEVER_ASKED
    for number, change in enumerate(history, start=1):
        consents = apply(consents, change)
        assert consents.epoch == number
    assert consents == says(history)
    granted = permit("insights", consents, customer="c-1", channel="app", policy=POLICY, now=Instant(0))
    assert granted.epoch == len(history)


@given(history=HISTORIES)
def test_consents_survive_as_bytes(history: list[ConsentChange]) -> None:
    consents = says(history)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(consents), type=Consents)
    assert again == consents
    assert again.epoch == consents.epoch


@given(history=HISTORIES, now=MOMENTS)
def test_a_duty_opens_what_it_protects_whatever_was_said_and_nothing_a_person_can_switch(
    history: list[ConsentChange], now: Instant
) -> None:
    granted = permit("protection", says(history), customer="c-1", channel="app", policy=POLICY, now=now)
    assert granted.sources == {"protection"}
    assert granted.refused == {}
    assert granted.sources.isdisjoint(SWITCHABLE)


@given(
    duty=st.lists(st.sampled_from(SOURCES), min_size=1, unique=True),
    consent=st.lists(st.sampled_from(SOURCES), unique=True),
)
def test_no_policy_can_be_made_in_which_a_duty_opens_a_switchable_source(duty: list[str], consent: list[str]) -> None:
    document = msgspec.to_builtins(POLICY)
    document["purposes"]["protection"]["sources"] = duty
    document["purposes"]["insights"]["sources"] = consent
    sound = set(duty).isdisjoint(SWITCHABLE) and set(consent) <= set(SWITCHABLE)
    if sound:
        assert {scope.source for scope in msgspec.convert(document, ConsentPolicy).scopes()} <= set(SWITCHABLE)
    else:
        with pytest.raises(MalformedDocument, match=r"^purposes\.(protection|insights)\.sources: "):
            msgspec.convert(document, ConsentPolicy)


@given(history=HISTORIES, moments=st.lists(MOMENTS, min_size=1, max_size=3), channel=st.sampled_from(["app", None]))
def test_what_was_judged_of_others_and_at_other_moments_changes_no_permit(
    history: list[ConsentChange], moments: list[Instant], channel: str | None
) -> None:
    fresh = ConsentPolicy(purposes=POLICY.purposes, sources=POLICY.sources, channels=POLICY.channels)
    for now in moments:
        for said in (history, history[:-1]):
            after = [
                permit("marketing", says(said), customer="c-1", channel=channel, policy=policy, now=now)
                for policy in (POLICY, fresh)
            ]
            assert after[0] == after[1]
            fresh.judged.clear()
            of_all = admissible_sources(says(said), policy=POLICY, now=now)
            assert of_all == {of for of in SOURCES if admissible(of, says(said), policy=POLICY, now=now)}


LESS = msgspec.structs.replace(
    POLICY,
    purposes={name: purpose for name, purpose in POLICY.purposes.items() if name != "marketing"},
    channels={"phone": POLICY.channels["phone"]},
)


@given(HISTORIES)
def test_what_is_brought_stands_as_it_stood_and_opens_no_more_where_less_is_asked(history: list[ConsentChange]) -> None:
    assert [brought(said, policy=POLICY, now=Instant(LATEST)) for said in history] == history
    here = [one for said in history if (one := brought(said, policy=LESS, now=Instant(LATEST))) is not None]
    for now in map(Instant, range(LATEST, LATEST + 8)):
        asked = {scope for scope in granted_cells(says(history), now) if scope in LESS.scopes()}
        assert granted_cells(says(here), now) == asked
