"""Dead letters: why rows were kept aside, and trying them again."""

from __future__ import annotations

import sys
import time

import click
from msgspec.structs import asdict, replace

from marketofone.cli.session import BAD_INPUT, Session, on_bank, to_read
from marketofone.importers.tables.kept import reader_of
from marketofone.importers.tables.mapping import place_of
from marketofone.services.intake.letters import reasons


@click.group()
def letters() -> None:
    """Show why rows were kept aside, and try them again."""


@letters.command(name="list")
@to_read
def letters_list(session: Session) -> None:
    """List the reasons of all dead letters, the most frequent first."""
    session.say(reasons(session.bank.context), "letters")


@letters.command(name="show")
@to_read
@click.argument("number", metavar="N", type=int)
def letters_show(session: Session, *, number: int) -> None:
    """Show dead letter N, the oldest being 1. Its row is about a person, and is not shown."""
    shown = session.bank.letter(number)
    session.say(replace(shown, mapping=None if shown.mapping is None else place_of(shown.mapping)), "letter")


@letters.command(name="retry")
@on_bank
def letters_retry(session: Session) -> None:
    """Take in again what can be read by now.

    Rows of tables are read through their mappings as they are now. Letters stay as they are; what is in already is a
    duplicate, and what still cannot be read is told by reason: then the exit code is 3.
    """
    began = time.perf_counter()
    report = session.bank.retry_letters(reader_of(session.folder))
    session.say({**asdict(report), "seconds": round(time.perf_counter() - began, 3)}, "retried")
    sys.exit(BAD_INPUT if report.still_bad + report.dead_letters else 0)


COMMANDS = (letters,)
