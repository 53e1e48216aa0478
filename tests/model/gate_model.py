"""The gate once more, as the simplest thing that can say the same: nothing is folded, kept or judged in advance.

A person is what each of their ids said, in the order of its journal. Whoever asks whether something may be used reads
all of it again. It knows nothing of the product; licences of other banks have laws of their own, and no place here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Purpose(NamedTuple):
    """What a bank asks for: from which sources, in which version, and whether it sells or rests on a duty."""

    version: int
    sources: tuple[str, ...]
    sells: bool = False
    duty: bool = False


class Saying(NamedTuple):
    """One thing that was said: a grant, withdraw, object, lift, pause or resume, of every combination of its words."""

    what: str
    purposes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    version: int = 1


class Scope(NamedTuple):
    """What may be used, or not."""

    purpose: str
    source: str
    channel: str


Journal = Sequence[Saying]
Bank = Mapping[str, Purpose]


def may_use(bank: Bank, person: Sequence[Journal], scope: Scope, *, now: int) -> bool:
    """Say whether a source may be used for a purpose through a channel."""
    purpose = bank[scope.purpose]
    if scope.source not in purpose.sources:
        return False
    if purpose.duty:
        return True
    if purpose.sells and any(objects(journal) for journal in person):
        return False
    if any(paused(journal, scope.purpose, now=now) for journal in person):
        return False
    return all(allows(journal, scope, version=purpose.version, now=now) for journal in person)


def objects(journal: Journal) -> bool:
    """Say whether the last word about marketing as a whole is a no."""
    words = [saying.what for saying in journal if saying.what in {"object", "lift"}]
    return words[-1:] == ["object"]


def paused(journal: Journal, purpose: str, *, now: int) -> bool:
    """Say whether the last word about a pause of a purpose is one that has not ended."""
    said = [saying for saying in journal if saying.what in {"pause", "resume"} and purpose in saying.purposes]
    return bool(said) and said[-1].what == "pause" and now < said[-1].until


def allows(journal: Journal, scope: Scope, *, version: int, now: int) -> bool:
    """Say whether the last word about a scope is a yes to this version of its purpose that has begun and not ended."""
    for saying in reversed(journal):
        about = scope.purpose in saying.purposes and scope.source in saying.sources and scope.channel in saying.channels
        if about and saying.what == "withdraw":
            return False
        if about and saying.what == "grant" and saying.version == version:
            return saying.since <= now < saying.until
    return False
