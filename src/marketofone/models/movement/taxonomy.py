"""What a payment can be: its nature, and of spending the category. Words are stored, so a word once given stays."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from marketofone.domain.fields import Nature

Category = Literal[
    "groceries",
    "dining",
    "rent",
    "utilities",
    "telecom",
    "household",
    "insurance",
    "tax",
    "health",
    "transport",
    "travel",
    "children",
    "childcare",
    "education",
    "clothing",
    "electronics",
    "entertainment",
    "sport",
    "pets",
    "personal_care",
    "gifts",
    "donations",
    "shopping",
    "gambling",
    "services",
    "people",
    "other",
]
NATURES: tuple[Nature, ...] = get_args(Nature)
CATEGORIES: tuple[Category, ...] = get_args(Category)
INCOME: frozenset[Nature] = frozenset({"salary", "pension", "benefit", "interest", "other_income"})
"""Money in that makes a person richer; all other money in answers something, or is their own."""


class Meaning(Struct, frozen=True):
    """What a code or a word says of a payment, as far as it says anything."""

    nature: Nature | None = None
    category: Category | None = None


class Understood(Struct, frozen=True, kw_only=True):
    """What a payment is: None where too little says so. ``because`` tells the rule, in words without personal data."""

    nature: Nature | None = None
    category: Category | None = None
    merchant: str | None = None
    confidence: float = 0.0
    because: str = ""
