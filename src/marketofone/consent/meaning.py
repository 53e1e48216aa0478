"""What a purpose means to people, and whether it still means what they said yes to.

What may not change under one version of a purpose: it asks for no further source, serves nothing further, rests on
nothing else, and its words and those of its sources stay as they were shown. A change that means the same, such as a
typo, or that only takes away, is marked as not material, with the reason; each such change needs a mark of its own, for
the mark before it was about another text. A new version may mean anything: what was said yes to before ends. All of it
holds in each language in which a purpose was shown; one that is added tells in other words what was shown already.
"""

from __future__ import annotations

from collections.abc import Iterator

from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Source


def check_meaning(purpose: str, *, before: ConsentPolicy, after: ConsentPolicy) -> None:
    """Check that a purpose means what it meant when this version of it was shown before.

    Raises
    ------
    MalformedDocument
        When it means more, or says something else and nothing marks that as not material.
    """
    version = after.purposes[purpose].version
    for field, shape in _more(purpose, before, after):
        raise MalformedDocument(
            field=f"consent.toml {field}",
            shape=f"{shape} than version {version} of {purpose!r} had when people were asked",
            fix=f"write version = {version + 1} below it: what was said yes to before ends, and people are asked anew",
        )
    for field in _reworded(purpose, before, after):
        raise MalformedDocument(
            field=f"consent.toml {field}",
            shape=f"other words than version {version} of {purpose!r} had when people were asked",
            fix=f"write version = {version + 1} below the purpose; or, where it means the same or less, "
            'not_material = "why" beside the words, another one than before',
        )


def _more(purpose: str, before: ConsentPolicy, after: ConsentPolicy) -> Iterator[tuple[str, str]]:
    was, now, place = before.purposes[purpose], after.purposes[purpose], f"purposes.{purpose}"
    if was.basis != now.basis:
        yield f"{place}.basis", "another basis"
    if not set(after.sources_of(purpose)) <= set(before.sources_of(purpose)):
        yield f"{place}.sources", "more sources"
    if not now.roles <= was.roles:
        yield f"{place}.serves", "more that it serves"


def _reworded(purpose: str, before: ConsentPolicy, after: ConsentPolicy) -> Iterator[str]:
    was, now = before.purposes[purpose], after.purposes[purpose]
    if not _is_marked(was.not_material, now.not_material):
        for field in ("title", "notice", "gives"):
            if getattr(was, field) != getattr(now, field):
                yield f"purposes.{purpose}.{field}"
        yield from _reworded_elsewhere(purpose, before, after)
    for source, spec in after.sources.items():
        shown = before.sources.get(source)
        if source not in now.sources or shown is None or _is_marked(shown.not_material, spec.not_material):
            continue
        yield from _source_reworded(source, before, after)


def _reworded_elsewhere(purpose: str, before: ConsentPolicy, after: ConsentPolicy) -> Iterator[str]:
    """Give the translations of a purpose that say something else than they did."""
    for language in before.translations.keys() & after.translations.keys():
        was, now = (policy.translations[language].purposes.get(purpose) for policy in (before, after))
        if was is not None and was != now:
            yield f"translations.{language}.purposes.{purpose}"


def _source_reworded(source: Source, before: ConsentPolicy, after: ConsentPolicy) -> Iterator[str]:
    """Say where the words of a source are others than they were, in the bank's language or in a translation."""
    was, now = before.sources[source], after.sources[source]
    if (was.title, was.notice) != (now.title, now.notice):
        yield f"sources.{source}"
    for language in before.translations.keys() & after.translations.keys():
        told, tells = (policy.translations[language].sources.get(source) for policy in (before, after))
        if told is not None and (tells is None or (told.title, told.notice) != (tells.title, tells.notice)):
            yield f"translations.{language}.sources.{source}"


def _is_marked(before: str | None, after: str | None) -> bool:
    return after is not None and after != before
