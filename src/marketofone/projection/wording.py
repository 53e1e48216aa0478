"""Every text of a bank's documents that people read: it holds no dark pattern, and is there in each language.

It is judged when a bank is opened, of the documents it has then. In each language that a bank names for its pages it
has all that people are asked about, or it does not open: no person says yes to what they cannot read. An action or a
feature that is not translated stays in the bank's own language, and pages mark it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.translations import PurposeTexts
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.languages import Language
from marketofone.governance.dark_patterns import check_short, check_texts
from marketofone.projection.bank_config import BankConfig, Contact

_ASKED = "consent.toml "


class BankTexts(NamedTuple):
    """What a bank says to people, in one language; ``titles`` are those of features, by their titles in its own.

    ``foreign`` are the actions that are not translated: they are in the bank's ``own_language``.
    """

    policy: ConsentPolicy
    actions: ActionCatalogue
    titles: dict[str, str]
    contact: Contact
    foreign: frozenset[str]
    own_language: str


def texts_in(config: BankConfig, language: Language) -> BankTexts:
    """Give what a bank says, in one of the languages of its pages."""
    titles, contact = config.features.titles.get(language, {}), config.settings.contact
    if language in contact.translations:
        contact = replace(contact, hours=contact.translations[language].hours)
    return BankTexts(
        config.policy.said_in(language),
        config.actions.said_in(language),
        {of.title: titles[of.name] for of in config.features.features if of.name in titles},
        contact,
        _not_translated(config, language),
        config.settings.own_language,
    )


def _not_translated(config: BankConfig, language: Language) -> frozenset[str]:
    if config.settings.pages is None or language == config.settings.own_language:
        return frozenset()
    texts = config.actions.translations.get(language)
    return frozenset(action.id for action in config.actions.actions if texts is None or action.id not in texts.actions)


def check_wording(config: BankConfig) -> None:
    """Check all texts of the documents that people read, in each language of the pages.

    Raises
    ------
    MalformedDocument
        Naming the field, the words, the reason and its source; or the text that is missing in a language.
    """
    check_texts(texts_of(config))
    check_short((f"consent.toml purposes.{name}.notice", of.notice) for name, of in config.policy.purposes.items())
    for language in config.settings.languages:
        if config.settings.pages is not None and language != config.settings.own_language:
            _check_asked(config, language)
            check_texts(_translated(config, language))
            check_short((f"{where}.notice", of.notice) for where, of in _notices(config, language))


def _check_asked(config: BankConfig, language: Language) -> None:
    """Check that all that people are asked about has its translation, and every translation of it something to say."""
    there = {field for field, _ in _translated(config, language) if field.startswith(_ASKED)}
    for field, text in texts_of(config):
        if field.startswith(_ASKED):
            translated = field.replace(_ASKED, f"{_ASKED}translations.{language}.", 1)
            if translated not in there:
                raise MalformedDocument(
                    field=translated,
                    shape=f"missing, beside {text[:40]!r}",
                    fix=f"write it, or leave {language!r} out of bank.toml pages.languages",
                )
            there.discard(translated)
    for field in sorted(there):
        raise MalformedDocument(field=field, shape="a text of what is not there", fix="leave it out")


def _translated(config: BankConfig, language: Language) -> Iterator[tuple[str, str]]:
    """Give every text of a translation, with the field in which it stands."""
    texts = config.policy.translations.get(language)
    kinds = (
        ()
        if texts is None
        else (("purposes", texts.purposes), ("sources", texts.sources), ("channels", texts.channels))
    )
    for kind, told in kinds:
        for name, of in told.items():
            yield from _parts_of(f"consent.toml translations.{language}.{kind}.{name}", of)
    actions = config.actions.translations.get(language)
    for name, action in () if actions is None else actions.actions.items():
        yield from _parts_of(f"actions.toml translations.{language}.actions.{name}", action)
    for name, title in config.features.titles.get(language, {}).items():
        yield f"features.py TITLES.{language}.{name}", title
    if language in config.settings.contact.translations:
        hours = config.settings.contact.translations[language].hours
        yield f"bank.toml contact.translations.{language}.hours", hours


def _notices(config: BankConfig, language: Language) -> Iterator[tuple[str, PurposeTexts]]:
    texts = config.policy.translations.get(language)
    for name, of in () if texts is None else texts.purposes.items():
        yield f"consent.toml translations.{language}.purposes.{name}", of


def _parts_of(field: str, texts: Struct) -> Iterator[tuple[str, str]]:
    """Give the texts of one thing, each with its field."""
    for part in ("title", "notice", "gives", "text", "next"):
        said = getattr(texts, part, None)
        if said is not None:
            yield f"{field}.{part}", said


def texts_of(config: BankConfig) -> Iterator[tuple[str, str]]:
    """Give every text that people read, with the field in which it stands."""
    for name, purpose in config.policy.purposes.items():
        yield from _parts_of(f"consent.toml purposes.{name}", purpose)
    for source, spec in config.policy.sources.items():
        yield from _parts_of(f"consent.toml sources.{source}", spec)
    for name, channel in config.policy.channels.items():
        yield from _parts_of(f"consent.toml channels.{name}", channel)
    for action in config.actions.actions:
        yield from _parts_of(f"actions.toml actions.{action.id}", action)
    for name, placement in config.actions.placements.items():
        if placement.fallback is not None:
            yield from _parts_of(f"actions.toml placements.{name}.fallback", placement.fallback)
    for feature in config.features.features:
        yield f"features.py {feature.name}", feature.title
    if config.settings.contact.hours is not None:
        yield "bank.toml contact.hours", config.settings.contact.hours
