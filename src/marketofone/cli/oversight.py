"""Commands about the whole bank: learn, measure, and the review board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import click

from marketofone.cli.session import Session, as_of, on_bank, to_read
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.board import Ruling
from marketofone.services.learning.train import ANEW, TRAINING_TASKS, TrainingTask
from marketofone.services.rights import help_service
from marketofone.services.rights.funnel_service import MOST_DAYS


@click.command()
@on_bank
@click.argument("what", required=False, type=click.Choice(TRAINING_TASKS))
@as_of
def train(session: Session, *, what: TrainingTask | None, as_of: str | None) -> None:
    """Learn WHAT again from all who allow it, from nothing after --as-of.

    By default forecast and recommend are learned anew; bands is the cheap nightly step, in which the bands of forecasts
    follow how often the truth lay beyond them of late.
    """
    tasks = ANEW if what is None else (what,)
    now = session.bank.now()
    session.say(session.bank.train(tasks=tasks, now=now, as_of=session.as_of(as_of, now=now)), "trained")


@click.command()
@on_bank
@click.option("--level", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
def impact(session: Session, *, level: float) -> None:
    """Measure the policy against the random control group; intervals hold however often one looks."""
    session.say(session.bank.impact(level=level), "impact")


@click.command()
@on_bank
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=30, show_default=True)
@as_of
def funnel(session: Session, *, days: int, as_of: str | None) -> None:
    """Count what the gates stopped over --days until --as-of, action by action, and name who got nothing."""
    now = session.bank.now()
    session.say(session.bank.funnel(days=days, now=now, as_of=session.as_of(as_of, now=now)), "funnel")


@click.group()
def board() -> None:
    """Approve, stop, resume and list actions, as the ethics review board."""


@board.command(name="list")
@on_bank
@as_of
def board_list(session: Session, *, as_of: str | None) -> None:
    """List every action with its risk tier and how it stands, or stood --as-of a moment."""
    now = session.bank.now()
    session.say(session.bank.board(now=now, as_of=session.as_of(as_of, now=now)), "board")


@click.group()
def asks() -> None:
    """Measure what permissions help that actions ask for, or show what was measured."""


@asks.command(name="list")
@to_read
def asks_list(session: Session) -> None:
    """Show what was measured last of each permission that an action asks for."""
    session.say(help_service.measured_help(session.bank.context), "asks")


@asks.command(name="measure")
@on_bank
def asks_measure(session: Session) -> None:
    """Measure what each permission helps that an action asks for, and record it: decisions follow it for 35 days.

    Past decisions of people who gave it, and who allow learning, are made again without it. To be run each night.
    """
    bank = session.bank
    session.say(help_service.measure_help(bank.context, now=bank.now()), "asks")


def _ruling(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--by", required=True, help="Who rules.")(command)
    command = click.option("--note", help="Why.")(command)
    return on_bank(click.argument("scope")(as_of(command)))


@board.command(name="approve")
@_ruling
@click.option("--days", type=click.IntRange(1, 730), required=True, help="How long the approval holds.")
def board_approve(session: Session, **options: Any) -> None:
    """Approve SCOPE, an action, for a time."""
    _rule(session, "approve", **options)


@board.command(name="stop")
@_ruling
def board_stop(session: Session, **options: Any) -> None:
    """Stop SCOPE (an action, a kind, or * for everything) from the next decision on."""
    _rule(session, "stop", **options)


@board.command(name="resume")
@_ruling
def board_resume(session: Session, **options: Any) -> None:
    """Let SCOPE run again."""
    _rule(session, "resume", **options)


def _rule(
    session: Session,
    ruling: Literal["approve", "stop", "resume"],
    *,
    as_of: str | None,
    days: int | None = None,
    **said: Any,
) -> None:
    now = session.bank.now()
    at = session.as_of(as_of, now=now) or now
    until = None if days is None else Instant(at + days * DAY)
    session.bank.rule(Ruling(ruling=ruling, at=at, until=until, **said), now=now)
    session.say(session.bank.board(now=at), "board")


COMMANDS = (train, impact, funnel, board, asks)
