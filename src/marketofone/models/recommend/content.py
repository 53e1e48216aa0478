"""Content: how well the tags of an action fit a person's interests, and what tags say of a product no person holds."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def content_match(interests: Mapping[str, float], tags: Sequence[str]) -> float:
    """Give the cosine between a person's interests and an action's tags.

    Parameters
    ----------
    interests
        Weight of each theme, in any one unit; what is not above 0 does not count.
    tags
        Themes of the action, each counted once.

    Returns
    -------
    float
        In [0, 1]: 1 for exactly the tags, 0 when nothing is shared; the order of either does not matter.

    Notes
    -----
    Source: the vector space model (Salton, Wong and Yang 1975), with binary weights on the action's side.

    Examples
    --------
    >>> content_match({"travel": 3.0, "food": 4.0}, ["travel"])
    0.6
    """
    return content_matches(interests, [frozenset(tags)])[0]


def content_matches(interests: Mapping[str, float], tags: Iterable[frozenset[str]]) -> list[float]:
    """Give what :func:`content_match` gives, for the tags of many actions.

    Examples
    --------
    >>> content_matches({"travel": 3.0, "food": 4.0}, [frozenset({"travel"}), frozenset({"home"})])
    [0.6, 0.0]
    """
    wanted = _near_one({theme: weight for theme, weight in interests.items() if weight > 0.0})
    length = math.sqrt(math.fsum(weight * weight for weight in wanted.values()))  # hypot differs between Pythons
    matches = []
    for themes in tags:
        shared = 0.0 if themes.isdisjoint(wanted) else math.fsum(wanted[theme] for theme in themes & wanted.keys())
        matches.append(0.0 if shared == 0.0 else min(shared / length / math.sqrt(len(themes)), 1.0))
    return matches


def _near_one(weights: Mapping[str, float]) -> dict[str, float]:
    """Give weights times a power of two: so none is lost where tiny ones are squared, and no other changes a bit."""
    _, exponent = math.frexp(max(weights.values(), default=1.0))
    return {theme: math.ldexp(weight, -exponent) for theme, weight in weights.items()}


def content_weights(
    tags: Mapping[str, Collection[str]], *, products: Sequence[str], weights: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """Give the weights of products that no person holds yet: the mean of those with like tags, the more alike the more.

    What is alike itself speaks for the new product as strongly as the strongest that speaks for what is alike. The
    alikeness is the cosine of the tags to the fourth power: of many products that share a little, the closest count.

    Parameters
    ----------
    tags
        Of all products of the catalogue.
    products
        The p products that somebody holds.
    weights
        How strongly each of them (row) speaks for each other one (column).

    Returns
    -------
    dict
        By the product that is new, then by the product that is held. What shares no tag with any has none.

    Shapes
    ------
    weights : float32[p, p]

    Examples
    --------
    >>> tags = {"card": ["travel"], "fund": ["savings"], "lounge": ["travel"]}
    >>> weights = np.array([[0.0, 0.25], [0.5, 0.0]], dtype=np.float32)
    >>> content_weights(tags, products=["card", "fund"], weights=weights)
    {'lounge': {'card': 0.5, 'fund': 0.5}}
    """
    known = [place for place, product in enumerate(products) if tags.get(product)]
    full = weights.astype(np.float64)
    for place in known:
        full[place, place] = max(float(full[:, place].max()), 0.0)
    found = {}
    for product in sorted(tags.keys() - set(products)):
        total, summed = 0.0, np.zeros(len(products))
        for place in known:  # one by one: the same bytes on every processor
            cosine = _cosine(set(tags[product]), set(tags[products[place]]))
            alike = cosine * cosine  # not by a power, which is the C library's
            total, summed = total + alike * alike, summed + alike * alike * full[:, place]
        if total > 0.0:
            found[product] = dict(zip(products, (summed / total).tolist(), strict=True))
    return found


def _cosine(some: set[str], others: set[str]) -> float:
    return len(some & others) / math.sqrt(len(some) * len(others)) if some and others else 0.0
