"""What functions of people's words remember: nothing of it may outlive the person it is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
R = TypeVar("R")

_CACHES: WeakSet[Any] = WeakSet()


def remembered(*, room: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the last answers of a pure function, until a customer is forgotten.

    Examples
    --------
    >>> shout = remembered(room=10)(str.upper)
    >>> shout("a"), how_many_remembered(), forget_texts(), how_many_remembered()
    ('A', 1, None, 0)
    """

    def remember(function: Callable[P, R]) -> Callable[P, R]:
        cached = lru_cache(maxsize=room)(function)
        _CACHES.add(cached)
        return cached  # type: ignore[return-value]  # it takes what the function takes

    return remember


def forget_texts() -> None:
    """Forget every answer that is remembered, in this process."""
    for cached in list(_CACHES):
        cached.cache_clear()


def how_many_remembered() -> int:
    """Count the answers that are remembered."""
    return sum(cached.cache_info().currsize for cached in list(_CACHES))
