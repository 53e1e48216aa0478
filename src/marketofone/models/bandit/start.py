"""What is believed about every action of a catalogue before the first outcome, and how outcomes move it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.action import Action
from marketofone.models.bandit.arm import Arm, FloatArray, prior_arm, update
from marketofone.models.bandit.distrust import Distrust, suspicion, times_declared
from marketofone.models.bandit.manner import HIERARCHICAL, MANNERS, Manner
from marketofone.models.bandit.predict import Arms, Rows, stack
from marketofone.models.bandit.scale import AS_STATED, Evidence, Sizes, evidence, likeliest, rescaled
from marketofone.models.bandit.shared import Shared, Spreads, Taught, pool
from marketofone.models.bandit.surrogate import Index, SignSums, Stated, imputed

Head = Literal["chance", "worth"]
HEADS: tuple[Head, Head] = ("chance", "worth")

# Chosen on two synthetic banks of 500 people (seeds 7 and 101), where a wide range of each gave the same within noise.
SPREADS: Mapping[Head, Spreads] = {
    "chance": Spreads(level=(0.5, 0.4, 0.8), slope=(0.2, 0.2, 0.2)),
    "worth": Spreads(level=(1.0, 1.0, 0.8), slope=(0.2, 0.2, 0.2)),
}
_WORTH_NOISE = 0.5  # of what the catalogue states: how far single acceptances lie apart
_MOST = 10.0  # times what the catalogue states: a report counts no more than that
_FITS = 0.5  # of the declared chance: what a full match, or a full affinity, adds to it
_CATALOGUE = 20.0  # outcomes that the declared chance counts like, where a person's answers are compared with others'


@dataclass(frozen=True, eq=False)
class Start:
    """What is believed before the first outcome, and how it moves. Rows are in the order of ``actions``.

    ``signs`` are what the bank states of early signs, None where it reads none; ``distrust`` what it states of actions
    that are accepted far more often than declared, but for those that are ``trusted``.
    """

    actions: tuple[Action, ...]
    dim: int
    fits: tuple[int, ...]
    manner: Manner = MANNERS[HIERARCHICAL]
    signs: Stated | None = None
    distrust: Distrust | None = None
    trusted: frozenset[str] = frozenset()

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each action."""
        return {action.id: row for row, action in enumerate(self.actions)}

    @cached_property
    def arms(self) -> Mapping[Head, tuple[Arm, ...]]:
        """The arms before the first outcome, by head and row."""
        return {head: tuple(self._arm(head, action) for action in self.actions) for head in HEADS}

    @cached_property
    def raw(self) -> Mapping[Head, Arms]:
        """The same, stacked as they are."""
        return {head: stack(arms) for head, arms in self.arms.items()}

    @cached_property
    def units(self) -> Mapping[Head, FloatArray]:
        """The unit in which each action's weights may differ from its start, by head. Shape (k,)."""
        return {head: np.array([_unit(head, action) for action in self.actions]) for head in HEADS}

    @cached_property
    def most(self) -> FloatArray:
        """The most that a report of each action counts, in minor units. Shape (k,)."""
        return np.array([_MOST * arm.noise / _WORTH_NOISE for arm in self.arms["worth"]])

    @cached_property
    def every(self) -> Rows:
        """All rows."""
        return np.arange(len(self.actions))

    @property
    def distrusts(self) -> bool:
        """Whether distrust moves what is believed: it is one of the things that actions share."""
        return self.distrust is not None and self.manner.shares

    @cached_property
    def declared(self) -> FloatArray:
        """How often each action is accepted, by the catalogue. Shape (k,)."""
        return np.array([action.acceptance_probability for action in self.actions], dtype=np.float64)

    def rates(self, chances: Mapping[str, Arm], *, before: FloatArray | None = None) -> FloatArray:
        """Give how often each action is accepted by anybody, from arms of chances; as before, where there is none."""
        rates = (self.declared if before is None else before).copy()
        for action, arm in chances.items():
            row = self.rows[action]
            rates[row] = (_CATALOGUE * self.declared[row] + arm.total) / (_CATALOGUE + arm.n - arm.unseen)
        return rates

    def times_declared(self, chances: Mapping[str, Arm], *, before: FloatArray | None = None) -> FloatArray:
        """Give how many times as often as declared each action is accepted; as before, where there is no arm."""
        times = np.ones(len(self.actions)) if before is None else before.copy()
        rows = [self.rows[action] for action in chances]
        accepted, answers = np.array([(arm.total, arm.n - arm.unseen) for arm in chances.values()]).reshape(-1, 2).T
        times[rows] = times_declared(accepted, answers, self.declared[rows])
        return times

    def suspicion(self, times: FloatArray) -> FloatArray:
        """Give how much of the stated distrust belongs to each action, from 0 to 1. Shape (k,)."""
        if self.distrust is None:
            return np.zeros(len(self.actions))
        return np.where(self._trusts, 0.0, suspicion(times, self.distrust))

    @cached_property
    def _trusts(self) -> NDArray[np.bool_]:
        return np.array([action.id in self.trusted for action in self.actions])

    def suspected(self, times: FloatArray) -> FloatArray:
        """Give how much less an acceptance of each action is worth by the stated distrust, in units. Shape (k,)."""
        harm = 0.0 if self.distrust is None else self.distrust.harm
        return harm / _WORTH_NOISE * self.suspicion(times)

    @cached_property
    def costs(self) -> FloatArray:
        """What it costs to show each action."""
        return np.array([action.cost_minor for action in self.actions], dtype=np.float64)

    def learned(self, head: Head, action: str, arm: Arm | None, *, context: FloatArray, reward: float) -> Arm:
        """Give an action's arm after one more outcome; without an arm it is the first.

        Raises
        ------
        MalformedRequest
            When the context was made with another catalogue of features.
        """
        before = self.arms[head][self.rows[action]] if arm is None else arm
        return update(before, context, reward=self.counted(action, reward) if head == "worth" else reward)

    def counted(self, action: str, value: float) -> float:
        """Give a reported value as far as it counts."""
        most = float(self.most[self.rows[action]])
        return min(max(value, -most), most)

    def stated(self, action: str) -> float:
        """Give what the catalogue states of an action's value, as a unit: never 0, in minor units."""
        return self.arms["worth"][self.rows[action]].noise / _WORTH_NOISE

    def with_signs(self, action: str, arm: Arm | None, sums: SignSums, index: Index) -> Arm:
        """Give the arm of what an action is worth with what the signs of acceptances say that wait for their value."""
        first = self.arms["worth"][self.rows[action]]
        return imputed(arm or first, sums, index, start=float(first.mean[0]), stated=self.stated(action))

    def pooled(
        self,
        head: Head,
        arms: Mapping[str, Arm],
        *,
        before: Shared | None = None,
        moved: Collection[str] = (),
        beside: Mapping[str, Arm] = MappingProxyType({}),
        chances: Mapping[str, Arm] = MappingProxyType({}),
    ) -> Shared:
        """Find what all actions share, from the arms of those that had outcomes, and the sizes that these make likely.

        ``before`` is what they shared; it knows what the arms that did not move say of the sizes. ``beside`` are arms
        with what early signs say, which say nothing of sizes. ``chances`` are the arms of chances, which say what is
        distrusted, where worths are pooled.
        """
        if not arms and not beside:
            return pool([], spreads=SPREADS[head], dim=self.dim)
        known = {} if before is None else before.evidence
        said = {
            name: known[name] if name in known and name not in moved else self._evidence(head, name, arm)
            for name, arm in sorted(arms.items())
        }
        sizes = likeliest(said.values())
        each = dict(sorted({**arms, **beside}.items()))
        rows = np.array([self.rows[name] for name in each], dtype=np.intp)
        mean, covariance = self.rescaled(head, stack([*each.values()]), rows=rows, sizes=sizes)
        suspected = self.suspected(self.times_declared(chances)) if head == "worth" else np.zeros(len(self.actions))
        taught = [
            Taught(
                kind=str(self.actions[row].kind),
                unit=float(self.units[head][row]),
                start=self.arms[head][row],
                arm=Arm(mean=mean[place], covariance=covariance[place], noise=arm.noise, n=arm.n),
                suspected=float(suspected[row]),
            )
            for place, (arm, row) in enumerate(zip(each.values(), rows.tolist(), strict=True))
        ]
        spreads = SPREADS[head].scaled(sizes.scale)
        found = pool(taught, spreads=spreads, dim=self.dim, certainty=self._certainty(head))
        return replace(found, sizes=sizes, evidence=said)

    def _certainty(self, head: Head) -> float | None:
        """Give how precisely what is stated of distrust is known at first; None where nothing is."""
        if self.distrust is None or head != "worth":
            return None
        _, _, harm, actions = self.distrust
        of_one = (harm / _WORTH_NOISE) ** 2 / float(SPREADS[head].whole(dim=1)[0])  # whose values are known
        return actions * of_one

    def rescaled(self, head: Head, arms: Arms, *, rows: Rows, sizes: Sizes) -> tuple[FloatArray, FloatArray]:
        """Give the means and covariances of some arms under other sizes than those under which they are kept.

        With more noise everything an outcome says is less precise: that is as if the prior were more precise, and all
        of it less.
        """
        if sizes == AS_STATED:
            return arms.mean, arms.covariance
        units = np.square(self.units[head][rows])[:, np.newaxis]
        own, wanted = (
            of.precision(2, dim=self.dim) / units for of in (SPREADS[head], SPREADS[head].scaled(sizes.scale))
        )
        change = sizes.noise * wanted - own
        mean, covariance = rescaled(arms.mean, arms.covariance, start=self.raw[head].mean[rows], change=change)
        return mean, sizes.noise * covariance

    def _evidence(self, head: Head, name: str, arm: Arm) -> Evidence:
        row, spreads = self.rows[name], SPREADS[head]
        unit = float(self.units[head][row]) ** 2
        own, whole = spreads.precision(2, dim=self.dim) / unit, spreads.whole(dim=self.dim) * unit
        return evidence(arm, self.arms[head][row], own=own, whole=whole)

    def _arm(self, head: Head, action: Action) -> Arm:
        chance, value = action.acceptance_probability, float(action.value_minor)
        unit = _unit(head, action)
        arm = prior_arm(
            self.dim,
            start=chance if head == "chance" else value,
            level=SPREADS[head].level[2] * unit,
            slope=SPREADS[head].slope[2] * unit,
            noise=_noise(head, action),
        )
        mean = arm.mean.copy()
        if head == "chance":
            mean[list(self.fits)] = _FITS * chance
        return Arm(mean=mean, covariance=arm.covariance, noise=arm.noise, n=0)


def _noise(head: Head, action: Action) -> float:
    if head == "worth":
        return _WORTH_NOISE * max(abs(float(action.value_minor)), float(action.cost_minor), 1.0)
    return math.sqrt(action.acceptance_probability * (1.0 - action.acceptance_probability))


def _unit(head: Head, action: Action) -> float:
    """Give the unit in which an action's weights may differ from its start.

    A declared chance may be wrong by a part of itself, or by a part of what one answer differs from it: for what is
    rarely accepted the first is too narrow to ever learn, and by the second one yes would decide. So it is the
    geometric mean of both.
    """
    noise = _noise(head, action)
    return math.sqrt(action.acceptance_probability * noise) if head == "chance" else noise
