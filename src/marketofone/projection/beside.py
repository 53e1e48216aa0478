"""Accounts under several names: the state of a source in which each counts once, alone and beside the other source.

What is told under several names cannot be taken out of a fold, so the source is folded from the beginning as it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from math import fsum
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.consent.gate import renamed
from marketofone.consent.licence import run_out
from marketofone.domain.account_numbers import account_number
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.money_events import AccountOpened
from marketofone.features.state import ELSEWHERE, HERE, MONEY, AdmittedEvent, LiveState, emptied
from marketofone.profile.account_types import SHARE, account_shares
from marketofone.profile.same_accounts import (
    NO_ALIASES,
    Aliases,
    Name,
    Told,
    account_told,
    aliases_in,
    alike,
    counted,
    counts_beside,
    told_twice,
)
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.folding import admitted, fold_more
from marketofone.projection.journals import JournalReader, kept_of
from marketofone.projection.lineage import Withheld, withheld_from
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent
from marketofone.projection.records import KeptEvent

_READERS = ("both", "one", "whole")
_NOT_TOLD = Instant(-(2**62))
AsCounted = Callable[[Event], Event | None]
"""Gives an event under the one name of its account; None where what it tells is told under another name."""


def twice_in(states: Mapping[str, LiveState]) -> Aliases:
    """Give the accounts that both the source of accounts here and that of other banks tell, by their names there."""
    if not states.keys() >= MONEY:
        return NO_ALIASES
    return told_twice(_told(states[HERE]), _told(states[ELSEWHERE]))


def counting(states: Mapping[str, LiveState], *, calendar: Calendar) -> AsCounted:
    """Give what says how events count beside each other, for a reader to whom these sources are open."""
    twice = twice_in(states)

    def as_counted(event: Event) -> Event | None:
        state = states.get(event.source)
        as_told = event if state is None else counted(event, state.aliases, calendar=calendar)
        return as_told if as_told is not None and counts_beside(as_told, twice, calendar=calendar) else None

    return as_counted


def may_tell_twice(events: Iterable[Event]) -> bool:
    """Say whether an account may be told under several names by some events: it may where both sources tell of any."""
    names: dict[bool, set[Name]] = {True: set(), False: set()}
    numbers: dict[str, str] = {}
    for event in events:
        name = account_told(event.data)
        if name is not None:
            names[event.source == ELSEWHERE].add(name)
            number = getattr(event.data, "number", None)
            numbers |= {} if number is None else {name[0]: account_number(number)}
    return all(names.values()) or any(alike(some, numbers, elsewhere=of) for of, some in names.items())


class _Asked(NamedTuple):
    """About whom is asked, as of when, and at which moment permission is judged."""

    reader: JournalReader
    person: Person
    config: BankConfig
    now: Instant
    judged: Instant
    withheld: Withheld


class _Money(NamedTuple):
    """The states of accounts here and at other banks, as they were folded."""

    here: LiveState | None
    elsewhere: LiveState | None

    def is_same(self, other: _Money) -> bool:
        return self.here is other.here and self.elsewhere is other.elsewhere


class Beside:
    """Folds what counts once, and remembers it for the people who were asked about last."""

    def __init__(self, *, people: int, states: int) -> None:
        self._folded: Recent[tuple[int, str, str], tuple[object, LiveState]] = Recent(room=people)
        # In which every account has one name; it keeps as many states alive as the projection does.
        self._plain: Recent[int, _Money] = Recent(room=max(states // len(_Money._fields), 1))

    def forget(self, subject: int) -> None:
        """Forget what was folded of a customer."""
        self._plain.drop(subject)
        for source in MONEY:
            for by in _READERS:
                self._folded.drop((subject, source, by))

    def settled(
        self,
        reader: JournalReader,
        person: Person,
        found: Mapping[str, LiveState],
        config: BankConfig,
        *,
        now: Instant,
        judged: Instant,
    ) -> dict[str, LiveState]:
        """Give the states of a person with each account once in its source, and what counts beside the other one."""
        subject, money = person.asked.subject, _Money(found.get(HERE), found.get(ELSEWHERE))
        known = self._plain.get(subject)
        if known is not None and known.is_same(money):  # nearly always: looked at once, and nothing came since
            return dict(found)
        withheld = withheld_from(found.keys(), person.consents.licences, now=judged, journals=person.states)
        folding = partial(self._fold, _Asked(reader, person, config, now, judged, withheld))
        states = dict(found)
        for source in sorted(MONEY & found.keys()):
            aliases = aliases_in(_told(found[source]))
            if aliases:
                states[source] = folding(found[source], aliases, NO_ALIASES)
        if len(person.members) > 1 and HERE in states and account_shares(states[HERE].registers):
            states[HERE] = _with_shares(states[HERE], kept_of(reader, person, frozenset({HERE})), now=now)
        twice = twice_in(states)
        if twice:
            elsewhere = states[ELSEWHERE]
            states[ELSEWHERE] = replace(elsewhere, beside=folding(found[ELSEWHERE], elsewhere.aliases, twice))
        if len(person.members) == 1 and _Money(states.get(HERE), states.get(ELSEWHERE)).is_same(money):
            self._plain.put(subject, money)
        return states

    def _fold(self, asked: _Asked, whole: LiveState, aliases: Aliases, twice: Aliases) -> LiveState:
        """Fold a source as it counts; ``whole`` is the fold of all that it tells."""
        reader, person, config, now, judged, withheld = asked
        only = frozenset({whole.source})
        over = run_out(person.consents.licences, judged)
        rests_on = person.last_kept(only), aliases, twice, whole.schema, whole.latest, over, withheld
        place = person.asked.subject, whole.source, _reader(twice, withheld)
        known = self._folded.get(place)
        if known is not None and known[0] == rests_on:
            return known[1]
        pairs = ((kept, event) for kept, event in kept_of(reader, person, only) if event.at <= now)
        by_source = admitted(
            pairs, consents=person.consents, config=config, now=judged, withheld=withheld, corrected=person.corrected
        )
        once = list(_once(by_source.get(whole.source, []), aliases, twice, calendar=config.calendar))
        folded = fold_more({}, {whole.source: once} if once else {}, config=config).get(whole.source)
        state = replace(folded or emptied(whole), aliases=aliases)
        self._folded.put(place, (rests_on, state))
        return state


def _reader(twice: Aliases, withheld: Withheld) -> str:
    """Name who reads what is folded: one who may use both sources, one who may use one, or one who reads it whole."""
    both, one, whole = _READERS
    return both if twice else one if withheld.scopes & MONEY else whole


def _once(
    events: Iterable[AdmittedEvent], aliases: Aliases, twice: Aliases, *, calendar: Calendar
) -> Iterator[AdmittedEvent]:
    for told, reading in events:
        event = counted(told.event, aliases, calendar=calendar)
        if event is not None and counts_beside(event, twice, calendar=calendar):
            name = account_told(event.data)
            yield (told if name is None or event is told.event else renamed(told, name[0])), reading


def _with_shares(state: LiveState, pairs: Iterable[tuple[KeptEvent, Event]], *, now: Instant) -> LiveState:
    """Give the state of several ids of one person with what they hold together; an id that tells no share holds all."""
    held: dict[str, dict[str, tuple[Instant, bytes, float]]] = {}
    for _, event in pairs:
        data = event.data
        if isinstance(data, AccountOpened) and event.at <= now:
            alias = state.aliases.get((data.account, data.currency))
            each = held.setdefault(data.account if alias is None else alias.account, {})
            told = (_NOT_TOLD, b"", 1.0) if data.share is None else (event.at, event.key, data.share)
            each[event.customer] = max(each.get(event.customer, told), told)
    together = {
        name: replace(register, value=min(1.0, fsum(sorted(share for *_, share in held[account].values()))))
        for name, register in state.registers.items()
        if name.startswith(SHARE) and (account := name.removeprefix(SHARE)) in held
    }
    return replace(state, registers={**state.registers, **together}) if together else state


def _told(state: LiveState) -> Told:
    return Told(state.registers, state.ledger, elsewhere=state.source == ELSEWHERE)
