"""The nightly run: look ahead for everybody who allows it; each forecast is recorded, many in one unit of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from msgspec import Struct

from marketofone.domain.errors import ConsentRefused, Moved
from marketofone.domain.moment import Instant
from marketofone.services.app_context import AppContext
from marketofone.services.forecast import (
    REFUSED,
    CustomerForecast,
    Made,
    foresee_all,
    look_ahead,
    model_of,
    question,
    show_ahead,
    unit_of,
    why_not,
)
from marketofone.services.pool import in_pieces
from marketofone.services.population import Known, population
from marketofone.services.uses import asked_moment, use_of
from marketofone.store.ports import Draft, Expectation, Unit

_TOGETHER = 256  # forecasts in one unit of work


class LeftOut(Struct, frozen=True, kw_only=True):
    """A person for whom nobody may look ahead, and why not."""

    customer: str
    why: str


def forecast_population(
    context: AppContext, *, now: Instant, as_of: Instant | None = None, workers: int = 1
) -> Iterator[CustomerForecast | LeftOut]:
    """Look ahead for everybody, person by person in a stable order; what was given is recorded already.

    About an earlier moment it is recorded as a use, and decisions never follow it.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    """
    moment = None if as_of is None else asked_moment(as_of, now=now)
    names = sorted(one.name for one in context.keys.customers())
    task = partial(_forecast_names, now=now, moment=moment)
    pieces = in_pieces(context, task, names, size=_TOGETHER, workers=workers)
    return (one for some in pieces for one in some)


def _forecast_names(
    context: AppContext, names: Sequence[str], *, now: Instant, moment: Instant | None
) -> list[CustomerForecast | LeftOut]:
    asked = question(context.config, now if moment is None else moment, judged=now)
    people = list(population(context, asked, customers=names))
    allowed = [one for one in people if one.open]
    if moment is None:
        kept = forecast_some(context, allowed, now=now)
    else:
        kept = _show_some(context, allowed, now=now, moment=moment)
    return [kept.get(one.person.name) or LeftOut(customer=one.person.name, why=why_not(one.permit)) for one in people]


def _show_some(
    context: AppContext, people: Sequence[Known], *, now: Instant, moment: Instant
) -> dict[str, CustomerForecast | LeftOut]:
    """Show what was ahead of people who allow it, once it is recorded as a use."""
    if not people:
        return {}
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        model = model_of(context, reader, snapshot)
        made = foresee_all(snapshot, people, model=model, now=moment, actor=context.actor)
    kept: dict[str, CustomerForecast | LeftOut] = {}
    again: list[Made] = []
    while made:
        try:
            context.store.commit(_uses_of(context, made, now=now))
        except Moved as error:
            again += [one for one in made if not error.subjects.isdisjoint(one.known.person.states)]
            made = [one for one in made if error.subjects.isdisjoint(one.known.person.states)]
        else:
            kept.update({one.known.person.name: one.ahead for one in made})
            break
    kept.update({one.known.person.name: _show_again(context, one, now=now, moment=moment) for one in again})
    return kept


def _uses_of(context: AppContext, made: Sequence[Made], *, now: Instant) -> Unit:
    expects: dict[int, Expectation] = {}
    linked: dict[int, tuple[int, ...]] = {}
    drafts: list[Draft] = []
    for one in made:
        draft = use_of(one.known.person, "forecast", one.known.uses, actor=context.actor, at=now)
        drafts += [] if draft is None else [draft]
        expects.update(one.known.person.expects(strict=False))
        linked.update(one.known.person.together)
    return Unit(now=now, expects=expects, drafts=drafts, together=linked)


def _show_again(context: AppContext, made: Made, *, now: Instant, moment: Instant) -> CustomerForecast | LeftOut:
    name = made.known.person.name
    try:
        return show_ahead(context, name, now=now, as_of=moment)
    except ConsentRefused as refused:
        return LeftOut(customer=name, why=refused.why.removeprefix(REFUSED))


def forecast_some(
    context: AppContext, people: Sequence[Known], *, now: Instant
) -> dict[str, CustomerForecast | LeftOut]:
    """Look ahead for people who allow it, and record it; who takes their yes back meanwhile is left out."""
    if not people:
        return {}
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        model = model_of(context, reader, snapshot)
        made = foresee_all(snapshot, people, model=model, now=now, actor=context.actor)
    again: list[Made] = []
    kept: dict[str, CustomerForecast | LeftOut] = {}
    while made:
        try:
            context.store.commit(unit_of(made, now=now))
        except Moved as error:
            again += [one for one in made if not error.subjects.isdisjoint(one.known.person.states)]
            made = [one for one in made if error.subjects.isdisjoint(one.known.person.states)]
        else:
            kept.update({one.known.person.name: one.ahead for one in made})
            break
    kept.update({one.known.person.name: _again(context, one, now=now) for one in again})
    return kept


def _again(context: AppContext, made: Made, *, now: Instant) -> CustomerForecast | LeftOut:
    name = made.known.person.name
    try:
        return look_ahead(context, name, now=now)
    except ConsentRefused as refused:
        return LeftOut(customer=name, why=refused.why.removeprefix(REFUSED))
