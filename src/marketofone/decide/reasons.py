"""Reasons: the exact terms of the chosen score, in words and money; and what was not looked at, and why.

``score = value * sum(weight * x) - cost + luck``: one term per entry of the context vector, the cost, and the luck of
the draw. The largest stand alone, the rest is added up as "everything else", so the terms add up to the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from marketofone.decide.choose import NEVER, Choice, Ground
from marketofone.decide.expressions import Threshold
from marketofone.decide.foresight import FACTS
from marketofone.decide.playbook import NOBODY, Term
from marketofone.decide.situation import INSIGHTS, PROTECTION
from marketofone.domain.decision import Foretold, NotUsed, Reason
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import Day, date_of
from marketofone.features.declare import Feature, Unit

SHOWN = 6
COST = Term(name="cost", title="what it costs to show it")
LUCK = Term(name="luck", title="the luck of the draw")
REST = Term(name="rest", title="everything else")
_CONDITIONS_SHOWN = 3
_IN_WORDS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least", "==": "exactly", "!=": "other than"}
_WRITTEN: dict[Unit, Callable[[float], str]] = {
    "minor": lambda value: f"{value / 100:,.2f}",
    "share": lambda value: f"{100 * value:.0f} %",
    "flag": lambda value: "yes" if value else "no",
    "ratio": "{:.2f}".format,
}


def because(ground: Ground, choice: Choice) -> tuple[Reason, ...]:
    """Say why this action: what made it eligible (terms of 0), then the terms of its score, largest first."""
    if choice.chosen == NOBODY:
        return (Reason(text=_why_nothing(choice), feature=None, source=None, term=0.0),)
    terms = sorted(_terms(ground, choice), key=lambda pair: -abs(pair[1]))
    shown = [_told(ground, choice, term, amount) for term, amount in terms[:SHOWN] if amount]
    rest = math.fsum(amount for _, amount in terms[SHOWN:])
    if rest:
        shown.append(_told(ground, choice, REST, rest))
    return (*_lot(choice), *_conditions(ground, choice), *_foretold(ground, choice), *shown)


def _lot(choice: Choice) -> tuple[Reason, ...]:
    text = "drawn by lot among what is allowed, so that we can tell what helps; what follows is what was expected of it"
    return (Reason(text=text, feature=None, source=None, term=0.0),) if choice.uniform else ()


def not_used(ground: Ground) -> tuple[NotUsed, ...]:
    """Say which sources were not looked at though this choice could have used them, and why."""
    whys: dict[str, dict[str, list[str]]] = {}
    for purpose in ground.slate.purposes:
        permit, allowed = ground.situation.permits.get(purpose), ground.situation.allowed(purpose)
        for source in ground.playbook.reads[purpose] - allowed:
            why = NEVER if permit is None else permit.refused.get(source, NEVER)
            whys.setdefault(source, {}).setdefault(why, []).append(purpose)
    return tuple(
        NotUsed(source=source, why="; ".join(f"{why} ({', '.join(of)})" for why, of in sorted(whys[source].items())))
        for source in SOURCES
        if source in whys
    )


def uses(ground: Ground) -> tuple[tuple[str, str], ...]:
    """Name the (purpose, source) cells this choice looked at."""
    cells: list[tuple[str, str]] = []
    for purpose in ground.slate.purposes:
        looked = ground.playbook.reads[purpose] & ground.situation.allowed(purpose)
        cells += [(purpose, source) for source in SOURCES if source in looked]
    if ground.slate.lends and PROTECTION in ground.situation.allowed(PROTECTION):
        cells.append((PROTECTION, PROTECTION))
        if ground.situation.foresight is not None and not ground.situation.foresight_refused(INSIGHTS):
            cells += [(INSIGHTS, source) for source in sorted(ground.situation.foresight.sources)]
    return tuple(dict.fromkeys(cells))


def in_words(value: float, *, unit: Unit) -> str:
    """Write a value for people.

    Examples
    --------
    >>> in_words(1.8, unit="ratio"), in_words(-123456.0, unit="minor"), in_words(0.355, unit="share")
    ('1.80', '-1,234.56', '36 %')
    """
    return _WRITTEN.get(unit, "{:,.0f}".format)(value)


def named(ground: Ground, name: str) -> tuple[str, Unit, Feature | None]:
    """Give the title and the unit of a feature or fact, and the feature if it is one."""
    if name in FACTS:
        return FACTS[name].title, FACTS[name].unit, None
    if name.startswith("life:"):
        return f"days since a life event ({name.removeprefix('life:').replace('_', ' ')})", "days", None
    feature = ground.playbook.features.feature(name)
    return feature.title, feature.unit, feature


def value_of(choice: Choice, name: str, *, purpose: int) -> float:
    """Give the value of a feature, fact or ``life:event`` as a purpose sees it; NaN when it does not."""
    namespace = choice.sight.namespaces[purpose]
    if name.startswith("life:"):
        life = namespace["life"]
        return float(life(name.removeprefix("life:"))) if callable(life) else math.nan
    value = namespace[name]
    return float(value) if isinstance(value, float | int) else math.nan


def _why_nothing(choice: Choice) -> str:
    if choice.stressed:
        return "these may be hard days for you, so we leave you in peace"
    if len(choice.options) == 1:
        return "nothing we may do fits you now"
    if choice.uniform:
        return "left in peace by lot: a few decisions are drawn at random, so that we can tell what helps"
    return "nothing else is worth your time now"


def _terms(ground: Ground, choice: Choice) -> list[tuple[Term, float]]:
    row = choice.chosen
    value = float(ground.situation.values[row])
    weighted = (value * ground.situation.arms.mean[row] * choice.sight.contexts[row]).tolist()
    cost = -float(ground.playbook.costs[row])
    luck = float(choice.samples[row]) - math.fsum((*weighted, cost))
    return [*zip(ground.playbook.terms, weighted, strict=True), (COST, cost), (LUCK, luck)]


def _told(ground: Ground, choice: Choice, term: Term, amount: float) -> Reason:
    if term.feature is None:
        return Reason(text=term.title, feature=None, source=term.source, term=amount)
    value = value_of(choice, term.name, purpose=int(ground.playbook.purpose_of[choice.chosen]))
    text = f"{term.title}: {in_words(value, unit=term.feature.unit)}"
    return Reason(text=text, feature=term.name, source=term.source, term=amount)


def _conditions(ground: Ground, choice: Choice) -> list[Reason]:
    """Say which thresholds opened the action."""
    purpose = int(ground.playbook.purpose_of[choice.chosen])
    expression = ground.playbook.catalogue.expressions[1 + choice.chosen]
    values = [(threshold, value_of(choice, threshold.name, purpose=purpose)) for threshold in expression.thresholds]
    held = [(threshold, value) for threshold, value in values if threshold.holds(value)]
    return [_condition(ground, threshold, value) for threshold, value in held[:_CONDITIONS_SHOWN]]


def _foretold(ground: Ground, choice: Choice) -> Iterator[Reason]:
    """Say when that is expected which the action is about, and what drives it."""
    told = foretold(ground, choice)
    if told is not None and told.day is not None and ground.situation.foresight is not None:
        on, category = date_of(Day(told.day)), told.driver.partition(":")[0].replace("_", " ")
        because = f", mostly because of {category}" if category else ""
        text = f"it is expected around {on.day} {on:%B %Y}{because}"
        yield Reason(text=text, feature=None, source="+".join(sorted(ground.situation.foresight.sources)), term=0.0)


def foretold(ground: Ground, choice: Choice) -> Foretold | None:
    """Give what the chosen action tells of a forecast, if it does."""
    about = None if choice.chosen == NOBODY else ground.playbook.offered[choice.chosen].about
    foresight = ground.situation.foresight
    return None if about is None or foresight is None else foresight.foretold(about)


def _condition(ground: Ground, threshold: Threshold, value: float) -> Reason:
    title, unit, feature = named(ground, threshold.name)
    bound = f"{_IN_WORDS[threshold.symbol]} {in_words(threshold.bound, unit=unit)}"
    known = ground.playbook.known.get(threshold.name)
    source = "life_events" if known is None else "+".join(sorted(known.sources))
    return Reason(
        text=f"it fits because of {title}: {in_words(value, unit=unit)} ({bound})",
        feature=None if feature is None else feature.name,
        source=source or None,
        term=0.0,
    )
