"""The command that values policies: from a log, on banks of known truth, or on public data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
from msgspec.structs import asdict

from marketofone.bank import Bank
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.session import BAD_INPUT, LEFT_OUT, as_json, check_texts, in_folder
from marketofone.domain.errors import MalformedRequest, Refused, UnknownAction
from marketofone.importers import decision_log
from marketofone.importers.decision_log import Columns, DecisionLog
from marketofone.learn.off_policy import targets
from marketofone.learn.off_policy.slates import value_slates
from marketofone.learn.off_policy.targets import Target
from marketofone.learn.off_policy.valuation import LEVEL, Valuation, value_policy
from marketofone.services.proof import slate_values
from marketofone.services.rights import promotion_service

_ALWAYS, _VERSION = "always:", "version:"
_LEARNED = {"uniform": targets.uniform, "ranking": targets.ranking, "learned": targets.learned}


@click.command()
@as_json
@in_folder
@click.argument("path", metavar="[LOG]", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--policy",
    metavar="WHICH",
    help="Whose value: columns, uniform, always:ACTION, ranking (the best action on the mean, learned from the log) or "
    "learned (the best in each context). Without a LOG, version:N: that version, over the bank's own decisions.  "
    "[default: columns]",
)
@click.option("--action", metavar="COLUMN", help="What was done.")
@click.option("--reward", metavar="COLUMN", help="What followed, as a number.")
@click.option("--propensity", metavar="COLUMN", help="The probability with which the logged action was drawn.")
@click.option("--target", metavar="COLUMN", help="The judged policy's probability of the logged action.")
@click.option("--customer", metavar="COLUMN", help="Whom a row is about.")
@click.option("--slate", metavar="COLUMN", help="Where rows are places of slates: which slate a row is of.")
@click.option("--position", metavar="COLUMN", help="Its place in the slate; propensities are given the places above.")
@click.option("--placement", metavar="NAME", help="With version:N: the slates of this placement, place by place.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --placement: write the log that it is valued from, too, as CSV. People are numbers in it.",
)
@click.option(
    "--context",
    metavar="COLUMN",
    multiple=True,
    help="What was known before the decision; may be given several times.  [default: context_*]",
)
@click.option(
    "--level", type=click.FloatRange(0.5, 0.999), default=LEVEL, show_default=True, help="Coverage of the intervals."
)
@click.option("--calibrate", is_flag=True, help="Instead of a log: synthetic banks of known truth.")
@click.option("--banks", type=click.IntRange(2), default=200, show_default=True, help="How many, with --calibrate.")
@click.option(
    "--public",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Instead of a log: public data sets of FOLDER whose truth is known.",
)
def policy(*, as_json: bool, folder: Path, path: Path | None, **asked: Any) -> None:
    """Value a policy that did not decide, from a LOG of one that did: Parquet or CSV, of any engine.

    A row is a decision: action, reward, propensity; and target_<action> for all actions, or target_propensity of the
    logged one, under the policy that is judged. Other columns: context_*, customer. See docs/off-policy.md.

    A row that cannot be used is left out and told by reason, and the exit code is 3.
    """
    check_texts(asked)
    calibrated, banks, public = (asked.pop(name) for name in ("calibrate", "banks", "public"))
    placement, write = asked.pop("placement"), asked.pop("write")
    version = (asked["policy"] or "").startswith(_VERSION)
    if (placement and not version) or (write and not placement):
        raise click.UsageError("--placement goes with --policy version:N, and --write with --placement")
    if version:
        if path is not None or calibrated or public is not None:
            raise click.UsageError("a version is valued over the bank's own decisions: name no LOG")
        own = _Own(asked["policy"].removeprefix(_VERSION), placement, write)
        _value_version(folder, own, level=asked["level"], as_json=as_json)
        return
    if sum((path is not None, calibrated, public is not None)) != 1:
        raise click.UsageError("name a LOG, or give --calibrate, or --public FOLDER")
    if path is None:
        _judge_ourselves(public, banks=banks, as_json=as_json)
    else:
        _value(path, as_json=as_json, **asked)


def _judge_ourselves(public: Path | None, *, banks: int, as_json: bool) -> None:
    try:
        from marketofone.lab.evaluation import policy_calibration, policy_data  # noqa: PLC0415 - it may be left out
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error}: {LEFT_OUT}") from error
    with terminal.Progress(quiet=as_json) as progress:
        if public is not None:
            found: tuple[object, ...] = policy_data.judge(public, step=progress.step)
        else:
            found = policy_calibration.calibrate(banks=banks, step=progress.step)
    terminal.say(found, "policies_judged" if public else "policies_calibrated", as_json=as_json)


class _Own(NamedTuple):
    """What is valued over the bank's own decisions: a version, in a placement where one is named; a file to write."""

    number: str
    placement: str | None
    write: Path | None


def _value_version(folder: Path, own: _Own, *, level: float, as_json: bool) -> None:
    """Value a version of what this bank learned, over decisions that were made since it was."""
    if not own.number.isdecimal():
        raise MalformedRequest(field="--policy", shape="no number of a version", fix="see `marketofone versions list`")
    with open_bank(folder, read_only=True) as bank, terminal.Progress(quiet=as_json) as progress:
        if own.placement is not None:
            found = _value_of_slates(bank, own, placement=own.placement, level=level)
        else:
            found = promotion_service.value_of_version(
                bank.context,
                int(own.number),
                now=bank.now(),
                level=level,
                step=lambda done, all_: progress.step(done, all_, "decisions again"),
            )
    if found is None:
        raise Refused(why="no decision tells of it: none was made since it was learned whose answers have come")
    columns = {"action": "the action", "reward": "12-month value (minor units)", "propensity": "its own"}
    slate = None if own.placement is None else f"the slates of {own.placement}"
    beside: dict[str, object] = {"customer": "the person", "slate": slate, "context": []}
    document = {**asdict(found), "policy": _VERSION + own.number, "columns": columns | beside}
    terminal.say({**document, "unused": [], "left_out": []}, "policy_valued", as_json=as_json)


def _value_of_slates(bank: Bank, own: _Own, *, placement: str, level: float) -> Valuation | None:
    rows = slate_values.rows_of_slates(bank.context, placement=placement, version=int(own.number), now=bank.now())
    if own.write is not None:
        slate_values.write_rows(rows, own.write)
    return slate_values.value_rows(rows, level=level) if rows else None


def _value(
    path: Path, *, as_json: bool, policy: str | None, level: float, context: tuple[str, ...], **named: Any
) -> None:
    told = decision_log.read(path, Columns(context=context, **named))
    target = _target(told, policy)
    if told.places is not None:
        found = value_slates(told.log, places=told.places, target=target.probabilities, level=level)
    else:
        found = value_policy(told.log, target=target.probabilities, predictions=target.predictions, level=level)
    document = {
        **asdict(found),
        "policy": policy or "columns",
        "actions": len(told.log.names),
        "columns": told.columns,
        "unused": told.unused,
        "left_out": told.left_out,
    }
    terminal.say(document, "policy_valued", as_json=as_json)
    sys.exit(BAD_INPUT if told.left_out else 0)


def _target(told: DecisionLog, policy: str | None) -> Target:
    """Give the policy that was asked for.

    Raises
    ------
    MalformedRequest
        When it is in no column, or there is no such policy.
    UnknownAction
        When the log has no such action.
    """
    if policy is None or policy == "columns":
        if told.target is None:
            words = ", ".join((*_LEARNED, f"{_ALWAYS}ACTION"))
            fix = f"add target_<action> or target_propensity, or ask for --policy {words}"
            raise MalformedRequest(field="--policy", shape="no column with a target", fix=fix)
        return Target(told.target)
    if policy in _LEARNED:
        return _LEARNED[policy](told.log)
    if policy.startswith(_ALWAYS):
        action = policy.removeprefix(_ALWAYS)
        if action not in told.log.names:
            raise UnknownAction
        return targets.always(told.log, told.log.names.index(action))
    words = ", ".join(("columns", *_LEARNED, f"{_ALWAYS}ACTION"))
    raise MalformedRequest(field="--policy", shape="none of the known words", fix=f"say one of {words}")
