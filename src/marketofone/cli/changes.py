"""Commands about changes: what one would have changed, and versions of what was learned."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import click
from msgspec.structs import asdict

from marketofone.cli import terminal
from marketofone.cli.proof import workers_option
from marketofone.cli.session import SAID_NO, Session, on_bank, to_read
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import text_of
from marketofone.projection.records import Stage
from marketofone.services.learning import promotions
from marketofone.services.learning.learn import VersionView
from marketofone.services.learning.promotions import Taken
from marketofone.services.learning.signs_watch import watch_signs
from marketofone.services.proof.changes import Change
from marketofone.services.rights import promotion_service
from marketofone.services.rights.promotion_service import Promotion

a_document = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@to_read
@click.option("--actions", type=a_document, metavar="NEW.toml", help="Instead of actions.toml.")
@click.option("--guardrails", type=a_document, metavar="NEW.toml", help="Instead of guardrails.toml.")
@click.option("--version", type=click.IntRange(0), metavar="N", help="Instead of the version that decided.")
@click.option("--markdown", is_flag=True, help="Print it for a page, such as that of a pull request.")
@click.option("--check", is_flag=True, help="End with 1 if anything changes.")
@workers_option
def diff(
    session: Session,
    *,
    actions: Path | None,
    guardrails: Path | None,
    version: int | None,
    markdown: bool,
    check: bool,
    workers: int,
) -> None:
    """Say which past decisions a change would have changed, for whom, and which way their worth moves.

    Each decision is made again from what it rested on, with one thing replaced. Writes nothing. See docs/changes.md.
    """
    if sum(one is not None for one in (actions, guardrails, version)) != 1:
        raise click.UsageError("name one of --actions, --guardrails and --version")
    if version is not None:
        change = promotion_service.change_of(session.bank.context, version)
    elif actions is not None:
        change = Change(document="actions.toml", text=_text_of(actions))
    else:
        change = Change(document="guardrails.toml", text=_text_of(guardrails or Path()))
    with terminal.Progress(quiet=session.as_json) as progress:
        found = session.bank.diff(change, workers=workers, step=_under(progress))
    if markdown and not session.as_json:
        terminal.say_markdown("diff_markdown", found)
    else:
        session.say(found, "diff")
    sys.exit(SAID_NO if check and found.changes else 0)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocument(field=file.name, shape="bytes that are no UTF-8", fix="save it as UTF-8") from error


@click.group()
def versions() -> None:
    """List, show and promote versions of what was learned, or make an earlier one active again."""


@versions.command(name="signs")
@to_read
def versions_signs(session: Session) -> None:
    """Show what early signs say, of which actions the values were not what these said, and which are distrusted."""
    session.say(watch_signs(session.bank.context), "signs")


@versions.command(name="list")
@to_read
def versions_list(session: Session) -> None:
    """List all versions, newest first, with how far each is used."""
    _list(session)


@versions.command(name="show")
@to_read
@click.argument("number", metavar="N", type=click.IntRange(1))
@workers_option
def versions_show(session: Session, *, number: int, workers: int) -> None:
    """Show version N: what it learned, how far it is used, and how much more it is worth than the present one.

    It is scored over decisions that were made since it was learned, by their journalled propensities.
    """
    context, now, value = session.bank.context, session.bank.now(), None
    shown = promotions.history(context, number, debt=session.bank.debt())
    if not shown.view.destroyed:
        with terminal.Progress(quiet=session.as_json) as progress:
            value = promotion_service.evidence(context, number, now=now, workers=workers, step=_under(progress))
    told = {"view": _dated(shown.view), "steps": [_dated(taken) for taken in shown.steps]}
    session.say({**told, "value": value, "currency": session.bank.config.settings.currency}, "version")


@versions.command(name="promote")
@on_bank
@click.argument("number", metavar="N", type=click.IntRange(0))
@click.option("--to", "stage", type=click.Choice(get_args(Stage)), help="How far.  [default: one step further]")
@click.option(
    "--share", type=click.FloatRange(0.0, promotions.MOST, min_open=True), help="Of people, on trial.  [default: 0.05]"
)
@workers_option
def versions_promote(session: Session, *, number: int, stage: Stage | None, share: float | None, workers: int) -> None:
    """Let version N decide for a share of people, then for all people. Refused unless it is shown to be worth more.

    Shown means: the lower bound of how much more its decisions are worth, of an interval of 95 % by person that holds
    however often one asks, is above nothing. Once a version was promoted for all people, what is learned afterwards
    waits in the shadow; a roll-back ends that. To promote the version that is active keeps it, and needs no proof.
    --to shadow ends a trial.
    """
    with terminal.Progress(quiet=session.as_json) as progress:
        asked = Promotion(version=number, stage=stage, share=share)
        session.bank.promote(asked, workers=workers, step=_under(progress))
    _list(session)


@versions.command(name="roll-back")
@on_bank
@click.argument("number", metavar="N", type=click.IntRange(0))
def versions_roll_back(session: Session, *, number: int) -> None:
    """Make version N active again; 0 is what was known before anything was learned."""
    session.bank.roll_back(number)
    _list(session)


def _list(session: Session) -> None:
    session.say([_dated(row) for row in session.bank.versions()], "versions")


def _dated(row: VersionView | Taken) -> dict[str, object]:
    """Give a row with its moment as text, as every document says moments."""
    return {**asdict(row), "recorded": text_of(row.recorded)}


def _under(progress: terminal.Progress) -> Callable[[int, int], None]:
    return lambda done, all_: progress.step(done, all_, "decisions again")


COMMANDS = (diff, versions)
