"""What a notice names: the sources of which it says in words that they are looked at.

A bank writes its notices itself, in its own language, and says below each source by which words a notice names it.
Longer words are found first, and none is found within another: "accounts at other banks" does not name accounts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from marketofone.consent.policy import ConsentPolicy


def named_in(text: str, *, policy: ConsentPolicy) -> dict[str, str]:
    """Give the sources that a text names, each with the words by which it does, in the order of the text.

    Examples
    --------
    >>> from marketofone.consent.policy import Channel, DataSource, Purpose
    >>> policy = ConsentPolicy(
    ...     purposes={"care": Purpose(title="Care", notice="We look.", gives="Quiet.", serves="care")},
    ...     sources={
    ...         "transactions": DataSource(title="Accounts", notice="Used."),
    ...         "open_banking": DataSource(title="Elsewhere", notice="Used.", named=("accounts at other banks",)),
    ...     },
    ...     channels={"app": Channel(title="App")},
    ... )
    >>> named_in("We look at your Accounts at other banks.", policy=policy)
    {'open_banking': 'accounts at other banks'}
    """
    sources = _source_by_words(policy)
    longest_first = sorted(sources, key=len, reverse=True)
    found: dict[str, str] = {}
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", text.casefold()):
        found.setdefault(sources[match.group()], match.group())
    return found


def _source_by_words(policy: ConsentPolicy) -> Mapping[str, str]:
    return {words.casefold(): source for source, spec in policy.sources.items() for words in spec.words}
