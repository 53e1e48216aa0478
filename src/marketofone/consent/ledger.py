"""Grants and withdrawals, folded into what holds now.

A customer's consents are the fold of their consent entries, in the order of the journal. Of two things said about one
scope the later *entry* wins, whatever date it names. A no holds at once, also one that names a past date. Every grant
ends. What several ids of one person allow is what each of them allows: silence is a no.

Entries name purposes, sources and channels explicitly: a yes for everything covers what could be asked about on that
day, and nothing that the bank adds later. A yes is for the version of a purpose that it was given to (``care@2``), and
opens no other; a no is for all of them.

Two things stand beside all that, and beat every grant, also a later one. An objection to marketing stands until it is
lifted. A pause of some purposes ends by itself, without an entry, or when it is resumed. Whoever of the ids of a person
says one of them, says it for all of them. What they stop is the gate's business (``gate.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple, replace

from marketofone.consent.licence import Licences, licensed, shared
from marketofone.consent.policy import ConsentScope, word_of
from marketofone.domain.event import Event
from marketofone.domain.languages import Language
from marketofone.domain.moment import Instant

State = Literal["granted", "withdrawn", "expired", "not_yet", "never", "changed", "objected", "paused"]
What = Literal["grant", "withdraw", "object", "lift", "pause", "resume"]
TAKING_BACK: frozenset[What] = frozenset({"withdraw", "object"})
"""What takes back what was allowed: what was made of it counts no more, also after another yes."""
ENDING: frozenset[What] = frozenset({"grant", "pause"})
"""What ends by itself."""
PAUSE_DAYS = 30
"""How long a pause lasts that names no end, where the bank allows as much."""
NO_END = "leave it out: a no holds until something else is said"
EVERY = "*"


class ConsentChange(Struct, frozen=True, kw_only=True):
    """One thing a person (or somebody on a stated authority) says about consent.

    ``object`` says no to all marketing, ``lift`` takes that back; both are about nothing else, and need no words.
    ``pause`` is for some time, ``resume`` ends it at once; both are about purposes, all where none is named.
    ``purposes``, ``sources`` and ``channels`` name words of the policy, or ``*`` for all of them. ``since`` is
    from when on it holds, ``until`` (of grants and pauses) when it ends by itself. ``versions`` are those of the
    purposes of a grant or a withdrawal, one for each; all are 1 where it is left out. ``language`` is the one in which
    the person read the notices; the bank's own where it is left out.
    """

    customer: str
    change: What
    purposes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    since: Instant
    until: Instant | None = None
    actor: str = "customer"
    authority: str = ""
    versions: tuple[int, ...] | UnsetType = UNSET
    language: Language | UnsetType = UNSET

    @property
    def words(self) -> tuple[str, ...]:
        """The purposes, each in the version that is meant."""
        if self.versions is UNSET:
            return self.purposes
        return tuple([word_of(name, version) for name, version in zip(self.purposes, self.versions, strict=True)])


class Validity(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What was last said about one scope."""

    granted: bool
    since: Instant
    until: Instant | None

    def holds(self, now: Instant) -> bool:
        """Say whether it is a yes that has begun and not ended."""
        return self.granted and self.since <= now and (self.until is None or now < self.until)

    def state(self, now: Instant) -> State:
        """Say how it stands at a moment."""
        if not self.granted:
            return "withdrawn"
        if now < self.since:
            return "not_yet"
        return "granted" if self.until is None or now < self.until else "expired"


class ConsentEntry(Struct, frozen=True, array_like=True, gc=False):
    """One consent entry: which scopes it is about (every combination of the words), and what it says of them."""

    validity: Validity
    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]

    def is_about(self, scope: ConsentScope) -> bool:
        """Say whether it says something of a scope, in any version of its purpose."""
        if scope.source not in self.sources or scope.channel not in self.channels:
            return False
        return any(plain_of(word) == scope.purpose for word in self.purposes)

    def hides(self, older: ConsentEntry) -> bool:
        """Say whether nothing that an older entry says still counts beside this one."""
        return (
            set(older.purposes) <= set(self.purposes)
            and set(older.sources) <= set(self.sources)
            and set(older.channels) <= set(self.channels)
        )


def plain_of(word: str) -> str:
    """Give the purpose of which a word names a version.

    Examples
    --------
    >>> plain_of("care@2"), plain_of("care")
    ('care', 'care')
    """
    return word.partition("@")[0]


Pauses = tuple[tuple[str, Instant], ...]
"""Purposes that were paused, in their order, and until when."""


class Consents(Struct, frozen=True, array_like=True, gc=False):
    """What one customer says: the entries that still count, newest first, and how often they changed it.

    ``others`` are the consents of the other ids of one person; what all of them allow is allowed. ``licences`` are what
    was allowed at other banks: no grant opens more of their data. ``objects`` says that any id objects to marketing,
    ``pauses`` which purposes any of them paused, and until when.
    """

    epoch: int
    said: tuple[ConsentEntry, ...]
    others: tuple[Consents, ...] = ()
    licences: Licences = ()
    objects: bool = False
    pauses: Pauses = ()

    def paused_until(self, purpose: str, now: Instant) -> Instant | None:
        """Say until when a purpose is paused; None where it is not, or not any more."""
        return next((until for name, until in self.pauses if name == purpose and now < until), None)

    def paused(self, now: Instant) -> tuple[str, ...]:
        """Name the purposes that are paused at a moment."""
        return tuple([name for name, until in self.pauses if now < until])

    def validity(self, scope: ConsentScope) -> Validity | None:
        """Give what holds of a scope; None where at least one id of the person never said anything about it."""
        purpose, source, channel = scope.purpose, scope.source, scope.channel
        own = None
        for said in self.said:  # newest first; every permit comes here for every source
            if source in said.sources and purpose in said.purposes and channel in said.channels:
                own = said.validity
                break
        if not self.others:
            return own
        return _joint([own, *(other.validity(scope) for other in self.others)])

    def state(self, scope: ConsentScope, now: Instant) -> State:
        """Say how a scope stands at a moment. Absence of information is a refusal."""
        validity = self.validity(scope)
        return "never" if validity is None else validity.state(now)

    def opens(self, source: str, *, purposes: Sequence[str], channels: Sequence[str], now: Instant) -> bool:
        """Say whether any of some purposes may use a source through any of some channels."""
        if not self.others and len(self.said) == 1:  # nearly everybody: one entry says it all
            (said,) = self.said
            return (
                source in said.sources
                and said.validity.holds(now)
                and _meet(purposes, said.purposes)
                and _meet(channels, said.channels)
            )
        return any(
            self.granted(purpose=purpose, source=source, channel=channel, now=now)
            for purpose in purposes
            for channel in channels
        )

    def allowed_before(self, scope: ConsentScope) -> bool:
        """Say whether the last thing that any id said of a scope, in any version of its purpose, is a yes."""
        last = next((said for said in self.said if said.is_about(scope)), None)
        return (last is not None and last.validity.granted) or any(of.allowed_before(scope) for of in self.others)

    def granted(self, *, purpose: str, source: str, channel: str, now: Instant) -> bool:
        """Say whether one scope is granted at a moment."""
        return self.state(ConsentScope(purpose=purpose, source=source, channel=channel), now) == "granted"


NEVER_ASKED = Consents(epoch=0, said=())


def apply(consents: Consents, change: ConsentChange) -> Consents:
    """Give one customer's consents after one more entry, whose words are explicit."""
    epoch = consents.epoch + 1
    match change.change:
        case "object" | "lift":
            return replace(consents, epoch=epoch, objects=change.change == "object")
        case "pause" | "resume":
            return replace(consents, epoch=epoch, pauses=_pauses_after(consents.pauses, change))
        case "grant" | "withdraw":
            return replace(consents, epoch=epoch, said=_said_after(consents, change))


def _pauses_after(pauses: Pauses, change: ConsentChange) -> Pauses:
    kept = {name: until for name, until in pauses if name not in change.purposes}
    paused = {} if change.change == "resume" or change.until is None else dict.fromkeys(change.purposes, change.until)
    return tuple(sorted((kept | paused).items()))


def _said_after(consents: Consents, change: ConsentChange) -> tuple[ConsentEntry, ...]:
    words = change.words
    if change.change == "withdraw":
        others = (word for older in consents.said for word in older.purposes if plain_of(word) in change.purposes)
        words = tuple(dict.fromkeys((*words, *change.purposes, *others)))
    said = ConsentEntry(
        Validity(granted=change.change == "grant", since=change.since, until=change.until),
        words,
        change.sources,
        change.channels,
    )
    return (said, *(older for older in consents.said if not said.hides(older)))


def with_licences(consents: Consents, events: Iterable[Event], *, recorded: Instant) -> Consents:
    """Give one customer's consents after some events, recorded at an instant, that may tell licences."""
    return replace(consents, licences=licensed(consents.licences, events, recorded=recorded))


def fold(changes: Iterable[ConsentChange]) -> Consents:
    """Fold one customer's entries, in the order of the journal."""
    consents = NEVER_ASKED
    for change in changes:
        consents = apply(consents, change)
    return consents


def together(people: Sequence[Consents]) -> Consents:
    """Give what several ids of one person allow together: what each of them allows.

    Examples
    --------
    >>> together([NEVER_ASKED]) is NEVER_ASKED
    True
    """
    if len(people) == 1:
        return people[0]
    first, *others = people
    licences = shared(one.licences for one in people)
    return Consents(
        sum(one.epoch for one in people),
        first.said,
        tuple(others),
        licences,
        objects=any(one.objects for one in people),
        pauses=_longest(one.pauses for one in people),
    )


def _longest(each: Iterable[Pauses]) -> Pauses:
    """Give of each purpose the pause that ends last."""
    longest: dict[str, Instant] = {}
    for name, until in (pair for pauses in each for pair in pauses):
        longest[name] = max(until, longest.get(name, until))
    return tuple(sorted(longest.items()))


def without_pauses(consents: Consents) -> Consents:
    """Give consents as they are once every pause has ended."""
    return replace(consents, pauses=()) if consents.pauses else consents


def plain_form(consents: Consents) -> tuple[object, ...]:
    """Give consents as they are written: what no consents had in the first releases is left away where there is none.

    Examples
    --------
    >>> plain_form(NEVER_ASKED)
    (0, (), (), ())
    """
    fields = astuple(consents)
    kept = 2 if consents.pauses else 1 if consents.objects else 0
    return fields[: len(fields) - 2 + kept]


def _meet(some: Sequence[str], others: Sequence[str]) -> bool:
    for one in some:  # noqa: SIM110 - a loop, for most find the first, and every event that arrives asks for it
        if one in others:
            return True
    return False


def _joint(each: Sequence[Validity | None]) -> Validity | None:
    refusal = next((one for one in each if one is not None and not one.granted), None)
    if refusal is not None:
        return refusal
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    ends = [one.until for one in known if one.until is not None]
    return Validity(granted=True, since=max(one.since for one in known), until=min(ends, default=None))
