"""What programs can ask. One table of operations is the routes, the handlers and the OpenAPI document at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.domain.event import parse_event
from marketofone.domain.moment import SECOND
from marketofone.flow import history
from marketofone.flow.feedback import Taught
from marketofone.flow.forecast import CustomerForecast
from marketofone.flow.insights import Insight, ProfileView
from marketofone.flow.rights import ConsentView, Use
from marketofone.web.api.shapes import (
    ConsentSaid,
    DecidedNow,
    DecisionAsked,
    Health,
    Ingested,
    OutcomeSaid,
    RowError,
    Traced,
    heard,
    told,
)
from marketofone.web.bankface import BankFace, action_of
from marketofone.web.visit import BATCH, EVENT, JSON, MAX_BODY_BYTES, Visit, moment

MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_ERRORS = 100
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])
CUSTOMER = "/v1/customers/{customer}"


@dataclass(frozen=True)
class Operation:
    """One thing a program can ask: where, what goes in, what comes out, and with which refusals."""

    method: str
    path: str
    run: Callable[[BankFace, Visit], Any]
    summary: str
    gives: Any
    takes: Any = None
    status: int = 200
    fails: Sequence[int] = ()
    accepts: tuple[str, ...] = ()
    limit: int = MAX_BODY_BYTES
    as_of: bool = False


def ingest(bank: BankFace, visit: Visit) -> Ingested:
    """Take one event or a batch in. Durable when answered; a row that is no event is kept aside, with the reason."""
    rows = _rows(visit)
    now = bank.now()
    report = bank.ingest(rows, now=now)
    latest = now + bank.kit.book.settings.future_seconds * SECOND
    return Ingested(
        rows=report.rows,
        events=report.events,
        dead_letters=report.dead_letters,
        duplicates=report.duplicates,
        refused=report.refused,
        errors=_errors(rows, latest=latest) if report.dead_letters else (),
    )


def decide(bank: BankFace, visit: Visit) -> DecidedNow:
    """Decide the one next best thing to do for a person, now or as of a moment, with its reasons."""
    asked = visit.read(DecisionAsked)
    if asked.channel is not None and asked.channel not in bank.kit.book.policy.channels:
        raise MalformedRequest(field="channel", shape="unknown", mend="use a channel of consent.toml")
    began = perf_counter()
    decision = bank.decide(
        asked.customer,
        occasion=asked.occasion,
        channel=asked.channel,
        id=asked.id,
        now=moment(asked.as_of, calendar=bank.calendar, field="as_of"),
    )
    seconds = round(perf_counter() - began, 6)
    return DecidedNow(seconds=seconds, **told(decision, action_of(bank, decision.action)))


def recall(bank: BankFace, visit: Visit) -> Traced:
    """Give a decision again: its reasons, how every candidate fared, and what followed."""
    decision = bank.decision(visit.path["decision"])
    outcomes = tuple(heard(outcome) for outcome in history.outcomes_of(bank.kit, decision))
    words = told(decision, action_of(bank, decision.action))
    return Traced(candidates=decision.candidates, outcomes=outcomes, **words)


def hear(bank: BankFace, visit: Visit) -> Taught:
    """Say what a person did after a decision, and why; what was learned from it is the answer."""
    said = visit.read(OutcomeSaid)
    now = moment(said.as_of, calendar=bank.calendar, field="as_of")
    return bank.outcome(said.decision, said.verdict, why=said.why, value_minor=said.value_minor, now=now)


def show_consents(bank: BankFace, visit: Visit) -> ConsentView:
    """Show how every cell of a person's consent stands."""
    return bank.consents(visit.path["customer"], now=visit.moment(bank.calendar))


def change_consents(bank: BankFace, visit: Visit) -> ConsentView:
    """Record what a person says about consent. Effective when answered; the answer shows every cell."""
    said, customer, now = visit.read(ConsentSaid), visit.path["customer"], bank.now()
    change = ConsentChange(
        customer=customer,
        change=said.change,
        purposes=said.purposes,
        sources=said.sources,
        channels=said.channels,
        since=now,
        until=moment(said.until, calendar=bank.calendar, field="until"),
    )
    if said.change == "withdraw" and change.until is not None:
        raise MalformedRequest(field="until", shape="an end", mend="a withdrawal holds until a new grant")
    bank.consent(change, now=now)
    return bank.consents(customer, now=now)


def profile(bank: BankFace, visit: Visit) -> ProfileView:
    """Show what is known about a person, restricted to what they allow."""
    return bank.profile(visit.path["customer"], now=visit.moment(bank.calendar))


def insights(bank: BankFace, visit: Visit) -> list[Insight]:
    """Show what a person's own numbers say, compared only with themselves."""
    return bank.insights(visit.path["customer"], now=visit.moment(bank.calendar))


def forecast(bank: BankFace, visit: Visit) -> CustomerForecast:
    """Look 90 days ahead on a person's accounts, if they allow it."""
    return bank.forecast(visit.path["customer"], now=visit.moment(bank.calendar))


def uses(bank: BankFace, visit: Visit) -> list[Use]:
    """Show how a person's information was used, newest day first."""
    return bank.uses(visit.path["customer"])


def health(bank: BankFace, visit: Visit) -> Health:  # noqa: ARG001 - every operation has the same form
    """Say whether the store answers."""
    return Health(status="ok", position=history.position(bank.kit))


OPERATIONS = (
    Operation(
        "POST", "/v1/events", ingest, "Take events in", Ingested, takes=[msgspec.Raw], status=202,
        fails=(400, 413, 415), accepts=(EVENT, BATCH, JSON), limit=MAX_BATCH_BYTES,
    ),
    Operation(
        "POST", "/v1/decisions", decide, "Decide", DecidedNow, takes=DecisionAsked,
        fails=(400, 404, 409, 413, 415), accepts=(JSON,),
    ),
    Operation("GET", "/v1/decisions/{decision}", recall, "Give a decision again", Traced, fails=(400, 404)),
    Operation(
        "POST", "/v1/outcomes", hear, "Say what followed a decision", Taught, takes=OutcomeSaid,
        fails=(400, 404, 409, 413, 415), accepts=(JSON,),
    ),
    Operation(
        "GET", CUSTOMER + "/consents", show_consents, "Show consents", ConsentView, fails=(400, 404), as_of=True
    ),
    Operation(
        "PUT", CUSTOMER + "/consents", change_consents, "Grant or withdraw", ConsentView, takes=ConsentSaid,
        fails=(400, 404, 413, 415), accepts=(JSON,),
    ),
    Operation(
        "GET", CUSTOMER + "/profile", profile, "Show the profile", ProfileView, fails=(400, 403, 404), as_of=True
    ),
    Operation(
        "GET", CUSTOMER + "/insights", insights, "Show insights", list[Insight], fails=(400, 403, 404), as_of=True
    ),
    Operation(
        "GET", CUSTOMER + "/forecast", forecast, "Look ahead", CustomerForecast, fails=(400, 403, 404), as_of=True
    ),
    Operation("GET", CUSTOMER + "/uses", uses, "Show the data-use log", list[Use], fails=(400, 404)),
    Operation("GET", "/health", health, "Say whether the store answers", Health),
)  # fmt: skip


def _rows(visit: Visit) -> list[bytes]:
    many = visit.media == BATCH or (visit.media == JSON and visit.body.lstrip(b" \t\r\n").startswith(b"["))
    try:
        if many:
            return [bytes(row) for row in _ROWS.decode(visit.body)]
        _ROW.decode(visit.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(
            field="body", shape=f"no JSON {'array' if many else 'object'}", mend="send one CloudEvent, or an array"
        ) from error
    return [visit.body]


def _errors(rows: list[bytes], *, latest: int) -> tuple[RowError, ...]:
    found: list[RowError] = []
    for row, raw in enumerate(rows):
        try:
            ahead = parse_event(raw).at > latest
        except MalformedEvent as error:
            found.append(RowError(row=row, field=error.field, shape=error.shape, mend=error.mend))
        else:
            if ahead:
                found.append(RowError(row=row, field="time", shape="in the future", mend="check the producer's clock"))
        if len(found) == MAX_ERRORS:
            break
    return tuple(found)
