"""Which language a visitor asks for, by the header that their browser sends."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import cast

from babel.core import negotiate_locale

from marketofone.domain.languages import Language

_MOST = 20  # languages of one header that are looked at


def negotiated(header: str, *, offered: Collection[Language], otherwise: Language) -> Language:
    """Choose among the languages that are offered, by ``Accept-Language`` (RFC 9110, 12.5.4).

    The one that is wanted most is chosen, a wider one where a narrower was named (``de`` for ``de-AT``). ``*`` is what
    the bank has by itself, and so is a header that names nothing we have, or that cannot be read.

    Examples
    --------
    >>> [negotiated(asked, offered=("en", "de"), otherwise="en") for asked in ("de-AT, en;q=0.5", "en;q=0.4, de;q=0.9")]
    ['de', 'de']
    >>> [negotiated(asked, offered=("en", "de"), otherwise="en") for asked in ("fr, *;q=0.1", "de;q=0", "", ";;q")]
    ['en', 'en', 'en', 'en']
    """
    wanted = [tag for _, tag in sorted(_wanted(header), key=lambda one: -one[0])]
    preferred = [otherwise if tag == "*" else tag for tag in wanted]
    found = negotiate_locale(preferred, list(offered), sep="-")
    return otherwise if found is None else cast("Language", found)


def _wanted(header: str) -> Iterator[tuple[float, str]]:
    """Give each language that is wanted at all, and how much."""
    for part in header.split(",")[:_MOST]:
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.lower().startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            yield quality, tag
