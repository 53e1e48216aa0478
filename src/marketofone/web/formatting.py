"""Moments, amounts and chances in words and numbers that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.action import Action
from marketofone.domain.errors import UnknownAction
from marketofone.domain.languages import message
from marketofone.domain.moment import Calendar, Instant, date_of, parse_instant
from marketofone.domain.money import decimals_of, in_words
from marketofone.services.decisions.visible import HIDDEN, HIDDEN_ACTION
from marketofone.web.wording import MINUS, Wording, wording

ENGLISH = wording("en")
# From which chance on which words are used; the numbers always stand beside them.
_LIKELIHOOD = (
    (0.95, message("nearly always: %(often)s")),
    (0.7, message("most of the time: %(often)s")),
    (0.45, message("about half of the time: %(often)s")),
    (0.15, message("some of the time: %(often)s")),
    (0.03, message("now and then: %(often)s")),
    (0.0, message("rarely: %(often)s")),
)
_IN_100, _IN_1000 = message("%(times)s in 100"), message("%(times)s in 1,000")
_LESS, _NEARLY = message("less than 1 in 100"), message("nearly certain")
_ONE_IN, _IN_10 = message("about 1 in %(some)s"), message("about %(some)s in 10")
_LESS_CHANCE = message("less than 1 chance in 100")
_MORE_CHANCES = message("more than 95 chances in 100")
_CHANCES_IN_10, _CHANCE_IN = message("%(some)s chances in 10"), message("1 chance in %(some)s")
_ON_ABOUT, _BETWEEN = message("on about %(day)s"), message("between %(day)s and %(day_last)s")
_POINTS = message("%(points)s points")
_NONE = message("none")
_NOT_SHOWN, _LEFT_CATALOGUE = message("Not shown"), message("It is no longer in the catalogue.")
_RAREST, _MORE_OFTEN_THAN_NOT, _SURE = 0.01, 0.55, 0.95  # rarer ones are lost in the errors of a forecast
_CLOSE_DAYS = 6

ACTORS = {
    "http": message("Our app and pages"),
    "cli": message("Somebody at the bank, by a command"),
    "system": message("The system by itself"),
    "importer": message("Somebody at the bank, by an import"),
    "customer": message("You"),
}
"""Who acts, by the words of the journal; who has no words here stands as the journal has them."""


def action_of(name: str, *, catalogue: ActionCatalogue, words: Wording = ENGLISH) -> Action:
    """Give the words of an action; of one that is hidden, that it is; of one that left the catalogue, its bare name."""
    if name == HIDDEN_ACTION:
        hidden = sentence(words.gettext(HIDDEN))
        return Action(id=name, kind="insight", title=words.gettext(_NOT_SHOWN), text=f"{hidden}.")
    try:
        return catalogue.action(name)
    except UnknownAction:
        return Action(id=name, kind="insight", title=name, text=words.gettext(_LEFT_CATALOGUE))


def day_of(at: Instant | str, *, calendar: Calendar, words: Wording = ENGLISH) -> str:
    """Write a day, or the day of an instant in the bank's timezone, briefly.

    Examples
    --------
    >>> day_of("2026-03-03", calendar=Calendar("Europe/Prague"))
    '3 Mar 2026'
    >>> day_of("2026-03-03", calendar=Calendar("Europe/Prague"), words=wording("de"))
    '3. März 2026'
    """
    return words.day(_date_of(at, calendar=calendar))


def short_day(at: Instant | str, *, calendar: Calendar, words: Wording = ENGLISH) -> str:
    """Write a day, or the day of an instant in the bank's timezone, without its year.

    Examples
    --------
    >>> short_day("2026-03-03", calendar=Calendar("Europe/Prague"))
    '3 Mar'
    """
    return words.short_day(_date_of(at, calendar=calendar))


def moment_of(at: Instant | str, *, calendar: Calendar, words: Wording = ENGLISH) -> str:
    """Write the day and the minute of an instant in the bank's timezone.

    Examples
    --------
    >>> moment_of("2026-03-03T13:05:00Z", calendar=Calendar("Europe/Prague"))
    '3 March 2026, 14:05'
    """
    return f"{words.long_day(_date_of(at, calendar=calendar))}, {time_of(at, calendar=calendar)}"


def short_moment(at: Instant | str, *, calendar: Calendar, words: Wording = ENGLISH) -> str:
    """Write the day and the minute of an instant in the bank's timezone, without its year.

    Examples
    --------
    >>> short_moment("2026-03-03T13:05:00Z", calendar=Calendar("Europe/Prague"))
    '3 Mar, 14:05'
    """
    return f"{short_day(at, calendar=calendar, words=words)}, {time_of(at, calendar=calendar)}"


def time_of(at: Instant | str, *, calendar: Calendar) -> str:
    """Write the minute of an instant in the bank's timezone."""
    hours, minutes = divmod(calendar.minute_of_day(_instant(at)), 60)
    return f"{hours:02d}:{minutes:02d}"


def amount(minor: float, *, currency: str, signed: bool = False, words: Wording = ENGLISH) -> str:
    """Write an amount of minor units.

    Examples
    --------
    >>> amount(-1250, currency="EUR"), amount(320.4, currency="EUR", signed=True)
    ('\u221212.50 EUR', '+3.20 EUR')
    """
    rounded = round(minor)
    plain = in_words(rounded, decimals=decimals_of(currency)).replace("-", MINUS)
    return words.money(f"+{plain}" if signed and rounded > 0 else plain, currency)


def rounded(minor: float, *, currency: str, words: Wording = ENGLISH) -> str:
    """Write an amount of minor units without its decimals and its currency."""
    return words.number(f"{minor / 10 ** decimals_of(currency):,.0f}".replace("-", MINUS))


def number(value: float, *, decimals: int = 0, words: Wording = ENGLISH) -> str:
    """Write a number.

    Examples
    --------
    >>> number(1234), number(1234.56, decimals=1, words=wording("de"))
    ('1,234', '1.234,6')
    """
    return words.number(f"{value:,.{decimals}f}")


def percent(share: float | None, *, words: Wording = ENGLISH) -> str:
    """Write a share; where there is none, say so.

    Examples
    --------
    >>> percent(0.0342), percent(None), percent(0.0342, words=wording("de"))
    ('3.4 %', 'none', '3,4 %')
    """
    return words.gettext(_NONE) if share is None else words.number(f"{100 * share:.1f} %")


def points(share: float, *, words: Wording = ENGLISH) -> str:
    """Write a difference of two shares.

    Examples
    --------
    >>> points(0.0342), points(-0.2)
    ('+3.4 points', '\u221220.0 points')
    """
    return words.gettext(_POINTS, points=words.number(f"{100 * share:+.1f}".replace("-", MINUS)))


def likelihood(chance: float, *, words: Wording = ENGLISH) -> str:
    """Say how often something with this chance happens, in words and in numbers.

    Examples
    --------
    >>> likelihood(0.62), likelihood(0.62, words=wording("de"))
    ('about half of the time: 62 in 100', 'etwa in der Hälfte der Fälle: 62 von 100')
    """
    times = 100 * chance
    if times >= 1:
        often = words.gettext(_IN_100, times=words.number(f"{times:.0f}"))
    else:
        often = words.gettext(_IN_1000, times=words.number(f"{10 * times:.1f}"))
    return words.gettext(next(said for least, said in _LIKELIHOOD if chance >= least), often=often)


def one_in(chance: float, *, words: Wording = ENGLISH) -> str:
    """Say a chance as people count: about 1 in some, or about some in 10.

    Examples
    --------
    >>> one_in(0.21), one_in(0.68), one_in(0.003), one_in(0.99)
    ('about 1 in 5', 'about 7 in 10', 'less than 1 in 100', 'nearly certain')
    """
    if chance < _RAREST:
        return words.gettext(_LESS)
    if chance >= _SURE:
        return words.gettext(_NEARLY)
    if chance < _MORE_OFTEN_THAN_NOT:
        return words.gettext(_ONE_IN, some=f"{1 / chance:.0f}")
    return words.gettext(_IN_10, some=f"{10 * chance:.0f}")


def chances(chance: float, *, words: Wording = ENGLISH) -> str:
    """Say a chance as so many chances of some, also where it is next to certain: nobody knows the future.

    Examples
    --------
    >>> chances(0.34), chances(0.68), chances(0.003), chances(0.99)
    ('1 chance in 3', '7 chances in 10', 'less than 1 chance in 100', 'more than 95 chances in 100')
    """
    if chance < _RAREST:
        return words.gettext(_LESS_CHANCE)
    if chance >= _SURE:
        return words.gettext(_MORE_CHANCES)
    if chance >= _MORE_OFTEN_THAN_NOT:
        return words.gettext(_CHANCES_IN_10, some=min(9, round(10 * chance)))
    return words.gettext(_CHANCE_IN, some=f"{1 / chance:.0f}")


def around(first: str, last: str, *, calendar: Calendar, words: Wording = ENGLISH) -> str:
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
        middle = (days[0] + (days[1] - days[0]) / 2).isoformat()
        return words.gettext(_ON_ABOUT, day=day_of(middle, calendar=calendar, words=words))
    between = [day_of(day, calendar=calendar, words=words) for day in (first, last)]
    return words.gettext(_BETWEEN, day=between[0], day_last=between[1])


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


def _date_of(at: Instant | str, *, calendar: Calendar) -> date:
    if isinstance(at, str) and len(at) == len("2026-03-03"):
        return date.fromisoformat(at)
    return date_of(calendar.day_of(_instant(at)))


def _instant(at: Instant | str) -> Instant:
    return parse_instant(at, field="at") if isinstance(at, str) else at
