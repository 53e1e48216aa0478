"""What every command shares: where the bank is, how to print, how to fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from marketofone.bank import Bank
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.domain.errors import MarketOfOneError, Refused
from marketofone.domain.moment import Instant

F = TypeVar("F", bound=Callable[..., Any])
SAID_NO = 1
BAD_INPUT = 3


@dataclass(frozen=True)
class Session:
    """What the options that every command has said."""

    folder: Path
    as_json: bool

    def open(self) -> Bank:
        """Open the bank project."""
        return open_bank(self.folder)

    def say(self, document: object, text: str) -> None:
        """Print one JSON document, or text for people."""
        click.echo(terminal.to_json(document) if self.as_json else text)


class Commands(click.Group):
    """Turns our errors into exit codes: their words go to standard error, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            _fail(f"refused: {error}", code=SAID_NO)
        except MarketOfOneError as error:
            _fail(str(error), code=BAD_INPUT)


def _fail(message: str, *, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


def shared(command: F) -> F:
    """Give a command the options that every command has."""
    folder = click.option(
        "--bank",
        "folder",
        type=click.Path(path_type=Path),
        default=Path(),
        show_default="current folder",
        help="The bank project.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    return as_json(folder(command))


as_of = click.option("--as-of", metavar="INSTANT", help="An instant, or a date (its end).  [default: now]")


def moment(bank: Bank, text: str | None) -> Instant | None:
    """Read ``--as-of``."""
    return None if text is None else bank.calendar.parse(text, field="--as-of")
