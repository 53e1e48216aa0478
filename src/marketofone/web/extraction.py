"""Finds every message that customers' pages say, and writes the catalogs of all languages again.

``python -m marketofone.web.extraction`` keeps what is translated, adds what is new without a translation, and leaves
out what nothing says any more. Messages stand in the customers' templates, beside ``message(...)`` in the code, and
among the words of some vocabularies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from marketofone.domain.event import VENUES
from marketofone.domain.fields import AccountType, Category, Nature
from marketofone.domain.languages import LANGUAGES, Language
from marketofone.domain.outcome import WHY_NOT, WHY_YES
from marketofone.models.language.phrases import read_words
from marketofone.web.catalogs import DOMAIN, catalog_of

PACKAGE = Path(str(files("marketofone")))
ENGLISH_ONLY = frozenset({"console", "home.html"})
"""Templates of pages that no customer reads."""
_OF_CODE: Any = {"message": None}
_OF_TEMPLATES: Any = {"gettext": None, "_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
_TEMPLATES = {"trimmed": "false", "silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}
_PHRASES = (  # of answers without an error of ours; Python 3.13 calls one of them another way
    *("Bad Request", "Forbidden", "Not Found", "Method Not Allowed", "Request Timeout", "Content Too Large"),
    *("Request Entity Too Large", "Unsupported Media Type", "Misdirected Request"),
)
_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def extracted() -> Catalog:
    """Find every message, with the files in which it stands."""
    found = Catalog(domain=DOMAIN, fuzzy=False)
    for path in _sources():
        place = path.relative_to(PACKAGE).as_posix()
        method: Any = "python" if path.suffix == ".py" else babel_extract
        keywords = _OF_CODE if path.suffix == ".py" else _OF_TEMPLATES
        with path.open("rb") as source:
            for _, said, _, context in extract(method, source, keywords=keywords, options=_TEMPLATES):
                found.add(said, locations=[(place, 0)], context=context)
    for place, words in _vocabularies():
        for word in words:
            found.add(word.replace("_", " "), locations=[(place, 0)])
    return found


def _sources() -> Iterator[Path]:
    yield from (path for path in sorted(PACKAGE.glob("**/*.py")) if b"message(" in path.read_bytes())
    for path in sorted((PACKAGE / "web" / "templates").glob("**/*.html")):
        if ENGLISH_ONLY.isdisjoint(path.relative_to(PACKAGE / "web" / "templates").parts):
            yield path


def _vocabularies() -> Iterator[tuple[str, Iterable[str]]]:
    """Give the words of data that pages show, each vocabulary with where it stands."""
    yield "domain/fields.py", (*get_args(Category), *get_args(Nature), *get_args(AccountType))
    yield "domain/event.py", VENUES
    yield "domain/outcome.py", (*WHY_NOT, *WHY_YES)
    yield "models/language/phrases.toml", read_words()
    yield "web/problem.py", _PHRASES


def written(language: Language) -> bytes:
    """Give the file of a language as it should be: what is said today, with the translations that are there."""
    known, found = catalog_of(language), extracted()
    for one in found:
        there = known.get(one.id, one.context) if one.id else None
        if there is not None and there.id == one.id:
            one.string = there.string
    body = BytesIO()
    write_po(body, found, width=120, omit_header=True, sort_by_file=True, include_lineno=False)
    return _HEADER.format(language=language).encode() + body.getvalue()


def main() -> None:
    """Write the catalogs again, and say which messages have no translation."""
    for language in LANGUAGES:
        if language != "en":
            place = PACKAGE / "web" / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
            place.write_bytes(written(language))
            missing = [one for one in catalog_of(language) if one.id and not (one.string and all(one.string))]
            sys.stdout.write(f"{language}: {len(missing)} messages without a translation\n")


if __name__ == "__main__":
    main()
