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

What a delegate says is said for the person, and the later entry wins there, too; but a no of the person themselves is
beaten by no delegate: no yes of one opens what they refused, and no word of one ends their objection or their pause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple, replace

from marketofone.consent.licence import Licences, shared
from marketofone.consent.policy import ConsentScope, word_of
from marketofone.domain.fields import Text
from marketofone.domain.languages import Language
from marketofone.domain.moment import Day, Instant

State = Literal["granted", "withdrawn", "expired", "not_yet", "never", "changed", "objected", "paused", "under_age"]
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
    the person read the notices; the bank's own where it is left out. ``delegate`` names who said it for the person, and
    is left out where they said it themselves.
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
    delegate: Text | UnsetType = UNSET

    @property
    def lent(self) -> bool:
        """Whether a delegate said it for the person."""
        return self.delegate is not UNSET

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
    ``pauses`` which purposes any of them paused, and until when. ``born`` is the latest date of birth of any of them,
    None where none is known. ``lent`` are the places of entries that a delegate said, ``lent_stops`` the purposes that
    one paused, and ``*`` where one objects.
    """

    epoch: int
    said: tuple[ConsentEntry, ...]
    others: tuple[Consents, ...] = ()
    licences: Licences = ()
    objects: bool = False
    pauses: Pauses = ()
    born: Day | None = None
    lent: tuple[int, ...] = ()
    lent_stops: tuple[str, ...] = ()

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
        for place, said in enumerate(self.said):  # newest first; every permit comes here for every source
            if source in said.sources and purpose in said.purposes and channel in said.channels:
                lent = said.validity.granted and place in self.lent
                own = (self.refusal(scope, before=place) if lent else None) or said.validity
                break
        if not self.others:
            return own
        return _joint([own, *(other.validity(scope) for other in self.others)])

    def refusal(self, scope: ConsentScope, *, before: int = -1) -> Validity | None:
        """Give the person's own no to a scope, in any version of its purpose; None where they last said none.

        It is what they had said ``before`` the entry at a place; without one, all they said.
        """
        asked = ConsentScope(purpose=plain_of(scope.purpose), source=scope.source, channel=scope.channel)
        own = (said for place, said in enumerate(self.said) if place > before and place not in self.lent)
        last = next((said for said in own if said.is_about(asked)), None)
        return None if last is None or last.validity.granted else last.validity

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
_LEFT_AWAY = astuple(NEVER_ASKED)
_ALWAYS = len(("epoch", "said", "others", "licences"))  # what consents had in the first releases


def apply(consents: Consents, change: ConsentChange) -> Consents:
    """Give one customer's consents after one more entry, whose words are explicit."""
    consents = replace(consents, epoch=consents.epoch + 1)
    match change.change:
        case "object" | "lift":
            return _objecting_after(consents, change)
        case "pause" | "resume":
            return _pausing_after(consents, change)
        case "grant" | "withdraw":
            return _said_after(consents, change)


def stopped_by_person(consents: Consents, word: str, *, now: Instant) -> bool:
    """Say whether the person themselves objects (``*``), or paused a purpose: no delegate ends that."""
    stands = consents.objects if word == EVERY else consents.paused_until(word, now) is not None
    return stands and word not in consents.lent_stops


def _objecting_after(consents: Consents, change: ConsentChange) -> Consents:
    if change.lent and stopped_by_person(consents, EVERY, now=change.since):
        return consents
    objects, lent = change.change == "object", set(consents.lent_stops) - {EVERY}
    if objects and change.lent:
        lent.add(EVERY)
    return replace(consents, objects=objects, lent_stops=tuple(sorted(lent)))


def _pausing_after(consents: Consents, change: ConsentChange) -> Consents:
    pauses, lent = dict(consents.pauses), set(consents.lent_stops)
    for name in change.purposes:
        said = change.until if change.change == "pause" else None
        own = consents.paused_until(name, change.since) if change.lent and name not in lent else None
        ends = [end for end in (said, own) if end is not None]
        pauses.pop(name, None)
        lent.discard(name)
        if ends:
            pauses[name] = max(ends)
        if ends and change.lent and own is None:
            lent.add(name)
    return replace(consents, pauses=tuple(sorted(pauses.items())), lent_stops=tuple(sorted(lent)))


def _said_after(consents: Consents, change: ConsentChange) -> Consents:
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
    if not (change.lent or consents.lent):  # as of nearly all people
        return replace(consents, said=(said, *(older for older in consents.said if not said.hides(older))))
    before = ((older, place in consents.lent) for place, older in enumerate(consents.said))
    kept = _still_counting([(said, change.lent), *before])
    lent = tuple([place for place, (_, is_lent) in enumerate(kept) if is_lent])
    return replace(consents, said=tuple([entry for entry, _ in kept]), lent=lent)


def _still_counting(newest_first: Iterable[tuple[ConsentEntry, bool]]) -> list[tuple[ConsentEntry, bool]]:
    """Leave out entries of which nothing counts any more; each comes with whether a delegate said it.

    What the person said before a delegate tells whether that one could say it, whatever the person said afterwards.
    """
    kept: list[tuple[ConsentEntry, bool]] = []
    since_delegate: list[ConsentEntry] = []
    for entry, is_lent in newest_first:
        newer = [one for one, _ in kept] if is_lent else since_delegate
        if any(one.hides(entry) for one in newer):
            continue
        kept.append((entry, is_lent))
        since_delegate = [] if is_lent else [*since_delegate, entry]
    return kept


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
        lent=first.lent,
        objects=any(one.objects for one in people),
        pauses=_longest(one.pauses for one in people),
        lent_stops=_all_lent(people),
        born=max((one.born for one in people if one.born is not None), default=None),
    )


def _all_lent(people: Sequence[Consents]) -> tuple[str, ...]:
    """Give the stops that only delegates said: what any id of the person stops themselves is theirs."""
    lent = {word for one in people for word in one.lent_stops}
    stops = ((word, one) for one in people for word in (*dict(one.pauses), *((EVERY,) if one.objects else ())))
    return tuple(sorted(lent.difference(word for word, one in stops if word not in one.lent_stops)))


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
    return fields[
        : max([_ALWAYS, *(place for place, field in enumerate(fields, start=1) if field != _LEFT_AWAY[place - 1])])
    ]


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
