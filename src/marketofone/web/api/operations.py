"""What programs can ask. One table of operations is the routes, the handlers and the OpenAPI document at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, get_type_hints

import msgspec
from msgspec.structs import asdict

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.domain.event import parse_event
from marketofone.domain.moment import SECOND, text_of
from marketofone.services import history
from marketofone.services.bank import Bank
from marketofone.services.consent_service import ConsentView, Use
from marketofone.services.feedback import UpdateResult
from marketofone.services.forecast import CustomerForecast
from marketofone.services.insights import ProfileView
from marketofone.services.spending import Insight
from marketofone.web.api import schemas
from marketofone.web.request_data import BATCH, EVENT, JSON, MAX_BODY_BYTES, RequestData, moment

MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_ERRORS = 100
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])
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
    as_of: bool = False

    @property
    def gives(self) -> Any:
        """The type of the answer."""
        return get_type_hints(self.run)["return"]

    @property
    def media(self) -> tuple[str, ...]:
        """The media types of the body; none when there is no body."""
        return () if self.method == "GET" else self.accepts


def ingest(bank: Bank, request_data: RequestData) -> schemas.Ingested:
    """Take one event or a batch in. Durable when answered; a row that is no event is kept aside, with the reason."""
    rows = _rows(request_data)
    now = bank.now()
    report = bank.ingest(rows, now=now)
    latest = now + bank.context.config.settings.future_seconds * SECOND
    return schemas.Ingested(**asdict(report), errors=_errors(rows, latest=latest) if report.dead_letters else ())


def decide(bank: Bank, request_data: RequestData) -> schemas.DecidedNow:
    """Decide the one next best thing to do for a person, now or as of a moment, with its reasons."""
    asked = request_data.read(schemas.DecisionAsked)
    if asked.channel is not None and asked.channel not in bank.context.config.policy.channels:
        raise MalformedRequest(field="channel", shape="unknown", fix="use a channel of consent.toml")
    began = perf_counter()
    decision = bank.decide(
        asked.customer,
        occasion=asked.occasion,
        channel=asked.channel,
        id=asked.id,
        now=moment(asked.as_of, calendar=bank.calendar, field="as_of"),
    )
    return schemas.told(decision, schemas.DecidedNow, bank=bank, seconds=round(perf_counter() - began, 6))


def recall(bank: Bank, request_data: RequestData) -> schemas.Traced:
    """Give a decision again: its reasons, how every candidate fared, and what followed."""
    decision = bank.decision(request_data.path["decision"])
    outcomes = history.outcomes_of(bank.context, decision)
    heard = [{**asdict(outcome), "at": text_of(outcome.at)} for outcome in outcomes]
    candidates = [asdict(candidate) for candidate in decision.candidates]
    return schemas.told(decision, schemas.Traced, bank=bank, outcomes=heard, candidates=candidates)


def record_outcome(bank: Bank, request_data: RequestData) -> UpdateResult:
    """Say what a person did after a decision, and why; what was learned from it is the answer."""
    said = request_data.read(schemas.OutcomeSaid)
    now = moment(said.as_of, calendar=bank.calendar, field="as_of")
    return bank.outcome(said.decision, said.verdict, why=said.why, value_minor=said.value_minor, now=now)


def show_consents(bank: Bank, request_data: RequestData) -> ConsentView:
    """Show how every scope of a person's consent stands."""
    return bank.consents(request_data.path["customer"], now=request_data.moment(bank.calendar))


def change_consents(bank: Bank, request_data: RequestData) -> ConsentView:
    """Record what a person says about consent. Effective when answered; the answer shows every scope."""
    said, customer, now = request_data.read(schemas.ConsentSaid), request_data.path["customer"], bank.now()
    until = moment(said.until, calendar=bank.calendar, field="until")
    if said.change == "withdraw" and until is not None:
        raise MalformedRequest(field="until", shape="an end", fix="a withdrawal holds until a new grant")
    change = {**asdict(said), "customer": customer, "since": now, "until": until}
    bank.consent(msgspec.convert(change, ConsentChange), now=now)
    return bank.consents(customer, now=now)


def profile(bank: Bank, request_data: RequestData) -> ProfileView:
    """Show what is known about a person, restricted to what they allow."""
    return bank.profile(request_data.path["customer"], now=request_data.moment(bank.calendar))


def insights(bank: Bank, request_data: RequestData) -> list[Insight]:
    """Show what a person's own numbers say, compared only with themselves."""
    return bank.insights(request_data.path["customer"], now=request_data.moment(bank.calendar))


def forecast(bank: Bank, request_data: RequestData) -> CustomerForecast:
    """Look 90 days ahead on a person's accounts, if they allow it."""
    return bank.forecast(request_data.path["customer"], now=request_data.moment(bank.calendar))


def uses(bank: Bank, request_data: RequestData) -> list[Use]:
    """Show how a person's information was used, newest day first."""
    return bank.uses(request_data.path["customer"])


def health(bank: Bank, request_data: RequestData) -> schemas.Health:  # noqa: ARG001 - every operation has the same form
    """Say whether the store answers."""
    return schemas.Health(status="ok", position=history.position(bank.context))


OPERATIONS = (
    Operation(
        "POST",
        "/v1/events",
        ingest,
        "Take events in",
        accepts=(EVENT, BATCH, JSON),
        status=202,
        limit=MAX_BATCH_BYTES,
    ),
    Operation("POST", "/v1/decisions", decide, "Decide", takes=schemas.DecisionAsked, fails=(404, 409)),
    Operation("GET", "/v1/decisions/{decision}", recall, "Give a decision again", fails=(404,)),
    Operation(
        "POST",
        "/v1/outcomes",
        record_outcome,
        "Say what followed a decision",
        takes=schemas.OutcomeSaid,
        fails=(404, 409),
    ),
    Operation("GET", CONSENTS, show_consents, "Show consents", fails=(404,), as_of=True),
    Operation("PUT", CONSENTS, change_consents, "Grant or withdraw", takes=schemas.ConsentSaid, fails=(404,)),
    Operation("GET", CUSTOMER + "/profile", profile, "Show the profile", fails=(403, 404), as_of=True),
    Operation("GET", CUSTOMER + "/insights", insights, "Show insights", fails=(403, 404), as_of=True),
    Operation("GET", CUSTOMER + "/forecast", forecast, "Look ahead", fails=(403, 404), as_of=True),
    Operation("GET", CUSTOMER + "/uses", uses, "Show the data-use log", fails=(404,)),
    Operation("GET", "/health", health, "Say whether the store answers"),
)


def _rows(request_data: RequestData) -> list[bytes]:
    many = request_data.media == BATCH or (
        request_data.media == JSON and request_data.body.lstrip(b" \t\r\n").startswith(b"[")
    )
    try:
        if many:
            return [bytes(row) for row in _ROWS.decode(request_data.body)]
        _ROW.decode(request_data.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(
            field="body", shape=f"no JSON {'array' if many else 'object'}", fix="send one CloudEvent, or an array"
        ) from error
    return [request_data.body]


def _errors(rows: list[bytes], *, latest: int) -> tuple[schemas.RowError, ...]:
    faults = [(row, fault) for row, raw in enumerate(rows) if (fault := _fault(raw, latest=latest))][:MAX_ERRORS]
    return tuple(schemas.RowError(row=row, field=at.field, shape=at.shape, fix=at.fix) for row, at in faults)


def _fault(raw: bytes, *, latest: int) -> MalformedEvent | None:
    try:
        ahead = parse_event(raw).at > latest
    except MalformedEvent as error:
        return error
    return MalformedEvent(field="time", shape="in the future", fix="check the producer's clock") if ahead else None
