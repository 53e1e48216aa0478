"""Readings: what a text seems to say, or a movement of money to be, with a confidence and the right to abstain."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from marketofone.domain.fields import Category, Nature

Sentiment = Literal["negative", "neutral", "positive"]
Emotion = Literal["none", "upset", "worried", "sad", "happy"]
LIKELY = 0.5
"""How probable an intent must be to count."""


class MovementReading(Struct, frozen=True, array_like=True):
    """What a movement of money is: nature, category and the name of the other side, None where too little says so.

    ``because`` names the rule that found it, without personal data; ``confidence`` (0 to 1) how often such rules are
    right. By itself a movement is read before it is kept, and its reading is kept with it.
    """

    nature: Nature | None = None
    category: Category | None = None
    merchant: str | None = None
    confidence: float = 0.0
    because: str = ""


class Intent(Struct, frozen=True, kw_only=True):
    """One thing the person seems to want, with its probability."""

    intent: str
    probability: float


class Reading(Struct, frozen=True, kw_only=True):
    """What one text seems to say. ``route`` is ``abstain`` when the model does not know; then nothing else counts.

    ``topics`` are themes such as ``child`` or ``travel`` (of searches too); ``needs`` are wants in plain words.
    """

    intents: tuple[Intent, ...]
    sentiment: Sentiment
    emotion: Emotion
    urgency: float
    confidence: float
    topics: tuple[str, ...]
    needs: tuple[str, ...]
    route: Literal["local", "llm", "abstain"]
