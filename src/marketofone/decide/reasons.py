"""Reasons: the exact terms of the chosen score, in words and money; and what was not looked at, and why.

``score = chance * worth - cost + doubt + draw``, taken apart by the policy: one term per entry of the context vector,
the person's own answers, the benefit of the doubt, the cost, and the luck of the draw. The largest stand alone, the
rest is added up as "everything else", so the terms add up to the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice

import numpy as np

from marketofone.consent.gate import NEVER
from marketofone.decide.choose import Choice, DecisionContext, taken_off
from marketofone.decide.compiled_catalogue import NOTHING_ROW
from marketofone.decide.decision_input import FORECAST, PROTECTION
from marketofone.decide.expressions import Threshold
from marketofone.decide.forecast_facts import FACTS
from marketofone.decide.terms import GOES_WITH, Term
from marketofone.domain.decision import Notification, NotUsed, Reason
from marketofone.domain.event import SOURCES
from marketofone.domain.items import ItemSource, parted_item
from marketofone.domain.languages import message
from marketofone.domain.moment import Day, date_of
from marketofone.features.declare import Feature, Unit

SHOWN = 6
COST = Term(name="cost", title=message("what it costs to show it"))
OWN_ANSWERS = Term(name="own_answers", title=message("what you answered before, and what came of it"))
SAID_NO = Term(name="said_no", title=message("you said that something of this kind is not for you"))
SEEN = Term(name="seen", title=message("not everybody looks as far down as where it stands"))
DOUBT = Term(name="doubt", title=message("the benefit of the doubt: we know little yet of how this suits you"))
RANDOM_DRAW = Term(name="luck", title=message("the luck of the draw"))
REST = Term(name="rest", title=message("everything else"))
_SPEAKS: dict[ItemSource, str] = {
    "life_events": message("it often goes with a life event you told us of: %(text_name)s"),
    "location": message("it often goes with a kind of place you have been to: %(text_name)s"),
    "app": message("it often goes with what you use in the app: %(text_name)s"),
}
_CONDITIONS_SHOWN = 3
_BOUNDS = {
    "<": message("less than %(number)s"),
    "<=": message("at most %(number)s"),
    ">": message("more than %(number)s"),
    ">=": message("at least %(number)s"),
    "==": message("exactly %(number)s"),
    "!=": message("other than %(number)s"),
}
_FITS = message("it fits because of %(text_title)s: %(number)s (%(text_bound)s)")
_VALUE = message("%(text_title)s: %(number)s")
_YES, _NO = message("yes"), message("no")
_LIFE_EVENT = message("days since a life event (%(text_name)s)")
_EXPECTED = message("it is expected around %(day)s")
_EXPECTED_FOR = message("it is expected around %(day)s, mostly because of %(text_category)s")
HELPED = message(
    "of 100 things chosen for people who allow it, %(number)s more got a yes that they kept, to something that helps "
    "and sells nothing; at least %(number_low)s more, measured on %(number_people)s people"
)
_IN_ORDER = message(
    "the first of a fixed order among what is allowed, so that we can tell what helps; "
    "what follows is what was expected of it"
)
_BY_LOT = message(
    "drawn by lot among what is allowed, so that we can tell what helps; what follows is what was expected of it"
)
_HARD_DAYS = message("these may be hard days for you, so we leave you in peace")
_NOTHING_FITS = message("nothing we may do fits you now")
_NOTHING_ELSE_FITS = message("nothing else we may do fits you now")
_LEFT_IN_ORDER = message(
    "left in peace: for a few people less is shown, or in a fixed order, so that we can tell what helps"
)
_LEFT_BY_LOT = message("left in peace by lot: a few decisions are drawn at random, so that we can tell what helps")
_OF_THE_DRAW = frozenset({_IN_ORDER, _BY_LOT, _LEFT_IN_ORDER, _LEFT_BY_LOT})
_NOT_WORTH = message("nothing else is worth your time now")
_WHY_FOR = message("%(text_why)s (%(purposes)s)")
_WRITTEN: dict[Unit, Callable[[float], str]] = {
    "share": lambda value: f"{100 * value:.0f} %",
    "flag": lambda value: _YES if value else _NO,
    "ratio": "{:.2f}".format,
}


def reasons(context: DecisionContext, choice: Choice) -> tuple[Reason, ...]:
    """Say why this action: what made it eligible (terms of 0), then the terms of its score, largest first."""
    if choice.chosen == NOTHING_ROW:
        return (Reason(text=_why_nothing(context, choice), feature=None, source=None, term=0.0),)
    terms, amounts = _terms(context, choice)
    order = sorted(range(len(terms)), key=[-abs(amount) for amount in amounts].__getitem__)
    shown = [_told(context, choice, terms[place], amounts[place]) for place in order[:SHOWN] if amounts[place]]
    rest = math.fsum([amounts[place] for place in order[SHOWN:]])
    if rest:
        shown.append(_told(context, choice, REST, rest))
    said = (*_conditions(context, choice), *_notification(context, choice), *_measured(context, choice))
    return (*_lot(context, choice), *said, *shown)


def tells_of_the_draw(reason: Reason) -> bool:
    """Say whether a reason tells of luck, of a lot, or of a fixed order, and of nothing that fits the person."""
    return reason.feature == RANDOM_DRAW.name or reason.text in _OF_THE_DRAW


def tells_of_help(reason: Reason) -> bool:
    """Say whether a reason tells by how much what is asked for was measured to help."""
    return reason.text.startswith(HELPED.partition("%")[0])


def _lot(context: DecisionContext, choice: Choice) -> tuple[Reason, ...]:
    text = _IN_ORDER if context.random_draws.order is not None else _BY_LOT
    return (Reason(text=text, feature=None, source=None, term=0.0),) if choice.uniform else ()


def not_used(context: DecisionContext) -> tuple[NotUsed, ...]:
    """Say which sources were not looked at, or in part, though this choice could have used them, and why."""
    whys: dict[str, dict[str, dict[str, None]]] = {}
    asked = context.decision_input
    for role in context.candidate_set.roles:
        permit, reads, allowed = asked.permits.get(role), context.reads(role), asked.allowed(role)
        if permit is not None and reads <= allowed and not permit.partly:
            continue
        withheld = {} if permit is None else permit.withheld
        closed = reads if permit is None else reads & withheld.keys()  # what a purpose does not ask for, nobody closed
        for source in closed:
            why = withheld.get(source, NEVER)
            whys.setdefault(source, {}).setdefault(why, {})[asked.purpose(role)] = None
    return tuple(
        NotUsed(
            source=source,
            why="; ".join(
                _WHY_FOR % {"text_why": why, "purposes": ", ".join(of)} for why, of in sorted(whys[source].items())
            ),
        )
        for source in (SOURCES if whys else ())
        if source in whys
    )


def uses(context: DecisionContext) -> tuple[tuple[str, str], ...]:
    """Name the (purpose, source) pairs this choice looked at."""
    pairs: list[tuple[str, str]] = []
    asked = context.decision_input
    for role in context.candidate_set.roles:
        purpose = asked.purpose(role)
        pairs += [(purpose, source) for source in _in_order(context.reads(role) & asked.allowed(role))]
    lends, asks = context.candidate_set.lends, bool(context.candidate_set.asking)
    if (lends or asks) and asked.allowed(PROTECTION):
        pairs += [(asked.purpose(PROTECTION), source) for source in sorted(asked.allowed(PROTECTION))]
        if lends and asked.forecast is not None and not asked.forecast_refused(FORECAST):
            pairs += [(asked.purpose(FORECAST), source) for source in sorted(asked.forecast.sources)]
    return tuple(dict.fromkeys(pairs))


@lru_cache(maxsize=1_024)
def _in_order(sources: frozenset[str]) -> tuple[str, ...]:
    return tuple(source for source in SOURCES if source in sources)


def in_words(value: float, *, unit: Unit, decimals: int = 2) -> str:
    """Write a value for people; amounts with the decimals of their currency.

    Examples
    --------
    >>> in_words(1.8, unit="ratio"), in_words(-123456.0, unit="minor"), in_words(0.355, unit="share")
    ('1.80', '-1,234.56', '36 %')
    >>> in_words(600_000.0, unit="minor", decimals=0)
    '600,000'
    """
    if unit == "minor":
        return f"{value / 10**decimals:,.{decimals}f}"
    return _WRITTEN.get(unit, "{:,.0f}".format)(value)


def named(context: DecisionContext, name: str) -> tuple[str, Unit, Feature | None]:
    """Give the title and the unit of a feature or fact, and the feature if it is one."""
    if name in FACTS:
        return FACTS[name].title, FACTS[name].unit, None
    if name.startswith("life:"):
        return _LIFE_EVENT % {"text_name": name.removeprefix("life:").replace("_", " ")}, "days", None
    feature = context.compiled.features.feature(name)
    return feature.title, feature.unit, feature


def value_of(context: DecisionContext, choice: Choice, name: str, *, purpose: int) -> float:
    """Give the value of a feature, fact or ``life:event`` as a purpose sees it; NaN when it does not."""
    view, place = int(context.feature_view.of[purpose]), context.compiled.features.index.get(name)
    if place is not None:
        return choice.matrix.values.item(view, place)
    if name.startswith("life:"):
        return context.feature_view.views[view].days_since.get(name.removeprefix("life:"), math.nan)
    value = choice.matrix.facts[view].get(name)
    return float(value) if isinstance(value, float | int) else math.nan


def _why_nothing(context: DecisionContext, choice: Choice) -> str:
    if choice.stressed:
        return _HARD_DAYS
    if len(choice.options) == 1:
        return _NOTHING_ELSE_FITS if context.above else _NOTHING_FITS
    if context.random_draws.order is not None:
        return _LEFT_IN_ORDER
    if choice.uniform:
        return _LEFT_BY_LOT
    return _NOT_WORTH


def _terms(context: DecisionContext, choice: Choice) -> tuple[tuple[Term, ...], list[float]]:
    """Give what the chosen score is made of, and how much each of it is."""
    _, _, sample, expected, doubt = choice.scores[:, choice.place].tolist()
    beliefs, vector, share = context.decision_input.beliefs, choice.vector, choice.share
    if share < 1.0:  # first what it would be where all look
        cost = float(beliefs.start.costs[choice.chosen])
        vector, expected, doubt = vector / share, (expected + cost) / share - cost, doubt / share
    parts = beliefs.terms(choice.chosen, vector, mean=expected, doubt=doubt)
    terms = (*context.compiled.terms, OWN_ANSWERS, DOUBT, COST)
    amounts = [*parts.context.tolist(), parts.own_answers, parts.doubt, parts.cost]
    if context.lowered:
        said = np.array([math.fsum(amounts)])
        terms = (*terms, SAID_NO)
        amounts.append(-float(taken_off(context, np.array([choice.chosen]), said)[0]))
    if share < 1.0:
        terms = (*terms, SEEN)
        amounts.append((share - 1.0) * (math.fsum(amounts) - parts.cost))
    return (*terms, RANDOM_DRAW), [*amounts, sample - math.fsum(amounts)]


def _told(context: DecisionContext, choice: Choice, term: Term, amount: float) -> Reason:
    if term is GOES_WITH:
        return _goes_with(context, choice, amount)
    if term.feature is None:
        return Reason(text=term.title, feature=None, source=term.source, term=amount)
    value = value_of(context, choice, term.name, purpose=int(context.compiled.purpose_of[choice.chosen]))
    number = in_words(value, unit=term.feature.unit, decimals=context.compiled.decimals)
    return Reason(
        text=_VALUE % {"text_title": term.title, "number": number}, feature=term.name, source=term.source, term=amount
    )


def _goes_with(context: DecisionContext, choice: Choice, amount: float) -> Reason:
    """Name what of the person speaks most for what the action leads to, and the sources of all that does."""
    affinity, compiled = context.decision_input.affinity, context.compiled
    item, purpose = compiled.offered[choice.chosen].item, compiled.purpose_of[choice.chosen]
    has = context.feature_view.views[int(context.feature_view.of[purpose])].items()
    told = [] if affinity is None or item is None else affinity.speaking(has, item)
    sources = {parted_item(one)[0] for one, _ in told}
    source, name = parted_item(told[0][0]) if told else ("transactions", "")
    text = GOES_WITH.title if source == "transactions" else _SPEAKS[source] % {"text_name": name.replace("_", " ")}
    return Reason(text=text, feature=None, source="+".join(sorted(sources)) or GOES_WITH.source, term=amount)


def _conditions(context: DecisionContext, choice: Choice) -> list[Reason]:
    """Say which thresholds opened the action."""
    purpose = int(context.compiled.purpose_of[choice.chosen])
    expression = context.compiled.catalogue.expressions[1 + choice.chosen]
    each = (
        (threshold, value_of(context, choice, threshold.name, purpose=purpose)) for threshold in expression.thresholds
    )
    held = (_condition(context, threshold, value) for threshold, value in each if threshold.holds(value))
    return list(islice(held, _CONDITIONS_SHOWN))


def _notification(context: DecisionContext, choice: Choice) -> Iterator[Reason]:
    """Say when that is expected which the action is about, and what drives it."""
    told = notification(context, choice)
    if told is not None and told.day is not None and context.decision_input.forecast is not None:
        on, category = date_of(Day(told.day)), told.driver.partition(":")[0].replace("_", " ")
        text = (_EXPECTED_FOR if category else _EXPECTED) % {"day": f"{on.day} {on:%B %Y}", "text_category": category}
        yield Reason(
            text=text, feature=None, source="+".join(sorted(context.decision_input.forecast.sources)), term=0.0
        )


def _measured(context: DecisionContext, choice: Choice) -> Iterator[Reason]:
    """Say by how much what the action asks for was measured to help others."""
    scope = context.decision_input.scope_asked(context.compiled.offered[choice.chosen])
    measured = None if scope is None else context.decision_input.asking.helps.get(scope)
    if measured is not None:
        gain, low = (f"{100 * share:.1f}" for share in (measured.gain, measured.low))
        text = HELPED % {"number": gain, "number_low": low, "number_people": f"{measured.people:,}"}
        yield Reason(text=text, feature=None, source=None, term=0.0)


def notification(context: DecisionContext, choice: Choice) -> Notification | None:
    """Give what the chosen action tells of a forecast, if it does."""
    about = None if choice.chosen == NOTHING_ROW else context.compiled.offered[choice.chosen].about
    forecast = context.decision_input.forecast
    return None if about is None or forecast is None else forecast.notification(about)


def _condition(context: DecisionContext, threshold: Threshold, value: float) -> Reason:
    title, unit, feature = named(context, threshold.name)
    write = partial(in_words, unit=unit, decimals=context.compiled.decimals)
    bound = _BOUNDS[threshold.symbol] % {"number": write(threshold.bound)}
    known = context.compiled.known.get(threshold.name)
    source = "life_events" if known is None else "+".join(sorted(known.sources))
    return Reason(
        text=_FITS % {"text_title": title, "number": write(value), "text_bound": bound},
        feature=None if feature is None else feature.name,
        source=source or None,
        term=0.0,
    )
