"""Prefixes of journals: a store as it was when something was answered, for replay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from marketofone.store.ports import Entry, EntryKind, Head, Kept


class EntryReader(Protocol):
    """Walks through journals."""

    def entries(
        self, subject: int, *, after: int = 0, upto: int | None = None, kinds: Sequence[EntryKind] | None = None
    ) -> Iterable[Entry]:
        """Walk through one journal in order."""
        ...


class PrefixReader:
    """Shows each journal up to an entry, and no snapshot: what is folded from it was folded from the beginning."""

    def __init__(self, reader: EntryReader, bounds: Mapping[int, int]) -> None:
        self._reader = reader
        self._bounds = bounds

    def head(self, subject: int) -> Head:
        """Give where the prefix of a journal ends."""
        return Head(subject, n=self._bounds.get(subject, 0))

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        """Give where the prefixes of several journals end."""
        return {subject: self.head(subject) for subject in subjects}

    def entries(
        self, subject: int, *, after: int = 0, upto: int | None = None, kinds: Sequence[EntryKind] | None = None
    ) -> Iterable[Entry]:
        """Walk through the prefix of a journal in order."""
        bound = self._bounds.get(subject, 0)
        return self._reader.entries(subject, after=after, upto=bound if upto is None else min(upto, bound), kinds=kinds)

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:  # noqa: ARG002
        """Give none."""
        return {}
