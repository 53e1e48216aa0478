"""Promotion: a version goes from the shadow to a small share of people, and from there to all people.

In the shadow a version is scored over decisions that were made since it was learned, by their journalled propensities:
nothing is computed beside a decision. It goes a step further only where the lower bound of the difference is above
nothing, and the journal holds on what evidence. Back it goes without any.

To score takes minutes, in which others learn, train and promote. So the step is looked at again when it is written:
what was proved must be what is done, against what decides by then, and what needed no proof must still need none.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.errors import MalformedRequest, Refused, UnknownVersion
from marketofone.domain.moment import Instant
from marketofone.learn.off_policy.difference import ValueDifference
from marketofone.learn.promotion import objection
from marketofone.projection import codec
from marketofone.projection.bank_state import BankState
from marketofone.projection.records import Evidence, PromotionRecord, Stage, VersionRecord
from marketofone.projection.versions import FITS
from marketofone.services.learning.learn import VersionView, versions
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.ports import BANK, Draft, Expectation, Unit

SHARE = 0.05
"""Of people for whom a version decides on trial, where none is named."""
MOST = 0.5
MEANWHILE = "another version decides or was promoted meanwhile; look again"


class Step(Struct, frozen=True):
    """One step of a version, beside what was promoted, decided and was on trial when it was looked at.

    ``proves`` says that it must be worth more.
    """

    version: int
    stage: Stage
    share: float
    present: int | None
    decides: int
    on_trial: int | None
    proves: bool


class Taken(Struct, frozen=True, kw_only=True):
    """A step that a version took, and on what evidence; None where it needed none."""

    recorded: Instant
    stage: Stage
    share: float
    evidence: Evidence | None


class VersionHistory(Struct, frozen=True, kw_only=True):
    """A version, and the steps that it took."""

    view: VersionView
    steps: tuple[Taken, ...]


def next_step(bank: BankState, version: int, *, stage: Stage | None, share: float | None) -> Step:
    """Give the step that is asked for: without a stage, the next one. It is that of the version which took its place.

    Raises
    ------
    UnknownVersion
    Refused
        When the version was destroyed, another one is on trial, or it was not on trial yet.
    MalformedRequest
        When the share is none of a trial.
    """
    if version and (version not in bank.versions or version > bank.n):
        raise UnknownVersion
    version = next((used for used in bank.in_use if bank.stands_for(used, version)), version)
    now, on_trial = bank.stage(version), None if bank.trial is None else bank.trial.version
    to = stage or ("full" if now != "shadow" else "share")
    if (to == "share" and now == "full") or (to == "full" and bank.promoted == version):
        raise Refused(why="it decides for all people already")
    if to != "shadow" and on_trial not in (None, version):
        raise Refused(why=f"version {on_trial} is on trial: end that with `versions promote {on_trial} --to shadow`")
    if to == "shadow" and on_trial != version:
        raise Refused(why="it is not on trial")
    if to == "full" and now == "shadow":
        raise Refused(why="it was not on trial yet: let it decide for a share of people first")
    if share is not None and (to != "share" or not 0.0 < share <= MOST):
        raise MalformedRequest(
            field="--share", shape="no share of a trial", fix=f"give one up to {MOST} on the way to a share"
        )
    return Step(
        version,
        to,
        (share or SHARE) if to == "share" else 0.0,
        bank.promoted,
        bank.decides,
        on_trial,
        proves=to != "shadow" and version != bank.decides,
    )


@repeated
def promote(context: AppContext, step: Step, *, value: ValueDifference | None, now: Instant) -> None:
    """Record a step.

    Raises
    ------
    Refused
        When the version is not shown to be worth more than the present one, was destroyed, or what decides is
        something else by now.
    """
    if step.proves and (why := objection(value)):
        raise Refused(why=why)
    with context.store.read() as reader:
        head = reader.head(BANK)
        bank = context.snapshot(reader).bank
        step = _still(bank, step)
        context.versions.require_kept(bank, step.version)
        trained = _trained_since(context, bank, step.version) if step.stage != "shadow" else {}
    box, version, drafts = context.keys.bank, step.version, list[Draft]()
    if trained:
        again = VersionRecord(context.actor, version, trained, at=now, why="with what was trained since")
        drafts.append(codec.draft("version", again, subject=BANK, box=box, at=now))
        version = head.n + 1
    evidence = _evidence(value) if step.proves and value is not None else None
    record = PromotionRecord(context.actor, version, step.stage, step.share, evidence)
    drafts.append(codec.draft("promotion", record, subject=BANK, box=box, at=now))
    context.store.commit(Unit(now=now, expects={BANK: Expectation(head.guard, head.n)}, drafts=drafts))


def _still(bank: BankState, step: Step) -> Step:
    """Give a step as it is taken beside what decides by now.

    What decides may have learned on meanwhile: it was compared as what the bank follows, not as one version.

    Raises
    ------
    Refused
        When it would have to prove something else than it did, or is none that may be taken any more.
    """
    if step.version == step.decides and not bank.stands_for(bank.decides, step.version):
        raise Refused(why=MEANWHILE)  # it was to be kept
    again = next_step(bank, step.version, stage=step.stage, share=step.share or None)
    same = replace(again, decides=step.decides) == step and bank.comes_from(again.decides, step.decides)
    if again.proves and not same:
        raise Refused(why=MEANWHILE)
    return again


def _trained_since(context: AppContext, bank: BankState, version: int) -> dict[str, bytes | None]:
    """Give the fits that are in use and that a version does not have: in the shadow no training reaches it.

    So no past outlives its yes beyond the next training, and what decides is what was scored.
    """
    own, used = (context.versions.version(bank, number).digests for number in (version, bank.version))
    return {name: used.get(name) for name in FITS if own.get(name) != used.get(name)}


def history(context: AppContext, version: int, *, debt: int) -> VersionHistory:
    """Show a version and its steps.

    Raises
    ------
    UnknownVersion
    """
    view = next((one for one in versions(context, debt=debt) if one.version == version), None)
    if view is None:
        raise UnknownVersion
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
        entries = list(reader.entries(BANK, kinds=("promotion",)))
    steps = [(entry.recorded, codec.read(entry, box=context.keys.bank)) for entry in entries]
    return VersionHistory(
        view=view,
        steps=tuple(
            Taken(recorded=recorded, stage=record.stage, share=record.share, evidence=record.evidence)
            for recorded, record in steps
            if bank.stands_for(record.version, version)
        ),
    )


def _evidence(value: ValueDifference) -> Evidence:
    return Evidence(value.value, value.low, value.high, value.level, value.rows, value.persons, value.anytime)
