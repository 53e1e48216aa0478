"""The reference bank: what a bank of journals must do, as the simplest program that could be right.

It keeps lists of entries in the order in which they were recorded and walks through them for every answer. It knows
nothing of snapshots, caches, locks, keys or hashes, and shares no code with the product. What only chance decides
(which of the open actions is chosen, who is in the control group) it takes from the product and judges.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from documents import (
    CHANNELS,
    CONSENTED,
    CONTEXT,
    DAY,
    EXEMPT,
    FEATURES,
    FUTURE_SECONDS,
    GRANT_DAYS,
    HOUR,
    KEPT,
    MARKETING,
    MINUTE,
    OCCASIONS,
    PAUSE_DAYS,
    RULES,
    SOURCE_OF,
    SOURCES,
    STRESS,
    Act,
    Rules,
)

MOST_HOLDERS = 4
YEAR = 360 * DAY
Scope = tuple[str, str]  # a purpose, and a source that was read for it


class No(Exception):
    """An answer that is none; it names the error that the product raises."""

    @property
    def name(self) -> str:
        """The name of the error."""
        return str(self.args[0])


class Said(NamedTuple):
    """A yes or a no."""

    granted: bool
    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    until: int | None


class Objects(NamedTuple):
    """A no to all marketing, or that it is taken back."""

    stands: bool


class Paused(NamedTuple):
    """Some purposes are paused until a moment, or not any more."""

    purposes: tuple[str, ...]
    until: int | None


class Happened(NamedTuple):
    """An event that is kept. One that takes another back names its key and kind.

    What a person ``says`` of something concluded about them is its name, and whether it is wrong.
    """

    key: str
    kind: str
    at: int
    takes: tuple[str, str] | None = None
    says: tuple[str, bool] | None = None


class Arrived(NamedTuple):
    """Events that arrived together; those that may not be kept are not among them."""

    kept: tuple[Happened, ...]


class Decided(NamedTuple):
    """A decision."""

    id: str
    occasion: str
    channel: str
    action: str
    kind: str  # of the action; empty for doing nothing
    at: int
    uses: tuple[Scope, ...]
    scale: int = 0
    ids: frozenset[str] = frozenset()  # of the person it was made for


class Answered(NamedTuple):
    """What a person did after a decision."""

    decision: str
    verdict: str
    at: int
    uses: tuple[Scope, ...]
    why: str = ""


class Looked(NamedTuple):
    """A reading behind a permit; a forecast also says which money it has seen, and of whom."""

    uses: tuple[Scope, ...]
    seen: frozenset[tuple[str, str, int]] | None = None
    at: int = 0
    ids: frozenset[str] = frozenset()


class Linked(NamedTuple):
    """Who is who changed: who is one person with this customer from here on."""

    ids: frozenset[str] = frozenset()


class Entry(NamedTuple):
    """One entry of a journal: its place in the order, when it was recorded, and what it says."""

    order: int
    recorded: int
    says: Any


Journals = Mapping[str, Sequence[Entry]]
"""The journals of one person, by the names of their ids."""


@dataclass
class Board:
    """What the board and the documents say."""

    rules: Rules = RULES[0]
    stops: frozenset[str] = frozenset()
    approvals: dict[str, int] = field(default_factory=dict)


# -- consent: of one id the last entry about a scope counts; several ids allow what each of them allows; an objection
# -- of any id beats all that is granted for marketing, and a pause of any id what is granted for its purposes


def of_one(journal: Iterable[Entry], purpose: str, source: str, channel: str) -> Said | None:
    """Give the last thing that an id said about a scope."""
    about = [
        entry.says
        for entry in journal
        if isinstance(entry.says, Said)
        and purpose in entry.says.purposes
        and source in entry.says.sources
        and channel in entry.says.channels
    ]
    return about[-1] if about else None


def objects(journal: Iterable[Entry]) -> bool:
    """Say whether an id objects to marketing: the last word about that counts."""
    words = [entry.says.stands for entry in journal if isinstance(entry.says, Objects)]
    return bool(words) and words[-1]


def state_of(person: Journals, purpose: str, source: str, channel: str, now: int) -> tuple[str, int | None]:
    """Say how a scope of a person stands, and until when a yes holds that stands or is stopped."""
    state, until = granted_of(person, purpose, source, channel, now)
    if state == "granted" and purpose == "marketing" and any(objects(journal) for journal in person.values()):
        return "objected", until
    if state == "granted" and any(pauses(journal, purpose, now) for journal in person.values()):
        return "paused", until
    return state, until


def pauses(journal: Iterable[Entry], purpose: str, now: int) -> bool:
    """Say whether an id paused a purpose: the last word about it counts, until its end."""
    ends = [entry.says.until for entry in journal if isinstance(entry.says, Paused) and purpose in entry.says.purposes]
    return bool(ends) and ends[-1] is not None and now < ends[-1]


def granted_of(person: Journals, purpose: str, source: str, channel: str, now: int) -> tuple[str, int | None]:
    """Say what was said of a scope of a person, and until when a yes holds."""
    each = [of_one(journal, purpose, source, channel) for journal in person.values()]
    if any(said is not None and not said.granted for said in each):
        return "withdrawn", None
    if None in each:
        return "never", None
    ends = min(said.until for said in each if said is not None and said.until is not None)
    return ("granted" if now < ends else "expired"), ends


def open_to(person: Journals, purpose: str, channels: Sequence[str], now: int) -> frozenset[str]:
    """Give the sources that a purpose may use through any of some channels."""
    return frozenset(
        source for source in SOURCES for to in channels if state_of(person, purpose, source, to, now)[0] == "granted"
    )


def may_come_in(person: Journals, source: str, now: int) -> bool:
    """Say whether any purpose may use a source."""
    return any(source in open_to(person, purpose, CHANNELS, now) for purpose in CONSENTED)


# -- what is known of a person


def ordered(person: Journals) -> list[Entry]:
    """Give all entries of a person in their order."""
    return sorted((entry for journal in person.values() for entry in journal), key=lambda entry: entry.order)


def kept_in(entry: Entry) -> Sequence[Happened]:
    """Give the events that an entry keeps."""
    return entry.says.kept if isinstance(entry.says, Arrived) else ()


def corrected(person: Journals) -> dict[str, int]:
    """Give what a person says is wrong about them, and since when: of each id the last word, of several the latest."""
    words: dict[str, list[tuple[int, int, bool]]] = {}
    for journal in person.values():
        last: dict[str, tuple[int, int, bool]] = {}
        for entry in journal:
            for event in kept_in(entry):
                if event.says is not None:
                    last[event.says[0]] = entry.recorded, event.at, event.says[1]
        for name, word in last.items():
            words.setdefault(name, []).append(word)
    return {name: max(said)[1] for name, said in words.items() if max(said)[2]}


def number(person: Journals, feature: str, at: int) -> int:
    """Count the events of a feature as of a moment; under two ids one counts once, taken back or wrong none."""
    spec = FEATURES[feature]
    after = at - 2 * HOUR if spec.soon else at - YEAR
    wrong = corrected(person).get("life.move", 0) if spec.kind == "life.declared" else 0
    taken = [event.takes for entry in ordered(person) for event in kept_in(entry) if event.takes is not None]
    gone = {key for key, kind in taken if SOURCE_OF[kind] == SOURCE_OF[spec.kind]}  # else it names another event
    return len(
        {
            event.key
            for entry in ordered(person)
            for event in kept_in(entry)
            if event.kind == spec.kind and max(after, wrong) < event.at <= at and event.key not in gone
        }
    )


def moment(person: Journals, now: int) -> int:
    """Give the moment at which something about a person happens: a clock that steps back moves nothing."""
    return max([now, *(entry.recorded for journal in person.values() for entry in journal)])


def answer_of(heard: Sequence[Answered]) -> Answered | None:
    """Give the answer that counts: the latest by its own moment, of one moment the last one told; else the silence."""
    said = [one for one in heard if one.verdict in ("accepted", "declined")]
    silent = [one for one in heard if one.verdict == "ignored"]
    return max(reversed(said), key=lambda one: one.at) if said else silent[0] if silent else None


def changed_at(heard: Sequence[Answered], same: Callable[[Answered], object]) -> int:
    """Give the place from which on the answer has been what it is now, in some respect."""
    answers = [answer_of(heard[: place + 1]) for place in range(len(heard))]
    seen = [None if one is None else same(one) for one in answers]
    return max((place for place in range(len(seen)) if place and seen[place] != seen[place - 1]), default=0)


def _words(one: Answered | None) -> tuple[str, str] | None:
    return None if one is None else (one.verdict, one.why)


def is_yes(one: Answered) -> bool:
    """Say whether an answer is a yes: what it teaches depends on nothing else."""
    return one.verdict == "accepted"


def replaced(heard: Sequence[Answered], place: int) -> bool:
    """Say whether what was heard at a place was answered otherwise later."""
    yes = [answer_of(heard[: end + 1]) for end in range(len(heard))]
    return any(
        before is not None and after is not None and is_yes(before) != is_yes(after)
        for before, after in pairwise(yes[place:])
    )


def no_that_holds(heard: Sequence[tuple[int, Answered]]) -> int | None:
    """Give when the no was recorded that holds back: the answer that counts, or that a yes was taken back after it."""
    told = [one for _, one in heard]
    counts = answer_of(told)
    if counts is not None and counts.verdict == "declined":
        return heard[changed_at(told, _words)][0]
    return next((heard[place][0] for place in given_up(told)), None)


def given_up(heard: Sequence[Answered]) -> list[int]:
    """Give the places at which the yes that counts was taken back, after it was said last."""
    counts = answer_of(heard)
    if counts is None or not is_yes(counts):
        return []
    last = max((one.at, place) for place, one in enumerate(heard) if is_yes(one))
    return [place for place, one in enumerate(heard) if one.verdict == "taken_back" and (one.at, place) > last]


class Contact(NamedTuple):
    """What was shown to a person, when, and when they said no to it."""

    action: str
    kind: str
    at: int
    declined: int | None


def contacts(person: Journals) -> list[Contact]:
    """Give what was shown to a person."""
    shown: list[Contact] = []
    for journal in person.values():
        for entry in journal:
            if isinstance(entry.says, Decided) and entry.says.kind:
                heard = [
                    (later.recorded, later.says)
                    for later in journal
                    if isinstance(later.says, Answered) and later.says.decision == entry.says.id
                ]
                shown.append(Contact(entry.says.action, entry.says.kind, entry.recorded, no_that_holds(heard)))
    return shown


def last_forecast(person: Journals, owner: str) -> Looked | None:
    """Give the last forecast of an id while it counts: a no of any id to what it was made of ends it for ever."""
    made = [entry for entry in person[owner] if isinstance(entry.says, Looked) and entry.says.seen is not None]
    if not made:
        return None
    last: Looked = made[-1].says
    taken_back = any(
        isinstance(entry.says, Said)
        and not entry.says.granted
        and (entry.order > made[-1].order or of not in last.ids)
        and any(to in entry.says.purposes and source in entry.says.sources for to, source in last.uses)
        for of, journal in person.items()
        for entry in journal
    )
    return None if taken_back or not last.ids <= person.keys() else last


# -- what may be shown


def reads_of(purpose: str, rules: Rules) -> frozenset[str]:
    """Give what decisions may look at for a purpose."""
    reads = {"transactions"} | {SOURCE_OF[FEATURES[name].kind] for name in CONTEXT}
    if purpose == "care":
        reads.add(SOURCE_OF[FEATURES[STRESS[0]].kind])
    for act in rules.acts:
        if act.purpose == purpose:
            reads |= act.reads | act.needs
    return frozenset(reads)


def candidates(rules: Rules, channel: str) -> list[Act]:
    """Give the actions of a channel."""
    return [act for act in rules.acts if channel in act.channels]


def uses_of(person: Journals, board: Board, channel: str, judged: int) -> tuple[Scope, ...]:
    """Give what a decision looks at."""
    purposes = {act.purpose for act in candidates(board.rules, channel)} | {"care"}
    looked = {(p, s) for p in purposes for s in open_to(person, p, [channel], judged) & reads_of(p, board.rules)}
    return tuple(sorted(looked))


def verdicts(
    person: Journals, board: Board, occasion: str, channel: str, *, at: int, judged: int | None = None
) -> dict[str, str]:
    """Say of each action what stops it, ``open`` when nothing does; permission is judged at ``judged``."""
    judged = at if judged is None else judged
    may = {purpose: open_to(person, purpose, [channel], judged) for purpose in CONSENTED}
    name, enough = STRESS
    stressed = "app" in may["care"] and number(person, name, at) >= enough
    found = {
        act.id: _verdict(act, person, board, occasion, channel, at=at, may=may[act.purpose], stressed=stressed)
        for act in candidates(board.rules, channel)
    }
    found["nothing"] = "guarded:stress" if stressed and "open" in found.values() else "open"
    return found


def _verdict(  # noqa: C901, PLR0911, PLR0913 - one rule after the other
    act: Act,
    person: Journals,
    board: Board,
    occasion: str,
    channel: str,
    *,
    at: int,
    may: frozenset[str],
    stressed: bool,
) -> str:
    if not act.reads <= may or (act.when is not None and number(person, act.when[0], at) < act.when[1]):
        return "not_eligible"
    if not may or not act.needs <= may:
        return "not_permitted"
    if stressed and act.kind != "outreach":
        return "guarded:stress"
    if act.kind == "outreach" and act.when is not None and act.when[0] == STRESS[0] and "stress" in corrected(person):
        return "guarded:corrected"
    minute = at // MINUTE % (24 * 60)
    if channel == "push" and OCCASIONS[occasion][1] == "bank" and not 8 * 60 <= minute < 20 * 60:
        return "guarded:quiet_hours"
    shown = [of._replace(at=min(of.at, at)) for of in contacts(person)]  # what came later counts as just then
    rules = board.rules
    declined = [min(of.declined, at) for of in shown if of.action == act.id and of.declined is not None]
    if any(at - no < rules.decline_days * DAY for no in declined):
        return "guarded:cool_off"
    counted = {
        "same_action": [contact for contact in shown if contact.action == act.id],
        "marketing": [contact for contact in shown if contact.kind in MARKETING],
        "contacts": [contact for contact in shown if contact.kind not in EXEMPT],
    }
    asked = ["same_action", *(["marketing"] if act.kind in MARKETING else [])]
    for cap in [*asked, *(["contacts"] if act.kind not in EXEMPT else [])]:
        per_day, per_week = rules.caps[cap]
        if sum(at - of.at < DAY for of in counted[cap]) >= per_day:
            return f"guarded:cap_{cap}"
        if sum(at - of.at < 7 * DAY for of in counted[cap]) >= per_week:
            return f"guarded:cap_{cap}"
    if board.stops & {act.id, act.kind, "*"} or (act.sensitive and at >= board.approvals.get(act.id, at)):
        return "not_approved"
    return "open"


# -- the bank


class ReferenceBank:
    """The bank."""

    def __init__(self) -> None:
        self.journals: dict[str, list[Entry]] = {}
        self.holders: defaultdict[str, set[str]] = defaultdict(set)
        self.taken_back: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.board = Board()
        self.taken: set[tuple[str, str]] = set()  # a customer, and an event that is kept
        self.waiting: list[tuple[str, Entry]] = []  # lessons
        self.learns = False
        self.versions: list[int] = []  # the lessons of each
        self.forgotten: set[str] = set()
        self.order = 0

    # who is one person

    def ids(self, customer: str) -> tuple[str, ...]:
        """Give all ids of a person: those that are reached over keys that only a few share."""
        reached, waiting = {customer}, [customer]
        while waiting:
            of = waiting.pop()
            for key, holders in self.holders.items():
                if key.startswith("email_hash") and of in holders and len(holders) <= MOST_HOLDERS:
                    waiting += holders - reached
                    reached |= holders
        return tuple(sorted(reached))

    def person(self, customer: str) -> Journals:
        """Give the journals of a person."""
        return {of: self.journals.get(of, []) for of in self.ids(customer)}

    def known(self, customer: str) -> Journals:
        """Give the journals of a person whom an entry names."""
        if not self.journals.get(customer):
            raise No("UnknownCustomer")
        return self.person(customer)

    def append(self, customer: str, says: object, now: int) -> Entry:
        """Append an entry; what is recorded never steps back."""
        journal = self.journals.setdefault(customer, [])
        self.order += 1
        entry = Entry(self.order, max(now, journal[-1].recorded if journal else now), says)
        journal.append(entry)
        return entry

    # what people say

    def consent(self, customer: str, said: Said, *, since: int, now: int) -> None:
        """Record a yes or a no. A no holds at once; a yes ends."""
        if customer in self.forgotten:
            raise No("Refused")
        until = said.until
        at = moment(self.person(customer), now) if self.journals.get(customer) else now
        if since > now or (said.granted and until is not None and not at < until <= now + GRANT_DAYS * DAY):
            raise No("MalformedRequest")
        if said.granted and until is None:
            until = at + GRANT_DAYS * DAY
        every: dict[str, tuple[str, ...]] = {"purposes": CONSENTED, "sources": SOURCES, "channels": CHANNELS}
        words = {name: every[name] if "*" in getattr(said, name) else getattr(said, name) for name in every}
        self.append(customer, Said(said.granted, until=until if said.granted else None, **words), now)

    def objection(self, customer: str, *, stands: bool, since: int, now: int) -> None:
        """Record an objection to marketing, or that it is lifted."""
        if customer in self.forgotten:
            raise No("Refused")
        if since > now:
            raise No("MalformedRequest")
        self.append(customer, Objects(stands), now)

    def pause(self, customer: str, *, purposes: tuple[str, ...], until: int | None, since: int, now: int) -> None:
        """Record a pause, of all purposes where none is named; without an end it lasts as long as it may."""
        if customer in self.forgotten:
            raise No("Refused")
        at = moment(self.person(customer), now) if self.journals.get(customer) else now
        if since > now or (until is not None and not at < until <= now + PAUSE_DAYS * DAY):
            raise No("MalformedRequest")
        self.append(customer, Paused(purposes or CONSENTED, at + PAUSE_DAYS * DAY if until is None else until), now)

    def resume(self, customer: str, *, purposes: tuple[str, ...], since: int, now: int) -> None:
        """Record that a pause ends before its time."""
        if customer in self.forgotten:
            raise No("Refused")
        if since > now:
            raise No("MalformedRequest")
        self.append(customer, Paused(purposes or CONSENTED, None), now)

    def link(self, customer: str, key: str, *, event: str, linked: bool, now: int) -> bool | None:
        """Link a key with a customer, or take it back. False when the event is known, None when it is turned away."""
        if customer in self.forgotten:
            return None
        if (customer, event) in self.taken:
            return False
        self.taken.add((customer, event))
        if not linked:
            self.taken_back[customer, key].append(now)
        elif customer not in self.holders[key]:  # one that is older than when it was taken back joins nobody
            linked = not any(at > now for at in self.taken_back[customer, key])
        everybody = {customer, *self.holders[key]}
        everybody |= {other for of in everybody for other in self.ids(of)}
        before = {of: self.ids(of) for of in everybody}
        (self.holders[key].add if linked else self.holders[key].discard)(customer)
        for of in sorted(everybody):
            if of == customer or self.ids(of) != before[of]:
                self.append(of, Linked(frozenset(self.ids(of))), now)
        return True

    # what arrives

    def ingest(self, events: Sequence[tuple[str, Happened]], *, now: int) -> dict[str, int]:
        """Take events in; gives the counts."""
        counts = dict.fromkeys(("rows", "events", "dead_letters", "duplicates", "refused", "gaps"), 0)
        fresh: dict[str, dict[str, Happened]] = {}
        for customer, event in events:
            counts["rows"] += 1
            if event.at > now + FUTURE_SECONDS * 1_000_000:
                counts["dead_letters"] += 1
            elif customer in self.forgotten:  # what a removal asks for is done already
                counts["dead_letters" if event.takes is None else "duplicates"] += 1
            elif (customer, event.key) in self.taken or event.key in fresh.get(customer, {}):
                counts["duplicates"] += 1
            else:
                fresh.setdefault(customer, {})[event.key] = event
        for customer, some in fresh.items():
            person = self.person(customer)
            kept = []
            for event in some.values():
                if event.takes is not None or event.says is not None:  # a mistake goes, whatever is allowed
                    counts["events"] += 1
                    kept.append(event)
                    self.taken.add((customer, event.key))
                    continue
                source = SOURCE_OF[event.kind]
                admitted = source in SOURCES and may_come_in(person, source, moment(person, now))
                counts["events"] += 1
                counts["gaps"] += source not in SOURCES
                counts["refused"] += source in SOURCES and not admitted
                if admitted or source in KEPT:
                    kept.append(event)
                    self.taken.add((customer, event.key))
            self.append(customer, Arrived(tuple(kept)), now)
        return counts

    def erase(self, customer: str, *, now: int) -> None:
        """Forget a customer. Whoever was one person with them is told; what arrives about them is turned away."""
        if not self.journals.get(customer):
            raise No("UnknownCustomer")
        near = {of for holders in self.holders.values() if customer in holders for of in holders}
        before = {of: self.ids(of) for of in sorted({*self.ids(customer), *near} - {customer})}
        for holders in self.holders.values():
            holders.discard(customer)
        self.forgotten.add(customer)
        del self.journals[customer]
        self.waiting = [lesson for lesson in self.waiting if lesson[0] != customer]
        for of in sorted(before):
            if self.ids(of) != before[of]:
                self.append(of, Linked(frozenset(self.ids(of))), now)

    # what the bank decides

    def released(self, person: Journals, decided: Decided, now: int) -> Decided:
        """Give a decision again, while everything it rests on is granted, and all ids are still the person's."""
        if decided.uses and not decided.ids <= person.keys():
            raise No("ConsentRefused")
        for purpose, source in decided.uses:
            if source not in open_to(person, purpose, [decided.channel], moment(person, now)):
                raise No("ConsentRefused")
        return decided

    def decide(self, customer: str, name: str, occasion: str, channel: str, *, now: int, chosen: Decided | None) -> Any:
        """Decide. ``chosen`` is what the product did: chance may choose any action that nothing stops.

        Gives what stops each action and what is looked at; of an id that was used before, the decision itself.
        """
        person = self.known(customer)
        for entry in self.journals[customer]:
            if isinstance(entry.says, Decided) and entry.says.id == name:
                if (entry.says.occasion, entry.says.channel) != (occasion, channel):
                    raise No("DecisionExists")
                return self.looked(customer, person, entry.says, now)
        if self.outdated(person) and open_to(person, "insights", CHANNELS, moment(person, now)) & {"transactions"}:
            self.forecast(customer, now=now)
        at = moment(person, now)
        found = verdicts(person, self.board, occasion, channel, at=at)
        uses = uses_of(person, self.board, channel, at)
        if chosen is not None:
            kind = next((act.kind for act in self.board.rules.acts if act.id == chosen.action), "")
            made = Decided(
                name, occasion, channel, chosen.action, kind, at, uses, self.board.rules.scale, frozenset(person)
            )
            self.append(customer, made, at)
        return found, uses, at

    def ask(self, customer: str, occasion: str, channel: str, *, as_of: int, now: int) -> Any:
        """Say what would be decided on what was known earlier: judged now, and never a contact."""
        if as_of > now:
            raise No("MalformedRequest")
        person = self.known(customer)
        judged = moment(person, now)
        uses = uses_of(person, self.board, channel, judged)
        found = verdicts(person, self.board, occasion, channel, at=as_of, judged=judged)
        if uses:
            self.append(customer, Looked(uses), judged)
        return found, uses

    def owner_of(self, decision: str, customer: str | None) -> tuple[str, Decided]:
        """Find a decision."""
        found = [
            (of, entry.says)
            for of, journal in self.journals.items()
            for entry in journal
            if customer in (None, of) and isinstance(entry.says, Decided) and entry.says.id == decision
        ]
        if len(found) != 1:
            raise No("MalformedRequest" if found else "UnknownDecision")  # of several: say whose
        return found[0]

    def recall(self, decision: str, customer: str | None, *, now: int) -> Decided:
        """Give a decision again; to look at it is a use of what it rests on."""
        owner, decided = self.owner_of(decision, customer)
        person = self.person(owner)
        return self.looked(owner, person, decided, now)

    def looked(self, owner: str, person: Journals, decided: Decided, now: int) -> Decided:
        """Release a decision that was made before: a use of what it rests on."""
        released = self.released(person, decided, now)
        if decided.uses:
            self.append(owner, Looked(decided.uses), moment(person, now))
        return released

    # looking at a person's money

    def seen(self, person: Journals) -> frozenset[tuple[str, str, int]]:
        """Name the last entry of each id that keeps money, or takes some back once there was any."""
        last: dict[str, int] = {}
        for of, journal in person.items():
            for entry in journal:
                keeps = any(one.kind == "transaction.booked" for one in kept_in(entry))
                takes = any(one.takes is not None and one.takes[1] == "transaction.booked" for one in kept_in(entry))
                if keeps or (takes and of in last):
                    last[of] = entry.order
        return frozenset((of, "transactions", order) for of, order in last.items())

    def outdated(self, person: Journals) -> bool:
        """Say whether a person's money moved since the last forecast; never before there was one."""
        made = [last for owner in person if (last := last_forecast(person, owner)) is not None]
        return bool(made) and max(made, key=lambda one: one.at).seen != self.seen(person)

    def forecast(self, customer: str, *, now: int, show: bool = False) -> tuple[Scope, ...]:
        """Look ahead; ``show`` leaves decisions as they are."""
        person = self.known(customer)
        at = moment(person, now)
        open_sources = open_to(person, "insights", CHANNELS, at) & {"transactions"}
        if not open_sources:
            raise No("ConsentRefused")
        uses = tuple(("insights", source) for source in sorted(open_sources))
        self.append(customer, Looked(uses, None if show else self.seen(person), at, frozenset(person)), at)
        return uses

    def profile(self, customer: str, *, as_of: int | None, now: int) -> dict[str, int]:
        """Show what is known, as far as insights may know it."""
        if as_of is not None and as_of > now:
            raise No("MalformedRequest")
        person = self.known(customer)
        judged = moment(person, now)
        allowed = open_to(person, "insights", CHANNELS, judged)
        at = judged if as_of is None else as_of
        if allowed:
            self.append(customer, Looked(tuple(("insights", source) for source in sorted(allowed))), judged)
        seen = {name: number(person, name, at) for name in FEATURES if SOURCE_OF[FEATURES[name].kind] in allowed}
        return {name: count for name, count in seen.items() if count}

    # what followed

    def heard_of(self, owner: str, decision: str, *, before: float = math.inf) -> list[Answered]:
        """Give what was heard about a decision, in order."""
        return [
            entry.says
            for entry in self.journals[owner]
            if entry.order < before and isinstance(entry.says, Answered) and entry.says.decision == decision
        ]

    def teaches(self, owner: str, decided: Decided, said: Answered, *, before: int, now: int) -> str:
        """Say why an outcome teaches nothing; empty when it teaches."""
        rules, verdict, at = self.board.rules, said.verdict, said.at
        heard = self.heard_of(owner, decided.id, before=before)
        counts = answer_of(heard)
        accepted = counts is not None and is_yes(counts)
        valued = accepted and any(one.verdict == "valued" for one in heard[changed_at(heard, is_yes) :])
        known = valued if verdict == "valued" else counts is not None and not replaced([*heard, said], len(heard) - 1)
        gone = decided.action not in {act.id for act in rules.acts} or decided.scale != rules.scale
        may = open_to(self.person(owner), "learning", [decided.channel], moment(self.person(owner), now))
        theirs = decided.ids <= self.person(owner).keys()  # nothing is permitted for an id of another
        for holds, why in (
            (bool(decided.kind) and gone, "outdated"),
            (not decided.kind, "nothing_shown"),
            (at < decided.at, "before"),
            (verdict in ("valued", "taken_back") and not accepted, "not_accepted"),
            (verdict == "taken_back", "sign"),
            (known, "duplicate"),
            (verdict != "valued" and at - decided.at > rules.outcome_days * DAY, "late"),
            (not theirs or not may or not {source for _, source in decided.uses} <= may, "not_permitted"),
        ):
            if holds:
                return why
        return ""

    def outcome(
        self,
        decision: str,
        verdict: str,
        *,
        why: str,
        value: int | None,
        customer: str | None,
        as_of: int | None,
        now: int,
    ) -> str:
        """Record an outcome; gives why it teaches nothing, empty when it teaches. ``learns`` says if it is news."""
        self.learns = False
        if (as_of is not None and as_of > now) or (verdict == "valued") != (value is not None):
            raise No("MalformedRequest")
        at = now if as_of is None else as_of
        owner, decided = self.owner_of(decision, customer)
        said = Answered(decision, verdict, at, (), why)
        if verdict in ("accepted", "declined") and at - decided.at > self.board.rules.outcome_days * DAY:
            raise No("MalformedRequest")
        heard = self.heard_of(owner, decision)
        why_not = self.teaches(owner, decided, said, before=self.order + 1, now=now)
        known, then = answer_of(heard), answer_of([*heard, said])
        was_told = said in [one._replace(uses=()) for one in heard]
        is_same = _words(known) == _words(then) and given_up(heard) == given_up([*heard, said])
        if verdict != "valued" and was_told and is_same:
            return why_not
        self.learns = not why_not or bool(heard and replaced([*heard, said], len(heard) - 1))
        person = self.person(owner)
        opened = open_to(person, "learning", [decided.channel], moment(person, now))
        used = {source for _, source in decided.uses}
        uses = () if why_not else tuple(("learning", s) for s in sorted(opened & used) or sorted(opened)[:1])
        entry = self.append(owner, said._replace(uses=uses), now)
        if not why_not:
            self.waiting.append((owner, entry))
        return why_not

    def learn(self, *, now: int) -> int:
        """Learn from every lesson that waits; what a person does not allow any more teaches nothing."""
        waiting, self.waiting = self.waiting, []
        learned = 0
        for owner, entry in waiting:
            _, decided = self.owner_of(entry.says.decision, owner)
            heard = self.heard_of(owner, decided.id)
            place = len(self.heard_of(owner, decided.id, before=entry.order))
            teaches = not self.teaches(owner, decided, entry.says, before=entry.order, now=now)
            learned += teaches and not replaced(heard, place)
        if learned:
            self.versions.append(learned)
        return learned

    def roll_back(self, version: int) -> None:
        """Make an earlier version active again."""
        if version > len(self.versions):
            raise No("UnknownVersion")

    # what the board and the documents say

    def rule(self, ruling: str, scope: str, *, until: int | None, now: int) -> None:
        """Record a ruling."""
        kinds = {"nothing", *(act.kind for act in self.board.rules.acts)}
        if scope not in {"*", "nothing", *kinds, *(act.id for act in self.board.rules.acts)}:
            raise No("UnknownAction")
        if ruling == "approve":
            if scope == "*" or scope in kinds or until is None or until <= now:
                raise No("MalformedRequest")
            self.board.approvals[scope] = until
        elif ruling == "stop":
            self.board.stops |= {scope}
        else:
            self.board.stops -= {scope}

    def reopen(self, rules: Rules) -> None:
        """Close and open again, with these documents."""
        self.board.rules = rules

    # what everybody can see

    def parted(self, person: Journals) -> list[list[Entry]]:
        """Give the journals of those who were one person with these ids once."""
        links = [entry.says for journal in person.values() for entry in journal if isinstance(entry.says, Linked)]
        others = {of for link in links for of in link.ids} - person.keys()
        return [self.journals[of] for of in sorted(others) if of in self.journals]

    def visible(self, customer: str, *, now: int) -> dict[str, Any]:
        """Give everything that can be seen of a customer and does not change by being seen."""
        if not self.journals.get(customer):
            return {"known": False}
        person = self.person(customer)
        at = moment(person, now)
        read: Counter[Scope] = Counter()
        for entry in ordered(person):
            read.update(getattr(entry.says, "uses", ()))
        for journal in self.parted(person):
            ids: frozenset[str] = frozenset()
            for entry in journal:
                ids = entry.says.ids if isinstance(entry.says, Linked) else ids
                read.update(getattr(entry.says, "uses", ()) if ids & person.keys() else ())
        return {
            "known": True,
            "ids": self.ids(customer),
            "epoch": sum(isinstance(entry.says, Said | Objects | Paused) for entry in ordered(person)),
            "uses": dict(read),
            "consents": {
                (purpose, source, channel): state_of(person, purpose, source, channel, at)
                for purpose in CONSENTED
                for source in SOURCES
                for channel in CHANNELS
            },
        }
