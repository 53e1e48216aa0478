"""Reading what a customer brings along, and checking all of it before anything is taken in (``portable.py``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

import msgspec
from msgspec import Meta, Raw, Struct

from marketofone.consent.ledger import ConsentChange
from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.saying import brought
from marketofone.domain.cloudevents import CustomerName
from marketofone.domain.decoding import json_decoder
from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import BadInput, MalformedDocument, malformed
from marketofone.domain.event import key_of
from marketofone.domain.moment import Instant, parse_instant
from marketofone.domain.outcome import Outcome
from marketofone.projection.contacts import ContactRecord
from marketofone.projection.own_answers import MOST, Answer
from marketofone.projection.records import Scope
from marketofone.services.intake.arrivals import Arrival, arrival_of
from marketofone.services.intake.identity import IDENTIFYING
from marketofone.services.rights.delegates import check_delegation
from marketofone.services.rights.portable import (
    FORMAT,
    MOST_SHOWN,
    ConsentSaid,
    DelegateSaid,
    EventKept,
    LinkSaid,
    OwnAnswer,
    PermissionAsked,
    Shown,
)
from marketofone.services.runtime.app_context import AppContext

PRODUCER = "/marketofone/import"
FIX = "write it as docs/rights.md says, or export it again"
CHANGES: tuple[str, ...] = get_args(get_type_hints(ConsentChange)["change"])
"""What can be said about consent."""
_DIGEST_BYTES = 16
_PARTS, _ANYTHING = json_decoder(dict[str, Raw]), json_decoder(object)
T = TypeVar("T")


class _Format(Struct, frozen=True):
    format: int


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The parts that are taken in; all others are made again here, or tell only what the other bank did."""

    format: int
    customer: CustomerName
    consents: list[Raw]
    events: list[Raw]
    identity: list[Raw]
    history: Raw
    currency: str
    day: Raw = Raw()
    journal: Raw = Raw()
    delegates: list[Raw] = []
    licences: Raw = Raw()
    corrections: Raw = Raw()
    decisions: Raw = Raw()
    outcomes: Raw = Raw()
    cases: Raw = Raw()
    inferences: Raw = Raw()
    uses: Raw = Raw()


class _History(Struct, frozen=True, forbid_unknown_fields=True):
    shown: Annotated[list[Raw], Meta(max_length=MOST_SHOWN)] = []
    answers: Annotated[list[Raw], Meta(max_length=MOST)] = []
    asked: Annotated[list[Raw], Meta(max_length=MOST_SHOWN)] = []


class Said(NamedTuple):
    """One thing that was said about consent, and how it is recognised again."""

    change: ConsentChange
    key: bytes


class Brought(NamedTuple):
    """What a file says, checked, about a customer as they are to be called here.

    ``history_key`` recognises the file. ``not_asked`` are words of it that this bank does not ask about.
    """

    customer: str
    consents: list[Said]
    delegates: list[Delegation]
    contacts: tuple[ContactRecord, ...]
    answers: tuple[Answer, ...]
    asks: tuple[tuple[Scope, Instant], ...]
    history_key: bytes
    events: list[Arrival]
    links: list[Arrival]
    not_asked: tuple[str, ...]

    @property
    def keys(self) -> list[bytes]:
        """By what it is recognised that the beginning of it was taken in."""
        return [*(said.key for said in self.consents), self.history_key]


def read_brought(context: AppContext, raw: bytes, *, customer: str | None, now: Instant) -> Brought:
    """Read and check a file; ``customer`` is another name than the file's, where they are to have one.

    Raises
    ------
    MalformedDocument
        Naming the part, the place in it and the field; never repeating a value.
    """
    number = _decoded(raw, of=_Format, within="").format
    if number != FORMAT:
        raise MalformedDocument(field="format", shape="another number", fix=f"give a document of format {FORMAT}")
    document = _decoded(raw, of=_Document, within="")
    name, policy = customer or document.customer, context.config.policy
    told = [_decoded(one, of=ConsentSaid, within=f"consents[{at}].") for at, one in enumerate(document.consents)]
    history = _decoded(document.history, of=_History, within="history.")
    shown = [_decoded(one, of=Shown, within=f"history.shown[{at}].") for at, one in enumerate(history.shown)]
    answers = [_decoded(one, of=OwnAnswer, within=f"history.answers[{at}].") for at, one in enumerate(history.answers)]
    asked = [_decoded(one, of=PermissionAsked, within=f"history.asked[{at}].") for at, one in enumerate(history.asked)]
    _check_currency(document.currency, shown, answers, counts_in=context.config.settings.currency)
    return Brought(
        customer=name,
        consents=list(_consents(told, customer=name, policy=policy, now=now)),
        delegates=list(_delegates(document, now=now)),
        contacts=tuple(_contact(one, f"history.shown[{at}]", now=now) for at, one in enumerate(shown)),
        answers=tuple(_answer(one, f"history.answers[{at}]", now=now) for at, one in enumerate(answers)),
        asks=tuple(
            ((one.purpose, one.source), _moment(one.at, f"history.asked[{at}].at", now=now))
            for at, one in enumerate(asked)
        ),
        history_key=key_of(PRODUCER, _digest([*document.consents, document.history])),
        events=list(_events(context, document, name, now=now)),
        links=list(_links(context, document, name, now=now)),
        not_asked=_not_asked(told, policy=policy),
    )


def _check_currency(told: str, shown: Sequence[Shown], answers: Sequence[OwnAnswer], *, counts_in: str) -> None:
    """Check that amounts which name no currency are in the one in which this bank counts."""
    heard = (answer.value_minor for one in shown for answer in one.answers)
    if told != counts_in and any(value is not None for value in (*heard, *(one.value_minor for one in answers))):
        fix = f"bring it to a bank that counts in that currency; this one counts in {counts_in}"
        raise MalformedDocument(field="currency", shape="another one, and `history` holds amounts in it", fix=fix)


def _decoded(raw: bytes | Raw, *, of: type[T], within: str) -> T:
    try:
        return json_decoder(of).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = malformed(error, within=within, names_unknown=True)
        field = "file" if why.field == "event" else why.field
        raise MalformedDocument(field=field, shape=why.shape, fix=FIX) from None


def _consents(told: list[ConsentSaid], *, customer: str, policy: ConsentPolicy, now: Instant) -> Iterator[Said]:
    times, last = Counter[str](), Instant(0)
    for at, said in enumerate(told):
        within = f"consents[{at}]."
        if said.change not in CHANGES:
            raise MalformedDocument(
                field=f"{within}change", shape="none of the known words", fix=f"use one of {', '.join(CHANGES)}"
            )
        recorded = _moment(said.recorded, within + "recorded", now=now)
        if recorded < last:
            fix = "keep the order in which they were said: the later of two counts"
            raise MalformedDocument(field=f"{within}recorded", shape="earlier than the one before", fix=fix)
        change = _change(said, within=within, customer=customer, now=now)
        digest, last = _digest([msgspec.json.encode(said)]), recorded
        times[digest] += 1
        try:
            here = brought(change, policy=policy, now=now)
        except BadInput as why:
            raise MalformedDocument(field=within + why.field, shape=why.shape, fix=why.fix) from why
        if here is not None:
            yield Said(here, key_of(PRODUCER, f"{digest}:{times[digest]}"))


def _change(said: ConsentSaid, *, within: str, customer: str, now: Instant) -> ConsentChange:
    return ConsentChange(
        customer=customer,
        change=cast("Any", said.change),
        purposes=said.purposes,
        sources=said.sources,
        channels=said.channels,
        since=_moment(said.since, within + "since", now=now),
        until=None if said.until is None else _instant(said.until, within + "until"),
        actor=said.actor,
        authority=said.authority,
        versions=said.versions,
        language=said.language,
        delegate=said.delegate,
    )


def _delegates(document: _Document, *, now: Instant) -> Iterator[Delegation]:
    """Read who may act; one whose end has come may no more."""
    for at, raw in enumerate(document.delegates):
        within = f"delegates[{at}]."
        said = _decoded(raw, of=DelegateSaid, within=within)
        until = _instant(said.until, within + "until")
        told = Delegation(name=said.name, authority=said.authority, may=said.may, until=until, evidence=said.evidence)
        if until > now:
            try:
                check_delegation(told, now=now)
            except BadInput as why:
                raise MalformedDocument(field=within + why.field, shape=why.shape, fix=why.fix) from why
            yield told


def _not_asked(told: list[ConsentSaid], *, policy: ConsentPolicy) -> tuple[str, ...]:
    said = {word for one in told for word in (*one.purposes, *one.sources, *one.channels)}
    return tuple(sorted(said - {*policy.purposes, *policy.sources, *policy.channels}))


def _events(context: AppContext, document: _Document, customer: str, *, now: Instant) -> Iterator[Arrival]:
    for at, raw in enumerate(document.events):
        within = f"events[{at}]."
        told = _decoded(raw, of=EventKept, within=within)
        if isinstance(told.event, Raw):
            yield _arrival(context, told.event, document, customer, within=f"{within}event.", now=now)


def _links(context: AppContext, document: _Document, customer: str, *, now: Instant) -> Iterator[Arrival]:
    for at, raw in enumerate(document.identity):
        within = f"identity[{at}]."
        told = _decoded(raw, of=LinkSaid, within=within)
        arrival = _arrival(context, told.event, document, customer, within=f"{within}event.", now=now)
        if arrival.event.kind not in IDENTIFYING:
            fix = f"use one of {', '.join(sorted(IDENTIFYING))}"
            raise MalformedDocument(field=f"{within}event.type", shape="a kind that tells no key", fix=fix)
        yield arrival


def _arrival(
    context: AppContext, raw: Raw, document: _Document, customer: str, *, within: str, now: Instant
) -> Arrival:
    """Give an event of the file as one about the customer as they are called here."""
    try:
        event = _PARTS.decode(raw)
        subject = _ANYTHING.decode(event.get("subject", b"null"))
        if subject == document.customer:
            event["subject"] = Raw(msgspec.json.encode(customer))
            return arrival_of(context, msgspec.json.encode(event), now=now)
    except BadInput as why:
        raise MalformedDocument(field=within + why.field, shape=why.shape, fix=why.fix) from why
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedDocument(field=within.removesuffix("."), shape="no CloudEvent", fix=FIX) from error
    raise MalformedDocument(
        field=f"{within}subject", shape="not the customer of this file", fix="a file tells of one customer only"
    )


def _contact(said: Shown, within: str, *, now: Instant) -> ContactRecord:
    answers = (
        (
            _moment(one.heard, f"{within}.answers[{at}].heard", now=now),
            Outcome(
                decision=said.decision,
                verdict=one.verdict,
                at=_moment(one.at, f"{within}.answers[{at}].at", now=now),
                why=one.why,
                value_minor=one.value_minor,
                slot=one.slot,
                changes=one.changes,
            ),
        )
        for at, one in enumerate(said.answers)
    )
    return ContactRecord(
        decision=said.decision,
        action=said.action,
        kind=said.kind,
        channel=said.channel,
        at=_moment(said.at, f"{within}.at", now=now),
        stamp=0,
        answers=tuple(answers),
        notification=said.notification,
    )


def _answer(said: OwnAnswer, within: str, *, now: Instant) -> Answer:
    return Answer(
        action=said.action,
        at=_moment(said.at, f"{within}.at", now=now),
        heard=_moment(said.heard, f"{within}.heard", now=now),
        accepted=said.accepted,
        value_minor=said.value_minor,
        reported=Instant(0) if said.reported is None else _moment(said.reported, f"{within}.reported", now=now),
        seen=said.seen,
    )


def _moment(text: str, field: str, *, now: Instant) -> Instant:
    """Read an instant that has been."""
    at = _instant(text, field)
    if at > now:
        raise MalformedDocument(field=field, shape="a moment in the future", fix="check the clocks of both banks")
    return at


def _instant(text: str, field: str) -> Instant:
    try:
        return parse_instant(text, field=field)
    except BadInput as why:
        raise MalformedDocument(field=why.field, shape=why.shape, fix=why.fix) from why


def _digest(parts: list[Raw] | list[bytes]) -> str:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        digest.update(bytes(part))
    return digest.hexdigest()
