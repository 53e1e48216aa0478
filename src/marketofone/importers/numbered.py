"""Walks through the rows of a file, and knows where it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from marketofone.importers.rows import COUNTED, BadRow, Row

_ROWS = frozenset({"movement", "removed"})


class NumberedRows:
    """Gives the rows of a file, one after the other.

    ``line`` is where the one given last stands, ``is_row`` whether it is a row of the input; ``found`` counts what was
    found beside such rows. Of an account at another bank only what is on it can be told: the account itself is
    counted, and left out.
    """

    def __init__(self, rows: Iterable[Row | BadRow], *, elsewhere: bool) -> None:
        self._rows = rows
        self._elsewhere = elsewhere
        self.line: int | None = None
        self.is_row = True
        self.found = Counter[str]()

    def __iter__(self) -> Iterator[Row | BadRow]:
        for row in self._rows:
            self.line = row.line
            self.is_row = isinstance(row, BadRow) or row.what in _ROWS
            if isinstance(row, Row) and not self.is_row:
                self.found[COUNTED.get(row.what, f"{row.what}s")] += 1
                if self._elsewhere and row.what == "account":
                    continue
            yield row
