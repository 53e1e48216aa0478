"""Commands that judge what was built, honestly: on one's own customers who allow it, or on data one names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.evaluate_policy import policy
from marketofone.cli.session import LAB, LEFT_OUT, as_json, in_folder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, day_number
from marketofone.importers import berka, item_log, weights
from marketofone.importers.tables import series

if TYPE_CHECKING:  # the laboratory may be left out: it is imported by the command that needs it
    from marketofone.lab import judge

_PEER_SETS: tuple[Literal["all", "fast", "none"], ...] = ("all", "fast", "none")
_SPLITS: dict[str, tuple[Literal["account", "time"], ...]] = {
    "account": ("account",),
    "time": ("time",),
    "both": ("account", "time"),
}
_FIX = dict.fromkeys(("chronos", "torch"), 'pip install "marketofone[pretrained]", or leave out --pretrained')
_FIX[LAB] = LEFT_OUT
_FIX["libgomp"] = "install that, or --peers none"
_PEERS = 'pip install "marketofone[evaluate]", or --peers none'
_PRAGUE = Calendar("Europe/Prague")


@click.group()
def evaluate() -> None:
    """Judge what was built, beside its peers, with nothing of the future shown."""


@evaluate.command()
@as_json
@in_folder
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--as-of", "as_of", metavar="DATE", multiple=True, help="A cut-off; may be given several times.")
@click.option(
    "--split",
    type=click.Choice(list(_SPLITS)),
    default="both",
    show_default=True,
    help="Learn from other accounts, from earlier days, or judge both.",
)
@click.option(
    "--peers",
    type=click.Choice(_PEER_SETS),
    default="all",
    show_default=True,
    help="Beside whom: all of them, those that are fast, or none.",
)
@click.option(
    "--sample", type=click.IntRange(1), default=100, show_default=True, help="Accounts that slow peers are tried on."
)
@click.option(
    "--pretrained",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Also beside a pretrained forecaster, from its weights in a local folder.",
)
def forecast(*, as_json: bool, folder: Path, path: Path | None, pretrained: Path | None, **asked: Any) -> None:
    """Judge the forecast on PATH, or on the bank's own customers who allow learning from their transactions.

    PATH is a folder with the tables of the Czech bank, or a table of daily series such as NN5.
    """
    try:
        plan = _plan(pretrained=pretrained and weights.read(pretrained), **asked)
        with terminal.Progress(quiet=as_json) as progress:
            found = _judged(plan, folder=folder, path=path, step=progress.step)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error}: {_FIX.get(error.name or '', _PEERS)}") from error
    terminal.say(found, "evaluated", as_json=as_json)


def _plan(*, as_of: Sequence[str], split: str, peers: judge.Peers, sample: int, pretrained: Any) -> judge.Plan:
    from marketofone.lab import judge  # noqa: PLC0415 - the laboratory may be left out

    days = tuple(_day(text) for text in as_of)
    return judge.Plan(as_of=days, splits=_SPLITS[split], peers=peers, sample=sample, pretrained=pretrained)


def _judged(plan: judge.Plan, *, folder: Path, path: Path | None, step: judge.Step) -> judge.Evaluation:
    from marketofone.lab import judge  # noqa: PLC0415 - the laboratory may be left out

    if path is None:
        with open_bank(folder) as bank:
            return judge.evaluate_customers(bank.context, plan, now=bank.now(), step=step)
    if path.is_dir():
        events = [row for row in berka.read(path).rows if isinstance(row, Event)]
        return judge.evaluate_czech_bank(judge.accounts_in(events, calendar=_PRAGUE), plan, step=step)
    return judge.evaluate_series(*series.read(path), plan)


def _day(text: str) -> int:
    try:
        return day_number(date.fromisoformat(text))
    except ValueError as error:
        raise MalformedRequest(
            field="--as-of", shape=f"text of {len(text)} characters", fix="give a date such as 2026-06-30"
        ) from error


@evaluate.command()
@as_json
@in_folder
@click.argument("labelled", metavar="FOLDER", type=click.Path(path_type=Path, exists=True, file_okay=False))
def movements(*, as_json: bool, labelled: Path, folder: Path) -> None:  # noqa: ARG001 - every command takes a bank
    """Judge what payments are understood as, on movements of FOLDER that people labelled by hand."""
    try:
        from marketofone.lab.evaluation.movements import evaluate_movements  # noqa: PLC0415 - it may be left out
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error}: {_FIX[LAB]}") from error
    terminal.say(evaluate_movements(labelled), "understood", as_json=as_json)


@evaluate.command()
@as_json
@in_folder
@click.argument("log", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--user", metavar="COLUMN", default="user", show_default=True, help="The column of users.")
@click.option("--item", metavar="COLUMN", default="item", show_default=True, help="The column of items.")
@click.option(
    "--splits", type=click.IntRange(1), default=3, show_default=True, help="How often to hide another part of each."
)
@click.option(
    "--items",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A table of items and their tags: also judge items that no person was shown.",
)
@click.option("--id", "named", metavar="COLUMN", default="item", show_default=True, help="In FILE: the items.")
@click.option(
    "--tags", metavar="COLUMN", default="tags", show_default=True, help="In FILE: the tags, with blanks between."
)
def recommend(  # noqa: PLR0913 - an option each
    *,
    as_json: bool,
    folder: Path,  # noqa: ARG001 - every command takes a bank
    log: Path,
    user: str,
    item: str,
    splits: int,
    items: Path | None,
    named: str,
    tags: str,
) -> None:
    """Judge what is recommended from what people hold, on LOG: CSV or Parquet, a row for each item that a user took.

    A part of what each user took is hidden and looked for; simple and usual ways are judged beside ours.
    """
    try:
        from marketofone.lab.evaluation.recommendation import evaluate_recommend  # noqa: PLC0415 - it may be left out
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error}: {_FIX[LAB]}") from error
    told = None if items is None else item_log.read(items, columns=(named, tags))
    with terminal.Progress(quiet=as_json) as progress:
        found = evaluate_recommend(
            item_log.read(log, columns=(user, item)),
            splits=splits,
            tags=None if told is None else {of: frozenset(said.split()) for of, said in told},
            step=progress.step,
        )
    terminal.say(found, "recommended", as_json=as_json)


evaluate.add_command(policy)

COMMANDS = (evaluate,)
