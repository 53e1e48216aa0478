"""What the bank concludes about a person, with what it was concluded from; and what the person says is wrong of it.

What they say is one event of their own journal (``inference.corrected``). Where it counts is said in one place
(``profile/inferences.py``), for every reader. The list is read behind the gate, is a use like any other, and is made of
what some purpose may use now: what none may use is concluded for nobody.

>>> from marketofone.services.rights import inferences  # doctest: +SKIP
>>> [one.inference for one in inferences.list_inferences(context, "c-42", now=now)]  # doctest: +SKIP
['life.move', 'interest.travel']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple

from msgspec import Struct, ValidationError
from msgspec.structs import asdict

from marketofone.consent.gate import Admitted, admit, opened_by
from marketofone.decide.decision_input import ACTION_ROLES
from marketofone.decide.interests import paid_for, payments_read
from marketofone.decide.stress import signs_of_stress
from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import CORRECTED, SWITCHABLE, Event, InferenceCorrected, Source
from marketofone.domain.moment import Calendar, Day, Instant, date_of, text_of
from marketofone.domain.reading import Reading
from marketofone.features.declare import Feature, Unit
from marketofone.features.state import MONEY
from marketofone.profile.inferences import ARREARS, STRESS, concluded_from, family_of, interest_in, stands, told_by
from marketofone.profile.items import LATELY
from marketofone.profile.view import Profile, view
from marketofone.projection.journals import corrections_until, kept_of
from marketofone.projection.person import Person
from marketofone.projection.records import KeptEvent, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.intake.ingest import ingest
from marketofone.services.rights.cases import Case, cases_of, open_case
from marketofone.services.rights.consent_view import STAFF
from marketofone.services.rights.export import RIGHT
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import asked_moment, read_person

Family = Literal["life", "interest", "need", "place", "stress", "care", "arrears"]
ORDER: tuple[Family, ...] = ("life", "interest", "need", "place", "stress", "care", "arrears")
_FAMILIES: dict[str, Family] = {family: family for family in ORDER}
ON_RECORD = frozenset({"care", "arrears"})
"""Families that somebody of the bank recorded: a word of the person opens a case, and lifts no protection by itself."""
_PRODUCER = "/marketofone/person"
_NUMBER_BYTES = 12
_FIX = "name one that the list names, letter by letter"
_PROTECTION: Source = "protection"
_FROM = tuple(source for source in SWITCHABLE if source not in MONEY)
_READING = json_decoder(Reading)


class Evidence(Struct, frozen=True, kw_only=True):
    """What speaks for an inference: how often something of a kind happened, and on which days first and last.

    Of signs of stress, and of what is paid for, ``kind`` is the title of what was counted, ``unit`` is what ``times``
    counts, and there are no days.
    """

    source: str
    kind: str
    times: float
    first_day: str | None = None
    last_day: str | None = None
    unit: Unit = "count"


class InferenceView(Struct, frozen=True, kw_only=True):
    """Something the bank concludes about a person: what for, from what, since when, and what they say of it.

    ``word`` is what it says within its family, ``needs`` are the words of a need. ``wrong`` says that the person calls
    it wrong, and ``said`` when they spoke of it last. ``asked`` and ``due`` are those of a case about it that waits;
    ``answered``, ``by`` and ``answer`` are those of the last one, where it was answered.
    """

    inference: str
    family: Family
    word: str
    needs: tuple[str, ...]
    purposes: tuple[str, ...]
    since: str | None
    evidence: tuple[Evidence, ...]
    wrong: bool
    said: str | None
    asked: str | None = None
    due: str | None = None
    answered: str | None = None
    by: str | None = None
    answer: str | None = None


class InferenceSaid(Struct, frozen=True, kw_only=True):
    """What a person says of an inference: that it is wrong, or that it was right after all; and on which page."""

    inference: str
    wrong: bool = True
    page: str | None = None


class _Told(NamedTuple):
    """An event that speaks for an inference, and what its text was read as."""

    event: Event
    reading: Reading | None


def list_inferences(
    context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None, by: str = RIGHT
) -> list[InferenceView]:
    """Give what is concluded about a person and may be used, and what they say is wrong; the reading is a use.

    ``by`` says in the log by what it is read: by the right of the person, or for the work of the staff.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
    """
    asked_moment(as_of, now=now)
    last = {case.about: case for case in cases_of(context, customer, until=as_of)[::-1]}

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[list[InferenceView], tuple[Scope, ...]]:
        found = _Found(snapshot, person, judged=judged, moment=moment)
        views = [found.view(name, last.get(("inference", name))) for name in found.names]
        views.sort(key=lambda one: (ORDER.index(one.family), one.wrong, one.word))
        return views, found.uses(by)

    return read_person(context, customer, what="inferences", now=now, as_of=as_of, look=look)


def asked_about(context: AppContext, customer: str, *, now: Instant) -> list[InferenceView]:
    """Give staff those inferences about which the person asked somebody of the bank, and no other; a use if there are.

    Raises
    ------
    UnknownCustomer
    """
    if not any(case.about and case.about[0] == "inference" for case in cases_of(context, customer) if not case.answer):
        return []
    found = list_inferences(context, customer, now=now, by=STAFF)
    return [one for one in found if one.due is not None]


def correct_inference(context: AppContext, customer: str, said: InferenceSaid, *, now: Instant) -> None:
    """Record that an inference is wrong, or was right after all: it holds from the next decision on.

    What somebody of the bank recorded for the person's protection stays until a person of the bank looked at it: a case
    is opened, before anything else, so that nothing is called wrong without one.

    Raises
    ------
    MalformedRequest
        When it is neither concluded now, nor something that the person spoke of before.
    UnknownCustomer
    """
    data = _checked(said)
    _refuse_unless_listed(context, customer, data.inference, now=now)
    name = data.inference
    if said.wrong and family_of(name) in ON_RECORD:
        open_case(context, customer, "ask a person", about=("inference", name), now=now)
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        at = person.judged(now)
    # Each saying is an event of its own, also of the same at the same moment: the journal is longer each time.
    number = blake2b(f"{name}\0{said.wrong}\0{at}\0{person.own.n}".encode(), digest_size=_NUMBER_BYTES).hexdigest()
    event = Event(id=f"inference-{number}", producer=_PRODUCER, kind=CORRECTED, customer=customer, at=at, data=data)
    ingest(context, [event], now=at)


def ask_about(context: AppContext, customer: str, inference: str, *, now: Instant) -> Case:
    """Open a case about an inference, for a person of the bank to look at. Raises as :func:`correct_inference`."""
    name = _checked(InferenceSaid(inference=inference)).inference
    _refuse_unless_listed(context, customer, name, now=now)
    return open_case(context, customer, "ask a person", about=("inference", name), now=now)


def _checked(said: InferenceSaid) -> InferenceCorrected:
    try:
        return convert(asdict(said), of=InferenceCorrected)
    except ValidationError:
        shape = f"text of {len(said.inference)} characters"
        raise MalformedRequest(field="inference", shape=shape, fix=_FIX) from None


def _refuse_unless_listed(context: AppContext, customer: str, name: str, *, now: Instant) -> None:
    """Refuse what nobody concludes and the person never spoke of; looking at the list is a use here, too."""
    if name not in {one.inference for one in list_inferences(context, customer, now=now)}:
        shape = f"a name of {len(name)} characters that the list does not have"
        raise MalformedRequest(field="inference", shape=shape, fix=_FIX)


class _Found:
    """What is concluded about one person at a moment, behind the gate as it stands when it is judged."""

    def __init__(self, snapshot: Snapshot, person: Person, *, judged: Instant, moment: Instant) -> None:
        self._calendar, self._policy = snapshot.config.calendar, snapshot.config.policy
        self._said = corrections_until(snapshot.reader, person, moment)
        self._corrected = {name: of.at for name, of in self._said.items() if of.wrong}
        self._opened = {
            source: opened_by(source, person.consents, policy=self._policy, now=judged)
            for source in (*_FROM, _PROTECTION)
            if source in self._policy.sources
        }
        self._read = [source for source, purposes in self._opened.items() if purposes]
        self._told: dict[str, list[_Told]] = {}
        self._gather(snapshot, person, judged=judged, moment=moment)
        compiled = snapshot.config.compiled
        serving = tuple(dict.fromkeys(self._policy.serving(role) for role in ACTION_ROLES))
        permits = {purpose: person.permit(purpose, policy=self._policy, now=judged) for purpose in serving}
        seen = snapshot.seen(person, permits=list(permits.values()), now=moment, judged=judged)
        care = self._policy.serving("care")
        self._care = tuple((care, source) for source in sorted(permits[care].sources & compiled.stress.sources))
        self._signs = signs_of_stress(seen[care], compiled, now=moment)
        self._paid = {purpose: paid_for(of, compiled) for purpose, of in seen.items()}
        self._payments = frozenset[str]().union(*(payments_read(of, compiled) for of in seen.values()))

    def uses(self, by: str) -> tuple[Scope, ...]:
        """Give what was read: by a right or for some work, and for signs of stress as care reads it."""
        return (*((by, source) for source in (*self._read, *sorted(self._payments))), *self._care)

    @property
    def names(self) -> list[str]:
        """The inferences that stand, and those that the person spoke of."""
        signs = [STRESS] if self._signs else []
        paid = (interest_in(topic) for of in self._paid.values() for topic in of)
        return list(dict.fromkeys((*self._told, *paid, *signs, *self._said)))

    def view(self, name: str, case: Case | None) -> InferenceView:
        """Give one of them, with the last case about it."""
        said, family = self._said.get(name), family_of(name)
        told = self._told.get(name, [])
        counting = [one for one in told if stands(one.event, self._corrected)]
        wrong = name in self._corrected and not (family == "life" and counting)
        shown = counting if counting and not wrong else told
        sources = [source for source in told_by(name) if any(one.event.source == source for one in shown)]
        purposes = [of for source in sources for of in self._opened.get(source, ())]
        purposes += [purpose for purpose, _ in self._care] if name == STRESS else []
        paid = {purpose: of[topic] for purpose, of in self._paid.items() for topic in of if interest_in(topic) == name}
        purposes += list(paid)
        days = sorted(one.event.day(self._calendar) for one in shown)
        return InferenceView(
            inference=name,
            family=_FAMILIES[family],
            word=name.partition(".")[2],
            needs=tuple(dict.fromkeys(need for one in shown for need in _needs(one.reading, name))),
            purposes=tuple(dict.fromkeys(purposes)),
            since=date_of(days[0]).isoformat() if days else None,
            evidence=(
                *(self._signs_found() if name == STRESS else _evidence(shown, self._calendar)),
                *_counted(paid.values()),
            ),
            wrong=wrong,
            said=None if said is None else text_of(said.recorded),
            **_case_fields(case),
        )

    def _gather(self, snapshot: Snapshot, person: Person, *, judged: Instant, moment: Instant) -> None:
        pairs = {event.key: (kept, event) for kept, event in kept_of(snapshot.reader, person, self._read)}
        verdicts = admit([event for _, event in pairs.values()], person.consents, policy=self._policy, now=judged)
        for (kept, event), verdict in zip(pairs.values(), verdicts, strict=True):
            if isinstance(verdict, Admitted) and event.at <= moment:
                self._take(kept, event, since=Instant(moment - LATELY))
        states = snapshot.states(person, now=moment, sources={_PROTECTION}, judged=judged)
        protected = view({of: state.registers for of, state in states.items()}, sources=states)
        for name in [name for name in self._told if not _is_on_record(name, protected, now=moment)]:
            del self._told[name]

    def _take(self, kept: KeptEvent, event: Event, *, since: Instant) -> None:
        reading = None if kept.reading is None else _READING.decode(kept.reading)
        for name in concluded_from(event, reading):
            if event.at > since or family_of(name) in {"life", *ON_RECORD}:
                self._told.setdefault(name, []).append(_Told(event, reading))

    def _signs_found(self) -> Iterator[Evidence]:
        for title, value in self._signs.items():
            yield Evidence(source="messages", kind=title, times=value)


def _case_fields(case: Case | None) -> dict[str, str]:
    """Say how the last case about an inference stands."""
    if case is None:
        return {}
    if case.answer is None:
        return {"asked": text_of(case.asked), "due": text_of(case.due)}
    return {"answered": text_of(case.answer.at), "by": case.answer.by, "answer": case.answer.reason}


def _is_on_record(name: str, protected: Profile, *, now: Instant) -> bool:
    """Say whether a protection still stands; of all else there is no record that could end."""
    family, _, word = name.partition(".")
    if family == "care":
        return word in protected.care and ((until := protected.care[word]) is None or now < until)
    return family != ARREARS or protected.in_arrears


def _needs(reading: Reading | None, name: str) -> Iterator[str]:
    if reading is not None and len(reading.needs) == len(reading.intents):
        for intent, need in zip(reading.intents, reading.needs, strict=True):
            if name == f"need.{intent.intent}":
                yield need


def _counted(paid: Iterable[Mapping[Feature, float]]) -> Iterator[Evidence]:
    """Give what was counted of payments, each feature once: each purpose that may see it sees the same."""
    for feature, value in {feature: value for each in paid for feature, value in each.items()}.items():
        source = "+".join(sorted(feature.lineage))
        yield Evidence(source=source, kind=feature.title, times=value, unit=feature.unit)


def _evidence(told: list[_Told], calendar: Calendar) -> Iterator[Evidence]:
    kinds: dict[tuple[str, str], list[Day]] = {}
    for one in told:
        kinds.setdefault((one.event.source, one.event.kind), []).append(one.event.day(calendar))
    for (source, kind), days in sorted(kinds.items()):
        first, last = (date_of(of(days)).isoformat() for of in (min, max))
        yield Evidence(source=source, kind=kind, times=len(days), first_day=first, last_day=last)
