"""Which characters the texts of events may hold.

A decoder could check these patterns, and would take as long for them as for all else that it does. They are checked
beside it, once, where events arrive; what is kept is read again without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_type_hints

from msgspec import Meta, Struct

PRINTED = r"^[^\x00-\x1f\x7f]+$(?!\n)"
"""Anything but control characters."""


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
    values_of, patterns = _checks(type(told), controls=controls)
    for value, (name, pattern) in zip(values_of(told), patterns, strict=False):
        if value is not None and pattern.search(value) is None:
            return Unfit(name, pattern.pattern)
    return None


@cache
def _checks(
    kind: type[Struct], *, controls: bool
) -> tuple[Callable[[Struct], Any], tuple[tuple[str, re.Pattern[str]], ...]]:
    """Give a function that gets the texts to be checked, and what each must match."""
    found = {name: pattern for name, pattern in _patterns(kind) if controls or pattern != PRINTED}
    names = [*found, *found][: max(len(found), 2)]  # of one name alone it would give no tuple
    return (
        attrgetter(*names) if found else lambda _: (),
        tuple((name, re.compile(pattern)) for name, pattern in found.items()),
    )


def _patterns(kind: type[Struct]) -> Iterator[tuple[str, str]]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for one in (hint, *get_args(hint)):  # a text, or a text that may be missing
            for told in getattr(one, "__metadata__", ()):
                if isinstance(told, Meta) and told.extra is not None:
                    yield name, told.extra["pattern"]
