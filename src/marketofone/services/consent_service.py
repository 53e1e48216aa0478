"""What a person can do about their information: say yes or no, see, ask how it was used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from msgspec import Struct, field

from marketofone.consent.ledger import ConsentChange, Consents, apply, check, default_until
from marketofone.consent.policy import ConsentScope
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.event import check_customer
from marketofone.domain.moment import Instant, date_of, text_of
from marketofone.services.app_context import AppContext
from marketofone.services.identity import fold_again, put_consents
from marketofone.services.live_snapshot import LiveSnapshot
from marketofone.services.recordable import recordable
from marketofone.services.snapshot import ForecastRecord
from marketofone.store.ports import Reader, Writer

_DECISION = msgspec.json.Decoder(Decision)
_FORECAST = msgspec.json.Decoder(ForecastRecord)
_ENCODE = msgspec.json.Encoder().encode


class ScopeState(Struct, frozen=True, kw_only=True):
    """How one scope of consent stands."""

    purpose: str
    source: str
    channel: str
    state: str
    until: str | None


class ConsentView(Struct, frozen=True, kw_only=True):
    """A person's consents, scope by scope."""

    customer: str
    epoch: int
    scopes: tuple[ScopeState, ...] = field(name="cells")


class Use(Struct, frozen=True, kw_only=True):
    """One line of the data-use log: on this day, for this purpose, this source was read so often."""

    day: str
    purpose: str
    source: str
    count: int
    last: str


def change_consent(context: AppContext, change: ConsentChange, *, now: Instant) -> Consents:
    """Record what a person said. When this returns it is durable, and the next decision follows it.

    A withdrawn source's live state is gone in the same commit; a granted one's is folded again from what was kept.
    """
    policy = context.config.policy
    if change.change == "grant" and change.until is None and change.actor == "customer":
        change = msgspec.structs.replace(change, until=default_until(change.since, policy=policy))
    check_customer(change.customer)
    check(change, policy=policy)
    if change.since > now:
        raise MalformedRequest(field="since", shape="a moment in the future", fix="say it when it begins")

    def record(writer: Writer) -> Consents:
        person = writer.person(change.customer)
        before = LiveSnapshot(writer, context, committed=False).consents(person)
        if change.change == "grant" and before.refused_after(change.since):
            raise MalformedRequest(field="since", shape="before a no that stands", fix="say yes from a later moment on")
        writer.append("consent", at=now, customer=change.customer, body=recordable(change))
        consents = apply(before, change, policy=policy)
        put_consents(writer, person, consents)
        fold_again(writer, person, consents, config=context.config, now=now)
        return consents

    return context.store.commit(record)


def show_consents(context: AppContext, customer: str, *, now: Instant) -> ConsentView:
    """Show every scope a person can switch."""
    with context.store.read() as reader:
        snapshot = LiveSnapshot(reader, context, committed=True)
        consents = snapshot.consents(snapshot.person(customer))
    return ConsentView(
        customer=customer,
        epoch=consents.epoch,
        scopes=tuple(_scope_state(consents, scope, now=now) for scope in context.config.policy.scopes()),
    )


def uses(context: AppContext, customer: str, *, days: int) -> list[Use]:
    """Give the data-use log, newest day first: what was read for whom, by purpose and source."""
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], str] = {}
    with context.store.read() as reader:
        must_exist(reader, customer)
        for at, pairs in _reads(reader, reader.members(reader.person(customer))):
            day = date_of(context.config.calendar.day_of(at)).isoformat()
            for purpose, source in pairs:
                key = (day, purpose, source)
                counts[key] += 1
                last[key] = max(last.get(key, ""), text_of(at))
    lines = [
        Use(day=day, purpose=purpose, source=source, count=count, last=last[day, purpose, source])
        for (day, purpose, source), count in sorted(counts.items(), reverse=True)
    ]
    shown = sorted({line.day for line in lines}, reverse=True)[:days]
    return [line for line in lines if line.day in shown]


def whose(context: AppContext, reference: str) -> str:
    """Give the customer a reference means: an account's owner when it names an account, else itself."""
    check_customer(reference)
    with context.store.read() as reader:
        return reader.holder("account", reference) or reference


def epoch(context: AppContext, customer: str) -> int:
    """Give the consent epoch of a customer, 0 when nothing was ever said."""
    with context.store.read() as reader:
        return reader.epoch(reader.person(customer))


def must_exist(reader: Reader, customer: str) -> None:
    """Check that an event, a consent or a decision names this customer.

    Raises
    ------
    MalformedRequest
        When the name is none that an event may carry.
    UnknownCustomer
    """
    check_customer(customer)
    known = reader.epoch(customer) or reader.states(customer)
    if known or next(iter(reader.events(customers=(customer,))), None) is not None:
        return
    if next(iter(reader.entries(customers=(customer,), limit=1)), None) is None:
        raise UnknownCustomer


def _reads(reader: Reader, members: tuple[str, ...]) -> Iterator[tuple[Instant, tuple[tuple[str, str], ...]]]:
    for entry in reader.entries(kinds=("decision", "forecast"), customers=members):
        if entry.body is None:
            continue
        record = (_DECISION if entry.kind == "decision" else _FORECAST).decode(entry.body)
        yield entry.at, record.uses


def _scope_state(consents: Consents, scope: ConsentScope, *, now: Instant) -> ScopeState:
    validity = consents.validity(scope, now)
    until = None if validity is None or validity.until is None else text_of(validity.until)
    return ScopeState(
        purpose=scope.purpose,
        source=scope.source,
        channel=scope.channel,
        state=consents.state(scope, now),
        until=until,
    )
