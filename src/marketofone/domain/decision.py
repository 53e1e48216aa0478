"""Decisions with their reasons. A decision without reasons cannot be constructed."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal, Self

from msgspec import Struct, field
from msgspec.structs import replace

from marketofone.domain.action import Kind
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant, check_instant

DECISION_ID = r"^(?!\.\.?$)[A-Za-z0-9_.:/-]{1,128}$(?!\n)"
"""What every door can carry as the id of a decision: an address too, where . and .. are no names."""

MOST_SLOTS = 20
"""The most places a slate may have."""

Stage = Literal["not_eligible", "not_permitted", "guarded", "not_approved", "scored", "chosen"]
Assignment = Literal["policy", "control", "catalogue", "ranking", "nothing"]
"""By what somebody's actions are chosen: the policy, the lot, one of two fixed orders, or never anything."""

MoneyLeft = Literal["little", "enough", "not known"]
"""How much money a person has left, as far as a decision knew."""
STAGE_CODES: dict[Stage, int] = {
    "not_eligible": 1,
    "not_permitted": 2,
    "guarded": 3,
    "not_approved": 4,
    "scored": 5,
    "chosen": 6,
}
"""How a stage is stored. A number once given stays."""
_STAGE_OF: dict[int, Stage] = {code: stage for stage, code in STAGE_CODES.items()}


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """What is asked: for whom, on which occasion, through which channel, and when.

    ``placement`` is where the answer is to be shown, and ``slots`` how many places there are. ``closed`` names the
    actions whose budget for the day was used up when it was asked.
    """

    id: str
    customer: str
    occasion: str
    channel: str
    at: Instant
    placement: str | None = None
    slots: int = 1
    closed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_instant(self.at, field="at")
        if not 1 <= self.slots <= MOST_SLOTS:
            raise MalformedRequest(field="slots", shape="not in range", fix=f"ask for 1 to {MOST_SLOTS}")
        if re.search(DECISION_ID, self.id) is None:
            raise MalformedRequest(
                field="id",
                shape=f"text of {len(self.id)} characters",
                fix="use 1 to 128 letters, digits and _ . : / - (and not . or .. alone)",
            )


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """One term of the chosen action's score, in words. The terms of a decision add up to its score.

    ``feature`` and ``source`` are null for terms that no single piece of information carries (the starting
    point, the cost, the luck of the draw). ``term`` is in minor units of expected 12-month value.
    """

    text: str
    feature: str | None
    source: str | None
    term: float


class NotUsed(Struct, frozen=True, kw_only=True, gc=False):
    """A data source that was not looked at, and why."""

    source: str
    why: str


class Counterfactual(Struct, frozen=True, kw_only=True):
    """The smallest change found that leads to another action, verified by scoring again."""

    change: str
    action: str


class Otherwise(Struct, frozen=True, kw_only=True):
    """What would have changed a decision, found when somebody asks: None when no small change does.

    ``untold`` says why it cannot be told any more; empty where it can.
    """

    counterfactual: Counterfactual | None = None
    untold: str = ""


class Candidate(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """How one action fared: stopped at a gate, or scored."""

    action: str
    stage: Stage
    why: str = ""
    mean: float = 0.0
    spread: float = 0.0
    draw: float = 0.0
    propensity: float = 0.0


class Candidates(Struct, frozen=True, array_like=True, gc=False):
    """How all actions of an occasion fared, in columns: a candidate is made when somebody looks at it.

    ``stages`` has a byte each (:data:`STAGE_CODES`), ``why`` an unsigned number of 32 bits each, a place in ``whys``,
    and ``numbers`` doubles: all means, then all spreads, draws and propensities.

    Examples
    --------
    >>> fared = Candidates.of([Candidate(action="tea", stage="chosen", mean=2.5, propensity=1.0)])
    >>> len(fared), [(one.action, one.mean) for one in fared]
    (1, [('tea', 2.5)])
    """

    actions: tuple[str, ...] = ()
    stages: bytes = b""
    whys: tuple[str, ...] = ()
    why: bytes = b""
    numbers: bytes = b""

    @classmethod
    def of(cls, each: Iterable[Candidate]) -> Self:
        """Put candidates into columns."""
        told = tuple(each)
        whys = {why: place for place, why in enumerate(dict.fromkeys(one.why for one in told))}
        numbers = [[getattr(one, name) for one in told] for name in ("mean", "spread", "draw", "propensity")]
        return cls(
            actions=tuple([one.action for one in told]),
            stages=bytes([STAGE_CODES[one.stage] for one in told]),
            whys=tuple(whys),
            why=array("I", [whys[one.why] for one in told]).tobytes(),
            numbers=array("d", chain.from_iterable(numbers)).tobytes(),
        )

    @property
    def propensities(self) -> list[float]:
        """With which probability each was drawn, 0 where it was stopped."""
        return list(memoryview(self.numbers).cast("d")[3 * len(self.actions) :])

    def __len__(self) -> int:
        return len(self.actions)

    def __iter__(self) -> Iterator[Candidate]:
        n, numbers = len(self.actions), memoryview(self.numbers).cast("d").tolist()
        whys = (self.whys[place] for place in memoryview(self.why).cast("I"))
        columns = (numbers[start : start + n] for start in range(0, 4 * n, n or 1))
        for action, stage, why, mean, spread, draw, share in zip(
            self.actions, map(_STAGE_OF.__getitem__, self.stages), whys, *columns, strict=True
        ):
            yield Candidate(action=action, stage=stage, why=why, mean=mean, spread=spread, draw=draw, propensity=share)


class Notification(Struct, frozen=True, kw_only=True, gc=False):
    """What a person was told is ahead: the event, its cause, the day it is expected (since 1970-01-01), how likely.

    A cause is ``event:category:counterparty``; what stands behind the event is its driver.
    """

    event: str
    cause: str
    day: int | None
    probability: float

    @property
    def driver(self) -> str:
        """What stands behind the event: ``category:counterparty``."""
        return self.cause.partition(":")[2]


class Slot(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was decided for a place of a slate below its first, given what stands above it.

    Fields are those of a :class:`Decision`. ``kind`` is the kind of the action; None where the place stays empty.
    """

    action: str
    kind: Kind | None
    propensity: float
    reasons: tuple[Reason, ...] = field(name="because")
    candidates: Candidates
    context: tuple[float, ...]
    guardrails: tuple[str, ...]
    notification: Notification | None = None


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One decision: what was chosen, with which probability, why, and on what ground.

    ``context`` is the chosen action's context vector, kept so that the outcome can teach exactly the model
    that chose. It begins with 1, or with how many look where it stands, and is taken by that part. ``uses`` names the
    (purpose, source) pairs that were read. ``position`` is the last log entry the decision could see; ``documents``
    names the versions of the bank's files it followed. ``notification`` is what the action tells of a forecast, if it
    does. In JSON ``reasons`` is called ``because``.
    What would have changed it is no part of it: that is found when somebody asks (:class:`Otherwise`).

    Where ``slots`` places were asked for, all of this is about the first, and ``below`` has the others, from the second
    down to the last that was decided: the first that stays empty is the last. ``charged`` names what it took from the
    budgets of actions: each with its day. ``asks`` names the permissions that it asks for: (purpose, source) pairs.
    """

    id: str
    customer: str
    occasion: str
    channel: str
    at: Instant
    action: str
    propensity: float
    assignment: Assignment
    reasons: tuple[Reason, ...] = field(name="because")
    not_used: tuple[NotUsed, ...]
    candidates: Candidates
    uses: tuple[tuple[str, str], ...]
    context: tuple[float, ...]
    guardrails: tuple[str, ...]
    epoch: int
    position: int
    documents: str
    notification: Notification | None = None  # left out of the journal when there is none, as before it existed
    placement: str | None = None
    slots: int = 1
    below: tuple[Slot, ...] = ()
    closed: tuple[str, ...] = ()
    charged: tuple[str, ...] = ()
    asks: tuple[tuple[str, str], ...] = ()

    @property
    def request(self) -> Request:
        """What was asked."""
        return Request(
            id=self.id,
            customer=self.customer,
            occasion=self.occasion,
            channel=self.channel,
            at=self.at,
            placement=self.placement,
            slots=self.slots,
            closed=self.closed,
        )

    @property
    def seen(self) -> float:
        """How many look where it stands, of those who look at the first place: what its context begins with."""
        return self.context[0] if self.context else 1.0

    @property
    def places(self) -> tuple[Decision, ...]:
        """Each place of the slate as a decision of its own, from the top; the decision itself where it is one."""
        return tuple(self.place(number) for number in range(1, 2 + len(self.below)))

    def place(self, number: int) -> Decision:
        """Give what was decided for a place, the first is 1, as a decision of its own.

        Raises
        ------
        MalformedRequest
            When no such place was decided.
        """
        if not 1 <= number <= 1 + len(self.below):
            raise MalformedRequest(
                field="slot", shape=f"{number} of {1 + len(self.below)}", fix="name a place of this decision"
            )
        if self.slots == 1:
            return self
        if number == 1:
            return replace(self, slots=1, below=())
        slot = self.below[number - 2]
        return replace(
            self,
            action=slot.action,
            propensity=slot.propensity,
            reasons=slot.reasons,
            candidates=slot.candidates,
            context=slot.context,
            guardrails=slot.guardrails,
            notification=slot.notification,
            slots=1,
            below=(),
        )

    def __post_init__(self) -> None:
        if not self.reasons:
            raise MalformedRequest(field="because", shape="no reasons", fix="give every decision its reasons")
        if not 0.0 < self.propensity <= 1.0 + 1e-9:
            raise MalformedRequest(field="propensity", shape="not in (0, 1]", fix="log the drawn probability")
