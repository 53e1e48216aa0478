"""The nightly run: look ahead for all who allow it; each forecast is recorded, many in one unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import Instant
from marketofone.projection.person import Person
from marketofone.services.foresight.forecast import (
    REFUSED,
    CustomerForecast,
    Made,
    foresee_all,
    look_ahead,
    model_of,
    question,
    show_ahead,
    why_not,
)
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.pool import in_pieces
from marketofone.services.runtime.population import Known, population
from marketofone.services.runtime.uses import append_unmoved, asked_moment, use_of
from marketofone.store.ports import Draft

_TOGETHER = 256  # forecasts in one unit of work


class LeftOut(Struct, frozen=True, kw_only=True):
    """A person for whom the bank may not look ahead, and why not."""

    customer: str
    why: str


def forecast_population(
    context: AppContext, *, now: Instant, as_of: Instant | None = None, workers: int = 1
) -> Iterator[CustomerForecast | LeftOut]:
    """Look ahead for all people, person by person in a stable order; what was given is recorded already.

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

    def use(one: Made) -> tuple[Person, Draft | None]:
        person = one.known.person
        return person, use_of(person, "forecast", one.known.uses, actor=context.actor, at=now)

    again = partial(show_ahead, context, now=now, as_of=moment)
    return _kept(made, append_unmoved(context, made, entry=use, now=now), again=again)


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
    appended = append_unmoved(context, made, entry=lambda one: (one.known.person, one.draft), now=now)
    return _kept(made, appended, again=partial(look_ahead, context, now=now))


def _kept(
    made: Sequence[Made], appended: Sequence[Made], *, again: Callable[[str], CustomerForecast]
) -> dict[str, CustomerForecast | LeftOut]:
    """Give what was appended, and what is made again for those whom others moved; who allows it no more is left out."""
    kept: dict[str, CustomerForecast | LeftOut] = {one.known.person.name: one.ahead for one in appended}
    for name in (one.known.person.name for one in made):
        if name not in kept:
            try:
                kept[name] = again(name)
            except ConsentRefused as refused:
                kept[name] = LeftOut(customer=name, why=refused.why.removeprefix(REFUSED % {"text_why": ""}))
    return kept
