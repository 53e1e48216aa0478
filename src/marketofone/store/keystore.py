"""The key store: who is who, and the key under which everything about a customer rests.

It is a file of its own, outside every backup of the data. It holds for each customer a random subject number, the name
(sealed) and the data key (wrapped by the bank's key). The data hold subject numbers and sealed bytes only, so to
destroy a row here is to forget a customer: in the data, and in every copy of them.

A name is looked up by a keyed mark, so without the bank's key the file does not tell who is a customer.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Self

from marketofone.audit.sealed_box import Box, CannotOpen
from marketofone.domain.errors import StoreError
from marketofone.domain.moment import Instant
from marketofone.domain.remembered import forget_texts
from marketofone.store.keyfile import ERASED, FILE, Erased, Row, layout_damage, open_file, sum_of

KEY_BYTES = 32
_CHUNK = 500
_CACHED = 200_000
_UNFINISHED = "SELECT subject FROM customers WHERE subject IN (SELECT subject FROM erased) ORDER BY subject"
_SUM = "erased"  # the sum of the list of who was forgotten
_OWN = frozenset({"secret", "marks", "bank", _SUM})

Random = Callable[[int], bytes]
"""Gives so many random bytes."""


class Customer(NamedTuple):
    """A customer as the data know them: a subject number, and the box that seals what is about them."""

    name: str
    subject: int
    box: Box


class KeyStore:
    """Keys and names of one bank.

    Parameters
    ----------
    folder
        Where ``keys.sqlite`` lies; created, for its owner only, when missing.
    bank_key
        32 bytes that wrap every other key.
    read_only
        Whether nothing may be written, not even beside the file.
    random
        Gives so many random bytes; a simulation, or a test of the format, brings some that can be given again.

    Raises
    ------
    StoreError
        When the file is no key store, or the bank's key is another.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        bank_key: bytes,
        read_only: bool = False,
        random: Random = os.urandom,
    ) -> None:
        self._random = random
        self._path = None if folder is None else folder / FILE
        self.is_absent = folder is None
        self._wrapping = Box(bank_key)
        self._lock = threading.RLock()
        self._by_name: dict[str, Customer] = {}
        self._by_subject: dict[int, Customer] = {}
        self._version: tuple[int, int] | None = None
        self._erasures: tuple[int, int] = (0, 0)
        self._forgotten: frozenset[int] | None = None
        try:
            self._connection = open_file(self._path, read_only=read_only)
            with self._lock:
                self.secret = self._own_secret("secret", read_only=read_only)
                self._marks = self._own_secret("marks", read_only=read_only)
                self.bank = Box(self._own_secret("bank", read_only=read_only))
        except sqlite3.Error as error:
            raise StoreError(f"{FILE} cannot be used: {type(error).__name__}") from error

    @classmethod
    def absent(cls) -> Self:
        """Stand in for a key store that is elsewhere: no customer is known, and nothing opens."""
        return cls(None, bank_key=os.urandom(KEY_BYTES))

    def find(self, names: Iterable[str]) -> dict[str, Customer]:
        """Give the customers among some names that the bank knows."""
        self._follow_erasures()
        found: dict[str, Customer] = {}
        missing: list[str] = []
        for name in names:
            known = self._by_name.get(name)
            if known is None:
                missing.append(name)
            else:
                found[name] = known
        if missing:
            found.update(self._load(missing))
        return found

    def enrol(self, names: Iterable[str], *, now: Instant) -> dict[str, Customer]:
        """Give customers by name; a new one gets a random subject number and a key of its own, durably.

        A customer who was forgotten is left out while that is barred, also when it happened a moment ago.
        """
        found = self.find(names)
        new = sorted({name for name in names if name not in found})
        if new:
            rows = [(*row, row[1], now) for row in map(self._new_row, new)]
            with self._lock, self._connection:
                self._begin()
                self._connection.executemany(
                    "INSERT OR IGNORE INTO customers (subject, mark, name, wrapped) SELECT ?, ?, ?, ? "
                    "WHERE NOT EXISTS (SELECT 1 FROM erased WHERE mark = ? AND until > ?)",
                    rows,
                )
            found.update(self._load(new))
        return found

    def customer(self, subject: int) -> Customer | None:
        """Give the customer of a subject number, None when they were forgotten."""
        self._follow_erasures()
        known = self._by_subject.get(subject)
        if known is not None:
            return known
        with self._lock:  # until it is remembered: a key that is destroyed meanwhile would be remembered for ever
            row = self._connection.execute(
                "SELECT subject, name, wrapped FROM customers WHERE subject = ?", (subject,)
            ).fetchone()
            return None if row is None else self._keep(row)

    def subjects(self) -> list[int]:
        """List the subject numbers of every customer, ascending."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT subject FROM customers ORDER BY subject")]

    def customers(self) -> Iterator[Customer]:
        """Give every customer, sorted by subject number."""
        for subject in self.subjects():
            known = self.customer(subject)
            if known is not None:
                yield known

    def mark(self, *words: str) -> bytes:
        """Give sixteen bytes that stand for words, the same each time and telling nothing without this store."""
        return blake2b("\0".join(words).encode(errors="surrogatepass"), digest_size=16, key=self._marks).digest()

    def destroy(self, name: str, *, ground: str, at: Instant, until: Instant) -> bool:
        """Forget a customer: key and name go, a keyed mark with an end and a ground stays. False when unknown."""
        mark = self.mark("name", name)
        with self._lock, self._connection:
            self._begin()
            self._bar(mark, ground=ground, at=at, until=until)
            gone = self._connection.execute("DELETE FROM customers WHERE mark = ?", (mark,)).rowcount
        known = self._by_name.pop(name, None)
        if known is not None:
            self._by_subject.pop(known.subject, None)
        return gone > 0

    def bar(self, name: str, *, ground: str, at: Instant, until: Instant, accounts: Iterable[bytes] = ()) -> None:
        """Say that a customer is being forgotten, with accounts of theirs by marks: nothing about them is taken in."""
        with self._lock, self._connection:
            self._begin()
            for mark in (self.mark("name", name), *accounts):
                self._bar(mark, ground=ground, at=at, until=until)

    def erased(self, name: str) -> Erased | None:
        """Say whether a customer was forgotten."""
        self._follow_erasures()
        if not self._erasures[0]:
            return None
        with self._lock:
            row = self._connection.execute(f"{ERASED} WHERE mark = ?", (self.mark("name", name),)).fetchone()
        return None if row is None else Erased(ground=row[2], at=row[3], until=row[4], subject=row[1])

    def unfinished(self) -> list[Customer]:
        """Give the customers who are being forgotten: it began, and their keys still exist."""
        with self._lock:
            rows = self._connection.execute(_UNFINISHED).fetchall()
        return [known for (subject,) in rows if (known := self.customer(subject)) is not None]

    def barred(self, names: Iterable[str], *, now: Instant, what: str = "name") -> set[str]:
        """Give those among some names who were forgotten, while late arrivals about them are turned away."""
        self._follow_erasures()
        if not self._erasures[0]:
            return set()
        marks = {self.mark(what, name): name for name in names}
        asked, found = list(marks), set()
        for start in range(0, len(asked), _CHUNK):
            some = asked[start : start + _CHUNK]
            statement = f"SELECT mark FROM erased WHERE until > ? AND mark IN ({', '.join('?' * len(some))})"  # noqa: S608
            with self._lock:
                found |= {marks[row[0]] for row in self._connection.execute(statement, (now, *some))}
        return found

    def forgotten(self) -> frozenset[int]:
        """Give the subject numbers of customers who were forgotten, or are being forgotten."""
        self._follow_erasures()
        with self._lock:
            if self._forgotten is None:
                rows = self._connection.execute("SELECT subject FROM erased WHERE subject IS NOT NULL")
                self._forgotten = frozenset(row[0] for row in rows)
            return self._forgotten

    def damage(self) -> list[str]:
        """Say in words what was altered from outside; empty when nothing was. It tells nothing about a person."""
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN")
                problems = layout_damage(self._connection)
                erased = self._connection.execute(ERASED).fetchall()
                own = dict(self._connection.execute("SELECT name, value FROM bank").fetchall())
                unfinished = self._connection.execute(_UNFINISHED).fetchone() is not None
            hidden = any(self._mark_of(subject, sealed) != mark for subject, mark, sealed in self._rows())
        except sqlite3.DatabaseError as error:
            return [f"{FILE} cannot be read: {getattr(error, 'sqlite_errorname', type(error).__name__)}"]
        problems += [f"{FILE} holds a value that is none of its own" for name in own if name not in _OWN]
        if hidden:
            problems.append(f"{FILE}: a customer would not be found by their name")
        if unfinished:
            problems.append(f"{FILE}: a customer is being forgotten, and the key still exists: forget them again")
        if (_SUM in own or erased) and self._opened_sum(own.get(_SUM)) != sum_of(erased, key=self.secret):
            problems.append(f"{FILE}: the list of who was forgotten was altered")
        return problems

    def rewrap(self, bank_key: bytes) -> int:
        """Wrap every key under another key of the bank; gives how many. Nothing that was sealed changes.

        A process that goes on with the key of before writes nothing any more, and says so.
        """
        new = Box(bank_key)
        with self._lock, self._connection:
            self._begin()
            rows = self._connection.execute("SELECT subject, wrapped FROM customers").fetchall()
            own = self._connection.execute("SELECT name, value FROM bank").fetchall()
            self._connection.executemany(
                "UPDATE customers SET wrapped = ? WHERE subject = ?",
                [
                    (_rewrapped(wrapped, old=self._wrapping, new=new, about=_of(subject)), subject)
                    for subject, wrapped in rows
                ],
            )
            self._connection.executemany(
                "UPDATE bank SET value = ? WHERE name = ?",
                [(_rewrapped(value, old=self._wrapping, new=new, about=name.encode()), name) for name, value in own],
            )
        self._wrapping = new
        return len(rows) + len(own)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _bar(self, mark: bytes, *, ground: str, at: Instant, until: Instant) -> None:
        was: Row | None = self._connection.execute(f"{ERASED} WHERE mark = ?", (mark,)).fetchone()
        known = self._connection.execute("SELECT subject FROM customers WHERE mark = ?", (mark,)).fetchone()
        subject = known[0] if known is not None else None if was is None else was[1]  # one that is gone stays
        added: list[Row] = [(mark, subject, ground, at, until)]
        if was is not None and was[1] not in (None, subject):  # forgotten once more, after coming back: both are told
            added.append((self.mark("forgotten", str(was[1])), *was[1:]))
        self._connection.executemany(  # under a new number each time: by it other processes see that something happened
            "INSERT OR REPLACE INTO erased (rowid, mark, subject, ground, at, until) "
            "SELECT coalesce(max(rowid), 0) + 1, ?, ?, ?, ?, ? FROM erased",
            added,
        )
        row = self._connection.execute("SELECT value FROM bank WHERE name = ?", (_SUM,)).fetchone()
        before = {} if row is None else {"before": self._wrapping.unwrap_key(row[0], about=_SUM.encode())}
        total = sum_of(added, key=self.secret, without=() if was is None else (was,), **before)
        wrapped = self._wrapping.wrap_key(total, nonce=self._random(12), about=_SUM.encode())
        self._connection.execute("INSERT OR REPLACE INTO bank (name, value) VALUES (?, ?)", (_SUM, wrapped))

    def _follow_erasures(self) -> None:
        """Forget what is remembered of customers when another process has forgotten one."""
        with self._lock:
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            changes = self._connection.total_changes
            if (version, changes) == self._version:
                return
            self._version = (version, changes)
            erasures = self._connection.execute("SELECT count(*), coalesce(max(rowid), 0) FROM erased").fetchone()
            if erasures != self._erasures:
                self._erasures, self._forgotten = erasures, None
                self._by_name.clear()
                self._by_subject.clear()
                forget_texts()

    def _new_row(self, name: str) -> tuple[int, bytes, bytes, bytes]:
        random = self._random
        subject = int.from_bytes(random(8), "big") >> 1 or 1
        sealed = self.bank.seal(name.encode(), nonce=random(12), about=_of(subject))
        wrapped = self._wrapping.wrap_key(random(KEY_BYTES), nonce=random(12), about=_of(subject))
        return subject, self.mark("name", name), sealed, wrapped

    def _load(self, names: Sequence[str]) -> dict[str, Customer]:
        marks = [self.mark("name", name) for name in names]
        found: dict[str, Customer] = {}
        for start in range(0, len(marks), _CHUNK):
            some = marks[start : start + _CHUNK]
            places = ", ".join("?" * len(some))
            with self._lock:
                rows = self._connection.execute(
                    f"SELECT subject, name, wrapped FROM customers WHERE mark IN ({places})",  # noqa: S608
                    some,
                ).fetchall()
                found.update((known.name, known) for known in map(self._keep, rows))
        return found

    def _keep(self, row: tuple[int, bytes, bytes]) -> Customer:
        subject, sealed, wrapped = row
        try:
            name = self.bank.open(sealed, about=_of(subject)).decode()
            known = Customer(name, subject, Box(self._wrapping.unwrap_key(wrapped, about=_of(subject))))
        except CannotOpen as error:
            raise StoreError(f"{FILE} was altered, or belongs to another key of the bank") from error
        if len(self._by_name) >= _CACHED:
            self._by_name.clear()
            self._by_subject.clear()
        self._by_name[name] = self._by_subject[subject] = known
        return known

    def _begin(self) -> None:
        """Begin to write, and check that the bank's key is still the one that this process holds."""
        self._connection.execute("BEGIN IMMEDIATE")
        row = self._connection.execute("SELECT value FROM bank WHERE name = 'bank'").fetchone()
        try:
            self._wrapping.unwrap_key(row[0], about=b"bank")
        except (CannotOpen, TypeError) as error:
            raise StoreError(
                "the bank's key was changed meanwhile: start this process again with the new one"
            ) from error

    def _rows(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Give subject number, mark and sealed name of every customer, some at a time: a large bank fits no memory."""
        last = -(2**63)
        while True:
            with self._lock:
                rows = self._connection.execute(
                    "SELECT subject, mark, name FROM customers WHERE subject > ? ORDER BY subject LIMIT ?",
                    (last, _CHUNK),
                ).fetchall()
            yield from rows
            if not rows:
                return
            last = rows[-1][0]

    def _mark_of(self, subject: int, sealed: bytes) -> bytes | None:
        try:
            return self.mark("name", self.bank.open(sealed, about=_of(subject)).decode())
        except CannotOpen:
            return None

    def _opened_sum(self, wrapped: bytes | None) -> bytes | None:
        try:
            return None if wrapped is None else self._wrapping.unwrap_key(wrapped, about=_SUM.encode())
        except CannotOpen:
            return None

    def _own_secret(self, name: str, *, read_only: bool) -> bytes:
        if not read_only:  # where somebody is known, another would hide who they are and change what is drawn for them
            with self._connection:
                self._connection.execute(
                    "INSERT OR IGNORE INTO bank (name, value) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM customers) "
                    "AND NOT EXISTS (SELECT 1 FROM erased)",
                    (name, self._own_wrapped(name)),
                )
        row = self._connection.execute("SELECT value FROM bank WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise StoreError(f"{FILE} was altered: the bank's own {name!r} is missing; restore the file from a copy")
        try:
            return self._wrapping.unwrap_key(row[0], about=name.encode())
        except CannotOpen as error:
            raise StoreError(f"{FILE} does not belong to this key of the bank") from error

    def _own_wrapped(self, name: str) -> bytes:
        return self._wrapping.wrap_key(self._random(KEY_BYTES), nonce=self._random(12), about=name.encode())


def _of(subject: int) -> bytes:
    return subject.to_bytes(8, "big")


def _rewrapped(wrapped: bytes, *, old: Box, new: Box, about: bytes) -> bytes:
    return new.wrap_key(old.unwrap_key(wrapped, about=about), nonce=os.urandom(12), about=about)
