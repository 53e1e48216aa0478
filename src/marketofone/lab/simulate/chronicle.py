"""What happens in a life, before anybody at the bank hears of it: turns of life, stress, trips, changes of habit.

A chronicle is the hidden half of the truth. Events only hint at it: the search before a child is told, the messages of
a person under stress, the flight before a trip. ``life`` turns it into events and ``truth`` into what people would do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketofone.lab.simulate.people import Person
from marketofone.lab.simulate.span import PerDay, Span
from marketofone.lab.simulate.tables import TABLES

SITUATIONS = ("stress", "strain", "flush", "payday_near", "journey", "child", "home", "work", "retirement", "grief")
_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The hidden days of one life. Shapes: every array has one number a day of the span, from 0 to 1 but ``income``.

    ``turns`` are (day, turn of life); ``trips`` (first day, days); ``income`` the share of the usual pay; ``shift`` a
    change of habit (eating out instead of cooking); ``heard`` 0 on the days whose events never reach the bank.
    """

    turns: tuple[tuple[int, str], ...]
    trips: tuple[tuple[int, int], ...]
    stress: PerDay
    income: PerDay
    shift: PerDay
    heard: PerDay


def quiet(span: Span) -> Chronicle:
    """Give an ordinary time in which nothing special happens."""
    flat = np.zeros(span.days)
    return Chronicle(turns=(), trips=(), stress=flat, income=flat + 1, shift=flat, heard=flat + 1)


def draw_chronicle(person: Person, *, span: Span, rng: np.random.Generator) -> Chronicle:
    """Draw what happens to one person."""
    turns = _turns(person, span, rng)
    often = 1.3 / _YEAR * np.exp(person.leaning({"traveller": 0.6}))
    away = rng.random(span.days) < often * (1 + 0.8 * np.cos(4 * np.pi * (span.season - 0.52)))
    return Chronicle(
        turns=turns,
        trips=tuple((int(day), int(rng.integers(3, 15))) for day in np.flatnonzero(away)),
        stress=_stress(person, turns, span, rng),
        income=_income(turns, span, rng),
        shift=_episodes(0.5, (40, 90), span, rng) * rng.uniform(0.5, 1.0),
        heard=1 - np.sign(_episodes(0.25, (15, 50), span, rng)),
    )


def situations(chronicle: Chronicle, *, span: Span, money: dict[str, PerDay]) -> PerDay:
    """Stack what a person is in, day by day. Shapes: (days, situations); ``money`` gives what the account tells."""
    rows = {name: np.zeros(span.days) for name in SITUATIONS} | money | {"stress": chronicle.stress}
    for day, name in chronicle.turns:
        turn = TABLES.turns[name]
        if turn.brings is not None:
            now = _around(day, before=turn.before, after=turn.after, span=span)
            rows[turn.brings] = np.maximum(rows[turn.brings], now)
    for first, length in chronicle.trips:
        rows["journey"] = np.maximum(rows["journey"], _around(first, before=25, after=length + 1, span=span))
    return np.stack([rows[name] for name in SITUATIONS], axis=1)


def _around(day: int, *, before: int, after: int, span: Span) -> PerDay:
    """Rise to 1 at a day and fade again."""
    return np.interp(np.arange(span.days), [day - before, day, day + after], [0.0, 1.0, 0.0])


def _turns(person: Person, span: Span, rng: np.random.Generator) -> tuple[tuple[int, str], ...]:
    """Draw at most one turn of each sort; no person loses a job they do not have."""
    draws, days = rng.random(len(TABLES.turns)), rng.integers(span.days, size=len(TABLES.turns))
    age = span.year - person.birth_year
    found = []
    for (name, turn), draw, day in zip(TABLES.turns.items(), draws, days, strict=True):
        chance = turn.yearly * span.days / _YEAR * np.exp(person.leaning({turn.trait: 0.4}))
        if turn.ages[0] <= age <= turn.ages[1] and draw < chance:
            found.append((int(day), name))
    return tuple(sorted(found))


def _episodes(yearly: float, lengths: tuple[int, int], span: Span, rng: np.random.Generator) -> PerDay:
    """Rise and fade a few times, at random."""
    level = np.zeros(span.days)
    for _ in range(int(rng.poisson(yearly * span.days / _YEAR))):
        day, length = int(rng.integers(span.days)), int(rng.integers(*lengths))
        level = np.maximum(level, _around(day, before=length // 3, after=length, span=span))
    return level


def _stress(person: Person, turns: tuple[tuple[int, str], ...], span: Span, rng: np.random.Generator) -> PerDay:
    """Hard turns bring stress, and prone people also have episodes without a reason that anybody could see."""
    level = 0.8 * _episodes(0.5 * float(np.exp(person.leaning({"anxious": 0.7}))), (12, 40), span, rng)
    for day, name in turns:
        shock = TABLES.turns[name].shock * float(np.clip(1 + person.leaning({"anxious": 0.25}), 0.4, 1.5))
        level = np.maximum(level, shock * _around(day, before=3, after=int(rng.integers(30, 90)), span=span))
    return np.clip(level, 0, 1)


def _income(turns: tuple[tuple[int, str], ...], span: Span, rng: np.random.Generator) -> PerDay:
    share = np.ones(span.days)
    for day, name in turns:
        turn = TABLES.turns[name]
        share[day : day + int(turn.income_days * rng.uniform(0.6, 1.5))] *= turn.income
    return share
