"""Dark patterns in words: texts that urge, shame, hide or trick. The rules are data, each with its reason and source.

The rules know the patterns of English and German; a bank adds words of its own in ``guardrails.toml`` (``copy``). They
find wording, not intent: what they find must be said otherwise, and what they do not find may still be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.domain.decoding import decode_toml
from marketofone.domain.errors import MalformedDocument

DarkPattern = Literal[
    "urging",
    "countdown",
    "confirm_shaming",
    "guilt",
    "double_negative",
    "hidden_cost",
    "preselected",
    "small_refusal",
    "obstruction",
    "bundled",
]
_MOST_SENTENCES = 2
_END = re.compile(r"[.!?](?:\s|$)")


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pattern: what kind it is of, why it is refused, and where that is said."""

    kind: DarkPattern
    pattern: str
    reason: str
    source: str


class _Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: tuple[Rule, ...]


class Finding(NamedTuple):
    """What was found in a text: the words, and the rule that they break."""

    words: str
    rule: Rule


@cache
def rules() -> tuple[tuple[Rule, re.Pattern[str]], ...]:
    """Give all rules, each with its pattern compiled."""
    text = (files("marketofone") / "governance" / "dark_patterns.toml").read_text(encoding="utf-8")
    return tuple((rule, re.compile(rule.pattern)) for rule in decode_toml(text, of=_Rules).rules)


def found_in(text: str) -> list[Finding]:
    """Give what of a text is a dark pattern, in the order of the rules.

    Examples
    --------
    >>> [(one.words, one.rule.kind) for one in found_in("Hurry: only today!")]
    [('hurry', 'urging')]
    >>> found_in("There is time.")
    []
    """
    plain = " ".join(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    found = ((rule, pattern.search(plain)) for rule, pattern in rules())
    return [Finding(match.group(), rule) for rule, match in found if match is not None]


@lru_cache(maxsize=4_096)
def _found_in_document(text: str) -> tuple[Finding, ...]:
    """Give what :func:`found_in` gives, of a text of a document: who opens many banks reads it once."""
    return tuple(found_in(text))


def check_texts(texts: Iterable[tuple[str, str]]) -> None:
    """Check texts, each with the field in which it stands.

    Raises
    ------
    MalformedDocument
        For the first that holds a dark pattern: the field, the words, the reason and its source.
    """
    for field, text in texts:
        for words, rule in _found_in_document(text):
            raise MalformedDocument(
                field=field,
                shape=f"the words {words!r}: {rule.reason} ({rule.kind}; {rule.source})",
                fix="say calmly what it is, what it costs, and how to say no",
            )


def check_short(texts: Iterable[tuple[str, str]]) -> None:
    """Check that each text is two sentences at most: what is longer is not read before a yes.

    Raises
    ------
    MalformedDocument
    """
    for field, text in texts:
        if len(_END.findall(text.strip())) > _MOST_SENTENCES:
            raise MalformedDocument(
                field=field,
                shape="more than two sentences (EDPB: overloading)",
                fix="say in two what is looked at and what for",
            )


def kinds() -> Iterator[DarkPattern]:
    """Name the kinds of patterns that there are rules for, each once."""
    yield from dict.fromkeys(rule.kind for rule, _ in rules())
