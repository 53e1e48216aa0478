"""A race of policies: the same people at the same moments behind the same gates, and each policy lives its own life.

To live through a bank takes minutes, a race seconds: so many ways to decide can be judged on many seeds. Each learns
from its own outcomes only, as late as they come, and its people tire of and hold what *it* chose. Left aside, as with
:mod:`.twins`: gates and contexts stay as the product's own path made them. All people let it learn from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

import numpy as np

from marketofone.domain.action import NOTHING
from marketofone.domain.moment import DAY, Instant
from marketofone.lab.simulate.choice import Choice, Vector
from marketofone.lab.simulate.truth import Mood, Truth
from marketofone.lab.simulate.twins import tired
from marketofone.lab.simulate.yardsticks import LearnedRanking
from marketofone.models.bandit import Learned, Outcome, OwnAnswers
from marketofone.projection.own_answers import Answer, own_answers

EXPLORED = 0.02  # of choices are drawn among all that is allowed, as the template says
_STREAM = 9


class Lived(NamedTuple):
    """What a policy lived through: what each choice was worth by the truth, and how many answers were a yes.

    ``beside`` stands beside each choice among several: what it gained over a random one, and what the order would have
    gained that the same outcomes taught. Shapes: (choices,) and (choices among several, 2).
    """

    worth: Vector
    accepted: int
    answered: int
    beside: Vector


def race(
    rival: Learned, choices: Sequence[Choice], *, truth: Truth, holds: Sequence[frozenset[str]], seed: int
) -> Lived:
    """Let a policy live through choices, in the order given.

    Parameters
    ----------
    rival
        A policy that knows nothing yet.
    choices
        Those of the people it decides for.
    truth, holds
        What people do, and what each of them holds at the start.
    seed
        Of chance: two policies with the same seed meet the same luck as long as they choose alike.
    """
    life = _Life(rival, truth=truth, holds=holds, seed=seed)
    worth = np.array([life.choose(choice) for choice in choices])
    return Lived(worth, life.accepted, life.answered, np.array(life.beside).reshape(-1, 2))


class _Life:
    """One policy, what it learned, and its people."""

    def __init__(self, rival: Learned, *, truth: Truth, holds: Sequence[frozenset[str]], seed: int) -> None:
        self._rival, self._truth = rival, truth
        self._start = rival.policy.start
        self._holds = list(holds)
        self._felt: dict[int, tuple[Instant, float]] = {}
        self._answers: dict[int, list[Answer]] = {}
        self._coming: list[tuple[int, int, Outcome]] = []
        self._numbers = count()
        self._rng = np.random.default_rng((seed, _STREAM))
        self._day = 0
        self._order = LearnedRanking(np.array([float(action.cost_minor) for action in truth.actions]))
        self.accepted = self.answered = 0
        self.beside: list[tuple[float, float]] = []

    def choose(self, choice: Choice) -> float:
        """Choose, hear what the person does, and give what it was worth."""
        if choice.at // DAY != self._day:
            self._day = choice.at // DAY
            self._rival.hear(self._told(self._heard(choice.at)))
        place = self._place(choice)
        since, level = self._felt.get(choice.person, (choice.at, 0.0))
        holds = self._holds[choice.person]
        mood = Mood(at=choice.at, tired=tired(level, since=since, now=choice.at), holds=holds)
        position = choice.allowed[place]
        values = self._truth.expected_values(choice.person, mood=mood)
        worth = float(values[position])
        if len(choice.allowed) > 1:
            by_chance = float(values[list(choice.allowed)].mean())
            self.beside.append((worth - by_chance, float(values[self._order.first(choice.allowed)]) - by_chance))
        if self._truth.actions[position].kind != NOTHING:
            self._felt[choice.person] = (choice.at, mood.tired + 1)
            self._react(choice, place, mood)
        return worth

    def _place(self, choice: Choice) -> int:
        """Give the place, among those allowed, of what the policy takes."""
        if len(choice.allowed) == 1 or not choice.seen.size or self._rng.random() < EXPLORED:
            return int(self._rng.integers(len(choice.allowed)))
        names = [self._truth.actions[position].id for position in choice.allowed]
        speaking = [place for place, name in enumerate(names) if name in self._start.rows]
        rows = np.array([self._start.rows[names[place]] for place in speaking], dtype=np.intp)
        contexts = choice.seen[speaking, : self._start.dim].astype(np.float64)
        scores = self._rival.score(contexts, own=self._own(choice), rows=rows)
        samples = np.zeros(len(names))
        samples[speaking] = scores.mean + scores.spread * self._rng.standard_normal(len(speaking))
        return int(samples.argmax())

    def _own(self, choice: Choice) -> OwnAnswers:
        return own_answers(tuple(self._answers.get(choice.person, ())), until=choice.at)

    def _react(self, choice: Choice, place: int, mood: Mood) -> None:
        action = self._truth.actions[choice.allowed[place]]
        reaction = self._truth.react(choice.person, action.id, mood=mood, rng=self._rng)
        yes = reaction.verdict == "accepted"
        at = Instant(choice.at + reaction.after)
        valued = Instant(at + reaction.valued_after)
        said = Answer(action.id, choice.at, at, yes, reaction.value_minor if yes else None, valued)
        self._answers.setdefault(choice.person, []).append(said)
        self.answered, self.accepted = self.answered + 1, self.accepted + yes
        if yes and action.product:
            self._holds[choice.person] |= {action.product}
        if not choice.seen.size:  # nothing was to be chosen, so nothing was seen that could teach
            return
        context = choice.seen[place, : self._start.dim].astype(np.float64)
        self._later(at, Outcome("chance", action.id, context, float(yes)))
        if yes:
            self._later(valued, Outcome("worth", action.id, context, float(reaction.value_minor)))

    def _later(self, at: Instant, outcome: Outcome) -> None:
        heappush(self._coming, (at, next(self._numbers), outcome))

    def _heard(self, now: Instant) -> Iterator[Outcome]:
        while self._coming and self._coming[0][0] <= now:
            yield heappop(self._coming)[2]

    def _told(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Tell the learned order what the policy hears."""
        for outcome in outcomes:
            position = self._truth.position[outcome.action]
            if outcome.head == "chance":
                self._order.shown(position)
            else:
                self._order.worth(position, outcome.reward)
            yield outcome
