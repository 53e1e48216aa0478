"""What the bank's own journal says: the documents in force, the board's rulings, and the active version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.help import Help
from marketofone.domain.moment import Instant
from marketofone.governance.board import NO_RULINGS, BoardState
from marketofone.governance.board import apply as apply_ruling
from marketofone.projection.records import (
    HelpRecord,
    PromotionRecord,
    RatesRecord,
    RollbackRecord,
    RulingRecord,
    Stage,
    VersionRecord,
)
from marketofone.store.ports import GUARDING, Entry

Digests = Mapping[str, bytes]


class VersionInfo(Struct, frozen=True):
    """One version: its entry, its parent, when it was recorded and as of when, how many lessons."""

    n: int
    parent: int
    recorded: Instant
    at: Instant
    lessons: int
    why: str
    changed: Mapping[str, bytes | None]


class Trial(Struct, frozen=True):
    """A version that decides for a share of people, and the entry by which it began to."""

    version: int
    share: float
    began: int


class BankState(Struct, frozen=True):
    """The bank's journal up to entry ``n``.

    ``documents`` is the entry of the documents in force and ``digests`` gives for each entry of documents their digest.
    ``version`` is the entry of the version that learning goes on from, 0 for none; decisions follow it too, unless
    ``promoted`` names another. ``trial`` is a version that decides for a share of people. ``rates`` is the last entry
    of reference rates, 0 for none. ``help`` is what was last measured of permissions. The two mappings are shared with
    later states, which only add to them; a reader of an older state looks for entries up to its ``n``.
    """

    n: int = 0
    guard: int = 0
    documents: int = 0
    digests: dict[int, str] = {}
    board: BoardState = NO_RULINGS
    version: int = 0
    promoted: int | None = None
    trial: Trial | None = None
    versions: dict[int, VersionInfo] = {}
    destroyed: frozenset[bytes] = frozenset()
    rates: int = 0
    help: tuple[Help, ...] = ()

    @property
    def decides(self) -> int:
        """The version that decides, but for the people of a trial."""
        return self.version if self.promoted is None else self.promoted

    @property
    def in_use(self) -> tuple[int, ...]:
        """The versions of which anything is used: what learning goes on from, what decides, what is on trial."""
        trial = () if self.trial is None else (self.trial.version,)
        return tuple(dict.fromkeys((self.version, self.decides, *trial)))

    def stands_for(self, one: int, version: int) -> bool:
        """Say whether a version is another, or that one with something learned anew or left out, and no new lessons."""
        while one and one != version and not self.versions[one].lessons:
            one = self.versions[one].parent
        return one == version

    def comes_from(self, one: int, version: int) -> bool:
        """Say whether a version is another, or was made from it."""
        while one > version:
            one = self.versions[one].parent
        return one == version

    def stage(self, version: int) -> Stage:
        """Say how far a version is used."""
        if version == self.decides:
            return "full"
        return "share" if self.trial is not None and version == self.trial.version else "shadow"


def reduce_bank(state: BankState, entry: Entry, record: Any) -> BankState:
    """Give what the bank's journal says after one more entry."""
    changes: dict[str, Any] = {}
    if entry.kind == "document":
        state.digests[entry.n] = record.digest
        changes = {"documents": entry.n}
    elif isinstance(record, RulingRecord):
        changes = {"board": apply_ruling(state.board, record.ruling)}
    elif isinstance(record, VersionRecord):
        info = VersionInfo(
            entry.n,
            record.parent,
            entry.recorded,
            record.at,
            len(record.lessons),
            record.why,
            record.states,
        )
        state.versions[entry.n] = info
        changes = _after_version(state, entry.n, record)
    elif isinstance(record, RollbackRecord):
        changes = {"version": record.version, "promoted": None, "trial": None}
    elif isinstance(record, PromotionRecord):
        changes = _after_promotion(state, entry.n, record)
    elif isinstance(record, RatesRecord):
        changes = {"rates": entry.n}
    elif isinstance(record, HelpRecord):
        others = (one for one in state.help if one.scope != record.help.scope)
        changes = {"help": (*others, record.help)}
    return replace(state, n=entry.n, guard=state.guard + (entry.kind in GUARDING), **changes)


def _after_version(state: BankState, n: int, record: VersionRecord) -> dict[str, Any]:
    """Let a version follow its parent: where that is learned from, and where it is used.

    What was learned from outcomes does not decide before it is promoted, where versions are. A version without them is
    its parent with something learned anew or left out, so it takes its place.
    """
    changes: dict[str, Any] = {"destroyed": state.destroyed.union(record.destroyed)}
    if record.parent == state.version:
        changes["version"] = n
    if not record.lessons and record.parent == state.promoted:
        changes["promoted"] = n
    if not record.lessons and state.trial is not None and record.parent == state.trial.version:
        changes["trial"] = replace(state.trial, version=n)
    return changes


def _after_promotion(state: BankState, n: int, record: PromotionRecord) -> dict[str, Any]:
    if record.stage == "full":
        return {"promoted": record.version, "trial": None}
    if record.stage == "shadow":
        return {"trial": None}
    trial = state.trial
    began = n if trial is None or trial.version != record.version else trial.began
    return {"trial": Trial(record.version, record.share, began)}
