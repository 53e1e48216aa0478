"""What a decision takes for an interest, of what somebody pays for: the same topics make actions fit better."""

from __future__ import annotations

from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.features.declare import Feature
from marketofone.features.state import MONEY
from marketofone.features.vector import Seen


def paid_for(seen: Seen, compiled: CompiledCatalogue) -> dict[str, dict[Feature, float]]:
    """Give the topics of actions on which somebody spends, each with the features that say so and their values."""
    tags = frozenset[str]().union(*compiled.tags)
    found: dict[str, dict[Feature, float]] = {}
    for topic, place in zip(compiled.topics.names, compiled.topics.places.tolist(), strict=True):
        feature = compiled.features.features[place]
        value = seen.get(feature.name)
        if topic in tags and feature.lineage <= MONEY and value is not None and value > 0.0:
            found.setdefault(topic, {})[feature] = value
    return found


def payments_read(seen: Seen, compiled: CompiledCatalogue) -> frozenset[str]:
    """Name the sources of payments that are read for it."""
    features = (compiled.features.features[place] for place in compiled.topics.places.tolist())
    return seen.sources & frozenset[str]().union(*(of.lineage for of in features if of.lineage <= MONEY))
