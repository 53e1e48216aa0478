"""How features are declared: sentences that are also values.

A *series* says which events count and what each of them is worth, as an integer; a *feature* says what is made of a
series over a window. Every feature names its unit, its owner and, in plain words, what it is (a person reads the words
as a reason for a decision)::

    dining = series("dining", kind="transaction.booked", where={"category": "dining"}, value="outflow_minor")
    total("dining_30d", dining, window="30d", unit="minor", owner="insights", title="dining out in the last 30 days")

Windows. ``30d`` is the calendar day of the moment asked about, in the bank's timezone and so far, and the 29 days
before it; at most 400 days back. ``2h`` and ``15m`` are exact, ``(now - window, now]``; at most 72 hours. Live and
replay read them alike.

A series belongs to one data source. The lineage of a feature is the sources of its series, and a permit must open all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import KINDS
from marketofone.domain.moment import DAY, HOUR, MINUTE
from marketofone.features.regular import MONTH, QUARTER, REACH

_Plain = Literal["total", "count", "mean", "days", "distinct", "share", "trend", "habit"]
_Single = Literal["last", "since", "age", "active"]
_Regular = Literal["regular_total", "regular_trend"]
How = _Plain | _Single | _Regular
Unit = Literal["minor", "count", "days", "months", "ms", "ratio", "share", "flag"]
Plain = str | int | bool | None
Condition = tuple[tuple[str, tuple[Plain, ...]], ...]

MAX_DAYS = 400
MAX_EXACT = 72 * HOUR
READING_FIELDS = ("sentiment", "emotion", "topics", "needs", "intents")
# What an event can be worth, and the field that needs.
VALUES: dict[str, str | None] = {
    "one": None,
    "held": None,
    "debit": "amount_minor",
    "inflow_minor": "amount_minor",
    "outflow_minor": "amount_minor",
    "spent_minor": "amount_minor",
    "until": "until",
    "in_arrears": "in_arrears",
    "dwell_ms": "dwell_ms",
    "months": "months",
    **{field: field for field in ("amount_minor", "balance_minor", "principal_minor", "payment_minor")},
}
_IN_UNITS_OF_SERIES: tuple[How, ...] = ("total", "mean", "last", "regular_total")
REGULAR: tuple[How, ...] = ("regular_total", "regular_trend")
_NEVER_READ = frozenset({"sex"})
_UNITS: dict[str, Unit] = {"in_arrears": "flag", "dwell_ms": "ms", "months": "months"}
_WINDOW = re.compile(r"^([1-9][0-9]{0,3})([dhm])$")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")


class Window(NamedTuple):
    """A window: ``span`` calendar days, or ``span`` microseconds when it is exact."""

    span: int
    exact: bool
    text: str


class Series(Struct, frozen=True, kw_only=True):
    """Which events count, and what each is worth. ``per`` names the fields that tell one thing from another.

    ``spendable`` leaves out accounts on which what stands is owed or put away, and counts what others own a share of
    by the person's own.
    """

    name: str
    kinds: tuple[str, ...]
    value: str
    where: Condition
    unless: Condition
    per: tuple[str, ...]
    spendable: bool = False

    @property
    def source(self) -> str:
        """The data source all its kinds belong to."""
        return KINDS[self.kinds[0]][1]

    @property
    def is_money(self) -> bool:
        """Whether what events are worth is an amount, which counts in the bank's currency only."""
        return self.value.endswith("_minor")


class Feature(Struct, frozen=True, kw_only=True):
    """One declared feature. ``whole`` is what a share is a share of, ``habit`` the window a habit is measured over."""

    name: str
    how: How
    of: Series
    unit: Unit
    owner: str
    title: str
    window: Window | None = None
    habit: Window | None = None
    whole: Series | None = None

    def __post_init__(self) -> None:
        _check_feature(self)

    @property
    def lineage(self) -> frozenset[str]:
        """Every data source the feature is made of."""
        return frozenset({self.of.source, (self.whole or self.of).source})


def series(
    name: str,
    *,
    kind: str | tuple[str, ...],
    value: str = "one",
    where: Mapping[str, Plain | tuple[Plain, ...]] | None = None,
    unless: Mapping[str, Plain | tuple[Plain, ...]] | None = None,
    per: str | tuple[str, ...] = (),
    spendable: bool = False,
) -> Series:
    """Declare which events count.

    Parameters
    ----------
    kind
        One kind of event, or several of the same data source.
    value
        What an event is worth: ``one``; ``inflow_minor`` or ``outflow_minor`` (positive) or ``debit`` (1 for money out;
        events the other way do not count); ``held`` (1 when something is opened, 0 when it is closed); ``until`` (an
        instant); or an integer or truth of the event's data. Events without it do not count.
    where, unless
        Fields of the data, or of what a text was read as (``sentiment``, ``emotion``, ``topics``, ``needs``,
        ``intents`` more likely than not), with the word or words they must (not) have. A text without a reading, or
        whose reading abstains, is never counted by a series that asks about its reading.
    per
        Fields that tell one thing from another, for ``distinct`` and for ``last``.
    spendable
        For ``last`` per ``account``: leave out cards, loans, mortgages and investments, and count a shared account by
        the person's share, as ``account.opened`` tells.

    Raises
    ------
    MalformedDocument
        When a kind, field or value does not exist, or the kinds belong to several sources.

    Examples
    --------
    >>> series("dining", kind="transaction.booked", where={"category": "dining"}, value="outflow_minor").source
    'transactions'
    """
    declared = Series(
        name=name,
        kinds=(kind,) if isinstance(kind, str) else tuple(kind),
        value=value,
        where=_condition(where or {}),
        unless=_condition(unless or {}),
        per=(per,) if isinstance(per, str) else tuple(per),
        spendable=spendable,
    )
    _check_series(declared)
    return declared


def total(name: str, of: Series, *, window: str, unit: Unit, owner: str, title: str) -> Feature:
    """Add up the values in a window."""
    return Feature(name=name, how="total", of=of, window=parse_window(window), unit=unit, owner=owner, title=title)


def mean(name: str, of: Series, *, window: str, unit: Unit, owner: str, title: str) -> Feature:
    """Average the values in a window; unknown without any."""
    return Feature(name=name, how="mean", of=of, window=parse_window(window), unit=unit, owner=owner, title=title)


def count(name: str, of: Series, *, window: str, owner: str, title: str) -> Feature:
    """Count the events in a window."""
    return Feature(name=name, how="count", of=of, window=parse_window(window), unit="count", owner=owner, title=title)


def days(name: str, of: Series, *, window: str, owner: str, title: str) -> Feature:
    """Count the days of a window with at least one event."""
    return Feature(name=name, how="days", of=of, window=parse_window(window), unit="days", owner=owner, title=title)


def distinct(name: str, of: Series, *, window: str, owner: str, title: str) -> Feature:
    """Count the different things (``per``) in a window."""
    return Feature(
        name=name, how="distinct", of=of, window=parse_window(window), unit="count", owner=owner, title=title
    )


def share(name: str, part: Series, *, whole: Series, window: str, owner: str, title: str) -> Feature:
    """Divide the total of one series by that of another; unknown when the whole is not positive."""
    return Feature(
        name=name,
        how="share",
        of=part,
        whole=whole,
        window=parse_window(window),
        unit="share",
        owner=owner,
        title=title,
    )


def trend(name: str, of: Series, *, window: str, owner: str, title: str) -> Feature:
    """Compare the total of a window with that of the equally long window before: 0.1 is a tenth more.

    Unknown until the source has been heard for as long as both windows, and when the earlier total is not positive.
    """
    return Feature(name=name, how="trend", of=of, window=parse_window(window), unit="ratio", owner=owner, title=title)


def regular_total(name: str, of: Series, *, unit: Unit, owner: str, title: str) -> Feature:
    """Add up what came in a month: what comes by a rhythm once, wherever the days of the calendar fall.

    Everything else is what came in the last 30 days. What a rhythm is, ``features/regular.py`` says.
    """
    return Feature(
        name=name, how="regular_total", of=of, window=parse_window(f"{MONTH}d"), unit=unit, owner=owner, title=title
    )


def regular_trend(name: str, of: Series, *, owner: str, title: str) -> Feature:
    """Compare what comes by a rhythm with what was usual before: 0.1 is a tenth more, and -1 is that nothing came.

    The newest month, or four weeks, is compared with the middle one of the five before (of two at least). It changes
    once another amount came, or a few days after none did. Where no rhythm is known, it is a ``trend`` of 90 days.
    """
    return Feature(
        name=name,
        how="regular_trend",
        of=of,
        window=parse_window(f"{QUARTER}d"),
        unit="ratio",
        owner=owner,
        title=title,
    )


def habit_ratio(name: str, of: Series, *, recent: str, habit: str, owner: str, title: str) -> Feature:
    """Compare the recent total with its own habit: 2 is twice as much as usual.

    The habit is the mean over the ``habit`` days before the recent window (before the days an exact recent window can
    touch), or over as many of them as the source has been heard for; unknown until that is a third of them, and when
    nothing was usual.
    """
    return Feature(
        name=name,
        how="habit",
        of=of,
        window=parse_window(recent),
        habit=parse_window(habit),
        unit="ratio",
        owner=owner,
        title=title,
    )


def last(name: str, of: Series, *, unit: Unit, owner: str, title: str, window: str | None = None) -> Feature:
    """Give the last value; of a series with ``per``, add up the last value of each thing heard of in the window."""
    within = None if window is None else parse_window(window)
    return Feature(name=name, how="last", of=of, window=within, unit=unit, owner=owner, title=title)


def since(name: str, of: Series, *, owner: str, title: str) -> Feature:
    """Count the calendar days since the last event; unknown if there never was one."""
    return Feature(name=name, how="since", of=of, unit="days", owner=owner, title=title)


def age(name: str, of: Series, *, owner: str, title: str) -> Feature:
    """Count the calendar days since the first event; unknown if there never was one."""
    return Feature(name=name, how="age", of=of, unit="days", owner=owner, title=title)


def active(name: str, of: Series, *, owner: str, title: str) -> Feature:
    """Say (1 or 0) whether anything whose last value is ``until`` an instant still stands."""
    return Feature(name=name, how="active", of=of, unit="flag", owner=owner, title=title)


def parse_window(text: str) -> Window:
    """Read a window such as ``30d``, ``2h`` or ``15m``.

    Raises
    ------
    MalformedDocument
        When it is none, or longer than what is remembered.

    Examples
    --------
    >>> parse_window("2h").span == 2 * HOUR
    True
    """
    found = _WINDOW.match(text)
    if found is None:
        raise _malformed("window", shape="a window that cannot be read", fix="write 30d, 2h or 15m")
    number, unit = int(found[1]), found[2]
    span = number if unit == "d" else number * (HOUR if unit == "h" else MINUTE)
    if span > (MAX_DAYS if unit == "d" else MAX_EXACT):
        raise _malformed("window", shape="a window longer than what is remembered", fix="400 days or 72 hours at most")
    return Window(span, unit != "d", text)


def unit_of(of: Series) -> Unit:
    """Give the unit of a series' values."""
    return "minor" if of.value.endswith("_minor") else _UNITS.get(of.value, "count")


def _condition(conditions: Mapping[str, Plain | tuple[Plain, ...]]) -> Condition:
    return tuple((field, words if isinstance(words, tuple) else (words,)) for field, words in conditions.items())


def _check_series(declared: Series) -> None:
    unknown = [kind for kind in declared.kinds if kind not in KINDS]
    if unknown or not declared.kinds:
        raise _malformed(declared.name, shape="a kind of event that does not exist", fix="see docs/events.md")
    if len({KINDS[kind][1] for kind in declared.kinds}) > 1 or declared.source == "reference":
        raise _malformed(declared.name, shape="kinds of several sources, or of none", fix="take one data source")
    fields = frozenset.intersection(*(frozenset(KINDS[kind][0].__struct_fields__) for kind in declared.kinds))
    asked = {field for field, _ in declared.where + declared.unless} - set(READING_FIELDS) | set(declared.per)
    if not asked <= fields - _NEVER_READ:
        raise _malformed(declared.name, shape="a field its events do not have", fix="see docs/events.md")
    if declared.spendable and declared.per != ("account",):
        raise _malformed(declared.name, shape="`spendable` without accounts", fix='write per="account"')
    if declared.value not in VALUES or VALUES[declared.value] not in {None, *fields}:
        raise _malformed(declared.name, shape="a value its events do not have", fix="see docs/events.md")


def _check_feature(declared: Feature) -> None:
    exact = declared.window is not None and declared.window.exact
    faults = {
        "a name that is no word": not _NAME.match(declared.name),
        "a unit that is not that of its series": declared.how in _IN_UNITS_OF_SERIES
        and declared.unit != unit_of(declared.of),
        "no owner, or no title": not declared.owner.strip() or not declared.title.strip(),
        "different things without `per`": declared.how == "distinct" and not declared.of.per,
        "a value that is no instant": (declared.how == "active") != (declared.of.value == "until"),
        "an exact window where days are counted": exact and declared.how in ("days", "distinct", "trend", "last"),
        "a habit of less than days": declared.habit is not None and declared.habit.exact,
        "windows longer than what is remembered": reach_days(declared) > MAX_DAYS,
    }
    for shape, wrong in faults.items():
        if wrong:
            raise _malformed(declared.name, shape=shape, fix="see docs/features.md")


def habit_skip(recent: Window) -> int:
    """Give how many days, today included, the recent window of a habit may touch."""
    return 1 - (-recent.span // DAY) if recent.exact else recent.span


def reach_days(feature: Feature) -> int:
    """Give how many calendar days back, today included, a feature looks."""
    if feature.window is None:
        return 0
    if feature.how == "habit" and feature.habit is not None:
        return habit_skip(feature.window) + feature.habit.span
    if feature.window.exact:
        return 0
    if feature.how in REGULAR:
        return REACH
    return feature.window.span * (2 if feature.how == "trend" else 1)


def _malformed(field: str, *, shape: str, fix: str) -> MalformedDocument:
    return MalformedDocument(field=f"features.py: {field}", shape=shape, fix=fix)
