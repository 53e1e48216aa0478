"""Who the people are: traits that no person can read off a single number, and the facts of their lives.

A trait is a standard normal number. No event carries one; each leaves weak traces in many habits (``life``), and
together they decide what a person would do with an offer and what that is worth (``truth``).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decoding import convert
from marketofone.lab.simulate.span import Span
from marketofone.lab.simulate.tables import TABLES, WORDS, Loadings, Statement

TRAITS = ("price", "planner", "digital", "traveller", "family", "anxious", "trust", "ambition")
_STUDENT_AGE, _PENSION_AGE = 24, 65
_RENEWAL_DAYS, _RETURN_DAYS = 350, 45
OPENING = 9 * 60  # the minute of the day at which people join


Stage = Literal["study", "work", "retired"]


class Person(Struct, frozen=True, kw_only=True):
    """One synthetic person. Amounts in minor units a month; ``joined`` is a day of the span."""

    index: int
    id: str
    birth_year: int
    sex: Literal["female", "male", "other"]
    region: str
    traits: tuple[float, ...]
    joined: int
    stage: Stage
    cycle: Literal["monthly", "fortnightly", "irregular"]
    pay_minor: int
    pay_date: int
    rent_share: float
    other_bank: str | None
    holds: tuple[str, ...]
    consents: tuple[ConsentChange, ...]

    def leaning(self, loadings: Loadings) -> float:
        """Add up what the person's traits make of some loadings; words that are no trait count nothing."""
        return sum(loadings.get(name, 0.0) * value for name, value in zip(TRAITS, self.traits, strict=True))


def happens(share: float, rng: np.random.Generator) -> bool:
    """Draw whether something happens that happens with this chance."""
    return bool(rng.random() < share)


def draw_person(index: int, *, seed: int, span: Span) -> Person:
    """Draw one person; the same seed and index give the same person, also in a world of others."""
    rng = np.random.default_rng((seed, index, 1))
    age = int(np.clip(rng.gamma(6.0, 4.2) + 18, 18, 88))
    stage: Stage = "study" if age < _STUDENT_AGE else "retired" if age >= _PENSION_AGE else "work"
    drawn = rng.standard_normal(len(TRAITS))
    drawn[TRAITS.index("digital")] += (42 - age) / 30
    drawn[TRAITS.index("planner")] += (age - 42) / 40
    joined = 0 if happens(0.6, rng) else int(rng.integers(1, max(2, span.days * 2 // 3)))
    middle = {"study": 70_000, "work": 235_000, "retired": 125_000}[stage]
    cycle: Literal["fortnightly", "irregular"] = "fortnightly" if happens(0.5, rng) else "irregular"
    person = Person(
        index=index,
        id=f"sim-{index:05d}",
        birth_year=span.year - age,
        sex="other" if happens(0.02, rng) else "female" if happens(0.5, rng) else "male",
        region=str(rng.choice(WORDS["regions"])),
        traits=tuple(float(trait) for trait in drawn),
        joined=joined,
        stage=stage,
        cycle=cycle if stage == "work" and happens(0.22, rng) else "monthly",
        pay_minor=round(middle * float(np.exp(0.12 * drawn[-1] + 0.35 * rng.standard_normal())) / 100) * 100,
        pay_date=int(rng.choice([1, 5, 10, 12, 15, 25, 27, 28])),
        rent_share=float(rng.uniform(0.2, 0.36)) if happens(0.7, rng) else 0.0,
        other_bank=str(rng.choice(WORDS["institutions"])) if happens(0.4, rng) else None,
        holds=(),
        consents=_consents(f"sim-{index:05d}", joined, span, rng),
    )
    odds = {name: held["odds"] + person.leaning(held) for name, held in TABLES.holdings.items()}
    held = (name for name, value in odds.items() if happens(1 / (1 + float(np.exp(-value))), rng))
    holds = tuple(name for name in held if stage == "work" or name != "mortgage")
    return replace(person, holds=("current_account", "debit_card", *holds))


def _consents(customer: str, joined: int, span: Span, rng: np.random.Generator) -> tuple[ConsentChange, ...]:
    """Draw what a person says about consent: at joining, perhaps a change of mind, perhaps back, and a renewal."""
    allows, objects = (_one_of(table, rng) for table in (TABLES.allowed, TABLES.withdrawn))
    leaves, returns, renews = happens(0.16, rng), happens(0.5, rng), happens(0.85, rng)
    left = joined + int(rng.integers(1, max(2, span.days - joined)))
    again = left + _RETURN_DAYS if leaves else joined + _RENEWAL_DAYS
    said = [(joined, "grant", allows)]
    said += [(left, "withdraw", objects)] if leaves else []
    said += [(again, "grant", allows)] if (returns if leaves else renews) else []
    return tuple(
        convert(
            {"customer": customer, "change": change, "purposes": what.purposes, "sources": what.sources}
            | {"channels": ("*",), "since": span.at(day, minute=OPENING)},
            of=ConsentChange,
        )
        for day, change, what in said
        if allows is not None and what is not None and day < span.days
    )


def _one_of(table: tuple[Statement, ...], rng: np.random.Generator) -> Statement | None:
    """Draw what one person says; None when the shares leave people over."""
    which = int(np.searchsorted(np.cumsum([said.people for said in table]), rng.random(), side="right"))
    return table[which] if which < len(table) else None
