"""Write the generated parts of the documentation; tests compare them with what is committed.

Run with ``make docs``: the reference pages are written anew, and so are the values that the executed pages show. Text around
them is written by people: read it again when a value has changed.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

import marketofone
from docs import examples, off_policy
from marketofone import cli
from marketofone.consent.policy import Channel, ConsentPolicy, DataSource, Purpose
from marketofone.decide.catalogue import FACTS, Occasion
from marketofone.domain import errors
from marketofone.domain.action import Action
from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.event import KINDS
from marketofone.features.catalogue import load_catalogue
from marketofone.features.table import catalogue_table
from marketofone.governance.guardrails import Cap, Caps, Copy, Guardrails, Pause, QuietHours, Stress
from marketofone.models.movement.retold import DAYS as WAITS_DAYS
from marketofone.profile.coverage import EDGE_DAYS, GAP_DAYS
from marketofone.profile.same_accounts import STALE_DAYS
from marketofone.projection.bank_config import DOCUMENTS, Groups, KeySettings, Settings, read_config
from marketofone.services.intake.joint_accounts import MOST_HOLDERS
from marketofone.web.api.openapi import document
from marketofone.web.console.pages import PAGES as CONSOLE_PAGES
from marketofone.web.customer.pages import PAGES as CUSTOMER_PAGES
from marketofone.web.problem import TABLE

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PATH = DOCS / "path.md"
CHANGES = DOCS / "changes.md"
NOTE = "<!-- Written by `make docs`; a test compares it with the code. -->\n"
REST = "..."
_BYTES = 1024
_FAR = 10**9  # a bound beyond this only keeps integers in their width


_ACCOUNTS = (
    "## Whose an account is",
    "",
    "`account.opened` says who holds an account, in what role, since when (`time`) and with what `share`. Where several customers",
    f"hold one (at most {MOST_HOLDERS}), what is booked on it (`transaction.booked`, `balance.stated`, `order.placed`) is sent once. Its `subject`",
    "is any one of them, or the account itself while no customer has that name. It becomes an event in the journal of each holder, judged",
    "by what that customer allows: the yes or no of one neither opens nor closes anything of another, and an account that one customer",
    "holds alone is seen by that customer only. A holder sees what counts on or after the day they became one, as far as it arrives",
    "once they are known as a holder. A removal, a correction and a replacement reach each holder who keeps what they are about; when",
    "`account.opened` itself is removed, that customer sees nothing more of what is booked later. A row counts once, as what became of it",
    "for its subject (of an account, for the holder of the longest standing); `events.admitted` counts journals. A copy for each holder",
    "under one id may be sent as well. With more holders each sees only what is sent about them. What stands on a shared account counts by",
    "the `share` where money is summed, today and in the sum ahead, whole without one; what moves on it, and its own forecast, are of the",
    "whole account. Several ids of one person hold together what each of them holds. A movement that is sent again under its id goes to the",
    "holders of the account that was told last. Once every holder was forgotten, what is booked on the account is a dead letter; a removal",
    "about a customer who was forgotten goes to the holders who are left and keep what it is about. Sent about the account it reaches each holder, also before what it takes back; sent about one holder, before, it is known to that one, for it may be about an account of their own.",
    "",
    "The same account may be told under several names: in one source (two files, two other banks), or here and by open banking. It is",
    "recognised by its number: the `number` that was told, or its name where that is an IBAN, what Germany, Austria, Poland and the Czech",
    "Republic write for one at home, or a British sort code with a number; a number that only one bank knows counts within that bank, and",
    "the name of a bank is the same however it is written. It counts once, under the name that was given to it rather than its number.",
    "Of names in one source the one that tells balances wins, then the given one; between sources, where both are allowed, what is told",
    f"here. It wins from the first to the last day of its movements, but for gaps of more than {GAP_DAYS} days; before and after, and in such",
    f"gaps, what the other one tells counts. A movement within {EDGE_DAYS} days of these ends is the same as one of its amount there, unless the other",
    "name tells that one, too. Of what stands on it the later day counts; here and by open banking it counts as told here, unless that is",
    f"{STALE_DAYS} days older. Where one source is refused, the other counts.\n",
)


def events() -> str:
    """Every kind of event with its fields."""
    lines = [
        "# Events",
        NOTE,
        "An event is a [CloudEvents 1.0](https://cloudevents.io) JSON document: `id` and `source` (the producer) make it unique,",
        "`type` is its kind, `subject` the customer, `time` when it happened, `data` the fields below.\n",
        "| what arrives | its answer |",
        "| --- | --- |",
        "| a well-formed event | an event; refused when no granted purpose may use its source, and counted as such |",
        "| the same producer and id of the customer again, once it was kept | a duplicate: counted, not used, whatever it says |",
        (
            "| a payment that was pending, booked under another id by the same producer, whichever comes first | counts once: by what "
            f"`replaces` says, else by account, amount and words, within {WAITS_DAYS} days; a tip may have been added |"
        ),
        (
            "| a pending payment told again as pending, under another id | counts once, where account, amount, day, text, `reference` and, where "
            "it is told, the instant agree. What one request tells is a purchase each: two equal ones stay two when they stand in one request, "
            "the second one beside the first that is sent again. Told one by one, by a date only, they count once until they are booked |"
        ),
        (
            f"| a booking on an account, or its balance, of a day more than {WAITS_DAYS} days after a payment that pends there by the same producer | "
            "the pending one lapsed: it counts no more, and an `event.removed` of the journal says so. Booked after all, it counts then |"
        ),
        "| late, even by a year | an event: windows that still hold its day count it, older ones do not |",
        "| more than `future_seconds` ([bank.toml](settings.md)) ahead | a dead letter: check the producer's clock |",
        (
            "| an unknown kind; a missing, unknown or ill-typed field of `data` | a dead letter naming the field (the name of an "
            "unknown one is not repeated), the shape of what stands there, and what to do |"
        ),
        f"| more than {MAX_EVENT_BYTES // _BYTES} KiB | a dead letter |",
        "",
        "A dead letter keeps where, what shape and what to do, and no word of what was sent. The row itself is kept only where the bank",
        "may keep it, sealed under its customer's key: after an erasure it opens nowhere, and after a no it is not shown any more.",
        "A batch is never refused for one bad event; one of more than 10,000 is refused whole. Content that was not kept burns no id:",
        "the same event may be sent again.\n",
        *_ACCOUNTS,
    ]
    for kind, (structure, source) in KINDS.items():
        lines += [f"## {kind}", "", f"{_purpose(structure)} Source: `{source}`.", "", *_fields(structure)]
    return _page(lines)


def features() -> str:
    """Give the catalogue of a new project."""
    catalogue = load_catalogue((files("marketofone") / "template" / "features.py").read_text(encoding="utf-8"))
    head = (
        f"{len(catalogue.features)} features are declared in a new project's `features.py`. A window of `30d` is today so far "
        "and the 29 days before it; minutes and hours are exact. A regular total or trend counts what comes by a rhythm once "
        "a month, wherever its days fall in the calendar, and compares months with months. A feature may be used only when every source it is made of "
        "is allowed for the purpose. A feature with a scale is an entry of the bandit's context vector: `x / (|x| + scale)`.\n"
    )
    return _page(["# Features", NOTE, head, catalogue_table(catalogue)])


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
    return _page(lines)


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
        lines.append(f"| {kind.__name__} | {kind.__mro__[1].__name__} | {_purpose(kind)} | {status} | {name} |")
    return _page(lines)


def settings() -> str:
    """Every key of a bank project's documents."""
    template = (files("marketofone") / "template" / "bank.toml").read_text(encoding="utf-8")
    keys, _, groups = template.partition("# [groups]")
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
    types = _types(Settings)
    lines += [f"| `{key}` | {types[key]} | {value} | {meaning} |" for key, value, meaning in _commented(keys)]
    lines.append("")
    lines += _parts({"keys": KeySettings})
    lines += [
        "### groups",
        "",
        _purpose(Groups),
        "",
        "| key | type | default | what decides |",
        "| --- | --- | --- | --- |",
    ]
    types = _types(Groups)
    lines += [f"| `{key}` | {types[key]} | `0.0` | {meaning} |" for key, _, meaning in _commented(groups)]
    lines.append("")
    lines += ["## consent.toml", "", _purpose(ConsentPolicy), "", *_fields(ConsentPolicy)]
    lines += _parts({"purposes": Purpose, "sources": DataSource, "channels": Channel})
    lines += ["## actions.toml", "", "`[occasions]` and a list of `[[actions]]`; `nothing` is always one of them.", ""]
    lines += _parts({"occasions": Occasion, "actions": Action})
    lines += [
        "`eligible` is an expression over the [features](features.md) and these facts: "
        + ", ".join(f"`{name}`" for name in FACTS)
        + '; with `holds("product")`, `life("event")` (days since), `known(name)`, `abs`, `min`, `max`. What is unknown compares '
        "as false.",
        "",
        "## guardrails.toml",
        "",
        *_fields(Guardrails),
    ]
    lines += _parts(
        {"caps": Caps, "caps.*": Cap, "declines": Pause, "quiet_hours": QuietHours, "stress": Stress, "copy": Copy}
    )
    lines += ["## features.py", "", "See [features.md](features.md)."]
    return _page(lines)


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
    return _page(lines)


GENERATED: Mapping[str, Callable[[], str]] = {
    "events.md": events,
    "features.md": features,
    "commands.md": commands,
    "errors.md": problems,
    "settings.md": settings,
    "api.md": api,
    "off-policy.md": lambda: _page(["# What another policy would have been worth", NOTE, off_policy.text()]),
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


def _purpose(kind: type) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")


def _fields(structure: type[Struct]) -> list[str]:
    fields, types = msgspec.structs.fields(structure), _types(structure)
    if not fields:
        return []
    rows = [f"| `{field.encode_name}` | {types[field.encode_name]} | {_default(field)} |" for field in fields]
    return ["| field | type | default |", "| --- | --- | --- |", *rows, ""]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    if field.default is msgspec.NODEFAULT:  # a collection, which begins empty
        return "none"
    return "none" if field.default is None else f"`{msgspec.json.encode(field.default).decode()}`"


def _parts(parts: Mapping[str, type[Struct]]) -> list[str]:
    lines: list[str] = []
    for name, structure in parts.items():
        lines += [f"### {name}", "", _purpose(structure), "", *_fields(structure)]
    return lines


def _types(structure: type[Struct]) -> dict[str, str]:
    schema = msgspec.json.schema(structure)
    own = schema["$defs"][structure.__name__]["properties"]
    return {name: _type(property_) for name, property_ in own.items()}


def _type(schema: Any) -> str:
    match schema:
        case {"anyOf": options}:
            told = _type(next(option for option in options if option != {"type": "null"}))
        case {"enum": words}:
            told = "one of " + ", ".join(f"`{word}`" for word in words)
        case {"$ref": where}:
            told = str(where.rpartition("/")[2])
        case {"type": "array", "items": {**item}}:
            told = f"list of {_type(item)}"
        case {"type": "object", "additionalProperties": {**item}}:
            told = f"table of {_type(item)}"
        case _:
            told = f"{schema.get('format') or schema['type']}{_bounds(schema)}"
    return told


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return "".join(f", {word} {schema[key]:,}" for key, word in words.items() if abs(schema.get(key, _FAR)) < _FAR)


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


def _page(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write everything."""
    for name, write in GENERATED.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
    for page in (PATH, CHANGES):
        examples.fix(page, examples.run_python(page))
    demo = next(examples.commands(README))
    with tempfile.TemporaryDirectory() as folder:
        examples.replace_output(README, demo, excerpt(examples.run(demo.said, folder=Path(folder))))
        with contextlib.chdir(folder):
            examples.fix(README, examples.run_python(README))
    click.echo(f"wrote {', '.join(GENERATED)}, and the values shown in {PATH.name}, {CHANGES.name} and {README.name}")


if __name__ == "__main__":
    main()
