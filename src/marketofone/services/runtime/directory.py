"""The marks under which customers, accounts and decisions are found: keyed, so the data tell no name."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from marketofone.domain.account_numbers import account_number
from marketofone.domain.errors import Refused
from marketofone.domain.languages import message
from marketofone.domain.moment import Instant
from marketofone.store.keystore import Customer, KeyStore
from marketofone.store.ports import Reader

STRONG, ACCOUNT, HOLDER, NUMBER, SHARER = 1, 2, 3, 4, 5
"""What kind of mark a link has.

A strong key makes customers one person. An account names its owners to requests, and its holders to what is booked. A
number of an own account only says that it was told. A sharer is who held an account together with the customer: by it
those who are left are found once that one was forgotten.
"""


def refuse_forgotten(keys: KeyStore, name: str, *, now: Instant) -> None:
    """Refuse to begin anew with a customer who was forgotten, while that is barred.

    Raises
    ------
    Refused
    """
    if keys.barred((name,), now=now):
        raise Refused(why=message("this customer was forgotten, and nothing about them is taken in again yet"))


def enrolled(keys: KeyStore, *names: str, now: Instant) -> dict[str, Customer]:
    """Give customers by name; a new one gets a number and a key. Refuses as :func:`refuse_forgotten` does."""
    found = keys.enrol(names, now=now)
    for name in names:
        if name not in found:
            refuse_forgotten(keys, name, now=now)
    return found


def strong_mark(keys: KeyStore, *, kind: str, key: str) -> bytes:
    """Give the mark of a strong key."""
    return bytes((STRONG,)) + keys.mark("key", kind, key)


def naming_mark(keys: KeyStore, *, kind: str, key: str) -> bytes:
    """Give the mark of a key that identifies no customer; only accounts are ever looked for by it."""
    return bytes((ACCOUNT,)) + keys.mark(kind, key)


def account_mark(keys: KeyStore, account: str) -> bytes:
    """Give the mark of an account."""
    return naming_mark(keys, kind="account", key=account)


def holder_mark(keys: KeyStore, account: str) -> bytes:
    """Give the mark under which the holders of an account are found."""
    return bytes((HOLDER,)) + keys.mark("holder", account)


def number_mark(keys: KeyStore, number: str) -> bytes:
    """Give the mark of a number of an own account, however it is written."""
    return bytes((NUMBER,)) + keys.mark("number", account_number(number))


def sharer_mark(keys: KeyStore, subject: int) -> bytes:
    """Give the mark under which those are found who held an account together with a customer."""
    return bytes((SHARER,)) + keys.mark("sharer", str(subject))


def decision_mark(keys: KeyStore, decision: str) -> bytes:
    """Give the mark of a decision's id."""
    return keys.mark("decision", decision)


def event_number(key: bytes, *, subject: int) -> int:
    """Give the number by which an event is recognised again within a customer's journal.

    It has 63 bits and is unique within a journal only: that any two of a million events of one customer have the same
    number has a chance of one in eighteen million.
    """
    salted = blake2b(key, digest_size=8, salt=subject.to_bytes(8, "big"))
    return int.from_bytes(salted.digest(), "big") >> 1


def kept_keys(reader: Reader, subject: int, keys: Iterable[bytes]) -> set[bytes]:
    """Give those of some keys of events that a journal keeps."""
    numbers = {event_number(key, subject=subject): key for key in keys}
    return {numbers[number] for _, number in reader.known([(subject, number) for number in numbers])}
