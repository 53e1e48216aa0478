"""The gate once more, as the simplest thing that can say the same: nothing is folded, kept or judged in advance.

A person is what each of their ids said, in the order of its journal. Whoever asks whether something may be used reads
all of it again. It knows nothing of the product; licences of other banks have laws of their own, and no place here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Purpose(NamedTuple):
    """What a bank asks for: from which sources, in which version, and whether it sells or rests on a duty.

    Nobody under age may be sold anything, nor what is ``barred`` for them besides.
    """

    version: int
    sources: tuple[str, ...]
    sells: bool = False
    duty: bool = False
    barred: bool = False


class Saying(NamedTuple):
    """One thing that was said: a grant, withdraw, object, lift, pause or resume, of every combination of its words.

    ``lent`` is what a delegate said for the person. ``born`` says that they come of age at ``since``.
    """

    what: str
    purposes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    version: int = 1
    lent: bool = False


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
    of_age = max((comes_of_age(journal) for journal in person), default=0)
    if now < of_age and (purpose.sells or purpose.barred):
        return False
    if purpose.sells and any(objects(journal) for journal in person):
        return False
    if any(paused(journal, scope.purpose, now=now) for journal in person):
        return False
    return all(allows(journal, scope, version=purpose.version, now=now, of_age=of_age) for journal in person)


def comes_of_age(journal: Journal) -> int:
    """Give when the person comes of age, by the last word about it; 0 where nothing tells their age."""
    told = [saying.since for saying in journal if saying.what == "born"]
    return told[-1] if told else 0


def objects(journal: Journal) -> bool:
    """Say whether the last word about marketing as a whole is a no; no delegate lifts what the person said."""
    stands = own = False
    for saying in journal:
        if saying.what == "object":
            stands, own = True, (stands and own) or not saying.lent
        if saying.what == "lift" and not (saying.lent and own):
            stands = own = False
    return stands


def paused(journal: Journal, purpose: str, *, now: int) -> bool:
    """Say whether the last word about a pause of a purpose is one that has not ended.

    A delegate may make a pause of the person's own longer, and neither shorten nor end it.
    """
    until, own = 0, False
    for saying in journal:
        if purpose in saying.purposes and saying.what in {"pause", "resume"}:
            end = saying.until if saying.what == "pause" else 0
            if saying.lent and own and saying.since < until:
                until = max(until, end)
            else:
                until, own = end, not saying.lent
    return now < until


def allows(journal: Journal, scope: Scope, *, version: int, now: int, of_age: int) -> bool:
    """Say whether the last word about a scope is a yes to this version of its purpose that has begun and not ended.

    A yes that was said under age ends with that age, and one of a delegate is none where the person's own last word
    about the scope, in whatever version, is a no.
    """
    for place, saying in reversed(list(enumerate(journal))):
        if not about(saying, scope):
            continue
        if saying.what == "withdraw":
            return False
        if saying.what == "grant" and saying.version == version:
            if saying.lent and refused(journal[:place], scope):
                return False
            outgrown = saying.since < of_age <= now
            return saying.since <= now < saying.until and not outgrown
    return False


def refused(journal: Journal, scope: Scope) -> bool:
    """Say whether the person's own last word about a scope is a no."""
    own = [saying.what for saying in journal if about(saying, scope) and not saying.lent]
    return own[-1:] == ["withdraw"]


def about(saying: Saying, scope: Scope) -> bool:
    """Say whether a yes or a no is about a scope."""
    if saying.what not in {"grant", "withdraw"}:
        return False
    return scope.purpose in saying.purposes and scope.source in saying.sources and scope.channel in saying.channels
