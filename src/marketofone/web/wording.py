"""The words of one language: its messages, and how it writes days, numbers, amounts and lists.

Form and names come from Unicode's CLDR; English keeps the plain forms of this house. A wording is made once for a
language, so a page reads no catalog and builds no locale.

A sentence that was recorded, or that a service made, is English. :meth:`Wording.told` finds the message of which it was
made, and what stands in its places, and says both in the language of the reader. What no message fits stays as it is,
and is marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import date, datetime
from functools import cache
from gettext import NullTranslations
from typing import NamedTuple

from babel import Locale
from babel.dates import DateTimePattern, parse_pattern
from babel.lists import format_list
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol
from markupsafe import Markup

from marketofone.domain.languages import Language
from marketofone.web.catalogs import messages_of, translations_of

MINUS = "\N{MINUS SIGN}"
_OURS = {"yMMMd": "d MMM y", "MMMd": "d MMM", "yMMMMd": "d MMMM y", "yMMMM": "MMMM y"}
"""How English pages write days; other languages do it as the CLDR says."""
_PLACE = re.compile(r"%\((\w+)\)s|(%%)")
_PATTERNS = {
    "day": r"\d{1,2} [A-Z][a-z]+ \d{4}|\d{4}-\d\d-\d\d",
    "money": r"[+\-\u2212]?[\d,]+(?:\.\d+)? [A-Z]{3}",
    "number": r"[+\-\u2212]?[\d,]+(?:\.\d+)?(?: %)?|yes|no",
    "source": r"[a-z_ ]+",
    "purpose": r"[\w.:/-]+",
    "purposes": r"[\w.:/, -]+",
    "text": r".+?",
    "name": r".+?",
}

_AMOUNT = re.compile(_PATTERNS["money"])


class _Told(NamedTuple):
    """A message that has places, as it is found again: its pattern, and the longest of its own words."""

    holds: str
    pattern: re.Pattern[str]
    message: str


class Wording:
    r"""Says things in one language.

    Examples
    --------
    >>> german = wording("de")
    >>> german.number("1,234.5"), german.money("1,234.50", "EUR"), german.day(date(2026, 3, 3))
    ('1.234,5', '1.234,50\xa0€', '3. März 2026')
    """

    def __init__(self, language: Language, translations: NullTranslations) -> None:
        self.language = language
        self.translations = translations
        self._locale = Locale(language)
        self._patterns = {name: self._date_pattern(name) for name in _OURS}
        self._is_english = language == "en"
        symbols = {",": get_group_symbol(self._locale), ".": get_decimal_symbol(self._locale)}
        self._symbols = str.maketrans(symbols)
        self._before, self._after = self._money_marks()
        self._titles: Mapping[str, str] = {}
        self._sources: Mapping[str, str] = {}
        self._purposes: Mapping[str, str] = {}
        self._told = tuple(_found_again(messages_of(language)))

    def _date_pattern(self, skeleton: str) -> DateTimePattern:
        own = _OURS[skeleton] if self.language == "en" else self._locale.datetime_skeletons[skeleton].pattern
        return parse_pattern(own)

    def _money_marks(self) -> tuple[str, str]:
        pattern = self._locale.currency_formats["standard"]
        return pattern.prefix[0], pattern.suffix[0]

    def of_bank(self, *, titles: Mapping[str, str], sources: Mapping[str, str], purposes: Mapping[str, str]) -> Wording:
        """Give the same words, knowing also how a bank calls things in this language.

        ``titles`` are by what it calls them in its own language, sources and purposes by their names.
        """
        other = copy(self)
        other._titles, other._sources, other._purposes = titles, sources, purposes  # noqa: SLF001 - of its own kind
        return other

    def gettext(self, message: str, **values: object) -> str:
        """Say a message, with what stands in its places."""
        said = self.translations.gettext(message)
        return said % values if values else said

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """Say a message in the form that goes with a number."""
        return self.translations.ngettext(one, many, number) % {"number": self.number(f"{number:,}"), **values}

    def number(self, plain: str) -> str:
        """Write a number that is written as in English."""
        return plain if self._is_english else plain.translate(self._symbols)

    def money(self, plain: str, currency: str) -> str:
        """Write an amount: its number as in English, and the code of its currency."""
        if self._is_english:
            return f"{plain} {currency}"
        symbol = get_currency_symbol(currency, self._locale)
        before, after = (mark.replace("¤", symbol) for mark in (self._before, self._after))
        return f"{before}{self.number(plain)}{after}"

    def day(self, of: date) -> str:
        """Write a day, its month in few letters."""
        return self._patterns["yMMMd"].apply(of, self._locale)

    def short_day(self, of: date) -> str:
        """Write a day without its year."""
        return self._patterns["MMMd"].apply(of, self._locale)

    def long_day(self, of: date) -> str:
        """Write a day with the whole name of its month."""
        return self._patterns["yMMMMd"].apply(of, self._locale)

    def month(self, of: date) -> str:
        """Write the month of a day."""
        return self._patterns["yMMMM"].apply(of, self._locale)

    def listed(self, words: Sequence[str]) -> str:
        """Write a list as people say it."""
        if not self._is_english:
            return format_list(words, locale=self._locale)
        *before, last = words
        return f"{', '.join(before)} and {last}" if before else last

    def inside(self, text: str) -> str:
        """Begin as within a line: in English with a small letter, but for what begins with two capitals."""
        return text if not self._is_english or text[1:2].isupper() else text[:1].lower() + text[1:]

    def told(self, text: str) -> str:
        """Say a sentence that was recorded or made in English; one that no message fits stays, marked as English."""
        if self._is_english or not text:
            return text
        said = self._said(text)
        return Markup('<span lang="en">{}</span>').format(text) if said is None else said

    def plainly_told(self, text: str) -> str:
        """Say the same where no mark can stand, as in an attribute or on a chart."""
        said = None if self._is_english else self._said(text)
        return text if said is None else said

    def _said(self, text: str) -> str | None:
        for known in (text, text[:1].upper() + text[1:], text[:1].lower() + text[1:]):
            if known in self._titles:
                return self._titles[known]
            said = self.translations.gettext(known)
            if said != known:
                return said
        if _AMOUNT.fullmatch(text):
            return self._money_again(text)
        for told in self._told:
            found = told.pattern.fullmatch(text) if told.holds in text else None
            if found is not None:
                with suppress(ValueError):  # somebody's own words may look like a day that does not exist
                    places = {name: self._placed(name, value) for name, value in found.groupdict().items()}
                    return self.translations.gettext(told.message) % places
        return None

    def _placed(self, name: str, value: str) -> str:
        kinds: Mapping[str, Callable[[str], str]] = {
            "day": self._day_again,
            "money": self._money_again,
            "number": self._number_again,
            "text": self.plainly_told,
            "source": lambda source: self._sources.get(source.replace(" ", "_"), source),
            "purpose": lambda purpose: self._purposes.get(purpose, purpose),
            "purposes": lambda named: ", ".join(self._purposes.get(one, one) for one in named.split(", ")),
        }
        say = kinds.get(name.partition("_")[0])
        return value if say is None else say(value)

    def _day_again(self, written: str) -> str:
        form = "%Y-%m-%d" if written[4:5] == "-" else "%d %B %Y"
        return self.long_day(datetime.strptime(written, form).date())  # noqa: DTZ007 - a day, of no timezone

    def _money_again(self, written: str) -> str:
        number, _, currency = written.rpartition(" ")
        return self.money(number.replace("-", MINUS), currency)

    def _number_again(self, written: str) -> str:
        return self.gettext(written) if written in ("yes", "no") else self.number(written.replace("-", MINUS))


def _found_again(messages: Sequence[str]) -> Iterator[_Told]:
    """Make the patterns by which sentences are found again, those with the most words of their own first."""
    placed = [message for message in messages if "%(" in message]
    for message in sorted(placed, key=lambda one: -len(_PLACE.sub("", one))):
        names = {found[1].partition("_")[0] for found in _PLACE.finditer(message) if found[1]}
        if names <= _PATTERNS.keys():
            holds = max(_PLACE.split(message)[::3], key=len)
            yield _Told(holds, re.compile("".join(_parts(message)), re.DOTALL), message)


def _parts(message: str) -> Iterator[str]:
    end = 0
    seen: set[str] = set()
    for found in _PLACE.finditer(message):
        yield re.escape(message[end : found.start()])
        name, end = found[1], found.end()
        if name is None:
            yield "%"
        elif name in seen:
            yield f"(?P={name})"
        else:
            seen.add(name)
            yield f"(?P<{name}>{_PATTERNS[name.partition('_')[0]]})"
    yield re.escape(message[end:])


@cache
def wording(language: Language) -> Wording:
    """Give the words of a language; they are made once."""
    return Wording(language, translations_of(language))
