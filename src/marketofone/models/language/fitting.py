"""Fitting the language model: one linear separator per label, calibrated on texts it has not seen.

Phrases -> words -> five folds: separators fitted on four, scored on the fifth -> per head, held-out scores become
chances (Platt 1999) and the cut is chosen -> held-out evidence teaches when to trust a reading -> separators fitted on
all phrases. scikit-learn is imported only when something is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.models.language.phrases import Phrase
from marketofone.models.language.text import words
from marketofone.models.language.vocabulary import Placed, Vocabulary

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = Sequence[Sequence[str]]
FOLDS = 5
# scikit-learn's C; between 3 and 30 the held-out figures hardly differ.
FREEDOM = 10.0
CUTS = np.linspace(0.05, 0.95, 91)
# Share of held-out texts in scope that must not be abstained from; the cut follows from it.
KEPT = 0.9


class Head(NamedTuple):
    """Labels read together, their first column, and the chance from which several may be told (1: only the best)."""

    labels: tuple[str, ...]
    start: int
    cut: float = 1.0

    @property
    def columns(self) -> slice:
        """Where the labels stand among all labels of a model."""
        return slice(self.start, self.start + len(self.labels))


class Heads(NamedTuple):
    """What is read from a text. Sentiment and emotion are one head, ``moods``, so that no text is positive and sad."""

    intents: Head
    topics: Head
    moods: Head
    urgencies: Head


class Separators(NamedTuple):
    """One linear separator per label. Shapes: weights [terms, labels], offset float64[labels]."""

    weights: NDArray[np.floating]
    offset: Floats

    def score(self, placed: Placed) -> Floats:
        """Score one text for every label. Summed term by term, as BLAS would add in an order of its own."""
        return np.asarray((self.weights[placed.positions] * placed.weights[:, None]).sum(axis=0) + self.offset)


class Fitted(NamedTuple):
    """All that a reading takes. Shapes: trust float64[2, 5]; rows: is the text known, is its first intent right."""

    vocabulary: Vocabulary
    separators: Separators
    heads: Heads
    trust: Floats
    known_cut: float
    needs: dict[str, str]


def chance_of(log_odds: Floats) -> Floats:
    """Turn log-odds into chances."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))


def evidence_of(intents: Floats, placed: Placed) -> Floats:
    """Gather what tells whether a reading can be trusted: best intent, its margin, familiar words and runs, one."""
    second, best = np.partition(intents, -2)[-2:]
    return np.array([best, best - second, placed.known_words, placed.known_runs, 1.0])


def fit(phrases: Sequence[Phrase], *, seed: int) -> Fitted:
    """Fit everything on phrases; the same phrases and seed give the same values.

    Raises
    ------
    ValueError
        If there are fewer than two intents, no phrase out of scope, or fewer phrases than folds.
    """
    texts = [words(phrase.text) for phrase in phrases]
    heads, targets = _labelled(phrases)
    scores, unseen = _held_out(texts, targets, ["".join(phrase.intents[:1]) for phrase in phrases], seed=seed)
    # One line per head turns its scores into log-odds, as labels are too few for a line of their own.
    lines = [
        _logistic(scores[:, head.columns].reshape(-1, 1), targets[:, head.columns].ravel(), seed=seed) for head in heads
    ]
    scale, shift = np.repeat(lines, [len(head.labels) for head in heads], axis=0).T
    log_odds = scores * scale + shift
    intents, topics = (
        head._replace(cut=_best_cut(chance_of(log_odds[:, head.columns]), targets[:, head.columns]))
        for head in (heads.intents, heads.topics)
    )
    columns = intents.columns
    trust, known_cut = _trust(log_odds[:, columns], unseen, targets[:, columns], seed=seed)
    vocabulary, separators = _separate(texts, targets, seed=seed)
    # Half precision keeps the model small.
    calibrated = Separators((separators.weights * scale).astype(np.float16), separators.offset * scale + shift)
    needs = {intent: need for phrase in phrases for intent, need in zip(phrase.intents, phrase.needs, strict=False)}
    return Fitted(vocabulary, calibrated, heads._replace(intents=intents, topics=topics), trust, known_cut, needs)


def _labelled(phrases: Sequence[Phrase]) -> tuple[Heads, Flags]:
    """Name the labels of every head, and say for each phrase which apply. Shapes: bool[phrases, all labels]."""
    true = [
        (phrase.intents, phrase.topics, (f"{phrase.sentiment} {phrase.emotion}",), (str(phrase.urgency),))
        for phrase in phrases
    ]
    heads: list[Head] = []
    for applying in zip(*true, strict=True):
        start = sum(len(head.labels) for head in heads)
        heads.append(Head(tuple(sorted({label for labels in applying for label in labels})), start))
    targets = [
        [label in labels for head, labels in zip(heads, row, strict=True) for label in head.labels] for row in true
    ]
    return Heads(*heads), np.array(targets)


def _separate(texts: Texts, targets: Flags, *, seed: int) -> tuple[Vocabulary, Separators]:
    from scipy.sparse import csr_array  # noqa: PLC0415 - heavy, and needed only to fit
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy, and needed only to fit

    vocabulary = Vocabulary.learn(texts)
    places = [vocabulary.place(text) for text in texts]
    positions = np.concatenate([place.positions for place in places]).astype(np.int32)
    starts = np.cumsum([0, *(place.positions.size for place in places)]).astype(np.int32)
    weights = np.concatenate([place.weights for place in places])
    rows = csr_array((weights, positions, starts), shape=(len(texts), len(vocabulary.terms)))
    learner = LogisticRegression(C=FREEDOM, solver="liblinear", dual=True, class_weight="balanced", random_state=seed)
    lines = []
    for target in targets.T:
        learner.fit(rows, target)
        lines.append(np.append(learner.coef_, learner.intercept_))
    found = np.array(lines)
    return vocabulary, Separators(found[:, :-1].T.astype(np.float32), found[:, -1])


def _held_out(texts: Texts, targets: Flags, strata: Sequence[str], *, seed: int) -> tuple[Floats, list[Placed]]:
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415 - heavy, and needed only to fit

    scores = np.empty(targets.shape)
    unseen: dict[int, Placed] = {}
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(targets, strata):
        vocabulary, separators = _separate([texts[row] for row in train], targets[train], seed=seed)
        for row in test:
            unseen[row] = vocabulary.place(texts[row])
            scores[row] = separators.score(unseen[row])
    return scores, [unseen[row] for row in range(len(texts))]


def _trust(intents: Floats, unseen: Sequence[Placed], targets: Flags, *, seed: int) -> tuple[Floats, float]:
    evidence = np.array([evidence_of(odds, place) for odds, place in zip(intents, unseen, strict=True)])
    known = np.asarray(targets.any(axis=1))
    right = targets[np.arange(len(targets)), intents.argmax(axis=1)]
    trust = np.array([_logistic(evidence[:, :-1], answers, seed=seed) for answers in (known, right)])
    return trust, float(np.quantile(chance_of(evidence @ trust[0])[known], 1 - KEPT))


def _logistic(values: Floats, answers: Flags, *, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy, and needed only to fit

    fitted = LogisticRegression(C=1e4, solver="liblinear", random_state=seed).fit(values, answers)
    return np.append(fitted.coef_, fitted.intercept_)


def _best_cut(chances: Floats, targets: Flags) -> float:
    """Choose the cut with the best F1 over all texts and labels."""
    gains = [2 * (targets & (chances >= cut)).sum() / (targets.sum() + (chances >= cut).sum()) for cut in CUTS]
    return float(CUTS[int(np.argmax(gains))])
