"""What is believed about every action of a catalogue, and how that becomes a score.

An action's score is its chance of acceptance times what an acceptance is worth, less its cost. Both are linear in the
context, both are learned from outcomes, and both share what actions have in common. A person's own answers make every
chance larger or smaller, and stand beside what is expected of everybody where the same action comes again. What is
uncertain gets the benefit of the doubt, and a draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from marketofone.models.bandit import kernel
from marketofone.models.bandit.arm import Arm, FloatArray
from marketofone.models.bandit.context_table import ContextTable
from marketofone.models.bandit.predict import (
    LEAST_CHANCE,
    MOST_CHANCE,
    Arms,
    Leaning,
    Rows,
    Scores,
    SparseLeaning,
    combined,
    predict_along,
    stack,
)
from marketofone.models.bandit.reproducible import fold
from marketofone.models.bandit.scale import AS_STATED, Sizes
from marketofone.models.bandit.shared import Shared
from marketofone.models.bandit.start import HEADS, SPREADS, Head, Start

_NOBODY = SparseLeaning(1.0, {})


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
class Beliefs:
    """What is believed about the actions of a catalogue, laid out in its order.

    ``raw`` are the arms as each action's own outcomes left them; ``arms`` are these under the ``sizes`` that all
    outcomes make likely; ``stacked`` has their means moved by what is shared. ``rates`` (k,) are how often each action
    is accepted by anybody, and ``times`` (k,) how many times as often as declared.
    """

    start: Start
    raw: Mapping[Head, Arms]
    arms: Mapping[Head, Arms]
    stacked: Mapping[Head, Arms]
    rates: FloatArray
    times: FloatArray
    sizes: Mapping[Head, Sizes]

    @classmethod
    def at_start(cls, start: Start) -> Self:
        """Give the beliefs before the first outcome."""
        arms, sizes = {head: stack(start.arms[head]) for head in HEADS}, dict.fromkeys(HEADS, AS_STATED)
        return cls(
            start=start,
            raw=start.raw,
            arms=arms,
            stacked=arms,
            rates=start.declared,
            times=start.times_declared({}),
            sizes=sizes,
        )

    def after(self, learned: Mapping[Head, Mapping[str, Arm]], *, shared: Mapping[Head, Shared]) -> Self:
        """Give the beliefs with some actions' arms replaced, and what is shared."""
        if not self.start.manner.shares:
            shared = {}
        raw = {head: self.raw[head].moved(learned.get(head, {}), rows=self.start.rows) for head in HEADS}
        sizes = {head: shared[head].sizes if head in shared else AS_STATED for head in HEADS}
        arms = {head: self._scaled(head, raw[head], learned.get(head, {}), sizes=sizes[head]) for head in HEADS}
        answered = learned.get("chance", {})
        rates = self.start.rates(answered, before=self.rates)
        times = self.start.times_declared(answered, before=self.times)
        stacked = {head: self._moved(head, arms[head], shared.get(head), times=times) for head in HEADS}
        return type(self)(start=self.start, raw=raw, arms=arms, stacked=stacked, rates=rates, times=times, sizes=sizes)

    def _scaled(self, head: Head, raw: Arms, learned: Mapping[str, Arm], *, sizes: Sizes) -> Arms:
        """Lay arms out under some sizes; where these are those of before, only those that were replaced."""
        every = sizes != self.sizes[head]
        rows = np.array([*self.start.rows.values()] if every else [self.start.rows[name] for name in learned], np.intp)
        mean, covariance = self.start.rescaled(head, raw.some(rows), rows=rows, sizes=sizes)
        return self.arms[head].replaced(rows, Arms(mean=mean, covariance=covariance))

    def _moved(self, head: Head, arms: Arms, shared: Shared | None, *, times: FloatArray) -> Arms:
        """Move each mean by ``V D^-1`` of what actions share, and what each is suspected of; see :mod:`.shared`."""
        distrusts = head == "worth" and self.start.distrusts
        if shared is None and not distrusts:
            return arms
        shared = shared or Shared(everybody=np.zeros(self.start.dim), kinds={})
        own = SPREADS[head].scaled(shared.sizes.scale).precision(2, dim=self.start.dim)
        parts = np.array([shared.of(str(action.kind)) for action in self.start.actions])
        if distrusts:
            parts[:, 0] += shared.distrust * self.start.suspected(times)
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

    def score_each(self, table: ContextTable, asked: Sequence[tuple[int, OwnAnswers, Rows]]) -> list[Scores]:
        """Score actions for many people as :meth:`score` does: for each their place in the table, and which actions."""
        each = [kernel.Asked(person, rows, self._leaning(own)) for person, own, rows in asked]
        chance, worth = (self.stacked[head] for head in HEADS)
        return kernel.score_each(chance, worth, table, each, costs=self.start.costs, manner=self.start.manner)

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
        """Give how this person differs from others, over all actions; not at all, where nothing is known of them."""
        return self._leaning(own).over(len(self.start.actions))

    def _leaning(self, own: OwnAnswers) -> SparseLeaning:
        """Give how this person differs from others.

        Notes
        -----
        The factor is the posterior mean of a Poisson rate under a Gamma prior (Gelman et al. 2013, section 2.6). An
        action's chance is that of a Beta prior, its worth that of a Gaussian one (sections 2.4 and 2.5): a person's own
        answers to it beside what is expected of everybody, which counts like some answers.
        """
        counts = self.start.manner.person
        if counts is None or not (own.answers or own.reports):
            return _NOBODY
        rows, rates = self.start.rows, self._rates
        known = [
            (rows[action], said, share)
            for (action, said), share in zip(own.answers, own.seen or (1.0,) * len(own.answers), strict=True)
            if action in rows
        ]
        expected = math.fsum([rates[row] * share for row, _, share in known])
        factor = (sum([said for _, said, _ in known]) + counts.everybody) / (expected + counts.everybody)
        like = counts.answers
        found = {
            row: (like / (like + count), 1.0, total / (like + count), 0.0)
            for row, (count, total) in _summed(known).items()
        }
        if own.reports:
            self._lean_by_worth(own, found, like=counts.reports)
        return SparseLeaning(factor, found)

    def _lean_by_worth(
        self, own: OwnAnswers, found: dict[int, tuple[float, float, float, float]], *, like: float
    ) -> None:
        rows, most = self.start.rows, self.start.most
        worths = [(rows[action], said) for action, said in own.reports if action in rows]
        reports = [(row, min(max(said, -most[row]), most[row]), 1.0) for row, said in worths]
        for row, (count, total) in _summed(reports).items():
            kept, _, added, _ = found.get(row, (1.0, 1.0, 0.0, 0.0))
            found[row] = kept, like / (like + count), added, total / (like + count)

    @cached_property
    def _rates(self) -> list[float]:
        rates: list[float] = self.rates.tolist()
        return rates

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


def _summed(said: Sequence[tuple[int, float, float]]) -> dict[int, tuple[float, float]]:
    """Give by row how often something was said of an action, each by its share, and the sum of it."""
    found: dict[int, tuple[float, float]] = {}
    for row, one, share in said:
        count, total = found.get(row, (0.0, 0.0))
        found[row] = (count + share, total + one)
    return found
