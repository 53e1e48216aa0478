"""The languages in which customers read their pages, and sentences that can be said in each of them.

What is recorded, and what programs are answered, is English. A page says it in the language of its reader: it finds the
message of which a sentence was made, with what stands in its places (``web/wording.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "de"]

LANGUAGES: Mapping[Language, str] = {"en": "English", "de": "Deutsch"}
"""Each language with its own name for itself."""


def message(text: str) -> str:
    """Mark a sentence in English as a message, so that catalogs hold it; its places are named, as ``%(day)s`` is.

    Where it is recorded, the first word of the name of a place says what stands there: ``day``, ``money``, ``number``,
    ``text`` (words that are a message themselves), ``source`` and ``purpose`` (by their names), ``name`` (what nobody
    translates).

    Examples
    --------
    >>> message("It fits because of %(text_title)s.") % {"text_title": "your income"}
    'It fits because of your income.'
    """
    return text
