"""Who may owe lessons: those who took something back, or all people.

All may after a start, for an earlier process may have ended in debt; when another version decides; and when other
documents came into force by which the purpose of learning asks for something else: then yeses of before have ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from marketofone.consent.policy import ConsentPolicy


def learns_by(policy: ConsentPolicy) -> tuple[str, int, tuple[str, ...]]:
    """Give what a yes to learning is for: the purpose, its version, and its sources."""
    name = policy.serving("learning")
    purpose = policy.purposes.get(name)
    return (name, 0, ()) if purpose is None else (name, purpose.version, tuple(sorted(purpose.sources)))


class Owing:
    """Customers whose lessons are to be asked whether they may teach still. Threads may share it.

    Examples
    --------
    >>> owing = Owing()
    >>> with owing.taken(ConsentPolicy(purposes={}, sources={}, channels={})) as subjects:
    ...     print(subjects)
    None
    >>> owing.add([7])
    >>> with owing.taken(ConsentPolicy(purposes={}, sources={}, channels={})) as subjects:
    ...     print(subjects)
    {7}
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subjects: set[int] | None = None  # None is all people
        self._learned_by: tuple[str, int, tuple[str, ...]] | None = None

    def add(self, subjects: Iterable[int]) -> None:
        """Say that some may."""
        with self._lock:
            if self._subjects is not None:
                self._subjects.update(subjects)

    def add_everybody(self) -> None:
        """Say that anybody may."""
        with self._lock:
            self._subjects = None

    @contextmanager
    def taken(self, policy: ConsentPolicy) -> Iterator[set[int] | None]:
        """Give who may, under the documents in force: None is all people. Where the block fails, they may still."""
        learned_by = learns_by(policy)
        with self._lock:
            everybody = self._subjects is None or learned_by != self._learned_by
            subjects = None if everybody else self._subjects
            self._subjects, self._learned_by = set(), learned_by
        try:
            yield subjects
        except BaseException:
            if subjects is None:
                self.add_everybody()
            else:
                self.add(subjects)
            raise
