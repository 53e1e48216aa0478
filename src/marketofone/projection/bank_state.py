"""What the bank's own journal says: the documents in force, the board's rulings, and the active version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.moment import Instant
from marketofone.governance.board import NO_RULINGS, BoardState
from marketofone.governance.board import apply as apply_ruling
from marketofone.projection.records import RatesRecord, RollbackRecord, RulingRecord, VersionRecord
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


class BankState(Struct, frozen=True):
    """The bank's journal up to entry ``n``.

    ``documents`` is the entry of the documents in force and ``digests`` gives for each entry of documents their digest.
    ``version`` is the entry of the active version, 0 for none. The two mappings are shared with later states, which
    only add to them; a reader of an older state looks for entries up to its ``n``. ``rates`` is the last entry of
    reference rates, 0 for none.
    """

    n: int = 0
    guard: int = 0
    documents: int = 0
    digests: dict[int, str] = {}
    board: BoardState = NO_RULINGS
    version: int = 0
    versions: dict[int, VersionInfo] = {}
    destroyed: frozenset[bytes] = frozenset()
    rates: int = 0


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
        changes = {"version": entry.n, "destroyed": state.destroyed.union(record.destroyed)}
    elif isinstance(record, RollbackRecord):
        changes = {"version": record.version}
    elif isinstance(record, RatesRecord):
        changes = {"rates": entry.n}
    return replace(state, n=entry.n, guard=state.guard + (entry.kind in GUARDING), **changes)
