"""The models that keep the contract of ``test_model_contract.py``: add a family by adding its case to ``CASES``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from marketofone.models import bandit, forecast, language, recommend
from marketofone.models.bandit.arm import from_bytes, prior_arm, to_bytes, update
from marketofone.models.bandit.predict import predict, stack
from marketofone.profile.ledger import Account, Kind
from quick_fits import few_trees

S = TypeVar("S")
E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class ModelCase(Generic[S, E]):
    """How one model is made, taught, asked and kept.

    ``examples`` gives n examples from a seed; each also serves as a question. ``predict`` gives something that can be
    compared. ``learn`` is None for a model that is fitted in one go: then ``fresh`` fits it. ``spoil`` writes over
    whatever of an example can be written to. ``bytes_max`` bounds the state however much was learned.
    """

    name: str
    fresh: Callable[[int], S]
    examples: Callable[[int, int], Sequence[E]]
    predict: Callable[[S, E], object]
    learn: Callable[[S, E], S] | None
    spoil: Callable[[E], None]
    to_bytes: Callable[[S], bytes]
    from_bytes: Callable[[bytes], S]
    bytes_max: int


Lesson = tuple[np.ndarray, float]
PRODUCTS = ("card", "fund", "giro", "home", "loan", "save")


def _lessons(seed: int, count: int) -> list[Lesson]:
    generator = np.random.default_rng(seed)
    return [(generator.standard_normal(8), float(generator.random() < 0.1)) for _ in range(count)]


def _ask(arm: bandit.Arm, lesson: Lesson) -> object:
    mean, spread = predict(stack([arm, arm]), np.stack([lesson[0], lesson[0]]))
    return mean.tolist(), spread.tolist(), bandit.propensities(mean, spread).tolist()


def _people(seed: int, count: int) -> list[frozenset[str]]:
    generator = np.random.default_rng(seed)
    return [frozenset(name for name in PRODUCTS if generator.random() < 0.4) for _ in range(count)]


def _affinity_from(blob: bytes) -> recommend.Affinity:
    found = recommend.from_bytes(blob)
    assert isinstance(found, recommend.Affinity)
    return found


def _accounts(seed: int, count: int) -> list[Account]:
    generator = np.random.default_rng(seed)
    kinds = (Kind("cash", "cash", None),)
    days = np.arange(0, 190, 5)
    moved = generator.integers(-9_000, 9_000, size=(count, days.size))
    return [
        Account("a", "EUR", kinds, days, amounts, days * 0, 500_000 + np.cumsum(amounts)) for amounts in moved.copy()
    ]


def _fit_quickly(seed: int) -> forecast.Model:
    """Learn from hardly more past days than it takes to learn at all."""
    with few_trees():
        return forecast.fit(_accounts(seed, 7), known_until=189, seed=seed, boosting=False)


def _look_ahead(model: forecast.Model, account: Account) -> object:
    return forecast.forecast([account], as_of=189, currency="EUR", model=model)


def _overwrite(account: Account) -> None:
    account.amounts.fill(99)


BANDIT: ModelCase[bandit.Arm, Lesson] = ModelCase(
    name="bandit",
    fresh=lambda _: prior_arm(8, start=0.1, level=0.3, slope=0.3, noise=0.3),
    examples=_lessons,
    predict=_ask,
    learn=lambda arm, lesson: update(arm, lesson[0], reward=lesson[1]),
    spoil=lambda lesson: lesson[0].fill(99.0),
    to_bytes=to_bytes,
    from_bytes=from_bytes,
    bytes_max=400,
)

AFFINITY_RULE = recommend.Regularisation(shrink=5.0, strength=1.0, order=2)

AFFINITY: ModelCase[recommend.Affinity, frozenset[str]] = ModelCase(
    name="recommend",
    fresh=lambda _: recommend.fit_affinity([], regularisation=AFFINITY_RULE),
    examples=_people,
    predict=lambda affinity, held: [affinity.score(held, product) for product in PRODUCTS],
    learn=lambda affinity, held: recommend.revise(affinity, before=frozenset(), after=held),
    spoil=lambda _: None,
    to_bytes=recommend.to_bytes,
    from_bytes=_affinity_from,
    bytes_max=600,
)

FORECAST: ModelCase[forecast.Model, Account] = ModelCase(
    name="forecast",
    fresh=_fit_quickly,
    examples=_accounts,
    predict=_look_ahead,
    learn=None,
    spoil=_overwrite,
    to_bytes=forecast.Model.to_bytes,
    from_bytes=forecast.Model.from_bytes,
    bytes_max=1_000_000,
)

PHRASES = language.load_phrases(language.phrases_text())
FEW = {"thanks", "complaint", "child_coming"}

LANGUAGE: ModelCase[language.LanguageModel, str] = ModelCase(
    name="language",
    # Three intents and what is out of scope: enough to keep the contract, and quick to fit.
    fresh=lambda seed: language.LanguageModel.fit(
        [phrase for phrase in PHRASES if not phrase.intents or set(phrase.intents) <= FEW], seed=seed
    ),
    examples=lambda seed, count: [PHRASES[row % len(PHRASES)].text for row in range(seed, seed + count)],
    predict=lambda model, text: model.read(text),
    learn=None,
    spoil=lambda _: None,
    to_bytes=language.LanguageModel.to_bytes,
    from_bytes=language.LanguageModel.from_bytes,
    bytes_max=3_000_000,
)

CASES: list[ModelCase[Any, Any]] = [BANDIT, AFFINITY, FORECAST, LANGUAGE]
