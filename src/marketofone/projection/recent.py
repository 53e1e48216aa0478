"""What was used lately: memory with an end."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """What was used lately, up to a number of things."""

    def __init__(self, *, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, name: K) -> V | None:
        """Give what is kept under a name."""
        return self._kept.get(name)

    def put(self, name: K, value: V) -> None:
        """Keep something; what was put longest ago goes when there is no room."""
        self._kept[name] = value
        while len(self._kept) > self._room:
            try:
                self._kept.popitem(last=False)
            except KeyError:  # another thread was faster
                return

    def items(self) -> list[tuple[K, V]]:
        """Give all that is kept."""
        return list(self._kept.copy().items())

    def drop(self, name: K) -> None:
        """Forget what is kept under a name."""
        self._kept.pop(name, None)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
