"""What the bank can ask of versions: what one would be worth, and that one is used for more."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.moment import Instant
from marketofone.learn.off_policy.difference import ValueDifference, target_valuation
from marketofone.learn.off_policy.valuation import Valuation
from marketofone.projection.bank_state import BankState
from marketofone.projection.records import Stage
from marketofone.services.learning import promotions
from marketofone.services.proof import diff
from marketofone.services.proof.changes import Change, version_change
from marketofone.services.runtime.app_context import AppContext


class Promotion(Struct, frozen=True, kw_only=True):
    """What is asked: a version, to which stage (the next one where none is named), and for which share of people."""

    version: int
    stage: Stage | None = None
    share: float | None = None


def promote(
    context: AppContext, asked: Promotion, *, now: Instant, workers: int = 1, step: diff.Step | None = None
) -> None:
    """Take a version a step further, or back into the shadow.

    Raises
    ------
    UnknownVersion
    Refused
        When it is not shown to be worth more than the present one, or the step is none that it may take.
    MalformedRequest
    """
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
    taken = promotions.next_step(bank, asked.version, stage=asked.stage, share=asked.share)
    value = None
    if taken.proves:
        context.versions.require_kept(bank, asked.version)  # what took its place has a number of its own
        value = _evidence(context, bank, taken.version, now=now, workers=workers, step=step)
    promotions.promote(context, taken, value=value, now=now)


def evidence(
    context: AppContext, version: int, *, now: Instant, workers: int = 1, step: diff.Step | None = None
) -> ValueDifference | None:
    """Say how much more a version is worth than the present one; None where no decision tells of it yet.

    Raises
    ------
    UnknownVersion
    Refused
        When the version was destroyed.
    """
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
    return _evidence(context, bank, version, now=now, workers=workers, step=step)


def value_of_version(
    context: AppContext, version: int, *, now: Instant, level: float, step: diff.Step | None = None
) -> Valuation | None:
    """Value a version by itself, over the same decisions; None where there are none."""
    told = diff.evidence(context, change_of(context, version, valued_only=True), now=now, step=step)
    return target_valuation(diff.compared(told), level=level) if len(told.rows) else None


def change_of(context: AppContext, version: int, *, valued_only: bool = False) -> Change:
    """Give the change that lets decisions follow a version.

    Raises
    ------
    UnknownVersion
    """
    with context.store.read() as reader:
        return version_change(context.snapshot(reader).bank, version, valued_only=valued_only)


def _evidence(
    context: AppContext, bank: BankState, version: int, *, now: Instant, workers: int, step: diff.Step | None
) -> ValueDifference | None:
    """Compare a version with the present one of a state of the bank, by an interval that holds at every look."""
    change = version_change(bank, version, valued_only=True)
    told = diff.evidence(context, change, now=now, workers=workers, step=step)
    return diff.value_of(told, anytime=True)
