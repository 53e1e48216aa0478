"""Which characters the texts of events may hold.

A decoder could check these patterns, and would take as long for them as for all else that it does. They are checked
beside it, once, where events arrive; what is kept is read again without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import NamedTuple, get_args, get_type_hints

from msgspec import Meta, Struct

PRINTED = r"^[^\x00-\x1f\x7f]+$(?!\n)"
"""Anything but control characters."""

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$(?!\n)"
"""One line of text, or none, whose letters stand in the order in which they are written: another person reads it."""


class Unfit(NamedTuple):
    """A text with characters that it may not have: its field, and the pattern it should match."""

    field: str
    pattern: str


def matching(pattern: str, *, longest: int) -> Meta:
    """Describe a text of an event that matches a pattern, for :func:`unfit` to check and not for a decoder."""
    shown = {"pattern": pattern}
    return Meta(min_length=1, max_length=longest, extra=shown, extra_json_schema=shown)


def may_hold_control_characters(raw: bytes) -> bool:
    """Say whether a text in JSON that can be read may hold control characters: all but one of them must be escaped."""
    return b"\\" in raw or b"\x7f" in raw


def unfit(told: Struct, *, controls: bool = True) -> Unfit | None:
    """Find a text that does not match its pattern; without ``controls`` no text can hold control characters.

    Examples
    --------
    >>> from marketofone.domain.event import AppOpened
    >>> unfit(AppOpened(device="my phone")).field
    'device'
    >>> unfit(AppOpened(device="phone")) is None
    True
    """
    return _check(type(told), controls=controls)(told)


@cache
def _check(kind: type[Struct], *, controls: bool) -> Callable[[Struct], Unfit | None]:
    """Give a function that finds a text of one kind of facts that does not match its pattern."""
    found = [(name, re.compile(like)) for name, like in _patterns(kind) if controls or like != PRINTED]
    if not found:
        return lambda _: None
    names = [name for name, _ in found]
    values_of = attrgetter(*names, names[0])  # of one name alone it would give no tuple
    untold = (None,) * (len(names) + 1)

    def check(told: Struct) -> Unfit | None:
        values = values_of(told)
        if values == untold:  # most say none of what is seldom said
            return None
        for value, (name, pattern) in zip(values, found, strict=False):
            if value is not None and pattern.search(value) is None:
                return Unfit(name, pattern.pattern)
        return None

    return check


def _patterns(kind: type[Struct]) -> Iterator[tuple[str, str]]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for one in (hint, *get_args(hint)):  # a text, or a text that may be missing
            for told in getattr(one, "__metadata__", ()):
                if isinstance(told, Meta) and told.extra is not None:
                    yield name, told.extra["pattern"]
