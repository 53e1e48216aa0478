"""Write the generated parts of the documentation; a test compares them with what is committed.

Run with ``make docs``.
"""

from __future__ import annotations

import inspect
from importlib.resources import files
from pathlib import Path

import click
import msgspec

from marketofone import cli
from marketofone.domain import errors
from marketofone.domain.event import KINDS
from marketofone.features.catalogue import catalogue_table, load_catalogue
from marketofone.web.problem import STATUS

DOCS = Path(__file__).parent
NOTE = "<!-- Written by `make docs`; a test compares it with the code. -->\n"


def events() -> str:
    """Every kind of event with its fields."""
    lines = [
        "# Events",
        NOTE,
        "An event is a [CloudEvents 1.0](https://cloudevents.io) JSON document: `id` and `source` (the producer) make it unique,",
        "`type` is its kind, `subject` the customer, `time` when it happened, `data` the fields below. Unknown fields are refused.\n",
        "| what arrives | its answer |",
        "| --- | --- |",
        "| a well-formed event | an event; refused when no granted purpose may use its source, and counted as such |",
        "| the same producer and id again | a duplicate: counted, not used |",
        "| late, even by a year | an event: windows that still hold its day count it, older ones do not |",
        "| more than `future_seconds` (bank.toml) ahead | a dead letter: check the producer's clock |",
        "| unknown kind, missing, unknown or ill-typed field | a dead letter naming the field, the shape of what stands there, and what to do |",
        "| more than 64 KiB | a dead letter |",
        "",
        "Dead letters keep what was sent. Nothing is lost, and a batch is never refused for one bad event.\n",
    ]
    for kind, (structure, source) in KINDS.items():
        purpose = inspect.getdoc(structure) or ""
        lines += [f"## {kind}", "", f"{purpose} Source: `{source}`.", ""]
        fields = msgspec.structs.fields(structure)
        if fields:
            lines += ["| field | type | needed |", "| --- | --- | --- |"]
            schema = msgspec.json.schema(structure)
            properties = next(iter(schema["$defs"].values()))["properties"]
            lines += [
                f"| `{field.name}` | {_type(properties[field.name])} | {'yes' if field.required else 'no'} |"
                for field in fields
            ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def features() -> str:
    """Give the catalogue of the default project."""
    text = (files("marketofone") / "template" / "features.py").read_text(encoding="utf-8")
    catalogue = load_catalogue(text)
    head = (
        f"# Features\n{NOTE}\n{len(catalogue.features)} features are declared in a new project's `features.py`. A window of "
        "`30d` is today so far and the 29 days before it; minutes and hours are exact. A feature may be used only when every "
        "source it is made of is allowed for the purpose.\n\n"
    )
    return head + catalogue_table(catalogue).rstrip() + "\n"


def commands() -> str:
    """Every command with its help, as the program prints it."""
    lines = ["# Commands", NOTE]
    for path, command in _walk(cli.main, ("marketofone",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100, max_content_width=100)
        lines += [f"## {' '.join(path)}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def problems() -> str:
    """Every error with its HTTP status."""
    lines = ["# Errors", NOTE, "| error | meaning | HTTP |", "| --- | --- | --- |"]
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if not issubclass(kind, errors.MarketOfOneError) or kind is errors.MarketOfOneError:
            continue
        status = next(code for base, code in STATUS.items() if issubclass(kind, base))
        lines.append(f"| {name} | {(inspect.getdoc(kind) or '').splitlines()[0]} | {status} |")
    return "\n".join(lines) + "\n"


GENERATED = {"events.md": events, "features.md": features, "commands.md": commands, "errors.md": problems}


def _type(schema: dict[str, object]) -> str:
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]  # type: ignore[attr-defined]
        return _type(options[0])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{word}`" for word in schema["enum"])  # type: ignore[attr-defined]
    return str(schema.get("format") or schema.get("type"))


def _walk(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            found += _walk(child, (*path, name))
    return found


def main() -> None:
    """Write everything."""
    for name, write in GENERATED.items():
        (DOCS / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
