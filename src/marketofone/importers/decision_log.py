"""A log of decisions that any engine wrote: one row a decision, with action, reward and propensity, as CSV or Parquet.

Columns are found by their names, or named by whoever asks. Only columns that are named as context are used as such:
one that was written after the decision would make any estimate wrong. A row that breaks the contract is left out, and
counted by reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict
from numpy.typing import NDArray

from marketofone.domain.errors import BadInput, MalformedDocument, MalformedEvent, MalformedRequest
from marketofone.importers.formats import open_log
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.cells import text_of
from marketofone.importers.tables.tabular import TableRow
from marketofone.learn.off_policy.context import encode
from marketofone.learn.off_policy.slates import places_of
from marketofone.learn.off_policy.valuation import Log

Floats = NDArray[np.float64]

CONTEXT, TARGET = "context_", "target_"
_KNOWN = {
    "action": ("action", "action_id", "item_id", "arm", "treatment", "offer"),
    "reward": ("reward", "click", "clicked", "conversion", "converted", "visit", "outcome"),
    "propensity": ("propensity", "propensity_score", "pscore", "action_probability", "probability", "action_prob"),
    "customer": ("customer", "customer_id", "person", "person_id", "user_id", "subject"),
    "target": ("target_propensity",),
    "slate": ("slate", "slate_id"),
    "position": ("position",),
}
_OPTIONAL = ("customer", "target", "slate", "position")
_SLACK = 1e-3  # what rounding may leave of a sum of probabilities


class Columns(Struct, frozen=True, kw_only=True):
    """Which column holds what; what is None is proposed by the names that columns have."""

    action: str | None = None
    reward: str | None = None
    propensity: str | None = None
    customer: str | None = None
    target: str | None = None
    slate: str | None = None
    position: str | None = None
    context: tuple[str, ...] = ()


class LeftOut(Struct, frozen=True, kw_only=True):
    """Rows that were left out for one reason; ``line`` is the first of them."""

    field: str
    shape: str
    fix: str
    rows: int
    line: int


class DecisionLog(Struct, frozen=True, kw_only=True):
    """What a file holds: the log, the target's probabilities where columns hold them, and what was left out.

    ``target`` is float64[rows, actions], float64[rows], or None; ``places`` are the rows of each slate,
    int64[slates, k], where rows are places of slates. ``unused`` are columns that nothing was read from.
    """

    log: Log
    target: Floats | None
    places: NDArray[np.int64] | None
    columns: Columns
    unused: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


class _Row(Struct):
    """One good row."""

    action: str
    reward: float
    propensity: float
    customer: str
    targets: list[float]
    context: list[str]
    place: tuple[str, float] | None


def read(path: Path, wanted: Columns) -> DecisionLog:
    """Read a log.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or has no good row.
    MalformedRequest
        When a column is not found.
    """
    table = open_log(path)
    columns = _proposed(wanted, table.columns)
    reader = _Reader(table.columns, columns)
    rows = reader.read(table.rows())
    if not rows:
        why = f"; first reason: {reader.left_out[0].field}: {reader.left_out[0].shape}" if reader.left_out else ""
        raise MalformedDocument(field=path.name, shape=f"no row that can be used{why}", fix="see docs/off-policy.md")
    names, codes = _actions(rows, reader.target_actions)
    log = Log(
        rewards=np.array([row.reward for row in rows]),
        propensities=np.array([row.propensity for row in rows]),
        actions=codes,
        names=names,
        persons=np.array([row.customer for row in rows]) if columns.customer else np.arange(len(rows)),
        context=encode(list(zip(*(row.context for row in rows), strict=True)), rows=len(rows)),
    )
    return DecisionLog(
        log=log,
        target=_target(rows, columns, matrix=bool(reader.target_actions)),
        places=_places(rows),
        columns=columns,
        unused=reader.unused,
        left_out=tuple(reader.left_out),
    )


def _proposed(wanted: Columns, names: Sequence[str]) -> Columns:
    """Find the columns that were not named.

    Raises
    ------
    MalformedRequest
        When one that is needed is not found, or one that was named is not there.
    """
    named = [name for name in (*asdict(wanted).values(),) if isinstance(name, str)]
    for name in (*named, *wanted.context):
        if name not in names:
            raise MalformedRequest(field="column", shape=f"{name!r} is not in the header", fix=_listed(names))
    told = {name.lower(): name for name in reversed(names)}
    found: dict[str, str | None] = {}
    for role, usual in _KNOWN.items():
        found[role] = getattr(wanted, role) or next((told[word] for word in usual if word in told), None)
        if found[role] is None and role not in _OPTIONAL:
            shape = f"no column called {', '.join(usual)}"
            raise MalformedRequest(field=role, shape=shape, fix=f"name one with --{role}: {_listed(names)}")
    if found["slate"] is None or found["position"] is None or found["position"] in wanted.context:
        found |= {"slate": None, "position": None}
    context = wanted.context or tuple(name for name in names if name.lower().startswith(CONTEXT))
    return Columns(**found, context=context)


def _listed(names: Sequence[str]) -> str:
    return f"the header has {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}"  # noqa: PLR2004 - a line of words


class _Reader:
    """Reads rows one by one, and counts those it leaves out by reason."""

    def __init__(self, names: Sequence[str], columns: Columns) -> None:
        self._columns = columns
        self._at = {name: place for place, name in reversed(list(enumerate(names)))}
        self._width = len(names)
        used = {name for name in asdict(columns).values() if isinstance(name, str)} | set(columns.context)
        self._matrix = [name for name in names if name.lower().startswith(TARGET) and name not in used]
        self.target_actions = tuple(name[len(TARGET) :] for name in self._matrix)
        self.unused = tuple(name for name in names if name not in used and name not in self._matrix)
        self._reasons: dict[tuple[str, str, str], list[int]] = {}

    @property
    def left_out(self) -> list[LeftOut]:
        """The reasons why rows were left out, the commonest first."""
        found = [
            LeftOut(field=field, shape=shape, fix=fix, rows=len(lines), line=lines[0])
            for (field, shape, fix), lines in self._reasons.items()
        ]
        return sorted(found, key=lambda reason: -reason.rows)

    def read(self, rows: Iterable[TableRow | BadRow]) -> list[_Row]:
        """Read all rows."""
        found = []
        for row in rows:
            try:
                if isinstance(row, BadRow):
                    raise row
                found.append(self._read([text_of(cell) for cell in row.cells]))
            except BadInput as error:
                self._reasons.setdefault((error.field, error.shape, error.fix), []).append(row.line)
        return found

    def _read(self, cells: list[str]) -> _Row:
        if len(cells) != self._width:
            raise MalformedEvent(
                field="row", shape=f"{len(cells)} cells where the header has {self._width}", fix="write all columns"
            )
        columns = self._columns
        action = cells[self._at[columns.action or ""]]
        if not action:
            fix = "name what was done, also where it is nothing"
            raise MalformedEvent(field=columns.action or "", shape="empty", fix=fix)
        if self.target_actions and action not in self.target_actions:
            raise MalformedEvent(
                field=columns.action or "",
                shape="an action the target does not know",
                fix=f"give a column {TARGET}<action> for it",
            )
        return _Row(
            action=action,
            reward=self._number(columns.reward or "", cells),
            propensity=self._probability(columns.propensity or "", cells, above_zero=True),
            customer=self._customer(cells),
            targets=self._targets(cells),
            context=[cells[self._at[name]] for name in columns.context],
            place=self._place(cells),
        )

    def _place(self, cells: list[str]) -> tuple[str, float] | None:
        slate, position = self._columns.slate, self._columns.position
        if slate is None or position is None:
            return None
        return cells[self._at[slate]], self._number(position, cells)

    def _customer(self, cells: list[str]) -> str:
        name = self._columns.customer
        if name is None:
            return ""
        customer = cells[self._at[name]]
        if not customer:
            fix = "say whom each decision is about, or leave the column out"
            raise MalformedEvent(field=name, shape="empty", fix=fix)
        return customer

    def _targets(self, cells: list[str]) -> list[float]:
        names = self._matrix or ([self._columns.target] if self._columns.target else [])
        targets = [self._probability(name, cells, above_zero=False) for name in names]
        if self._matrix and abs(sum(targets) - 1.0) > _SLACK:
            raise MalformedEvent(
                field=f"{TARGET}<action>", shape="probabilities whose sum is not 1", fix="give those of all actions"
            )
        return targets

    def _number(self, name: str, cells: list[str]) -> float:
        text = cells[self._at[name]]
        if not text:
            raise MalformedEvent(field=name, shape="empty", fix="write a number")
        try:
            number = float(text)
        except ValueError:
            lowered = text.lower()
            if lowered in ("true", "false"):
                return float(lowered == "true")
            fix = "write a number, with a point for decimals"
            raise MalformedEvent(field=name, shape="no number", fix=fix) from None
        if not math.isfinite(number):
            raise MalformedEvent(field=name, shape="not a finite number", fix="leave rows out whose value is not known")
        return number

    def _probability(self, name: str, cells: list[str], *, above_zero: bool) -> float:
        number = self._number(name, cells)
        if number < 0.0:
            raise MalformedEvent(field=name, shape="below 0", fix="give a probability")
        if number > 1.0:
            raise MalformedEvent(field=name, shape="above 1", fix="give a probability, not a percentage or a weight")
        if above_zero and number == 0.0:
            fix = "give the probability with which the logged action was drawn; what was drawn had one"
            raise MalformedEvent(field=name, shape="zero", fix=fix)
        return number


def _actions(rows: Sequence[_Row], known: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Name the actions in the order of the target's columns, or sorted, and give each row's position among them."""
    names = tuple(known) or tuple(sorted({row.action for row in rows}))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[row.action] for row in rows])


def _places(rows: Sequence[_Row]) -> NDArray[np.int64] | None:
    found = [row.place for row in rows if row.place is not None]
    if not found:
        return None
    slates, positions = zip(*found, strict=True)
    return places_of(np.array(slates), np.array(positions))


def _target(rows: Sequence[_Row], columns: Columns, *, matrix: bool) -> Floats | None:
    if matrix:
        found = np.array([row.targets for row in rows])
        return np.asarray(found / found.sum(axis=1, keepdims=True))
    return np.array([row.targets[0] for row in rows]) if columns.target else None
