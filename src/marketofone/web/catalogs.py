"""Catalogs of messages: one for each language but English, which is the language of the messages themselves.

A catalog is a file of gettext (``locale/de/LC_MESSAGES/marketofone.po``). It is read once in a process and never
compiled to a file, so nothing in the repository can lag behind it. ``python -m marketofone.web.extraction`` writes what
the code says today into all of them.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from marketofone.domain.languages import Language

DOMAIN = "marketofone"


def catalog_of(language: Language) -> Catalog:
    """Read the catalog of a language."""
    place = files("marketofone") / "web" / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    return read_po(BytesIO(place.read_bytes()), locale=language, domain=DOMAIN, abort_invalid=True)


@cache
def translations_of(language: Language) -> NullTranslations:
    """Give the translations of a language; English says each message as it stands."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalog_of(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def messages_of(language: Language) -> tuple[str, ...]:
    """Give the messages of a catalog that have no plural and no context."""
    if language == "en":
        return ()
    return tuple(one.id for one in catalog_of(language) if isinstance(one.id, str) and one.id and not one.context)
