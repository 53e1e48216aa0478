"""Arrive, pass the gate, be understood, change the profile and the features, be recorded: one commit per batch."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from marketofone.consent.gate import Admitted, Gap, Refused, admit
from marketofone.domain.errors import MalformedEvent, SchemaChanged
from marketofone.domain.event import Event, IdentityLinked, IdentityUnlinked, cloudevent, parse_event
from marketofone.domain.moment import SECOND, Instant
from marketofone.features.state import AdmittedEvent, LiveState, all_to_bytes, fold_all
from marketofone.services.app_context import AppContext
from marketofone.services.identity import fold_again, relink
from marketofone.services.live_snapshot import LiveSnapshot
from marketofone.store.ports import DeadLetter, NewEvent, StoredEvent, Verdict, Writer

Incoming = Event | bytes | dict[str, object] | MalformedEvent
MAX_BATCH = 10_000
_ENCODE = msgspec.json.Encoder().encode
_SIZES = struct.Struct(">III")
_TEXTS = {"message.received": "text", "app.searched": "query", "partner.searched": "query"}
_VERDICTS: dict[type, Verdict] = {Admitted: "admitted", Refused: "refused", Gap: "gap"}


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


class _Judged(Struct, frozen=True, gc=False):
    """One event: about which person, how it is kept, and what features hear of it, if anything."""

    event: Event
    person: str
    row: NewEvent
    heard: AdmittedEvent | None


def ingest(context: AppContext, incoming: Sequence[Incoming], *, now: Instant) -> IngestReport:
    """Take a batch of events in: each becomes an event, a duplicate or a dead letter, and nothing is lost.

    Durable when it returns. Late events are taken like all others: windows that still hold their day count them.
    """
    parsed: list[tuple[Event, bytes]] = []
    letters: list[DeadLetter] = []
    latest = now + context.config.settings.future_seconds * SECOND
    for item in incoming:
        try:
            parsed.append(_parse(item, latest=latest))
        except MalformedEvent as error:
            raw = item if isinstance(item, bytes) else getattr(item, "raw", b"")
            letters.append(DeadLetter(at=now, field=error.field, shape=error.shape, fix=error.fix, raw=raw))
    return context.store.commit(lambda writer: _ingest_batch(context, writer, parsed, letters, now=now))


def _parse(item: Incoming, *, latest: int) -> tuple[Event, bytes]:
    if isinstance(item, MalformedEvent):
        raise item
    body = item if isinstance(item, bytes) else _encoded(item)
    event = parse_event(body)  # values too: what is kept must be readable by everybody who folds it again
    if event.at > latest:
        raise MalformedEvent(field="time", shape="an instant in the future", fix="check the producer's clock")
    return event, body


def _encoded(item: Event | dict[str, object]) -> bytes:
    try:
        return _ENCODE(cloudevent(item) if isinstance(item, Event) else item)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedEvent(field="event", shape="nothing that JSON can say", fix="send CloudEvents JSON") from error


def _ingest_batch(
    context: AppContext, writer: Writer, parsed: list[tuple[Event, bytes]], letters: list[DeadLetter], *, now: Instant
) -> IngestReport:
    snapshot = LiveSnapshot(writer, context, committed=False)
    fresh = _without_duplicates(writer, parsed)
    judged = _judge(context, snapshot, fresh, now=now)
    rows = [item.row for item in judged]
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
    _update_states(context, snapshot, writer, judged, now=now)
    _update_identities(context, writer, judged, now=now)
    return report


def _without_duplicates(writer: Writer, parsed: list[tuple[Event, bytes]]) -> list[tuple[Event, bytes]]:
    by_key: dict[bytes, tuple[Event, bytes]] = {}
    for event, body in parsed:
        by_key.setdefault(event.key, (event, body))
    for key in writer.known(list(by_key)):
        del by_key[key]
    return list(by_key.values())


def _judge(
    context: AppContext, snapshot: LiveSnapshot, fresh: list[tuple[Event, bytes]], *, now: Instant
) -> list[_Judged]:
    by_customer: dict[str, list[int]] = {}
    for index, (event, _) in enumerate(fresh):
        by_customer.setdefault(event.customer, []).append(index)
    judged: dict[int, _Judged] = {}
    for customer, indexes in by_customer.items():
        person = snapshot.person(customer)
        events = [fresh[index][0] for index in indexes]
        verdicts = admit(events, snapshot.consents(person), policy=context.config.policy, now=now)
        for index, verdict in zip(indexes, verdicts, strict=True):
            judged[index] = _understood(context, person, verdict, fresh[index][1])
    return [judged[index] for index in range(len(fresh))]


def _understood(context: AppContext, person: str, verdict: Admitted | Refused | Gap, body: bytes) -> _Judged:
    event, source = verdict.event, verdict.event.source
    text = text_in(event) if isinstance(verdict, Admitted) else None
    reading = None if text is None else context.language.read(text)
    known = context.config.policy.sources.get(source)
    kept = isinstance(verdict, Admitted) or (known is not None and known.kept)
    row = NewEvent(
        key=event.key,
        customer=event.customer,
        source=source,
        kind=event.kind,
        at=event.at,
        verdict=_VERDICTS[type(verdict)],
        body=body if kept else None,
        reading=None if reading is None else _ENCODE(reading),
    )
    heard = (verdict, reading) if isinstance(verdict, Admitted) and source != "reference" else None
    return _Judged(event, person, row, heard)


def text_in(event: Event) -> str | None:
    """Give the words of an event that the language model reads."""
    field = _TEXTS.get(event.kind)
    return None if field is None else getattr(event.data, field)


def digest_of(row: NewEvent | StoredEvent) -> bytes:
    """Bind an event as kept to its ingest entry: sixteen bytes over everything that is stored of it."""
    words = f"{row.customer}\0{row.source}\0{row.kind}\0{row.at}\0{row.verdict}".encode()
    body, reading = row.body or b"", row.reading or b""
    sizes = _SIZES.pack(len(words), len(body), len(reading))
    return blake2b(b"".join((row.key, sizes, words, body, reading)), digest_size=16).digest()


def _update_states(
    context: AppContext, snapshot: LiveSnapshot, writer: Writer, judged: Iterable[_Judged], *, now: Instant
) -> None:
    heard: dict[tuple[str, str], list[AdmittedEvent]] = {}
    for item in judged:
        if item.heard is not None:
            heard.setdefault((item.person, item.row.source), []).append(item.heard)
    before: dict[tuple[str, str], LiveState | None] = {}
    outdated: set[str] = set()
    for person, source in heard:
        try:
            before[person, source] = snapshot.state(person, source)
        except SchemaChanged:  # the declarations changed since: fold this person again from the log
            outdated.add(person)
    places = [place for place in before if place[0] not in outdated]
    batches = [(before[place], heard[place]) for place in places]
    states = fold_all(batches, catalogue=context.config.features, calendar=context.config.calendar)
    for place, state, blob in zip(places, states, all_to_bytes(states), strict=True):
        writer.put_state(*place, blob)
        context.caches.states.keep(place, blob, state)
    for person in sorted(outdated):
        fold_again(writer, person, snapshot.consents(person), config=context.config, now=now)


def _update_identities(context: AppContext, writer: Writer, judged: Iterable[_Judged], *, now: Instant) -> None:
    # Who is who is the bank's own duty: a link counts whenever its event is kept, also before anything was allowed.
    for item in judged:
        data = item.event.data
        if isinstance(data, IdentityLinked | IdentityUnlinked) and item.row.body is not None:
            relink(
                context,
                writer,
                key_kind=data.key_kind,
                key=data.key,
                customer=item.event.customer,
                linked=isinstance(data, IdentityLinked),
                now=now,
            )
