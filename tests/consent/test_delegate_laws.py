"""Laws of what delegates say: it never opens what the person refused, and their stops are the person's to end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sayings import CHANGES, MOMENTS, opened, says

from marketofone.consent.ledger import EVERY, ConsentChange, apply, stopped_by_person, together
from marketofone.domain.moment import Instant

OWN = st.lists(CHANGES, max_size=5)
LENT = CHANGES.map(lambda change: replace(change, delegate="Ann"))
BOTH = st.lists(CHANGES | LENT, max_size=6)


@given(before=OWN, lent=st.lists(LENT, max_size=4), now=MOMENTS)
def test_whatever_a_delegate_says_opens_no_scope_whose_last_own_word_is_a_no(
    before: list[ConsentChange], lent: list[ConsentChange], now: Instant
) -> None:
    own = says(before)
    for purpose, channel, source in opened(says([*before, *lent]), now) - opened(own, now):
        last = next((one for one in reversed(before) if _about(one, purpose, source, channel)), None)
        assert last is None or last.change == "grant"


def _about(change: ConsentChange, purpose: str, source: str, channel: str) -> bool:
    named = purpose in change.purposes and source in change.sources and channel in change.channels
    return named and change.change in ("grant", "withdraw")


@given(history=BOTH, lent=LENT.filter(lambda change: change.change in ("withdraw", "object")), now=MOMENTS)
def test_a_no_of_a_delegate_opens_nothing(history: list[ConsentChange], lent: ConsentChange, now: Instant) -> None:
    assert opened(says([*history, lent]), now) <= opened(says(history), now)


@given(history=BOTH, no=CHANGES.filter(lambda change: change.change == "withdraw"), lent=st.lists(LENT, max_size=3))
def test_what_the_person_refuses_last_stays_closed_whatever_a_delegate_says_then(
    history: list[ConsentChange], no: ConsentChange, lent: list[ConsentChange]
) -> None:
    consents = says([*history, no, *lent])
    for moment in map(Instant, range(13)):
        assert not any(_about(no, purpose, source, way) for purpose, way, source in opened(consents, moment))


@given(own=OWN, now=MOMENTS)
def test_people_without_a_delegate_are_folded_as_before(own: list[ConsentChange], now: Instant) -> None:
    consents = says(own)
    assert (consents.lent, consents.lent_stops) == ((), ())
    assert all(stopped_by_person(consents, name, now=now) for name in consents.paused(now))


@given(one=BOTH, other=BOTH, now=MOMENTS)
def test_what_any_id_of_a_person_stops_themselves_is_theirs(
    one: list[ConsentChange], other: list[ConsentChange], now: Instant
) -> None:
    each = [says(one), says(other)]
    both = together(each)
    assert stopped_by_person(both, EVERY, now=now) == any(stopped_by_person(of, EVERY, now=now) for of in each)
    for name in both.paused(now):
        owned = any(dict(of.pauses).get(name) and name not in of.lent_stops for of in each)
        assert stopped_by_person(both, name, now=now) == owned


@given(history=BOTH)
def test_a_state_does_not_grow_with_what_is_said_again(history: list[ConsentChange]) -> None:
    consents = says(history)
    for change in (*history, *history):
        consents = apply(consents, change)
    size = len(consents.said)
    for change in history:
        consents = apply(consents, change)
    assert len(consents.said) <= size
