"""Moments, amounts and chances in words and numbers that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.action import Action
from marketofone.domain.errors import UnknownAction
from marketofone.domain.moment import Calendar, Instant, date_of, parse_instant
from marketofone.domain.money import Money, decimals_of
from marketofone.services.decisions.visible import HIDDEN, HIDDEN_ACTION

MINUS = "\N{MINUS SIGN}"
# From which chance on which words are used; the numbers always stand beside them.
_LIKELIHOOD = (
    (0.95, "nearly always"),
    (0.7, "most of the time"),
    (0.45, "about half of the time"),
    (0.15, "some of the time"),
    (0.03, "now and then"),
    (0.0, "rarely"),
)
_RAREST, _MORE_OFTEN_THAN_NOT, _SURE = 0.01, 0.55, 0.95  # rarer ones are lost in the errors of a forecast
_CLOSE_DAYS = 6

ACTORS = {
    "http": "Our app and pages",
    "cli": "Somebody at the bank, by a command",
    "system": "The system by itself",
    "importer": "Somebody at the bank, by an import",
    "customer": "You",
}
"""Who acts, by the words of the journal; who has no words here stands as the journal has them."""


def action_of(name: str, *, catalogue: ActionCatalogue) -> Action:
    """Give the words of an action; of one that is hidden, that it is; of one that left the catalogue, its bare name."""
    if name == HIDDEN_ACTION:
        return Action(id=name, kind="insight", title="Not shown", text=f"{HIDDEN[0].upper()}{HIDDEN[1:]}.")
    try:
        return catalogue.action(name)
    except UnknownAction:
        return Action(id=name, kind="insight", title=name, text="It is no longer in the catalogue.")


def day_of(at: Instant | str, *, calendar: Calendar) -> str:
    """Write a day, or the day of an instant in the bank's timezone, briefly.

    Examples
    --------
    >>> day_of("2026-03-03", calendar=Calendar("Europe/Prague"))
    '3 Mar 2026'
    """
    if isinstance(at, str) and len(at) == len("2026-03-03"):
        of = date.fromisoformat(at)
    else:
        of = date_of(calendar.day_of(_instant(at)))
    return f"{of.day} {of:%b %Y}"


def moment_of(at: Instant | str, *, calendar: Calendar) -> str:
    """Write the day and the minute of an instant in the bank's timezone.

    Examples
    --------
    >>> moment_of("2026-03-03T13:05:00Z", calendar=Calendar("Europe/Prague"))
    '3 March 2026, 14:05'
    """
    instant = _instant(at)
    of, (hours, minutes) = date_of(calendar.day_of(instant)), divmod(calendar.minute_of_day(instant), 60)
    return f"{of.day} {of:%B %Y}, {hours:02d}:{minutes:02d}"


def short_moment(at: Instant | str, *, calendar: Calendar) -> str:
    """Write the day and the minute of an instant in the bank's timezone, without its year.

    Examples
    --------
    >>> short_moment("2026-03-03T13:05:00Z", calendar=Calendar("Europe/Prague"))
    '3 Mar, 14:05'
    """
    instant = _instant(at)
    of, (hours, minutes) = date_of(calendar.day_of(instant)), divmod(calendar.minute_of_day(instant), 60)
    return f"{of.day} {of:%b}, {hours:02d}:{minutes:02d}"


def amount(minor: float, *, currency: str, signed: bool = False) -> str:
    """Write an amount of minor units.

    Examples
    --------
    >>> amount(-1250, currency="EUR"), amount(320.4, currency="EUR", signed=True)
    ('\u221212.50 EUR', '+3.20 EUR')
    """
    rounded = round(minor)
    text = Money(minor=rounded, currency=currency).text.replace("-", MINUS)
    return f"+{text}" if signed and rounded > 0 else text


def rounded(minor: float, *, currency: str) -> str:
    """Write an amount of minor units without its decimals and its currency."""
    return f"{minor / 10 ** decimals_of(currency):,.0f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """Write a share; where there is none, say so.

    Examples
    --------
    >>> percent(0.0342), percent(None)
    ('3.4 %', 'none')
    """
    return "none" if share is None else f"{100 * share:.1f} %"


def points(share: float) -> str:
    """Write a difference of two shares.

    Examples
    --------
    >>> points(0.0342), points(-0.2)
    ('+3.4 points', '\u221220.0 points')
    """
    return f"{100 * share:+.1f} points".replace("-", MINUS)


def likelihood(chance: float) -> str:
    """Say how often something with this chance happens, in words and in numbers.

    Examples
    --------
    >>> likelihood(0.62)
    'about half of the time: 62 in 100'
    """
    words = next(words for least, words in _LIKELIHOOD if chance >= least)
    times = 100 * chance
    return f"{words}: {times:.0f} in 100" if times >= 1 else f"{words}: {10 * times:.1f} in 1,000"


def one_in(chance: float) -> str:
    """Say a chance as people count: about 1 in some, or about some in 10.

    Examples
    --------
    >>> one_in(0.21), one_in(0.68), one_in(0.003), one_in(0.99)
    ('about 1 in 5', 'about 7 in 10', 'less than 1 in 100', 'nearly certain')
    """
    if chance < _RAREST:
        return f"less than 1 in {1 / _RAREST:.0f}"
    if chance < _SURE:
        return f"about 1 in {1 / chance:.0f}" if chance < _MORE_OFTEN_THAN_NOT else f"about {10 * chance:.0f} in 10"
    return "nearly certain"


def chances(chance: float) -> str:
    """Say a chance as so many chances of some, also where it is next to certain: nobody knows the future.

    Examples
    --------
    >>> chances(0.34), chances(0.68), chances(0.003), chances(0.99)
    ('1 chance in 3', '7 chances in 10', 'less than 1 chance in 100', 'more than 95 chances in 100')
    """
    if chance < _RAREST:
        return f"less than 1 chance in {1 / _RAREST:.0f}"
    if chance >= _SURE:
        return f"more than {100 * _SURE:.0f} chances in 100"
    if chance >= _MORE_OFTEN_THAN_NOT:
        return f"{min(9, round(10 * chance))} chances in 10"
    return f"1 chance in {1 / chance:.0f}"


def around(first: str, last: str, *, calendar: Calendar) -> str:
    """Say when something is expected: on about a day where both lie close, else between both.

    Examples
    --------
    >>> around("2026-07-20", "2026-07-24", calendar=Calendar("UTC"))
    'on about 22 Jul 2026'
    >>> around("2026-07-02", "2026-07-24", calendar=Calendar("UTC"))
    'between 2 Jul 2026 and 24 Jul 2026'
    """
    days = [date.fromisoformat(day) for day in (first, last)]
    if (days[1] - days[0]).days <= _CLOSE_DAYS:
        return f"on about {day_of((days[0] + (days[1] - days[0]) / 2).isoformat(), calendar=calendar)}"
    return f"between {day_of(first, calendar=calendar)} and {day_of(last, calendar=calendar)}"


def purposes_in(text: str, *, titles: Mapping[str, str]) -> str:
    """Write the purposes that stand in brackets by their titles.

    Examples
    --------
    >>> purposes_in("you said no (marketing)", titles={"marketing": "Offers"})
    'you said no (Offers)'
    """

    def titled(found: re.Match[str]) -> str:
        return "(" + ", ".join(titles.get(name, name) for name in found[1].split(", ")) + ")"

    return re.sub(r"\(([^()]*)\)", titled, text)


def sentence(text: str) -> str:
    """Begin with a capital letter, as a line of its own does."""
    return text[:1].upper() + text[1:]


def inside(text: str) -> str:
    """Begin with a small letter, as within a line; what begins with two capitals is a name and stays.

    Examples
    --------
    >>> inside("Messages to us"), inside("SMS")
    ('messages to us', 'SMS')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def listed(words: Sequence[str]) -> str:
    """Write a list as people say it.

    Examples
    --------
    >>> listed(["payments"]), listed(["payments", "messages", "places"])
    ('payments', 'payments, messages and places')
    """
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _instant(at: Instant | str) -> Instant:
    return parse_instant(at, field="at") if isinstance(at, str) else at
