"""What a change would have changed: which past decisions, for whom, and which way their worth moves.

It writes nothing, and no reading of it is a use. Decisions are named by their ids, people are counted and never named.
Memory is bounded by a few customers and some hundred bytes for each decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.learn.off_policy.difference import Below, Compared, ValueDifference, value_difference
from marketofone.learn.rewards import Prices
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, read_config
from marketofone.projection.bank_state import BankState
from marketofone.projection.purpose_reads import check_purposes
from marketofone.projection.wording import check_wording
from marketofone.services.proof.changes import Change
from marketofone.services.proof.comparison import Asked, Part, compare_some, together
from marketofone.services.proof.groups import GROUPS
from marketofone.services.proof.replay import TOGETHER
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.pool import in_pieces
from marketofone.store.ports import BANK, Reader

Step = Callable[[int, int], None]
LEVEL = 0.95
MOST_PAIRS = 20
"""Pairs of actions that a report names, the most frequent first."""
FEWEST = 10
"""People in a group that is told of by itself: of fewer, a count would say something about one of them."""
FEW = "put together, for they are few"
_PLACES = ("stage", "money", "decided_by")


class Told(NamedTuple):
    """Decisions that tell of a change, and the places below their first: rows of ``ROW`` and of ``BELOW``."""

    rows: NDArray[np.void]
    below: NDArray[np.void]


class Instead(Struct, frozen=True, kw_only=True):
    """Another action is chosen: how often, what stops the one before (empty where nothing does), and some decisions."""

    before: str
    after: str
    why: str
    decisions: int
    examples: tuple[str, ...]


class ActionCount(Struct, frozen=True, kw_only=True):
    """How often an action is chosen, before and after."""

    action: str
    before: int
    after: int


class GroupCount(Struct, frozen=True, kw_only=True):
    """What changes for a group: decisions in all, those that differ at all, those in which another action is chosen."""

    kind: str
    group: str
    people: int
    decisions: int
    differ: int
    otherwise: int


class Diff(Struct, frozen=True, kw_only=True):
    """What a change would have changed.

    ``differ`` counts decisions in which any byte differs, ``bytes`` how many bytes. ``otherwise`` counts those in which
    another action is chosen, ``expected`` is that count on the mean over all draws. ``impossible`` are decisions that
    cannot be made with it, ``unreplayable`` those that rest on somebody who was forgotten or cannot be read.
    ``recomputed`` are those whose present side is not what was recorded, for the document has changed since, or another
    version decided. ``value`` is in minor units of 12-month value a decision; None where no decision tells of it.
    """

    change: str
    decisions: int
    people: int
    differ: int
    bytes: int
    otherwise: int
    expected: float
    impossible: int
    unreplayable: int
    recomputed: int
    actions: tuple[ActionCount, ...]
    instead: tuple[Instead, ...]
    groups: tuple[GroupCount, ...]
    value: ValueDifference | None
    currency: str
    seconds: float

    @property
    def changes(self) -> bool:
        """Whether anything changes at all."""
        return bool(self.differ or self.impossible)


def diff(context: AppContext, change: Change, *, now: Instant, workers: int = 1, step: Step | None = None) -> Diff:
    """Say what a change would have changed.

    Raises
    ------
    MalformedDocument, BadExpression
        When the new document breaks its contract, alone or beside the bank's other documents.
    MalformedRequest
        When the version was destroyed.
    """
    began = perf_counter()
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
        config = _checked(context, reader, bank, change)
        asked = Asked(change=change, prices=prices_of(context, reader, bank), now=now)
    part = compare(context, asked, workers=workers, step=step)
    rows = part.rows
    return Diff(
        change=change.name,
        decisions=len(rows) + part.impossible,
        people=_people(rows),
        differ=int((rows["bytes"] > 0).sum()),
        bytes=int(rows["bytes"].sum()),
        otherwise=int(rows["otherwise"].sum()),
        expected=round(float(rows["expected"].sum()), 3),
        impossible=part.impossible,
        unreplayable=part.unreplayable,
        recomputed=part.recomputed,
        actions=tuple(_actions(part)),
        instead=tuple(_instead(part)),
        groups=tuple(groups_of(rows)),
        value=value_of(told_of(part)),
        currency=config.settings.currency,
        seconds=round(perf_counter() - began, 3),
    )


def evidence(context: AppContext, change: Change, *, now: Instant, workers: int = 1, step: Step | None = None) -> Told:
    """Compare a version with the present one, over decisions that taught neither and whose answers have come.

    Raises
    ------
    Refused
        When the version was destroyed.
    """
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
        context.versions.require_kept(bank, change.version)
        asked = Asked(change=change, prices=prices_of(context, reader, bank), now=now)
    return told_of(compare(context, asked, workers=workers, step=step))


def compare(context: AppContext, asked: Asked, *, workers: int, step: Step | None) -> Part:
    """Compare all decisions of the bank."""
    with context.store.read() as reader:
        subjects = reader.subjects(limit=2**31)

    def parts() -> Iterator[Part]:
        task = partial(compare_some, asked)
        pieces = in_pieces(context.to_read(), task, subjects, size=TOGETHER, workers=workers)
        for number, part in enumerate(pieces, start=1):
            if step is not None:
                step(min(number * TOGETHER, len(subjects)), len(subjects))
            yield part

    return together(parts())


def told_of(part: Part) -> Told:
    """Give the decisions whose answers have come, and their places below the first."""
    told = part.rows["valued"]
    return Told(part.rows[told], part.below[np.repeat(told, part.rows["below"])])


def value_of(told: Told, *, anytime: bool = False) -> ValueDifference | None:
    """Value the changed side against the present one, from decisions whose answers have come."""
    return value_difference(compared(told), level=LEVEL, anytime=anytime) if len(told.rows) else None


def compared(of: Told) -> Compared:
    """Lay rows out as the estimators read them."""
    told, below = of
    return Compared(
        rewards=told["reward"],
        propensities=told["propensity"],
        targets=told["target"],
        present=told["present"],
        believed=told["believed"],
        values=told["value"],
        present_values=told["present_value"],
        unsupported=told["unsupported"],
        persons=told["person"],
        below=None
        if not len(below)
        else Below(
            decisions=np.repeat(np.arange(len(told)), told["below"]),
            positions=below["position"],
            rewards=below["reward"],
            propensities=below["propensity"],
            targets=below["target"],
            present=below["present"],
            model=below["model"],
            present_model=below["present_model"],
        ),
    )


def prices_of(context: AppContext, reader: Reader, bank: BankState) -> Prices:
    """Give what decisions are rewarded by: what is believed now of acceptances, and what showing costs now."""
    version = context.versions.version(bank, bank.version)
    actions = context.configs.at(reader, bank).actions.actions
    return context.versions.prices(reader, version, actions)


def _checked(context: AppContext, reader: Reader, bank: BankState, change: Change) -> BankConfig:
    """Check a change against the bank as it stands, before anything is computed; gives the documents in force."""
    if change.document is None:
        if context.versions.is_destroyed(bank, change.version):
            raise MalformedRequest(
                field="--version",
                shape="one that was destroyed, for somebody was forgotten",
                fix="name another version",
            )
    else:
        entry = next(iter(reader.entries(BANK, after=bank.documents - 1, upto=bank.documents)))
        texts: Mapping[str, str] = codec.read(entry, box=context.keys.bank).texts
        proposed = read_config({**texts, change.document: change.text})
        check_wording(proposed)
        check_purposes(proposed)
    return context.configs.at(reader, bank)


def _actions(part: Part) -> Iterator[ActionCount]:
    for action in sorted(part.before.keys() | part.after.keys()):
        before, after = part.before.get(action, 0), part.after.get(action, 0)
        if before != after or any(action in pair[:2] for pair in part.instead):
            yield ActionCount(action=action, before=before, after=after)


def _instead(part: Part) -> Iterator[Instead]:
    often = sorted(part.instead.items(), key=lambda item: (-item[1], item[0]))
    for pair, count in often[:MOST_PAIRS]:
        named = tuple(decision for _, decision in part.examples[pair])
        yield Instead(before=pair.before, after=pair.after, why=pair.why, decisions=count, examples=named)


def groups_of(rows: NDArray[np.void]) -> Iterator[GroupCount]:
    """Count what changes by group, where a group is told of by itself: it has people enough, and so have all others.

    Groups of too few are put together. Where these are too few as well, the next smallest joins them: what is left
    beside the groups that are told could be read off the sum, and would say something about one person.
    """
    for place, (kind, names) in zip(_PLACES, GROUPS.items(), strict=True):
        each = {number: rows[place] == number for number in range(len(names))}
        by_size = sorted(each, key=lambda number: _people(rows[each[number]]))
        few = np.zeros(len(rows), dtype=bool)
        while by_size and (_people(rows[each[by_size[0]]]) < FEWEST or 0 < _people(rows[few]) < FEWEST):
            few |= each.pop(by_size.pop(0))
        for number, own in each.items():
            yield _group(rows[own], kind=kind, name=names[number])
        if few.any():
            yield _group(rows[few], kind=kind, name=FEW)


def _people(rows: NDArray[np.void]) -> int:
    return len(np.unique(rows["person"]))


def _group(rows: NDArray[np.void], *, kind: str, name: str) -> GroupCount:
    return GroupCount(
        kind=kind,
        group=name,
        people=_people(rows),
        decisions=len(rows),
        differ=int((rows["bytes"] > 0).sum()),
        otherwise=int(rows["otherwise"].sum()),
    )
