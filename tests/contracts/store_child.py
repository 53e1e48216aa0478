"""Another process that uses a store: ``ENGINE FOLDER WORK ...``, and what it prints is the answer."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from store_cases import ENGINES, NOW, draft, guarded

from marketofone.domain.errors import Moved
from marketofone.store.ports import Store, Unit


def append(store: Store, subject: int, times: int) -> None:
    """Append to one journal that others append to as well, expecting nothing."""
    for number in range(times):
        store.commit(Unit(now=NOW, drafts=[draft(subject, body=b"%d" % number)], tallies={"appended": 1}))


def contend(store: Store, subject: int, times: int) -> None:
    """Try to write decisions, each resting on the guard as just read; print how many were let through."""
    came = Counter[str]()
    while came["won"] < times:
        with store.read() as reader:
            guard = reader.head(subject).guard
        try:
            store.commit(guarded(subject, guard))
        except Moved:
            came["moved"] += 1
        else:
            came["won"] += 1
    print(came["won"])  # noqa: T201


def main() -> None:
    engine, folder, work, subject, times = sys.argv[1:]
    with closing(ENGINES[engine](Path(folder))) as store:
        {"append": append, "contend": contend}[work](store, int(subject), int(times))


if __name__ == "__main__":
    main()
