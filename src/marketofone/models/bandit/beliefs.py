"""What is believed about every action of a catalogue, and how that becomes a score.

An action's score is its chance of acceptance times what an acceptance is worth, less its cost. Both are linear in the
context, both are learned from outcomes, and both share what actions have in common. A person's own answers make every
chance larger or smaller, and stand beside what is expected of everybody where the same action comes again. What is
uncertain gets the benefit of the doubt, and a draw.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple, Self

import numpy as np

from marketofone.domain.action import Action
from marketofone.models.bandit import kernel
from marketofone.models.bandit.arm import Arm, FloatArray, prior_arm, update
from marketofone.models.bandit.manner import HIERARCHICAL, MANNERS, Manner
from marketofone.models.bandit.predict import (
    LEAST_CHANCE,
    MOST_CHANCE,
    Arms,
    Leaning,
    Rows,
    Scores,
    combined,
    no_leaning,
    predict_along,
    stack,
)
from marketofone.models.bandit.reproducible import fold
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


class OwnAnswers(NamedTuple):
    """What a person did with what was shown to them: each action, and whether they accepted it.

    ``reports`` say what single acceptances turned out to be worth, in minor units. ``seen`` says of each answer how
    many look where that action stood, of those who look at the first place; all where it is empty.
    """

    answers: tuple[tuple[str, bool], ...] = ()
    reports: tuple[tuple[str, float], ...] = ()
    seen: tuple[float, ...] = ()


class Terms(NamedTuple):
    """The parts of one action's mean score, in minor units: one per entry of the context (d), and beside them."""

    context: FloatArray
    own_answers: float
    doubt: float
    cost: float


@dataclass(frozen=True, eq=False)
class Start:
    """What is believed before the first outcome, and how it moves. Rows are in the order of ``actions``.

    ``signs`` are what the bank states of early signs, None where it reads none.
    """

    actions: tuple[Action, ...]
    dim: int
    fits: tuple[int, ...]
    manner: Manner = MANNERS[HIERARCHICAL]
    signs: Stated | None = None

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
    ) -> Shared:
        """Find what all actions share, from the arms of those that had outcomes, and the sizes that these make likely.

        ``before`` is what they shared; it knows what the arms that did not move say of the sizes. ``beside`` are arms
        with what early signs say, which say nothing of sizes.
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
        taught = [
            Taught(
                kind=str(self.actions[row].kind),
                unit=float(self.units[head][row]),
                start=self.arms[head][row],
                arm=Arm(mean=mean[place], covariance=covariance[place], noise=arm.noise, n=arm.n),
            )
            for place, (arm, row) in enumerate(zip(each.values(), rows.tolist(), strict=True))
        ]
        found = pool(taught, spreads=SPREADS[head].scaled(sizes.scale), dim=self.dim)
        return replace(found, sizes=sizes, evidence=said)

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


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is believed about the actions of a catalogue, laid out in its order.

    ``raw`` are the arms as each action's own outcomes left them; ``arms`` are these under the ``sizes`` that all
    outcomes make likely; ``stacked`` has their means moved by what is shared. ``rates`` (k,) are how often each action
    is accepted by anybody.
    """

    start: Start
    raw: Mapping[Head, Arms]
    arms: Mapping[Head, Arms]
    stacked: Mapping[Head, Arms]
    rates: FloatArray
    sizes: Mapping[Head, Sizes]

    @classmethod
    def at_start(cls, start: Start) -> Self:
        """Give the beliefs before the first outcome."""
        arms = {head: stack(start.arms[head]) for head in HEADS}
        rates = np.array([action.acceptance_probability for action in start.actions], dtype=np.float64)
        return cls(
            start=start, raw=start.raw, arms=arms, stacked=arms, rates=rates, sizes=dict.fromkeys(HEADS, AS_STATED)
        )

    def after(self, learned: Mapping[Head, Mapping[str, Arm]], *, shared: Mapping[Head, Shared]) -> Self:
        """Give the beliefs with some actions' arms replaced, and what is shared."""
        if not self.start.manner.shares:
            shared = {}
        raw = {head: self.raw[head].moved(learned.get(head, {}), rows=self.start.rows) for head in HEADS}
        sizes = {head: shared[head].sizes if head in shared else AS_STATED for head in HEADS}
        arms = {head: self._scaled(head, raw[head], learned.get(head, {}), sizes=sizes[head]) for head in HEADS}
        rates = self.rates.copy()
        for action, arm in learned.get("chance", {}).items():
            row = self.start.rows[action]
            declared = self.start.actions[row].acceptance_probability
            rates[row] = (_CATALOGUE * declared + arm.total) / (_CATALOGUE + arm.n)
        stacked = {head: self._moved(head, arms[head], shared.get(head)) for head in HEADS}
        return type(self)(start=self.start, raw=raw, arms=arms, stacked=stacked, rates=rates, sizes=sizes)

    def _scaled(self, head: Head, raw: Arms, learned: Mapping[str, Arm], *, sizes: Sizes) -> Arms:
        """Lay arms out under some sizes; where these are those of before, only those that were replaced."""
        every = sizes != self.sizes[head]
        rows = np.array([*self.start.rows.values()] if every else [self.start.rows[name] for name in learned], np.intp)
        mean, covariance = self.start.rescaled(head, raw.some(rows), rows=rows, sizes=sizes)
        return self.arms[head].replaced(rows, Arms(mean=mean, covariance=covariance))

    def _moved(self, head: Head, arms: Arms, shared: Shared | None) -> Arms:
        """Move each mean by ``V D^-1`` of what its action shares with others; see :mod:`.shared`."""
        if shared is None:
            return arms
        own = SPREADS[head].scaled(shared.sizes.scale).precision(2, dim=self.start.dim)
        parts = np.array([shared.of(str(action.kind)) for action in self.start.actions])
        pull = own * parts / self.start.units[head][:, np.newaxis]
        moved = fold(arms.covariance.transpose(1, 0, 2) * pull.T[:, :, np.newaxis])  # each is its own transpose
        return arms.with_mean(arms.mean + moved)

    def score(self, contexts: FloatArray, *, own: OwnAnswers, rows: Rows | None = None) -> Scores:
        """Score actions, each in its own context.

        Parameters
        ----------
        contexts
            Shape (k, d): one context per action, or per row where only some are asked for.
        own
            What this person did with what was shown to them, and what came of it.
        rows
            Which actions; all by default.
        """
        chance, worth, some = self.stacked["chance"], self.stacked["worth"], self.start.every if rows is None else rows
        manner, leaning, costs = self.start.manner, self.leaning(own), self.start.costs
        return kernel.score(chance, worth, contexts, rows=some, leaning=leaning, costs=costs, manner=manner)

    def score_each(self, asked: Sequence[tuple[FloatArray, OwnAnswers, Rows]]) -> list[Scores]:
        """Score actions for many people as :meth:`score` does, each in contexts of their own."""
        each = [kernel.Asked(contexts, rows, self.leaning(own)) for contexts, own, rows in asked]
        chance, worth = (self.stacked[head] for head in HEADS)
        return kernel.score_each(chance, worth, each, costs=self.start.costs, manner=self.start.manner)

    def score_along(
        self, rows: Rows, contexts: FloatArray, *, places: slice, steps: FloatArray, own: OwnAnswers
    ) -> Scores:
        """Score actions with one entry of the context moved at a time, by each of some steps.

        Parameters
        ----------
        rows, contexts
            Which actions, and their contexts as they are; shape (r,) and (r, d).
        places
            The n entries that are moved.
        steps
            By how much; shape (r, n, g).

        Returns
        -------
        Scores
            Of shape (r, n, g): exact, for a line and its variance are known along each entry.
        """
        chance, worth = (
            predict_along(self.stacked[head].some(rows), contexts, places=places, steps=steps) for head in HEADS
        )
        costs, leaning = self.start.costs[rows][:, np.newaxis, np.newaxis], self.leaning(own).of(rows, steps.ndim)
        return combined(chance, worth, leaning=leaning, costs=costs, manner=self.start.manner)

    def leaning(self, own: OwnAnswers) -> Leaning:
        """Give how this person differs from others; not at all, where nothing is known of them.

        Notes
        -----
        The factor is the posterior mean of a Poisson rate under a Gamma prior (Gelman et al. 2013, section 2.6). An
        action's chance is that of a Beta prior, its worth that of a Gaussian one (sections 2.4 and 2.5): a person's own
        answers to it beside what is expected of everybody, which counts like some answers.
        """
        counts = self.start.manner.person
        if counts is None or not (own.answers or own.reports):
            return no_leaning(len(self.start.actions))
        rows = self.start.rows
        pairs = zip(own.answers, own.seen or (1.0,) * len(own.answers), strict=True)
        known = [(rows[action], said, share) for (action, said), share in pairs if action in rows]
        expected = math.fsum(self.rates[row] * share for row, _, share in known)
        factor = (sum(said for _, said, _ in known) + counts.everybody) / (expected + counts.everybody)
        most = self.start.most
        worths = [(rows[action], said) for action, said in own.reports if action in rows]
        reports = [(row, min(max(said, -most[row]), most[row]), 1.0) for row, said in worths]
        kept, added = (part.copy() for part in no_leaning(len(self.start.actions))[1:])
        for place, (of, like) in enumerate(((known, counts.answers), (reports, counts.reports))):
            for row, (count, total) in _summed(of).items():
                kept[place, row], added[place, row] = like / (like + count), total / (like + count)
        return Leaning(factor, kept, added)

    def terms(self, row: int, context: FloatArray, *, mean: float, doubt: float) -> Terms:
        """Take one action's mean score in a context apart; the parts add up to it. ``doubt`` is what it holds of that.

        Chance and worth are both sums over the context, so their product is shared out: half of each entry's part goes
        by what it adds to the chance, half by what it adds to the worth.
        """
        chances, worths = (self.stacked[head].mean[row] * context for head in HEADS)
        chance, worth = math.fsum(chances.tolist()), math.fsum(worths.tolist())
        possible = min(max(chance, LEAST_CHANCE), MOST_CHANCE)
        parts = 0.5 * (chances * worth + worths * chance)
        parts[0] += (possible - chance) * worth  # a line may leave the range of a chance
        valued = mean - doubt + float(self.start.costs[row])
        return Terms(
            context=parts,
            own_answers=valued - possible * worth,
            doubt=doubt,
            cost=-float(self.start.costs[row]),
        )


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


def _summed(said: Sequence[tuple[int, float, float]]) -> dict[int, tuple[float, float]]:
    """Give by row how often something was said of an action, each by its share, and the sum of it."""
    found: dict[int, tuple[float, float]] = {}
    for row, one, share in said:
        count, total = found.get(row, (0.0, 0.0))
        found[row] = (count + share, total + one)
    return found
