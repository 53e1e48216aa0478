"""What mattered to a decision: made again without each source that it looked at, one source at a time.

A source *mattered* to a place of a decision when the same decision, made again as if the person had withdrawn that
source just before, for every purpose for which the decision looked at it, has another action at that place. All else
stays: documents, version, draws, and what the other sources tell. So it is recomputed, and never guessed from weights.

Two sources that say the same can each be missed: then none of them mattered alone, and it is asked once more without
all of them (``together``). What a bank uses by law nobody can withdraw: it is never left out, and is not told here.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.ledger import ConsentChange, apply
from marketofone.decide import engine
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Instant
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.services.decisions.otherwise import ANOTHER_RELEASE, MadeAgain
from marketofone.services.decisions.rests import Rests


class Without(Struct, frozen=True, kw_only=True):
    """What would have been chosen without some sources, and the decision that says so."""

    sources: tuple[str, ...]
    action: str
    decision: Decision


class Mattered(Struct, frozen=True, kw_only=True):
    """What mattered to one place of a decision, and what was looked at and did not.

    ``together`` says what would have been chosen without any of them, where none mattered alone; None where it is the
    same. ``untold`` says why it cannot be told.
    """

    each: tuple[Without, ...] = ()
    did_not: tuple[str, ...] = ()
    together: Without | None = None
    untold: str = ""


def what_mattered(again: MadeAgain | str, *, slot: int) -> Mattered:
    """Make a decision, which came out again as it was recorded, without each source that it looked at."""
    if isinstance(again, str):
        return Mattered(untold=again)
    try:
        return _Fewer(again, slot=slot).mattered()
    except MarketOfOneError:  # an earlier release kept what this one does not read
        return Mattered(untold=ANOTHER_RELEASE)


def without(rests: Rests, scopes: Collection[Scope], *, at: Instant) -> Person:
    """Give a person as they were then, had they withdrawn some sources just before, for the purposes beside them."""
    person, own = rests.person, rests.person.own
    change = ConsentChange(
        customer=person.asked.name,
        change="withdraw",
        purposes=tuple(dict.fromkeys(name for name, _ in scopes)),
        sources=tuple(dict.fromkeys(source for _, source in scopes)),
        channels=tuple(rests.snapshot.config.policy.channels),
        since=at,
    )
    return person.telling(replace(own, consents=apply(own.consents, change)))


class _Fewer:
    """Makes one decision again, with fewer sources."""

    def __init__(self, again: MadeAgain, *, slot: int) -> None:
        self._again, self._rests, self._made, self._slot = again, again.rests, again.made, slot

    def mattered(self) -> Mattered:
        """Leave out one source after the other."""
        purposes = self._rests.snapshot.config.policy.purposes
        free = [(name, source) for name, source in self._made.uses if purposes[name].basis == "consent"]
        sources = list(dict.fromkeys(source for _, source in free))
        without = {source: self._without([source]) for source in sources}
        each = tuple(one for one in without.values() if one is not None)
        did_not = tuple(source for source, one in without.items() if one is None)
        together = self._without(sources) if len(sources) > 1 and not each else None
        return Mattered(each=each, did_not=did_not, together=together)

    def _without(self, sources: Collection[str]) -> Without | None:
        """Decide without some sources; None where the same is chosen."""
        made = self._made
        scopes = [(name, source) for name, source in made.uses if source in sources]
        other = self._decided(without(self._rests, scopes, at=made.at))
        action = self._action(other)
        return None if action == self._action(made) else Without(sources=tuple(sources), action=action, decision=other)

    def _decided(self, person: Person) -> Decision:
        return engine.decide(self._made.request, self._again.asked(person), self._rests.snapshot.config.compiled)

    def _action(self, decision: Decision) -> str:
        places = decision.places
        return places[self._slot - 1].action if self._slot <= len(places) else NOTHING
