"""Write the generated parts of the documentation; tests compare them with what is committed.

Run with ``make docs``: the reference pages are written anew, and so are the values that the executed pages show. Text around
them is written by people: read it again when a value has changed.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

import marketofone
from docs import examples, off_policy
from docs.events_page import events
from docs.tables import NOTE, fields_of, page_of, parts_of, purpose_of, types_of
from marketofone import cli
from marketofone.consent.controller import Controller
from marketofone.consent.minors import Minors
from marketofone.consent.policy import Channel, ConsentPolicy, DataSource, Purpose
from marketofone.consent.translations import ChannelTexts, PolicyTexts, PurposeTexts, SourceTexts
from marketofone.decide.catalogue import FACTS, ActionTexts, CatalogueTexts, Fallback, Occasion, Placement
from marketofone.domain import errors
from marketofone.domain.action import Action, Budget
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.schedule import Schedule
from marketofone.features.catalogue import load_catalogue
from marketofone.features.table import catalogue_table
from marketofone.governance.guardrails import Cap, Caps, Copy, Guardrails, Pause, QuietHours, Stress
from marketofone.projection.bank_config import (
    DOCUMENTS,
    Asking,
    Contact,
    ContactTexts,
    Distrusted,
    EarlySigns,
    Groups,
    KeySettings,
    Pages,
    Settings,
    SignFeature,
    TakenBack,
    read_config,
)
from marketofone.web.api.openapi import document
from marketofone.web.console.pages import PAGES as CONSOLE_PAGES
from marketofone.web.customer.pages import PAGES as CUSTOMER_PAGES
from marketofone.web.problem import TABLE

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PATH = DOCS / "path.md"
CHANGES = DOCS / "changes.md"
SLATES = DOCS / "slates.md"
RIGHTS = DOCS / "rights.md"
REST = "..."


def features() -> str:
    """Give the catalogue of a new project."""
    catalogue = load_catalogue((files("marketofone") / "template" / "features.py").read_text(encoding="utf-8"))
    head = (
        f"{len(catalogue.features)} features are declared in a new project's `features.py`. A window of `30d` is today so far "
        "and the 29 days before it; minutes and hours are exact. A regular total or trend counts what comes by a rhythm once "
        "a month, wherever its days fall in the calendar, and compares months with months. A feature may be used only when every source it is made of "
        "is allowed for the purpose. A feature with a scale is an entry of the bandit's context vector: `x / (|x| + scale)`.\n"
    )
    return page_of(["# Features", NOTE, head, catalogue_table(catalogue)])


def commands() -> str:
    """Every command with its help, as the program prints it."""
    lines = [
        "# Commands",
        NOTE,
        "Exit codes: 0 done, 1 the system said no, 2 bad usage, 3 bad input (of an import also when only some rows were bad).\n",
    ]
    for path, command in walk(cli.main, ("marketofone",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100, max_content_width=100)
        lines += [f"## {' '.join(path)}", "", "```text", command.get_help(context), "```", ""]
    return page_of(lines)


def problems() -> str:
    """Every error, and its answer over HTTP."""
    lines = [
        "# Errors",
        NOTE,
        (
            "Everything that this package raises on purpose descends from `MarketOfOneError`. Over HTTP it becomes a problem document "
            "([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) whose `type` is `urn:marketofone:problem:` and the name below. The "
            "command line prints the error's words: exit code 1 when the system said no (`Refused`), 3 otherwise.\n"
        ),
        "| error | is a | meaning | HTTP | name |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in error_classes():
        status, name, _ = next(TABLE[base] for base in kind.__mro__ if base in TABLE)
        lines.append(f"| {kind.__name__} | {kind.__mro__[1].__name__} | {purpose_of(kind)} | {status} | {name} |")
    return page_of(lines)


def settings() -> str:
    """Every key of a bank project's documents."""
    template = (files("marketofone") / "template" / "bank.toml").read_text(encoding="utf-8")
    keys = template.partition("\n\n# What an acceptance")[0]
    groups = template.partition("# [groups]")[2].partition("\n\n")[0]
    lines = [
        "# The documents of a bank project",
        NOTE,
        (
            "`marketofone init` writes all of them, with comments. They are recorded in the journal when they change, and a decision "
            "names the version it followed.\n"
        ),
        "## bank.toml",
        "",
        "| key | type | in a new project | meaning |",
        "| --- | --- | --- | --- |",
    ]
    types = types_of(Settings)
    lines += [f"| `{key}` | {types[key]} | {value} | {meaning} |" for key, value, meaning in _commented(keys)]
    lines.append("")
    lines += parts_of({"controller": Controller, "keys": KeySettings})
    lines += [
        "### groups",
        "",
        purpose_of(Groups),
        "",
        "| key | type | default | what decides |",
        "| --- | --- | --- | --- |",
    ]
    types = types_of(Groups)
    lines += [f"| `{key}` | {types[key]} | `0.0` | {meaning} |" for key, _, meaning in _commented(groups)]
    lines.append("")
    lines += parts_of(
        {
            "contact": Contact,
            "contact.translations.*": ContactTexts,
            "pages": Pages,
            "early_signs": EarlySigns,
            "early_signs.taken_back": TakenBack,
            "early_signs.features.*": SignFeature,
            "distrust": Distrusted,
            "asking": Asking,
        }
    )
    lines += ["## consent.toml", "", purpose_of(ConsentPolicy), "", *fields_of(ConsentPolicy)]
    lines += parts_of(
        {
            "purposes": Purpose,
            "sources": DataSource,
            "channels": Channel,
            "minors": Minors,
            "translations.*": PolicyTexts,
            "translations.*.purposes": PurposeTexts,
            "translations.*.sources": SourceTexts,
            "translations.*.channels": ChannelTexts,
        }
    )
    lines += [
        "## actions.toml",
        "",
        (
            "`[occasions]`, `[placements]` and a list of `[[actions]]`; `nothing` is always one of them. `channels` above them "
            "are those of actions that name none; `most_of_a_kind` is the rule of slates ([slates.md](slates.md)) where a "
            "placement has none."
        ),
        "",
    ]
    lines += parts_of(
        {
            "occasions": Occasion,
            "placements": Placement,
            "placements.fallback": Fallback,
            "actions": Action,
            "actions.schedule": Schedule,
            "actions.budget": Budget,
            "translations.*": CatalogueTexts,
            "translations.*.actions": ActionTexts,
        }
    )
    lines += [
        "`eligible` is an expression over the [features](features.md) and these facts: "
        + ", ".join(f"`{name}`" for name in FACTS)
        + '; with `holds("product")`, `life("event")` (days since), `known(name)`, `abs`, `min`, `max`. What is unknown compares '
        "as false.",
        "",
        "## guardrails.toml",
        "",
        *fields_of(Guardrails),
    ]
    lines += parts_of(
        {"caps": Caps, "caps.*": Cap, "declines": Pause, "quiet_hours": QuietHours, "stress": Stress, "copy": Copy}
    )
    lines += [
        "## features.py",
        "",
        "See [features.md](features.md). `TITLES` has the titles of features in other languages, by language and name.",
    ]
    return page_of(lines)


def api() -> str:
    """Every route, from the OpenAPI document and the tables of pages."""
    templates = files("marketofone") / "template"
    config = read_config({name: (templates / name).read_text(encoding="utf-8") for name in DOCUMENTS})
    described = document(config, version=version("marketofone"))
    lines = [
        "# The HTTP interface",
        NOTE,
        (
            "`/openapi.json` has every field; `/metrics` is in Prometheus' text format. There is no sign-in yet, so the server listens "
            "on loopback only. Any route may also answer 405, 421 (another host's name) or 503 (try again).\n"
        ),
        (
            "JSON comes in UTF-8, with a byte order mark or without, or in what `charset=` names; any body may be packed "
            "(`Content-Encoding: gzip`), and its limit counts unpacked. Events come as the HTTP binding of CloudEvents 1.0.2 says: one "
            "structured, a batch, or in binary mode (attributes in `ce-` headers, percent-encoded, and `data` as an `application/json` "
            "body); and as lines of JSON.\n"
        ),
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            lines += [
                f"## {method.upper()} {path}",
                "",
                operation["description"].splitlines()[0],
                "",
                *_route(operation),
            ]
    lines += ["## Pages for people", "", "| method | address |", "| --- | --- |"]
    lines += [f"| {page.method} | `{page.path}` |" for page in (*CUSTOMER_PAGES, *CONSOLE_PAGES)]
    return page_of(lines)


GENERATED: Mapping[str, Callable[[], str]] = {
    "events.md": events,
    "features.md": features,
    "commands.md": commands,
    "errors.md": problems,
    "settings.md": settings,
    "api.md": api,
    "off-policy.md": lambda: page_of(["# What another policy would have been worth", NOTE, off_policy.text()]),
}


def error_classes() -> list[type[MarketOfOneError]]:
    """Find every error of the package, parents before children."""
    for module in pkgutil.walk_packages(marketofone.__path__, "marketofone."):
        if ".template" not in module.name:
            importlib.import_module(module.name)
    found: list[type[MarketOfOneError]] = []
    waiting: list[type[MarketOfOneError]] = [MarketOfOneError]
    while waiting:
        kind = waiting.pop(0)
        found.append(kind)
        own = [one for one in kind.__subclasses__() if one.__module__.startswith("marketofone.")]
        # Those of the tree in the order in which they stand there, others by their modules, whatever was imported first.
        waiting = [*sorted(own, key=lambda one: "" if one.__module__ == errors.__name__ else one.__module__), *waiting]
    return found[1:]


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk through a command and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from walk(command.commands[name], (*path, name))


def excerpt(report: str) -> str:
    """Cut a demo's report down to its head, the first story, one decision with its reasons, and the proof."""
    head, story = report.splitlines()[0], report.partition("FOUR STORIES\n")[2].splitlines()
    ends = next(number for number, line in enumerate(story[1:], start=1) if not line.startswith("  "))
    title, *lines = report.partition("ONE CUSTOMER")[2].partition("\n\n")[0].splitlines()
    begins = [number for number, line in enumerate(lines) if not line.startswith("    ")]
    told = [lines[begin:end] for begin, end in pairwise([*begins, len(lines)])]
    chosen = max(told, key=lambda decision: ("not used:" in "".join(decision), "otherwise:" in "".join(decision)))
    proof = report.rpartition("PROOF")[2].rpartition(" It took")[0]
    before, after = ([REST] if chosen is not part else [] for part in (told[0], told[-1]))
    parts = [
        head,
        REST,
        *story[:ends],
        REST,
        f"ONE CUSTOMER{title}",
        *before,
        *chosen,
        *after,
        "",
        f"PROOF{proof} {REST}",
    ]
    return "\n".join(parts) + "\n"


def _commented(template: str) -> Iterator[tuple[str, str, str]]:
    for line in template.splitlines():
        key, given, rest = line.partition(" = ")
        if given:
            value, _, meaning = rest.partition("#")
            left_out = key.startswith("# ")
            yield key.removeprefix("# "), "left out" if left_out else f"`{value.strip()}`", meaning.strip()


def _route(operation: Mapping[str, Any]) -> Iterator[str]:
    rows = {"query": ", ".join(f"`{one['name']}`" for one in operation.get("parameters", ()) if one["in"] == "query")}
    content = operation.get("requestBody", {}).get("content", {})
    rows["takes"] = ", ".join(f"`{media}`" for media in content)
    schemas = [schema for one in content.values() if (schema := _shape(one["schema"]))]
    rows["as"] = ", ".join(dict.fromkeys(schemas))
    answers = operation["responses"]
    good = next(status for status in answers if status.startswith("2"))
    rows["gives"] = f"{good}, {_shape(answers[good]['content']['application/json']['schema'])}"
    rows["or"] = ", ".join(status for status in answers if status not in (good, "405", "421", "503"))
    yield from ("| | |", "| --- | --- |")
    yield from (f"| {name} | {value} |" for name, value in rows.items() if value)
    yield ""


def _shape(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "array" and schema.get("items"):
        return f"list of `{schema['items']['$ref'].rpartition('/')[2]}`"
    return f"`{schema['$ref'].rpartition('/')[2]}`" if "$ref" in schema else ""


def main() -> None:
    """Write everything."""
    for name, write in GENERATED.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
    for page in (PATH, CHANGES, SLATES, RIGHTS):
        examples.fix(page, examples.run_python(page))
    demo = next(examples.commands(README))
    with tempfile.TemporaryDirectory() as folder:
        examples.replace_output(README, demo, excerpt(examples.run(demo.said, folder=Path(folder))))
        with contextlib.chdir(folder):
            examples.fix(README, examples.run_python(README))
    click.echo(
        f"wrote {', '.join(GENERATED)}, and the values shown in {PATH.name}, {CHANGES.name}, {SLATES.name}, {RIGHTS.name} and {README.name}"
    )


if __name__ == "__main__":
    main()
