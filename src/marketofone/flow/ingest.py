"""Arrive, pass the gate, be understood, change the profile and the features, be recorded: one commit per batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
from msgspec import Struct

from marketofone.consent.gate import Admitted, Gap, Refused, admit
from marketofone.domain.errors import MalformedEvent, SchemaChanged
from marketofone.domain.event import (
    AppSearched,
    Event,
    IdentityLinked,
    IdentityUnlinked,
    MessageReceived,
    PartnerSearched,
    cloudevent,
    parse_event,
)
from marketofone.domain.moment import SECOND, Instant
from marketofone.domain.reading import Reading
from marketofone.features.state import LiveState, fold, from_bytes, to_bytes
from marketofone.flow.equipment import Equipment
from marketofone.flow.people import fold_again, relink
from marketofone.flow.stored import StoredView
from marketofone.store.ports import Letter, NewEvent, StoredEvent, Verdict, Writer

Incoming = Event | bytes | MalformedEvent
MAX_BATCH = 10_000
_ENCODE = msgspec.json.Encoder().encode


class IngestReport(Struct, frozen=True, kw_only=True):
    """What became of a batch: ``rows = events + dead_letters + duplicates``; refused ones are events as well."""

    rows: int = 0
    events: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    refused: int = 0
    gaps: int = 0

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class BatchRecord(Struct, frozen=True, kw_only=True):
    """The journal's record of a batch: counts, and a digest of each event as kept, in the order of their rows."""

    report: IngestReport
    digests: bytes


@dataclass(frozen=True)
class _Judged:
    event: Event
    body: bytes
    verdict: Verdict
    admitted: Admitted | None
    reading: Reading | None


def ingest(kit: Equipment, incoming: Sequence[Incoming], *, now: Instant) -> IngestReport:
    """Take a batch of events in: each becomes an event, a duplicate or a dead letter, and nothing is lost.

    Durable when it returns. Late events are taken like all others: windows that still hold their day count them.
    """
    parsed: list[tuple[Event, bytes]] = []
    letters: list[Letter] = []
    latest = now + kit.book.settings.future_seconds * SECOND
    for item in incoming:
        try:
            parsed.append(_parse(item, latest=latest))
        except MalformedEvent as error:
            raw = item if isinstance(item, bytes) else getattr(item, "raw", b"")
            letters.append(Letter(at=now, field=error.field, shape=error.shape, mend=error.mend, raw=raw))
    return kit.store.commit(lambda writer: _take_in(kit, writer, parsed, letters, now=now))


def _parse(item: Incoming, *, latest: int) -> tuple[Event, bytes]:
    if isinstance(item, MalformedEvent):
        raise item
    event = parse_event(item) if isinstance(item, bytes) else item
    if event.at > latest:
        raise MalformedEvent(field="time", shape="an instant in the future", mend="check the producer's clock")
    return event, item if isinstance(item, bytes) else _ENCODE(cloudevent(event))


def _take_in(
    kit: Equipment, writer: Writer, parsed: list[tuple[Event, bytes]], letters: list[Letter], *, now: Instant
) -> IngestReport:
    fresh = _without_duplicates(writer, parsed)
    judged = _judge(kit, writer, fresh, now=now)
    rows = [_row(kit, item) for item in judged]
    report = IngestReport(
        rows=len(parsed) + len(letters),
        events=len(rows),
        dead_letters=len(letters),
        duplicates=len(parsed) - len(fresh),
        refused=sum(row.verdict == "refused" for row in rows),
        gaps=sum(row.verdict == "gap" for row in rows),
    )
    record = BatchRecord(report=report, digests=b"".join(map(digest_of, rows)))
    entry = writer.append("ingest", at=now, customer=None, body=msgspec.msgpack.encode(record))
    writer.add_events(rows, seq=entry.seq)
    writer.add_letters(letters)
    _update_states(kit, writer, judged, now=now)
    _update_identities(kit, writer, judged, now=now)
    return report


def _without_duplicates(writer: Writer, parsed: list[tuple[Event, bytes]]) -> list[tuple[Event, bytes]]:
    by_key: dict[bytes, tuple[Event, bytes]] = {}
    for event, body in parsed:
        by_key.setdefault(event.key, (event, body))
    for key in writer.known(list(by_key)):
        del by_key[key]
    return list(by_key.values())


def _judge(kit: Equipment, writer: Writer, fresh: list[tuple[Event, bytes]], *, now: Instant) -> list[_Judged]:
    view = StoredView(writer, kit, committed=False)
    by_customer: dict[str, list[int]] = {}
    for index, (event, _) in enumerate(fresh):
        by_customer.setdefault(event.customer, []).append(index)
    judged: dict[int, _Judged] = {}
    for customer, indexes in by_customer.items():
        consents = view.consents(view.person(customer))
        verdicts = admit([fresh[index][0] for index in indexes], consents, policy=kit.book.policy, now=now)
        for index, verdict in zip(indexes, verdicts, strict=True):
            judged[index] = _understood(kit, verdict, fresh[index][1])
    return [judged[index] for index in range(len(fresh))]


def _understood(kit: Equipment, verdict: Admitted | Refused | Gap, body: bytes) -> _Judged:
    match verdict:
        case Admitted(event=event):
            text = text_in(event)
            reading = None if text is None else kit.language.read(text)
            return _Judged(event=event, body=body, verdict="admitted", admitted=verdict, reading=reading)
        case Refused(event=event):
            return _Judged(event=event, body=body, verdict="refused", admitted=None, reading=None)
        case Gap(event=event):
            return _Judged(event=event, body=body, verdict="gap", admitted=None, reading=None)


def text_in(event: Event) -> str | None:
    """Give the words of an event that the language model reads."""
    match event.data:
        case MessageReceived(text=text):
            return text
        case AppSearched(query=query) | PartnerSearched(query=query):
            return query
        case _:
            return None


def _row(kit: Equipment, item: _Judged) -> NewEvent:
    source = kit.book.policy.sources.get(item.event.source)
    kept = item.verdict == "admitted" or (source is not None and source.kept)
    return NewEvent(
        key=item.event.key,
        customer=item.event.customer,
        source=item.event.source,
        kind=item.event.kind,
        at=item.event.at,
        verdict=item.verdict,
        body=item.body if kept else None,
        reading=None if item.reading is None else _ENCODE(item.reading),
    )


def digest_of(row: NewEvent | StoredEvent) -> bytes:
    """Bind an event as kept to its ingest entry: sixteen bytes over everything that is stored of it."""
    digest = blake2b(row.key, digest_size=16)
    words = f"{row.customer}\0{row.source}\0{row.kind}\0{row.at}\0{row.verdict}"
    for part in (words.encode(), row.body or b"", row.reading or b""):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def _update_states(kit: Equipment, writer: Writer, judged: Iterable[_Judged], *, now: Instant) -> None:
    by_person: dict[str, dict[str, list[tuple[Admitted, Reading | None]]]] = {}
    person_of: dict[str, str] = {}
    for item in judged:
        if item.admitted is None or item.event.source == "reference":
            continue
        customer = item.event.customer
        person = person_of.get(customer) or person_of.setdefault(customer, writer.person(customer))
        by_person.setdefault(person, {}).setdefault(item.event.source, []).append((item.admitted, item.reading))
    for person, by_source in by_person.items():
        blobs = writer.states(person)
        try:
            for source, pairs in by_source.items():
                writer.put_state(person, source, to_bytes(_folded(kit, blobs.get(source), pairs)))
        except SchemaChanged:  # the declarations changed since: fold this person again from the log
            consents = StoredView(writer, kit, committed=False).consents(person)
            fold_again(kit, writer, person, consents, now=now)


def _folded(kit: Equipment, blob: bytes | None, pairs: list[tuple[Admitted, Reading | None]]) -> LiveState:
    before = None if blob is None else from_bytes(blob, catalogue=kit.book.features)
    return fold(before, pairs, catalogue=kit.book.features, calendar=kit.book.calendar)


def _update_identities(kit: Equipment, writer: Writer, judged: Iterable[_Judged], *, now: Instant) -> None:
    # Who is who is the bank's own duty: a link counts whenever its event is kept, also before anything was allowed.
    for item in judged:
        data = item.event.data
        if isinstance(data, IdentityLinked | IdentityUnlinked) and _row(kit, item).body is not None:
            relink(
                kit,
                writer,
                key_kind=data.key_kind,
                key=data.key,
                customer=item.event.customer,
                linked=isinstance(data, IdentityLinked),
                now=now,
            )
