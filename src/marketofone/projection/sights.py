"""What was seen of people lately: looked at again only when something came, was allowed otherwise, or time tells more.

A sight is remembered beside all that it was made of, and is given again only where each of these is the very same: the
states, with what they say alone and beside others, the sources that each purpose may use, the declarations. And only
until the first moment at which a value would be another one although nothing came (:func:`.vector.unchanged_until`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from marketofone.consent.gate import Permit
from marketofone.domain.moment import Instant
from marketofone.features.state import LiveState
from marketofone.features.vector import Seen, see_all, unchanged_until
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.recent import Recent


class _Sight(NamedTuple):
    """What purposes saw, from the moment of looking until another one, and what it was made of."""

    since: Instant
    until: Instant
    states: Mapping[str, LiveState]
    opened: tuple[tuple[str, frozenset[str]], ...]
    config: BankConfig
    seen: dict[str, Seen]

    def is_of(self, states: Mapping[str, LiveState], config: BankConfig) -> bool:
        return (
            self.config is config
            and self.states.keys() == states.keys()
            and all(_is_same(self.states[source], state) for source, state in states.items())
        )


class Sights:
    """Remembers what was seen of the people who were looked at last."""

    def __init__(self, *, people: int) -> None:
        self._known: Recent[int, _Sight] = Recent(room=people)

    def forget(self, subject: int) -> None:
        """Forget what was seen of a customer."""
        self._known.drop(subject)

    def see(
        self,
        subject: int,
        states: Mapping[str, LiveState],
        *,
        permits: Sequence[Permit],
        config: BankConfig,
        now: Instant,
    ) -> dict[str, Seen]:
        """See a person for several purposes. Raises as :func:`.vector.see_all` does."""
        opened = tuple([(permit.purpose, permit.sources) for permit in permits])
        known = self._known.get(subject)
        if known and known.since <= now < known.until and known.opened == opened and known.is_of(states, config):
            return known.seen
        catalogue, calendar = config.features, config.calendar
        seen = see_all(states, permits=permits, catalogue=catalogue, calendar=calendar, now=now)
        each = [told for state in states.values() for told in (state, state.alone, state.beside) if told is not None]
        until = unchanged_until(each, catalogue=catalogue, calendar=calendar, now=now)
        self._known.put(subject, _Sight(now, until, states, opened, config, seen))
        return seen


def _is_same(one: LiveState | None, other: LiveState | None) -> bool:
    """Say whether two states are put together of the very same parts, as they are each time that somebody looks."""
    if one is None or other is None or one is other:
        return one is other
    return (
        one.rows is other.rows
        and one.kept is other.kept
        and one.registers is other.registers
        and (one.latest, one.newest_day, one.first_day) == (other.latest, other.newest_day, other.first_day)
        and _is_same(one.alone, other.alone)
        and _is_same(one.beside, other.beside)
    )
