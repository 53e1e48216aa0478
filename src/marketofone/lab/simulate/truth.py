"""The known truth: what each person would do with each action at a moment, and what it is worth over 12 months.

Shape of a world: log-odds of acceptance = how the kind is taken + a hidden appeal of the action + traits x themes +
situation x themes - tiredness of being addressed. Worth per acceptance = the action's scale x (a hidden level + the
same sums with other loadings). Level and appeal are drawn from the seed and the action's id, so any catalogue gets a
truth: themes are found as words of its ids, products and tags; help with something foreseen is taken as what it helps
with, however it is called. Credit draws clicks and mostly loses value; selling to a person under stress loses value
even when it is ignored. Nothing here is read by the product.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.action import MARKETING, NOTHING, Action
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.domain.outcome import Verdict, WhyNot, WhyYes
from marketofone.lab.simulate.bait import BAIT, CHANCE, LEVEL
from marketofone.lab.simulate.chronicle import SITUATIONS
from marketofone.lab.simulate.life import Life
from marketofone.lab.simulate.people import TRAITS
from marketofone.lab.simulate.span import Span
from marketofone.lab.simulate.tables import TABLES, Loadings

Vector = NDArray[np.float64]
CLICKY_APPEAL, CLICKY_LEVEL = 0.8, -0.6
_STRESS_HARM_MINOR = 900  # attrition: what selling to a person under full stress costs, taken or not
_TIRED_HARM_MINOR = 15
_TIRED_ODDS = 0.18
_HELD_ODDS = -2.0
_NOISE = 0.3
SIGN_DAYS = 14


class Mood(Struct, frozen=True, kw_only=True):
    """What a person's answer depends on besides who they are: when, how tired of being addressed, what they hold."""

    at: Instant
    tired: float
    holds: frozenset[str]


class Reaction(Struct, frozen=True, kw_only=True):
    """What a person does: after how long, why, and what an acceptance turns out to be worth, after how long."""

    verdict: Verdict
    why: str
    after: int
    value_minor: int = 0
    valued_after: int = 0


def clicky(action: Action) -> bool:
    """Say whether an action belongs to those that draw clicks and cost long-term value."""
    return action.kind in MARKETING and "credit" in _themes(action)


class Truth:
    """The truth about some people and a catalogue. Shapes: whatever is over actions is in the catalogue's order."""

    def __init__(self, lives: Sequence[Life], actions: Sequence[Action], *, span: Span, seed: int) -> None:
        self.actions = tuple(actions)
        self.position = {action.id: position for position, action in enumerate(actions)}
        self._span = span
        self._situation = [life.situation for life in lives]
        traits = np.array([life.person.traits for life in lives])
        draws = np.array([_draws(action, seed) for action in actions])
        pairs = [_loadings(action) for action in actions]
        chance, worth = _table(pairs, TRAITS)
        self._chance_by_situation, self._worth_by_situation = _table(pairs, SITUATIONS)
        tastes, worths = 0.2 * draws[:, 2:].reshape(len(actions), 2, -1).swapaxes(0, 1)  # that follow no theme
        manner = [TABLES.kinds[action.kind] for action in actions]
        bad, bait = (np.array([of(action) for action in actions]) for of in (clicky, _is_bait))
        appeal = 0.35 * draws[:, 0] + CLICKY_APPEAL * bad + [kind.odds for kind in manner]
        appeal = np.where(bait, np.log(CHANCE / (1.0 - CHANCE)), appeal)
        self._odds: Vector = appeal + traits @ (chance + tastes).T
        level = np.where(bad, CLICKY_LEVEL, 0.75) + 0.3 * draws[:, 1]
        level = np.where(bait, LEVEL, level)
        self._levels: Vector = level + traits @ (worth + worths).T
        usual = np.array([kind.worth for kind in manner])
        stated = np.array([abs(action.value_minor) for action in actions])
        self._scale: Vector = np.sqrt(
            np.where(stated, stated, usual) * usual
        )  # what a catalogue states is half the truth
        self._cost = np.array([action.cost_minor for action in actions])
        self._sells = np.array([action.marketing for action in actions])
        self._speaks = np.array([action.kind != NOTHING for action in actions])

    def situation(self, person: int, *, at: Instant) -> Vector:
        """Give what a person is in at a moment. Shapes: (situations,)."""
        day = int(np.searchsorted(self._span.starts, at, side="right")) - 1
        row: Vector = self._situation[person][min(max(day, 0), self._span.days - 1)]
        return row

    def acceptance_probabilities(self, person: int, *, mood: Mood) -> Vector:
        """Give the chance of acceptance of every action. Shapes: (actions,)."""
        odds = self._odds[person] + self._chance_by_situation @ self.situation(person, at=mood.at)
        hour = (mood.at - int(self._span.starts[0])) % DAY / HOUR
        odds = odds - _TIRED_ODDS * mood.tired + 0.15 * np.cos(2 * np.pi * (hour - 19) / 24)  # evenings suit better
        odds += _HELD_ODDS * np.array([action.product in mood.holds for action in self.actions])
        chances: Vector = 1 / (1 + np.exp(-odds))
        return chances

    def worths(self, person: int, *, at: Instant) -> Vector:
        """Give what an acceptance is worth over 12 months, in minor units; may be negative. Shapes: (actions,)."""
        levels = self._levels[person] + self._worth_by_situation @ self.situation(person, at=at)
        worths: Vector = self._scale * np.clip(levels, -2.5, 3.0)
        return worths

    def expected_values(self, person: int, *, mood: Mood) -> Vector:
        """Give what doing each action now is worth on average, less its cost and its harm. Shapes: (actions,)."""
        stress = self.situation(person, at=mood.at)[SITUATIONS.index("stress")]
        harm = self._sells * _STRESS_HARM_MINOR * stress**2 + self._speaks * _TIRED_HARM_MINOR * mood.tired
        values: Vector = (
            self.acceptance_probabilities(person, mood=mood) * self.worths(person, at=mood.at) - self._cost - harm
        )
        return values

    def react(self, person: int, action: str, *, mood: Mood, rng: np.random.Generator) -> Reaction:
        """Draw what a person does. An acceptance is worth what it is worth, with noise, known after 60 to 90 days."""
        position = self.position[action]
        taken, silent, soon = rng.random(3)
        if taken < self.acceptance_probabilities(person, mood=mood)[position]:
            worth = float(self.worths(person, at=mood.at)[position])
            noise = _NOISE * float(self._scale[position]) * float(rng.standard_normal())
            return Reaction(
                verdict="accepted",
                why=self._why_yes(person, action, mood),
                after=round(MINUTE + soon**3 * 2 * DAY),
                value_minor=round(worth + noise),
                valued_after=int(rng.integers(60, 91)) * DAY,
            )
        if silent < 0.75:  # noqa: PLR2004 - most people who do not want something do not say so
            return Reaction(verdict="ignored", why="", after=round(HOUR + soon * 5 * DAY))
        return Reaction(
            verdict="declined", why=self._why(person, action, mood), after=round(MINUTE + soon**3 * 3 * DAY)
        )

    def signs(self, person: int, action: str, *, at: Instant, rng: np.random.Generator) -> dict[str, int]:
        """Draw what follows an acceptance early, by what it is truly worth, and after how long."""
        position = self.position[action]
        level = float(self.worths(person, at=at)[position] / max(self._scale[position], 1.0))
        harm = min(max(0.5 * (1.0 - level), 0.0), 1.0)
        drawn = rng.random((len(TABLES.signs), 2))
        return {
            name: round(HOUR + soon**2 * SIGN_DAYS * DAY)
            for (name, sign), (happens, soon) in zip(TABLES.signs.items(), drawn, strict=True)
            if happens < sign.helped + harm * (sign.harmed - sign.helped)
        }

    def _why_yes(self, person: int, action: str, mood: Mood) -> str:
        """Give the heaviest of the true reasons for."""
        position = self.position[action]
        state = dict(zip(SITUATIONS, self.situation(person, at=mood.at), strict=True))
        reasons: dict[WhyYes, float] = {
            "good moment": 0.6 * state["payday_near"],
            "good price": self._sells[position] * (0.3 + state["flush"]),
            "easy": 0.6 if self.actions[position].kind == "feature" else 0.0,
            "useful": 0.5,
        }
        return max(reasons, key=lambda why: reasons[why])

    def _why(self, person: int, action: str, mood: Mood) -> str:
        """Give the heaviest of the true reasons against."""
        position = self.position[action]
        state = dict(zip(SITUATIONS, self.situation(person, at=mood.at), strict=True))
        product = self.actions[position].product
        against: dict[WhyNot, float] = {
            "already have it": 9.0 if product is not None and product in mood.holds else 0.0,
            "too expensive": self._sells[position] * (0.6 + state["strain"]),
            "too often": 0.5 * mood.tired,
            "not now": state["stress"],
            "do not trust": 0.9 if self._odds[person, position] < self._odds[:, position].mean() - 1 else 0.2,
            "not relevant": 0.5,
        }
        return max(against, key=lambda why: against[why])


def _is_bait(action: Action) -> bool:
    return action.id == BAIT


def _themes(action: Action) -> list[str]:
    """Find what an action is about: words of what it answers, else of its id, product and tags, that begin a theme."""
    said = (action.about,) if action.about else (action.id, action.product or "", *action.tags)
    words = re.split(r"[^a-z]+", " ".join(said).lower())
    found = [name for name, theme in TABLES.themes.items() if any(word.startswith(theme.words) for word in words)]
    return [*found, "credit"] if action.credit and "credit" not in found else found


def _loadings(action: Action) -> tuple[Loadings, Loadings]:
    """Add the loadings of an action's themes up, on chance and on worth; the more themes, the less of each."""
    themes = [TABLES.themes[name] for name in _themes(action)]
    return _sum([theme.chance for theme in themes]), _sum([theme.worth for theme in themes])


def _sum(several: Sequence[Loadings]) -> Loadings:
    names = {name for loadings in several for name in loadings}
    return {name: sum(loadings.get(name, 0.0) for loadings in several) / len(several) ** 0.5 for name in names}


def _table(pairs: Sequence[tuple[Loadings, Loadings]], names: Sequence[str]) -> Vector:
    """Lay loadings out. Shapes: (2, actions, names)."""
    rows = [[[loadings.get(name, 0.0) for name in names] for loadings in pair] for pair in pairs]
    return np.array(rows).swapaxes(0, 1)


def _draws(action: Action, seed: int) -> Vector:
    """Draw what no person can read off an action: appeal, level, and tastes by trait for both."""
    word = int.from_bytes(blake2b(action.id.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng((seed, word)).standard_normal(2 + 2 * len(TRAITS))
