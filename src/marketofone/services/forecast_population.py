"""The nightly run: look ahead for everybody who allows it, each forecast recorded as a use, many in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from marketofone.domain.errors import ConsentRefused, EpochChanged
from marketofone.domain.moment import Instant
from marketofone.services.app_context import AppContext
from marketofone.services.forecast import (
    REFUSED,
    CustomerForecast,
    foresee_all,
    look_alone,
    model_of,
    question,
    record,
    why_not,
)
from marketofone.services.live_snapshot import LiveSnapshot
from marketofone.services.population import population, together
from marketofone.services.snapshot import ForecastRecord
from marketofone.store.ports import Writer

_TOGETHER = 256  # forecasts in one commit

Made = tuple[ForecastRecord, CustomerForecast]


class LeftOut(Struct, frozen=True, kw_only=True):
    """A person for whom nobody may look ahead, and why not."""

    customer: str
    why: str


def look_at_everybody(context: AppContext, *, now: Instant) -> Iterator[CustomerForecast | LeftOut]:
    """Look ahead for everybody, person by person in a stable order; what was given is recorded already."""
    with context.store.read() as reader:
        model = model_of(context, reader, now=now)
        for some in together(population(context, reader, question(now)), size=_TOGETHER):
            snapshot = LiveSnapshot(reader, context, committed=True)
            made = foresee_all(snapshot, [(one.person, one) for one in some if one.open], model=model, now=now)
            kept = recorded(context, made, now=now)
            for one in some:
                yield kept.get(one.person) or LeftOut(customer=one.person, why=why_not(one.permit))


def recorded(context: AppContext, made: Sequence[Made], *, now: Instant) -> dict[str, CustomerForecast | LeftOut]:
    """Record many forecasts in one commit; who takes their yes back meanwhile is left out."""

    def work(writer: Writer) -> dict[str, CustomerForecast | LeftOut]:
        return {one.customer: _release(context, writer, one, ahead, now=now) for one, ahead in made}

    return context.store.commit(work) if made else {}


def _release(
    context: AppContext, writer: Writer, made: ForecastRecord, ahead: CustomerForecast, *, now: Instant
) -> CustomerForecast | LeftOut:
    try:
        record(context, writer, made)
    except EpochChanged:
        try:
            return look_alone(context, writer, made.customer, now=now)
        except ConsentRefused as refused:
            return LeftOut(customer=made.customer, why=refused.why.removeprefix(REFUSED))
    return ahead
