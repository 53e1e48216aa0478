"""What every command shares: where the bank is, how to print, how to fail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from marketofone.bank import Bank
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.domain.errors import MalformedRequest, MarketOfOneError, Refused
from marketofone.domain.moment import Instant

ACTOR = "cli"
SAID_NO = 1
BAD_INPUT = 3
LAB = "marketofone.lab"
LEFT_OUT = "the laboratory is left out of this installation; install the whole package with `pip install marketofone`"

in_folder = click.option(
    "--bank",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="current folder",
    help="The bank project.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
as_of = click.option("--as-of", metavar="INSTANT", help="A past instant, or a date (its end).  [default: now]")


@dataclass(frozen=True)
class Session:
    """A command at work on the opened bank of a folder."""

    bank: Bank
    as_json: bool
    folder: Path

    def say(self, document: object, text: str, **more: object) -> None:
        """Print one JSON document, or the text of this name for people."""
        terminal.say(document, text, as_json=self.as_json, **more)

    def as_of(self, text: str | None, *, now: Instant) -> Instant | None:
        """Read ``--as-of``: an instant, or a day's end; never in the future.

        Raises
        ------
        MalformedRequest
        """
        if text is None:
            return None
        asked = self.bank.calendar.parse(text, field="--as-of")
        if asked > now and self.bank.calendar.day_of(asked) == self.bank.calendar.day_of(now):
            return now
        if asked > now:
            raise MalformedRequest(field="--as-of", shape="a moment in the future", fix="ask about now or earlier")
        return asked


def to_read(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that every command has, and open the bank for it to read only."""

    @as_json
    @in_folder
    @click.option("--run-key-command", is_flag=True, help="Run the command of bank.toml that prints the bank's key.")
    @wraps(command)
    def run(*, folder: Path, as_json: bool, run_key_command: bool, **options: Any) -> None:
        check_texts(options)
        with open_bank(folder, read_only=True, runs_command=run_key_command) as bank:
            command(Session(bank, as_json, folder), **options)

    return run


def on_bank(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that every command has, and open the bank for it."""

    @as_json
    @in_folder
    @wraps(command)
    def run(*, folder: Path, as_json: bool, **options: Any) -> None:
        with open_bank(folder) as bank:
            bank.context.actor = ACTOR
            check_texts(options)
            command(Session(bank, as_json, folder), **options)

    return run


def check_texts(options: Mapping[str, Any]) -> None:
    """Check that what was typed is text: a shell hands on any bytes.

    Raises
    ------
    MalformedRequest
    """
    for name, value in options.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not _is_text(text):
                shape = f"{len(text)} characters that are no UTF-8"
                raise MalformedRequest(field=name, shape=shape, fix="type it in a terminal that speaks UTF-8")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Commands(click.Group):
    """Turns our errors into exit codes: their words go to standard error, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except MarketOfOneError as error:
            said_no = isinstance(error, Refused)
            click.echo(f"refused: {error}" if said_no else str(error), err=True)
            sys.exit(SAID_NO if said_no else BAD_INPUT)
        except OSError as error:
            click.echo(f"{error.filename or 'file'}: {error.strerror}", err=True)
            sys.exit(BAD_INPUT)
