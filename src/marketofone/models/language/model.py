"""The local language model: what a short text seems to say, with a confidence and the right to abstain.

Text -> masked words -> sparse place in the vocabulary -> log-odds per label (one gather and one sum) -> chances ->
:class:`~marketofone.domain.reading.Reading`. Reading needs only numpy, takes some 0.1 ms for a short message and is
deterministic. Limits: English; it knows what the phrases know, and abstains from the rest; irony escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.reading import Emotion, Intent, Reading, Sentiment
from marketofone.models.language.fitting import Fitted, Floats, Head, chance_of, evidence_of, fit
from marketofone.models.language.phrases import Phrase
from marketofone.models.language.text import words

# Chances are rounded to what they are worth, which also keeps readings equal across machines.
DECIMALS = 4
SENTIMENTS: tuple[Sentiment, ...] = get_args(Sentiment)
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A fitted model, as a value.

    Units: probabilities, confidence (the chance that the first intent is right) and urgency (0 whenever, 1 now) are
    shares of one. Source: tf-idf over words and character runs with logistic regression, which
    reaches 89 to 91 % on BANKING77 when given its training data; here fitted on the project's own phrases.

    Example
    -------
    >>> from marketofone.models.language.phrases import load_phrases, phrases_text
    >>> model = LanguageModel.fit(load_phrases(phrases_text()), seed=0)
    >>> reading = model.read("I am not happy, my card got declined again!")
    >>> reading.intents[0].intent, reading.sentiment, reading.emotion, reading.route
    ('payment_failed', 'negative', 'upset', 'local')
    >>> model.read("Wo ist meine Karte?").route
    'abstain'
    """

    fitted: Fitted

    @classmethod
    def fit(cls, phrases: Sequence[Phrase], *, seed: int) -> Self:
        """Fit a model on labelled phrases, some of them out of scope; seconds of CPU, the same bytes for a seed."""
        return cls(fit(phrases, seed=seed))

    def read(self, text: str) -> Reading:
        """Read one text of any length and script; only its first 4,000 characters count. Never raises."""
        fitted = self.fitted
        placed = fitted.vocabulary.place(words(text))
        log_odds = fitted.separators.score(placed)
        evidence = evidence_of(log_odds[fitted.heads.intents.columns], placed)
        known, right = chance_of((fitted.trust * evidence).sum(axis=1)).tolist()
        confidence = round(right, DECIMALS)
        if known < fitted.known_cut or not placed.positions.size:
            return _abstain(confidence)
        return _say(chance_of(log_odds), fitted, confidence)

    def to_bytes(self) -> bytes:
        """Give the model as bytes, without pickle: the same bytes for the same phrases and seed."""
        return msgspec.msgpack.encode(self.fitted, enc_hook=_packed)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """Read a model back from :meth:`to_bytes`.

        Raises
        ------
        MalformedDocument
            If the bytes are not a model of this format.
        """
        try:
            return cls(msgpack_decoder(Fitted, dec_hook=_unpacked).decode(blob))
        except msgspec.MsgspecError as error:
            raise MalformedDocument(
                field="language model", shape=str(error), fix="fit the model again from its phrases"
            ) from error


def _packed(array: NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()


def _unpacked(_: type, packed: tuple[str, tuple[int, ...], bytes]) -> NDArray[Any]:
    kind, shape, numbers = packed
    return np.frombuffer(numbers, dtype=kind).reshape(shape)


def _say(chances: Floats, fitted: Fitted, confidence: float) -> Reading:
    heads = fitted.heads
    intents, topics, moods, urgencies = (_ranked(chances[head.columns], head) for head in heads)
    asked = [(intent, chance) for intent, chance in intents if chance >= heads.intents.cut]
    sentiment, emotion = _mood(dict(moods))
    urgency = sum(float(level) * chance for level, chance in urgencies) / sum(chance for _, chance in urgencies)
    return Reading(
        # The likeliest intent is told even when it is unlikely: its chance says so.
        intents=tuple(
            Intent(intent=intent, probability=round(chance, DECIMALS)) for intent, chance in asked or intents[:1]
        ),
        sentiment=sentiment,
        emotion=emotion,
        urgency=round(urgency, DECIMALS),
        confidence=confidence,
        topics=tuple(topic for topic, chance in topics if chance >= heads.topics.cut),
        needs=tuple(need for intent, _ in asked if (need := fitted.needs.get(intent))),
        route="local",
    )


def _ranked(chances: Floats, head: Head) -> list[tuple[str, float]]:
    """Pair labels with their chances, the likeliest first; equal chances in the order of names."""
    return sorted(zip(head.labels, chances.tolist(), strict=True), key=lambda pair: -pair[1])


def _mood(moods: dict[str, float]) -> tuple[Sentiment, Emotion]:
    """Choose the likeliest sentiment, then the likeliest emotion that goes with it."""
    sentiment = max(SENTIMENTS, key=lambda sign: sum(chance for mood, chance in moods.items() if mood.startswith(sign)))
    return sentiment, max(EMOTIONS, key=lambda emotion: moods.get(f"{sentiment} {emotion}", 0.0))


def _abstain(confidence: float) -> Reading:
    return Reading(
        intents=(),
        sentiment="neutral",
        emotion="none",
        urgency=0.0,
        confidence=confidence,
        topics=(),
        needs=(),
        route="abstain",
    )
