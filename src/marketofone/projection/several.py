"""States of people with several ids: what all their journals say together, each event once.

What was folded is remembered with how far each journal was read, and what comes later is folded into it, as for one id.
Only an event that one id tells and another told before cannot be folded beside it: then all is folded anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.consent.licence import GOVERNED, run_out
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant
from marketofone.features.state import LiveState, schema_of
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.folding import admitted, fold_more
from marketofone.projection.journals import JournalReader, kept_of
from marketofone.projection.lineage import Withheld, withheld_from
from marketofone.projection.parted import name_parted
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent
from marketofone.projection.records import KeptEvent
from marketofone.projection.reducer import SubjectState

_KEY_BYTES = 8
_NO_KEYS = np.zeros(0, dtype=np.uint64)


class _Told(NamedTuple):
    """The state of a source, and up to which entry of each journal it was folded.

    ``keys`` are the first bytes of the keys of the events that were read. ``ended`` and ``withheld`` say what is not in
    the state.
    """

    upto: Mapping[int, int]
    state: LiveState | None
    keys: NDArray[np.uint64]
    ended: frozenset[str]
    withheld: Withheld


class Several:
    """Folds journals together, and remembers it for the people who were asked about last."""

    def __init__(self, *, states: int) -> None:
        self._told: Recent[tuple[int, str], _Told] = Recent(room=states)

    def forget(self, subject: int) -> None:
        """Forget what was folded of a customer, under whichever of their ids."""
        for place, told in self._told.items():
            if subject in told.upto:
                self._told.drop(place)

    def states(
        self,
        reader: JournalReader,
        person: Person,
        wanted: Collection[str],
        config: BankConfig,
        *,
        judged: Instant,
    ) -> dict[str, LiveState]:
        """Give the states of some sources, each up to now, without what is withheld where only these are read."""
        licences = person.consents.licences
        withheld = withheld_from(wanted, licences, now=judged, journals=person.states)
        over = run_out(licences, judged)
        blank = {
            source: _Told(
                dict.fromkeys(person.states, 0), None, _NO_KEYS, over if source == GOVERNED else frozenset(), withheld
            )
            for source in wanted
        }
        first = min(person.states)
        schema = schema_of(config.features, config.calendar)
        before = {
            source: _standing(self._told.get((first, name_parted(source, withheld))), of, person, source, schema=schema)
            for source, of in blank.items()
        }
        pairs = _new(reader, person, before)
        if any(_meet(told.keys, _keys_of(pairs, source)) for source, told in before.items()):
            before, pairs = blank, _new(reader, person, blank)
        told = _fold(person, before, pairs, config, judged=judged)
        for source, one in told.items():
            self._remember((first, name_parted(source, withheld)), one)
        return {source: one.state for source, one in told.items() if one.state is not None}

    def _remember(self, place: tuple[int, str], told: _Told) -> None:
        known = self._told.get(place)
        is_older = (
            known is not None
            and known.upto.keys() == told.upto.keys()
            and any(known.upto[subject] > n for subject, n in told.upto.items())
        )
        if not is_older:
            self._told.put(place, told)


def _standing(known: _Told | None, blank: _Told, person: Person, source: str, *, schema: str) -> _Told:
    """Give what is remembered, where it is a beginning of what the journals say now; else nothing yet."""
    if known is None or known.upto.keys() != person.states.keys() or known[3:] != blank[3:]:
        return blank
    if known.state is not None and known.state.schema != schema:
        return blank
    each = ((known.upto[subject], state) for subject, state in person.states.items())
    return known if all(stands(n, state, source) for n, state in each) else blank


def stands(n: int, own: SubjectState, source: str) -> bool:
    """Say whether what was folded of a source up to an entry is a beginning of what its journal says now."""
    removed = own.removed.get(source)
    return n <= own.n and (removed is None or n >= removed.n)


def _new(reader: JournalReader, person: Person, before: Mapping[str, _Told]) -> list[tuple[KeptEvent, Event]]:
    """Read the events that are not folded yet."""
    if _is_up_to_date(person, before):
        return []
    after = {subject: {source: told.upto[subject] for source, told in before.items()} for subject in person.states}
    return list(kept_of(reader, person, before.keys(), after=after))


def _fold(
    person: Person,
    before: Mapping[str, _Told],
    pairs: Sequence[tuple[KeptEvent, Event]],
    config: BankConfig,
    *,
    judged: Instant,
) -> dict[str, _Told]:
    """Fold what is new into what stands before it."""
    states = {source: told.state for source, told in before.items()}
    withheld = next(iter(before.values())).withheld
    more = admitted(
        pairs,
        consents=person.consents,
        config=config,
        now=judged,
        before=states,
        withheld=withheld,
        corrected=person.corrected,
    )
    folded = fold_more(states, more, config=config)
    upto = {subject: state.n for subject, state in person.states.items()}
    return {
        source: told._replace(
            upto=upto, state=folded[source], keys=np.concatenate((told.keys, _keys_of(pairs, source)))
        )
        for source, told in before.items()
    }


def _is_up_to_date(person: Person, before: Mapping[str, _Told]) -> bool:
    return all(
        told.upto[subject] >= state.sources.get(source, 0)
        for source, told in before.items()
        for subject, state in person.states.items()
    )


def _keys_of(pairs: Sequence[tuple[KeptEvent, Event]], source: str) -> NDArray[np.uint64]:
    starts = b"".join([event.key[:_KEY_BYTES] for kept, event in pairs if kept.source == source])
    return np.frombuffer(starts, dtype=np.uint64)


def _meet(known: NDArray[np.uint64], new: NDArray[np.uint64]) -> bool:
    return bool(len(known) and len(new) and np.isin(new, known).any())
