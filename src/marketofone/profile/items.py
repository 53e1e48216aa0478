"""What a person has and what happened to them of late, as items that go together with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from marketofone.domain.items import item_of
from marketofone.domain.moment import DAY, Instant
from marketofone.profile.view import Profile

SURE_ENOUGH: Final = 0.5
"""The least confidence with which a life event counts."""
LATELY: Final = 365 * DAY
"""For so long a life event, a place and the use of a function say something of a person."""


def items_of(profile: Profile, *, now: Instant) -> frozenset[str]:
    """Give the products a person holds, and the life events, venues and app features of the last year.

    Only what the profile shows is told: it was seen under the permit of one purpose.

    Examples
    --------
    >>> from marketofone.profile.view import Life
    >>> moved = Profile(life={"move": Life(at=Instant(0), confidence=1.0)}, app_features={"budgets": Instant(0)})
    >>> sorted(items_of(moved, now=Instant(DAY))), items_of(moved, now=Instant(400 * DAY))
    (['app budgets', 'life_events move'], frozenset())
    """
    return frozenset(_items(profile, now=now))


def _items(profile: Profile, *, now: Instant) -> Iterator[str]:
    since = now - LATELY
    for product in profile.holdings:
        yield item_of("transactions", product)
    for event, life in profile.life.items():
        if life.at > since and life.confidence >= SURE_ENOUGH:
            yield item_of("life_events", event)
    for venue, at in profile.venues.items():
        if at > since:
            yield item_of("location", venue)
    for feature, at in profile.app_features.items():
        if at > since:
            yield item_of("app", feature)
