"""The tables of the synthetic bank (``world.toml``) as values. Events name an entry by its position."""

from __future__ import annotations

from importlib.resources import files
from itertools import product

from msgspec import Struct

from marketofone.domain.decoding import decode_toml

Loadings = dict[str, float]


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """A turn of life: how often, whom, how hard, what it brings and how long, what is searched before."""

    yearly: float
    ages: tuple[int, int]
    trait: str
    searches: tuple[str, ...]
    shock: float = 0.0
    brings: str | None = None
    before: int = 1
    after: int = 1
    income: float = 1.0
    income_days: int = 9_999


class Habit(Struct, frozen=True, forbid_unknown_fields=True):
    """Something people keep doing: how often, for how much, and what bends that."""

    per_month: float
    median: int = 0
    spread: float = 0.5
    weekend: float = 0.0
    season: float = 0.0
    fresh: float = 0.0
    stress: float = 0.0
    shift: float = 0.0
    traits: Loadings = {}


class Bill(Struct, frozen=True, forbid_unknown_fields=True):
    """Something due by the calendar: which share of pay, when, and for whom."""

    category: str
    share: float
    months: tuple[int, ...] = ()
    people: float = 1.0
    holds: str | None = None
    winter: float = 0.0


class Statement(Struct, frozen=True, forbid_unknown_fields=True):
    """What a share of people says about consent."""

    people: float
    purposes: tuple[str, ...]
    sources: tuple[str, ...]


class Theme(Struct, frozen=True, forbid_unknown_fields=True):
    """What an action is about, and whom that suits when."""

    words: tuple[str, ...]
    chance: Loadings
    worth: Loadings


class Manner(Struct, frozen=True, forbid_unknown_fields=True):
    """How people take a kind of action, and its usual worth."""

    odds: float
    worth: int


class Sign(Struct, frozen=True, forbid_unknown_fields=True):
    """How often something follows an acceptance: where that harms its person, and where it helps."""

    harmed: float
    helped: float


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    payments: tuple[tuple[str, str, bool, tuple[str, ...]], ...]
    words: dict[str, tuple[str, ...]]
    turns: dict[str, Turn]
    messages: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    bills: tuple[Bill, ...]
    allowed: tuple[Statement, ...]
    withdrawn: tuple[Statement, ...]
    habits: dict[str, Habit]
    contacts: dict[str, Habit]
    holdings: dict[str, Loadings]
    themes: dict[str, Theme]
    kinds: dict[str, Manner]
    signs: dict[str, Sign]


def _positions(sizes: dict[str, int]) -> dict[str, range]:
    """Give where each group stands when groups of these sizes follow one another."""
    found, first = {}, 0
    for name, size in sizes.items():
        found[name] = range(first, first + size)
        first += size
    return found


TABLES = decode_toml(files(__package__).joinpath("world.toml").read_bytes(), of=_Tables)
WORDS = TABLES.words
PAYMENTS = tuple((kind, how, shop, name) for kind, how, shop, names in TABLES.payments for name in names)
PAYMENTS_OF = _positions({kind: len(names) for kind, _, _, names in TABLES.payments})
SEARCHES = tuple(query for turn in TABLES.turns.values() for query in turn.searches)
SEARCHES_OF = _positions({name: len(turn.searches) for name, turn in TABLES.turns.items()})
MESSAGES = tuple(opening + rest for parts in TABLES.messages.values() for opening, rest in product(*parts))
MESSAGES_OF = _positions({mood: len(parts[0]) * len(parts[1]) for mood, parts in TABLES.messages.items()})
PLACES = tuple((venue, land if venue == "abroad" else None) for land in WORDS["countries"] for venue in WORDS["places"])
