"""What a diff replaces: one document by another text, or the version that decides. Two sides of each past decision.

The *present* side is what the bank would decide with as it stands: what was recorded, where the decision rests on just
that; else it is computed again, for instance where the document has changed since. The *changed* side is the same with
the replacement. Everything else stays as it was when the decision was made.

A version is what was learned from outcomes: of the version that was in use then, the beliefs are replaced. What fits
trained from all people together (the affinity) is as it was, for a training takes effect at once in every version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from msgspec import Struct

from marketofone.domain.errors import UnknownVersion
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, read_config
from marketofone.projection.bank_state import BankState
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.decisions.rests import BankHistory
from marketofone.services.proof.replay import Found
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import BANK, Reader


class Change(Struct, frozen=True, kw_only=True):
    """A replacement, and from where on its worth is measured.

    ``document`` is replaced by ``text``, or where there is none, the beliefs by those of ``version``; the present side
    then decides by ``present``, None for whichever version the bank followed at the time. Decisions that rest on the
    bank's journal up to an entry before ``since`` taught one of the two sides, so they tell nothing of its worth.
    ``valued_only`` leaves them out altogether.
    """

    document: str | None = None
    text: str = ""
    version: int = 0
    present: int | None = None
    since: int = 0
    valued_only: bool = False

    @property
    def name(self) -> str:
        """What is changed, in words."""
        return self.document or f"version {self.version}"


class Side(NamedTuple):
    """What one side of a decision is computed with."""

    config: BankConfig
    policy: PolicySnapshot


class Sides(NamedTuple):
    """The changed side, and the present one: None where what was recorded is what it would decide."""

    changed: Side
    present: Side | None


def version_change(bank: BankState, version: int, *, valued_only: bool = False) -> Change:
    """Give the change that lets decisions follow a version, beside the one that they follow now.

    Where no version was promoted, that is at each moment the newest one then.

    Raises
    ------
    UnknownVersion
    """
    if version and (version not in bank.versions or version > bank.n):
        raise UnknownVersion
    compared = (version,) if bank.promoted is None else (version, bank.promoted)
    since = max(taught_until(bank, one) for one in compared)
    return Change(version=version, present=bank.promoted, since=since, valued_only=valued_only)


def taught_until(bank: BankState, version: int) -> int:
    """Give the last version that learned from outcomes, of one and all that it was made from; 0 where none did.

    What was decided before it was recorded may have taught it. From what was decided later it learned nothing.
    """
    while version and not bank.versions[version].lessons:
        version = bank.versions[version].parent
    return version


def sides_of(context: AppContext, reader: Reader, history: BankHistory, change: Change) -> Callable[[Found], Sides]:
    """Give what finds the two sides of a decision."""
    if change.document is None:
        return lambda found: _versions(context, reader, history, change, found)
    documents = _Documents(context, reader, history.last, change.document, change.text)
    return lambda found: documents.sides(history, found)


class _Documents:
    """The documents of each moment with one of them replaced: by the new text, and by the text that is in force."""

    def __init__(self, context: AppContext, reader: Reader, last: BankState, name: str, text: str) -> None:
        self._context, self._reader, self._last, self._name, self._text = context, reader, last, name, text
        self._texts: dict[int, dict[str, str]] = {}
        self._configs: dict[tuple[int, str], BankConfig] = {}
        self._in_force = self._texts_at(last.documents)[name]

    def sides(self, history: BankHistory, found: Found) -> Sides:
        """Give both sides of a decision."""
        entry = history.at(found.record.rests_on.bank).documents
        as_in_force = self._texts_at(entry)[self._name] == self._in_force
        version = found.record.rests_on.version
        changed = self._side(entry, self._text, version=version)
        return Sides(changed, None if as_in_force else self._side(entry, self._in_force, version=version))

    def _side(self, entry: int, text: str, *, version: int) -> Side:
        config = self._configs.get((entry, text))
        if config is None:
            config = read_config({**self._texts_at(entry), self._name: text})
            self._configs[entry, text] = config
        return Side(config, self._context.versions.policy(self._reader, self._last, version, config=config))

    def _texts_at(self, entry: int) -> dict[str, str]:
        if entry not in self._texts:
            found = next(iter(self._reader.entries(BANK, after=entry - 1, upto=entry)))
            self._texts[entry] = codec.read(found, box=self._context.keys.bank).texts
        return self._texts[entry]


def _versions(context: AppContext, reader: Reader, history: BankHistory, change: Change, found: Found) -> Sides:
    rests_on = found.record.rests_on
    then = history.at(rests_on.bank)
    config = context.configs.at(reader, then)

    def side(version: int) -> Side:
        policy = context.versions.policy(reader, history.last, version, config=config)
        fits = context.versions.policy(reader, history.last, rests_on.version, config=config)
        return Side(config, replace(policy, affinity=fits.affinity))

    present = then.decides if change.present is None else change.present
    decided, asked = (context.versions.version(history.last, number) for number in (rests_on.version, present))
    return Sides(side(change.version), None if decided.beliefs == asked.beliefs else side(present))
