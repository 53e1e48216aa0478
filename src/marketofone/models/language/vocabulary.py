"""The weighed vocabulary of a model: words, pairs of words and character runs, placed as sparse vectors (tf-idf)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from marketofone.models.language.text import pairs, runs

# A pair or run that occurs in one text alone does not carry over to others; a word may.
TEXTS_WITH_PAIR = 2


class Placed(NamedTuple):
    """Where a text lies: positions in the vocabulary with their weights, and what share of it the vocabulary knows."""

    positions: NDArray[np.int64]
    weights: NDArray[np.float64]
    known_words: float
    known_runs: float


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Terms in a fixed order, with their inverse document frequency.

    Shapes: ``idf`` is float32[terms]. Source: smooth idf and sublinear tf as in scikit-learn's ``TfidfVectorizer``;
    words with pairs, and runs, are each brought to length one, so that neither drowns the other.
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float32]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {term: position for position, term in enumerate(self.terms)}

    @classmethod
    def learn(cls, texts: Sequence[Sequence[str]]) -> Self:
        """Learn terms and their weights from texts given as words."""
        single = Counter(chain.from_iterable(set(text) for text in texts))
        joint = Counter(chain.from_iterable({*pairs(text), *runs(text)} for text in texts))
        found = {**single, **{term: count for term, count in joint.items() if count >= TEXTS_WITH_PAIR}}
        terms = tuple(sorted(found))
        frequency = np.array([found[term] for term in terms], dtype=np.float64)
        return cls(terms, (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32))

    def place(self, text: Sequence[str]) -> Placed:
        """Place one text, given as words."""
        cut = runs(text)
        worded, run = self._weigh(chain(text, pairs(text))), self._weigh(cut)
        return Placed(
            positions=np.concatenate((worded[0], run[0])),
            weights=np.concatenate((worded[1], run[1])),
            known_words=sum(word in self._position for word in text) / max(len(text), 1),
            known_runs=sum(part in self._position for part in cut) / max(len(cut), 1),
        )

    def _weigh(self, terms: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        position = self._position
        counts = Counter(position[term] for term in terms if term in position)
        positions = np.fromiter(counts, dtype=np.int64, count=len(counts))
        weights = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * self.idf[positions]
        # Without known terms there is nothing to bring to length one.
        return positions, weights / max(np.sqrt(np.square(weights).sum()), np.finfo(np.float64).tiny)
