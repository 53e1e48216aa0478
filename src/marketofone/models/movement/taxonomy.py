"""What a payment can be: its nature, and of spending the category. Words are stored, so a word once given stays."""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from marketofone.domain.fields import Category, Nature

NATURES: tuple[Nature, ...] = get_args(Nature)
CATEGORIES: tuple[Category, ...] = get_args(Category)
INCOME: frozenset[Nature] = frozenset({"salary", "pension", "benefit", "interest", "other_income"})
"""Money in that makes a person richer; all other money in answers something, or is their own."""


class Meaning(Struct, frozen=True):
    """What a code or a word says of a payment, as far as it says anything."""

    nature: Nature | None = None
    category: Category | None = None
