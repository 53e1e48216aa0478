"""What programs can ask. One table of operations is the routes, the handlers and the OpenAPI document at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from marketofone.consent.ledger import ENDING, NO_END, ConsentChange
from marketofone.decide.funnel import Funnel
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.domain.moment import SECOND, text_of
from marketofone.learn.impact import Impact
from marketofone.services.bank import Bank
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.insights import ProfileView
from marketofone.services.foresight.spending import Insight
from marketofone.services.intake.ingest import MAX_BATCH as MAX_ROWS
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.intake.merchants import MerchantSaid, MerchantView
from marketofone.services.rights import history
from marketofone.services.rights.consent_import import import_consents
from marketofone.services.rights.consent_rows import ConsentRows
from marketofone.services.rights.consent_view import ConsentView
from marketofone.services.rights.use_log import Use
from marketofone.web.api import schemas
from marketofone.web.api.consents_in_bulk import rows_of_json, rows_of_table
from marketofone.web.api.decisions import decide, recall, record_outcome
from marketofone.web.api.links import LinkRequest, link
from marketofone.web.api.own_rights import (
    change_delegates,
    correct_inference,
    delegates,
    export,
    inferences,
    prove,
    receipt,
)
from marketofone.web.api.rows import check_rows, lines, split, too_many
from marketofone.web.binary_mode import event_of
from marketofone.web.request_data import BATCH, EVENT, JSON, LINES, MAX_BODY_BYTES, TABLE, RequestData, moment

MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_ERRORS = 100
_ROWS = json_decoder(list[msgspec.Raw])
_ONE = json_decoder(msgspec.Raw)
ACTOR = "http"
CUSTOMER = "/v1/customers/{customer}"
CONSENTS = CUSTOMER + "/consents"


@dataclass(frozen=True)
class Operation:
    """One thing a program can ask: where, what goes in, and with which refusals; what comes out is what ``run`` gives.

    ``takes`` is the structure of a JSON body; a body that is read otherwise names the media types it ``accepts``.
    """

    method: str
    path: str
    run: Callable[[Bank, RequestData], Any]
    summary: str
    takes: type[msgspec.Struct] | None = None
    accepts: tuple[str, ...] = (JSON,)
    status: int = 200
    fails: Sequence[int] = ()
    limit: int = MAX_BODY_BYTES
    query: Sequence[str] = ()
    aside: bool = False
    """Whether it is answered while all others are at work."""
    bulk: bool = False
    """Whether it gives way to all others: no person waits for it."""

    @property
    def gives(self) -> Any:
        """The type of the answer."""
        return get_type_hints(self.run)["return"]

    @property
    def media(self) -> tuple[str, ...]:
        """The media types of the body; none when there is no body."""
        return () if self.method == "GET" else self.accepts


def ingest(bank: Bank, request_data: RequestData) -> schemas.Ingested:
    """Take one event or a batch in. Durable when answered; a row that is no event is kept aside, with the reason.

    In binary mode the attributes of one event stand in `ce-` headers (percent-encoded), and its data are the body, of
    the media type application/json.
    """
    rows = _rows(request_data)
    now = bank.now()
    report = bank.ingest_batch(rows, now=now)
    latest = now + bank.config.settings.future_seconds * SECOND
    errors = _errors(rows, latest=latest) if report.dead_letters else ()
    counts = {name: getattr(report, name) for name in IngestReport.__struct_fields__}
    return schemas.Ingested(**counts, entries=tuple(map(schemas.proof, report.entries)), errors=errors)


def show_consents(bank: Bank, request_data: RequestData) -> ConsentView:
    """Show how every scope of a person's consent stands, or with ``as_of`` how it stood."""
    now = bank.now()
    return bank.consents(request_data.path["customer"], now=now, as_of=request_data.as_of(bank.calendar, now=now))


def change_consents(bank: Bank, request_data: RequestData) -> schemas.ConsentChanged:
    """Record what a person says about consent. Effective when answered.

    The answer shows every scope, when a grant ends by itself, and the entry of the journal that proves it.
    """
    said, customer, now = request_data.read(schemas.ConsentRequest), request_data.path["customer"], bank.now()
    until = moment(said.until, calendar=bank.calendar, field="until")
    if said.change not in ENDING and until is not None:
        raise MalformedRequest(field="until", shape=f"an end of a {said.change}", fix=NO_END)
    change = {**asdict(said), "customer": customer, "since": now, "until": until, "actor": ACTOR}
    for field in ("language", "delegate"):
        if change[field] is UNSET:
            del change[field]
    given = bank.consent_given(convert(change, of=ConsentChange), now=now)
    return schemas.ConsentChanged(
        **asdict(bank.consents(customer, now=now)),
        until=None if given.until is None else text_of(given.until),
        entry=schemas.proof(given.entry),
    )


def permit(bank: Bank, request_data: RequestData) -> schemas.Permitted:
    """Say which sources a purpose may use now of what is known of a person, and why not the others.

    For whatever else a bank runs: ask before each use. A withdrawal holds for the next answer.
    """
    asked = request_data.query
    given = bank.permit(request_data.path["customer"], purpose=asked.get("purpose", ""), channel=asked.get("channel"))
    return schemas.Permitted(
        customer=given.customer,
        purpose=given.purpose,
        channel=given.channel or None,
        epoch=given.epoch,
        sources=tuple(sorted(given.sources)),
        refused=dict(given.refused),
        partly=dict(given.partly),
    )


def take_consents(bank: Bank, request_data: RequestData) -> schemas.ConsentsTaken:
    """Record what many customers said elsewhere, each row for itself, with who says so and until when.

    A row says `customer`, `change` (as of one customer), `purposes`, `sources` and `channels` (words of
    consent.toml, or `*`), and `authority`; `until`, `since` and `id` where they are known. It is a line of JSON, or of
    a table with a header. A bad row stops no other. The same rows again change nothing.
    """
    now = bank.now()
    reader = ConsentRows(
        calendar=bank.calendar, now=now, actor=ACTOR, authority=_authority(request_data.query.get("authority"))
    )
    rows_in = rows_of_json if request_data.media == LINES else rows_of_table
    rows = rows_in(request_data.body, read=reader.read, most=MAX_ROWS)
    taken = import_consents(bank.context, rows, record=bank.consents_told, now=now)
    return schemas.ConsentsTaken(
        rows=taken.rows,
        changes=taken.changes,
        duplicates=taken.duplicates,
        dead_rows=taken.dead_rows,
        granted_until=None if taken.granted_until is None else text_of(taken.granted_until),
        reasons=tuple(schemas.RowReason(**asdict(one)) for one in taken.reasons),
    )


def profile(bank: Bank, request_data: RequestData) -> ProfileView:
    """Show what is known about a person, restricted to what they allow."""
    now = bank.now()
    return bank.profile(request_data.path["customer"], now=now, as_of=request_data.as_of(bank.calendar, now=now))


def insights(bank: Bank, request_data: RequestData) -> list[Insight]:
    """Show what a person's own numbers say, compared only with themselves."""
    now = bank.now()
    return bank.insights(request_data.path["customer"], now=now, as_of=request_data.as_of(bank.calendar, now=now))


def merchants(bank: Bank, request_data: RequestData) -> list[MerchantView]:
    """Show whom a person paid, the merchant with the most payments first, and what the person says of each."""
    now = bank.now()
    return bank.merchants(request_data.path["customer"], now=now, as_of=request_data.as_of(bank.calendar, now=now))


def correct_merchant(bank: Bank, request_data: RequestData) -> list[MerchantView]:
    """Record what a person says of a merchant: its name, and what they buy there. It holds for all their payments."""
    said, customer, now = request_data.read(schemas.MerchantRequest), request_data.path["customer"], bank.now()
    bank.correct_merchant(customer, MerchantSaid(**asdict(said)), now=now)
    return bank.merchants(customer, now=now)


def forecast(bank: Bank, request_data: RequestData) -> CustomerForecast:
    """Show 90 days ahead on a person's accounts, if they allow it; no decision follows what was shown."""
    now = bank.now()
    as_of = request_data.as_of(bank.calendar, now=now)
    return bank.show_forecast(request_data.path["customer"], now=now, as_of=as_of)


def uses(bank: Bank, request_data: RequestData) -> list[Use]:
    """Show how a person's information was used, newest day first."""
    return bank.uses(request_data.path["customer"])


def impact(bank: Bank, request_data: RequestData) -> Impact:  # noqa: ARG001 - every operation has the same form
    """Measure the policy against the control group, and what to read first. Intervals hold at all looks together."""
    return bank.impact()


def funnel(bank: Bank, request_data: RequestData) -> Funnel:
    """Count what became of every action for every person, gate by gate, and name who got nothing.

    Over ``days`` (30 where left out) until now, or ``as_of``. Decisions that may not be shown any more are left out and
    counted.
    """
    now = bank.now()
    return bank.funnel(days=request_data.days, now=now, as_of=request_data.as_of(bank.calendar, now=now))


def health(bank: Bank, request_data: RequestData) -> schemas.Health:  # noqa: ARG001 - every operation has the same form
    """Say whether the store answers."""
    return schemas.Health(status="ok", position=history.answers(bank.context))


OPERATIONS = (
    Operation(
        "POST",
        "/v1/events",
        ingest,
        "Take events in",
        accepts=(EVENT, BATCH, JSON, LINES),
        status=202,
        fails=(422,),
        limit=MAX_BATCH_BYTES,
        bulk=True,
    ),
    Operation("POST", "/v1/decisions", decide, "Decide", takes=schemas.DecisionAsked, fails=(403, 404, 409)),
    Operation(
        "GET", "/v1/decisions/{decision}", recall, "Give a decision again", fails=(403, 404), query=("customer",)
    ),
    Operation(
        "POST",
        "/v1/outcomes",
        record_outcome,
        "Say what followed a decision",
        takes=schemas.OutcomeRequest,
        fails=(404, 409),
    ),
    Operation("GET", CONSENTS, show_consents, "Show consents", fails=(404,), query=("as_of",)),
    Operation("PUT", CONSENTS, change_consents, "Change consents", takes=schemas.ConsentRequest, fails=(403, 404)),
    Operation("GET", CUSTOMER + "/delegates", delegates, "Show who may act for a customer", fails=(404,)),
    Operation(
        "PUT",
        CUSTOMER + "/delegates",
        change_delegates,
        "Let somebody act for a customer",
        takes=schemas.DelegateRequest,
        fails=(403, 404),
    ),
    Operation(
        "GET", CUSTOMER + "/permit", permit, "Ask whether a purpose may", fails=(404,), query=("purpose", "channel")
    ),
    Operation("GET", CONSENTS + "/{entry}/receipt", receipt, "Give a signed receipt", fails=(404,)),
    Operation(
        "POST",
        "/v1/consents",
        take_consents,
        "Take consents in bulk",
        accepts=(LINES, TABLE),
        fails=(422,),
        limit=MAX_BATCH_BYTES,
        query=("authority",),
        bulk=True,
    ),
    Operation("GET", CUSTOMER + "/profile", profile, "Show the profile", fails=(403, 404), query=("as_of",)),
    Operation("GET", CUSTOMER + "/insights", insights, "Show insights", fails=(403, 404), query=("as_of",)),
    Operation("GET", CUSTOMER + "/forecast", forecast, "Look ahead", fails=(403, 404), query=("as_of",)),
    Operation("GET", CUSTOMER + "/merchants", merchants, "Show merchants", fails=(403, 404), query=("as_of",)),
    Operation(
        "PUT",
        CUSTOMER + "/merchants",
        correct_merchant,
        "Correct a merchant",
        takes=schemas.MerchantRequest,
        fails=(403, 404),
    ),
    Operation("GET", CUSTOMER + "/inferences", inferences, "Show what is concluded", fails=(404,), query=("as_of",)),
    Operation(
        "PUT",
        CUSTOMER + "/inferences",
        correct_inference,
        "Correct what is concluded",
        takes=schemas.InferenceRequest,
        fails=(404,),
    ),
    Operation("POST", CUSTOMER + "/links", link, "Open a customer's pages", takes=LinkRequest, status=201),
    Operation("GET", CUSTOMER + "/uses", uses, "Show the data-use log", fails=(404,)),
    Operation("GET", CUSTOMER + "/export", export, "Take everything along", fails=(404,)),
    Operation("GET", CUSTOMER + "/proof", prove, "Prove that the log is whole", fails=(404,), bulk=True),
    Operation("GET", "/v1/impact", impact, "Measure impact", bulk=True),
    Operation("GET", "/v1/funnel", funnel, "Count what the gates stopped", query=("days", "as_of"), bulk=True),
    Operation("GET", "/health", health, "Say whether the store answers", aside=True),
)


def _authority(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return convert(text, of=schemas.Authority)
    except msgspec.ValidationError as error:
        raise MalformedRequest(
            field="authority", shape=f"text of {len(text)} characters", fix="write 1 to 200"
        ) from error


def _rows(request_data: RequestData) -> list[bytes]:
    if request_data.media == LINES:
        return lines(request_data.body, most=MAX_ROWS)
    if request_data.event:
        return [event_of(request_data.event, _data(request_data.body), media=JSON)]
    many = request_data.media == BATCH or (
        request_data.media == JSON and request_data.body.lstrip(b" \t\r\n").startswith(b"[")
    )
    if many:
        check_rows(request_data.body, most=MAX_ROWS)
    try:
        rows = [bytes(row) for row in _ROWS.decode(request_data.body)] if many else [_one(request_data.body)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        rows = (split(request_data.body) if many else None) or []  # one bad row stops no other
        if not rows:
            raise MalformedRequest(
                field="body", shape=f"no JSON {'array' if many else 'object'}", fix="send one CloudEvent, or an array"
            ) from error
    if len(rows) > MAX_ROWS:
        raise too_many(MAX_ROWS)
    return rows


def _data(body: bytes) -> bytes:
    """Give the data of an event whose attributes stand in headers; where there is no body, that there are none."""
    if not body.strip():
        return b"null"
    try:
        return bytes(_ONE.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(field="body", shape="no JSON", fix="send the data of the event as JSON") from error


def _one(body: bytes) -> bytes:
    if not bytes(_ONE.decode(body)).startswith(b"{"):
        raise msgspec.ValidationError("no object")
    return body


def _errors(rows: list[bytes], *, latest: int) -> tuple[schemas.RowError, ...]:
    faults = [(row, fault) for row, raw in enumerate(rows) if (fault := _fault(raw, latest=latest))][:MAX_ERRORS]
    return tuple(schemas.RowError(row=row, field=at.field, shape=at.shape, fix=at.fix) for row, at in faults)


def _fault(raw: bytes, *, latest: int) -> MalformedEvent | None:
    try:
        ahead = parse_event(raw).at > latest
    except MalformedEvent as error:
        return error
    return MalformedEvent(field="time", shape="in the future", fix="check the producer's clock") if ahead else None
