"""Commands about the whole bank: learn, prove, measure, and the review board."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from marketofone.cli import terminal
from marketofone.cli.session import SAID_NO, Session, as_of, moment, shared
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.board import Ruling


@click.command()
@shared
@as_of
def train(*, folder: Path, as_json: bool, as_of: str | None) -> None:
    """Learn again what is learned from everybody together, from those who allow it."""
    session = Session(folder, as_json)
    with session.open() as bank:
        trained = bank.train(now=moment(bank, as_of))
        session.say(trained, terminal.trained_text(trained))


@click.command()
@shared
@click.option("--all", "everything", is_flag=True, help="Every decision; this is what happens anyway.")
def replay(*, folder: Path, as_json: bool, everything: bool) -> None:  # noqa: ARG001 - the contract names the flag
    """Recompute every decision from the log and compare it byte for byte."""
    session = Session(folder, as_json)
    with session.open() as bank:
        report = bank.replay()
        session.say(report, terminal.replay_text(report))
    sys.exit(SAID_NO if report.differences else 0)


@click.command()
@shared
def verify(*, folder: Path, as_json: bool) -> None:
    """Check the audit chain against everything that is stored."""
    session = Session(folder, as_json)
    with session.open() as bank:
        report = bank.verify()
        session.say(report, terminal.verify_text(report))
    sys.exit(0 if report.ok else SAID_NO)


@click.command()
@shared
@click.option("--level", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
def impact(*, folder: Path, as_json: bool, level: float) -> None:
    """Measure the policy against the random control group, with an interval."""
    session = Session(folder, as_json)
    with session.open() as bank:
        measured = bank.impact(level=level)
        session.say(measured, measured.text)


@click.group()
def board() -> None:
    """Approve, stop, resume and list actions, as the ethics review board."""


@board.command(name="list")
@shared
@as_of
def board_list(*, folder: Path, as_json: bool, as_of: str | None) -> None:
    """List every action with its risk tier and how it stands."""
    session = Session(folder, as_json)
    with session.open() as bank:
        standings = bank.board(now=moment(bank, as_of))
        session.say(standings, terminal.board_text(standings))


def _ruling(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--by", required=True, help="Who rules.")(command)
    command = click.option("--note", help="Why.")(command)
    return shared(click.argument("scope")(as_of(command)))


@board.command(name="approve")
@_ruling
@click.option("--days", type=click.IntRange(1, 730), required=True, help="How long the approval holds.")
def board_approve(*, days: int, **options: Any) -> None:
    """Approve SCOPE, an action, for a time."""
    _rule("approve", days=days, **options)


@board.command(name="stop")
@_ruling
def board_stop(**options: Any) -> None:
    """Stop SCOPE (an action, a kind, or * for everything) from the next decision on."""
    _rule("stop", days=None, **options)


@board.command(name="resume")
@_ruling
def board_resume(**options: Any) -> None:
    """Let SCOPE run again."""
    _rule("resume", days=None, **options)


def _rule(
    ruling: Literal["approve", "stop", "resume"],
    *,
    days: int | None,
    folder: Path,
    as_json: bool,
    as_of: str | None,
    **said: Any,
) -> None:
    session = Session(folder, as_json)
    with session.open() as bank:
        now = moment(bank, as_of) or bank.now()
        until = None if days is None else Instant(now + days * DAY)
        bank.rule(Ruling(ruling=ruling, scope=said["scope"], by=said["by"], at=now, until=until, note=said["note"]))
        standings = bank.board(now=now)
        session.say(standings, terminal.board_text(standings))


COMMANDS = (train, replay, verify, impact, board)
