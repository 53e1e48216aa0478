"""The catalogue: all features a bank declared, in their order, with a digest of what shapes states and vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketofone.domain.decoding import convert
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.fields import Text as Title
from marketofone.features.declarations import read_declarations
from marketofone.features.declare import Feature, Series
from marketofone.features.layout import AGE_BITS, Layout
from marketofone.features.reads import Reads

_LAYOUT_VERSION = 3  # of the rules by which events find their slots and what they are worth there


class Catalogue:
    """All declared features.

    Attributes
    ----------
    features
        In the order of their declaration; a vector has one value for each.
    digest
        32 hexadecimal digits over everything but titles and owners.
    titles
        For each other language the titles of the features, by their names.

    scales
        The features of the context vector, in its order, each with its typical magnitude in its unit.

    Raises
    ------
    MalformedDocument
        When two features, or two different series, have the same name, or the context names something else.
    """

    def __init__(
        self,
        features: Iterable[Feature],
        *,
        context: Mapping[str, float],
        titles: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.features: tuple[Feature, ...] = tuple(features)
        self.scales = dict(context)
        self.titles = titles or {}
        self.index = {feature.name: place for place, feature in enumerate(self.features)}
        _check_names(self.features, self.index, context=self.scales)
        self.layout = Layout(self.features)
        self.digest = _digest(self.features, self.layout, context=self.scales)
        self.reads = Reads(self.features, self.layout)
        self._context = np.array([self.index[name] for name in context], dtype=np.intp)
        self._scales = np.array(list(context.values()), dtype=np.float64)

    def feature(self, name: str) -> Feature:
        """Give a feature by its name; KeyError when there is none."""
        return self.features[self.index[name]]

    def context_features(self) -> tuple[Feature, ...]:
        """Give the features that make up the context vector, in its order."""
        return tuple(self.features[place] for place in self._context)

    def squash(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the context vector: ``x / (|x| + scale)`` of each context feature, 0 when it is unknown or hidden.

        Shapes
        ------
        float64[..., n features] with NaN for unknown -> float64[..., m context features]

        Units
        -----
        None: every entry lies in (-1, 1); one half is a feature's typical magnitude.
        """
        chosen = values[..., self._context]
        squashed: NDArray[np.float64] = chosen / (np.abs(chosen) + self._scales)
        squashed[np.isnan(squashed)] = 0.0
        return squashed


def load_catalogue(text: str) -> Catalogue:
    """Read the project's ``features.py`` without running it, and take what it lists as ``FEATURES`` and ``CONTEXT``.

    Raises
    ------
    MalformedDocument
        When it holds anything but declarations, or lists anything else.
    """
    names = read_declarations(text)
    listed, context = names.get("FEATURES"), names.get("CONTEXT")
    if not isinstance(listed, tuple | list) or not all(isinstance(feature, Feature) for feature in listed):
        raise MalformedDocument(field="features.py: FEATURES", shape="no list of features", fix="list the features")
    if not isinstance(context, dict) or not all(isinstance(scale, int | float) for scale in context.values()):
        raise MalformedDocument(field="features.py: CONTEXT", shape="no scales", fix="give each feature its scale")
    try:  # a constructor trusts the type checker; a file has seen none
        convert(msgspec.to_builtins(listed), of=tuple[Feature, ...])
    except (msgspec.ValidationError, TypeError) as error:
        raise MalformedDocument(
            field="features.py: FEATURES", shape=f"a value of another type: {error}", fix="see docs/features.md"
        ) from error
    return Catalogue(listed, context=context, titles=_titles(names.get("TITLES", {})))


def _titles(told: object) -> dict[str, dict[str, str]]:
    """Read ``TITLES``: for each language but the bank's own, what each feature is called."""
    try:
        return convert(told, of=dict[str, dict[str, Title]])
    except msgspec.ValidationError as error:
        raise MalformedDocument(
            field="features.py: TITLES",
            shape=f"no titles by language and feature: {error}",
            fix='write TITLES = {"de": {"income_30d": "..."}}',
        ) from error


def _check_names(features: Sequence[Feature], index: Mapping[str, int], *, context: Mapping[str, float]) -> None:
    if not features or len(index) != len(features):
        raise MalformedDocument(field="features.py: FEATURES", shape="none, or two of one name", fix="name each once")
    if any(name not in index or not scale > 0 for name, scale in context.items()):
        raise MalformedDocument(
            field="features.py: CONTEXT", shape="no feature, or no positive scale", fix="give each feature its scale"
        )
    declared: dict[str, Series] = {}
    for feature in features:
        for of in (feature.of, feature.whole or feature.of):
            if declared.setdefault(of.name, of) != of:
                raise MalformedDocument(
                    field=f"features.py: {of.name}", shape="two different series of one name", fix="name each once"
                )


def _digest(features: Sequence[Feature], layout: Layout, *, context: Mapping[str, float]) -> str:
    """Cover what features mean, and every number that stands for something in the bytes of a state."""
    numbers = [(name, float(scale)) for name, scale in context.items()]
    shape = [msgspec.structs.replace(feature, title="-", owner="-") for feature in features]
    slots = [(slot, place.source, place.track, place.series.name) for place, slot in layout.slots.items()]
    covered = (_LAYOUT_VERSION, shape, numbers, AGE_BITS, slots, layout.horizon.tolist())
    return blake2b(msgspec.msgpack.encode(covered), digest_size=16).hexdigest()
