"""From a text to the pieces a model can weigh: personal data masked, then words and character runs.

Text -> :func:`mask` (no digit, e-mail, link, handle or account number survives) -> :func:`words` (lower case, negated
ones marked) -> :func:`runs` (character runs inside words, which carry over to unseen forms). Limits: only the first
``READ_CHARACTERS`` characters are read; negation is a rule of thumb for English; names and addresses are not masked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

READ_CHARACTERS = 4_000
# How many words after "not" are taken as negated, unless a stop comes first.
NEGATION_REACH = 3
RUN_LENGTHS = (3, 4, 5)

# Every repetition is bounded, so a hostile text costs linear time. Numbers come last: no digit survives.
_MASKS = (
    (re.compile(r"(?:https?://|www\.)\S{1,500}", re.IGNORECASE), " <link> "),
    (re.compile(r"[^\s@<>]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}"), " <email> "),
    (re.compile(r"@\w{1,64}"), " <handle> "),
    (re.compile(r"\b[a-z]{2}\d\d(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?\b", re.IGNORECASE), " <iban> "),
    (re.compile(r"\d(?:[\d .,:/()+-]{0,64}\d)?"), " <number> "),
)
_PIECE = re.compile(r"<(?:link|email|handle|iban|number)>|[^\W\d_]+|[^\w\s]")
_LONG_LETTERS = re.compile(r"(\w)\1{2,}")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019](?=\w)")
_STOPS = frozenset(".,;:!?") | {"but", "because", "and", "so"}
_NEGATOR = re.compile(
    r"not?|never|cannot|nobody|nothing|none|neither|nor|hardly|barely|without|"
    r"(?:ca|do|does|did|is|are|was|were|wo|would|could|should|have|has|had|ai)nt"
)


def mask(text: str) -> str:
    """Take numbers, e-mails, links, handles and IBANs out of ``text``, leaving a placeholder for each.

    Example
    -------
    >>> mask("Call +44 7700 900123 or write to ann@example.org, IBAN GB33 BUKB 2020 1555 5555 55")
    'Call + <number> or write to <email> , IBAN <iban>'
    """
    masked = unicodedata.normalize("NFKC", text)
    for pattern, placeholder in _MASKS:
        masked = pattern.sub(placeholder, masked)
    return " ".join(masked.split())


def words(text: str) -> list[str]:
    """Split a text into lower-case words and signs, personal data masked first; negated words carry a mark.

    Source: Das and Chen (2001), taken up by Pang, Lee and Vaithyanathan (2002), tag the words after a negation.

    Example
    -------
    >>> words("I'm NOT happy!")
    ['im', 'not', '¬happy', '!']
    """
    plain = _APOSTROPHES.sub("", mask(text[:READ_CHARACTERS]).lower())
    marked = []
    reach = 0
    for piece in _PIECE.findall(_LONG_LETTERS.sub(r"\1\1", plain)):
        if piece in _STOPS:
            reach = 0
        marked.append(f"¬{piece}" if reach else piece)
        reach = NEGATION_REACH if _NEGATOR.fullmatch(piece) else max(reach - 1, 0)
    return marked


def pairs(pieces: Sequence[str]) -> list[str]:
    """Join neighbouring words."""
    return [f"{first} {second}" for first, second in pairwise(pieces)]


def runs(pieces: Sequence[str]) -> list[str]:
    """Cut words into runs of three to five characters; ``_`` stands for a word's border, ``~`` tells runs from words.

    Example
    -------
    >>> runs(["pram"])
    ['~_pr', '~pra', '~ram', '~am_', '~_pra', '~pram', '~ram_', '~_pram', '~pram_']
    """
    return [
        f"~{padded[start : start + length]}"
        for padded in (f"_{piece}_" for piece in pieces)
        for length in RUN_LENGTHS
        for start in range(len(padded) - length + 1)
    ]
