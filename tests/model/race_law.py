"""The guarantee, stated over what a race recorded; it judges by the simplest model of the gate (``gate_model.py``).

1. Whatever entry tells of a use (a decision, a reading, a forecast, a lesson) used nothing that was not allowed by
   everything that stands before it. A no stands before it was acknowledged, so nothing released later used what it
   covers.
2. Whatever was given away rests on an entry of its own, which was appended between the question and the answer and
   names the use of all that the answer shows. So an answer is released when that entry is.
3. What is learned of lessons that may not teach any more is named as a debt, and gone once the debt is paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from documents import CHANNELS, CONSENTED, SOURCES
from gate_model import Purpose, Saying, Scope, may_use
from interleaved_bank import NOW

from marketofone.consent.gate import Permit
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.projection.records import (
    ConsentRecord,
    DecisionRecord,
    ForecastRecord,
    OutcomeRecord,
    UseRecord,
    VersionRecord,
)
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.insights import ProfileView

BANK = {
    **{name: Purpose(1, SOURCES, sells=name == "marketing") for name in CONSENTED},
    "protection": Purpose(1, ("protection",), duty=True),
}
_FOR_EVER = 2**62
_SHOWS_MONEY = frozenset({("insights", "transactions")})


class Appended(NamedTuple):
    """An entry, in the order in which all were appended: whose journal, its place, what it says, and by which task."""

    subject: int
    n: int
    record: Any
    task: int


class Answered(NamedTuple):
    """What a task asked and was answered, and how many entries there were before and after."""

    task: int
    what: str
    answer: Any
    began: int
    ended: int


def saying_of(change: ConsentChange) -> Saying:
    """Give what was recorded as the model says it."""
    until = _FOR_EVER if change.until is None else int(change.until)
    return Saying(change.change, change.purposes, change.sources, change.channels, int(change.since), until)


class Law:
    """What a person of one or more ids said so far, and what that allows."""

    def __init__(self, before: Mapping[int, Sequence[ConsentChange]]) -> None:
        self._journals = {of: [saying_of(one) for one in said] for of, said in before.items()}

    def copied(self) -> Law:
        """Give the same, that hears by itself."""
        other = Law({})
        other._journals = {of: list(said) for of, said in self._journals.items()}
        return other

    def hear(self, entry: Appended) -> None:
        """Follow an entry."""
        if isinstance(entry.record, ConsentRecord):
            self._journals[entry.subject].append(saying_of(entry.record.change))

    def allows(self, purpose: str, source: str, *, channel: str | None, pauses: bool = True) -> bool:
        """Say whether a source may be used for a purpose, through a channel or any."""
        channels = CHANNELS if channel is None else (channel,)
        said = list(self._journals.values())
        if not pauses:
            said = [[one for one in journal if one.what != "pause"] for journal in said]
        return any(may_use(BANK, said, Scope(purpose, source, one), now=NOW) for one in channels)

    def may_teach(self, decision: Decision) -> bool:
        """Say whether a decision that taught may do so still."""
        allowed = {one for one in SOURCES if self.allows("learning", one, channel=decision.channel, pauses=False)}
        return bool(allowed) and {source for _, source in decision.uses if source in SOURCES} <= allowed


def uses_of(record: Any) -> tuple[tuple[tuple[str, str], ...], str | None]:
    """Give what an entry tells of uses, and through which channel they reach somebody; None where that is not said."""
    match record:
        case DecisionRecord(decision=decision):
            return decision.uses, decision.channel
        case UseRecord(uses=uses) | ForecastRecord(uses=uses) | OutcomeRecord(uses=uses):
            return uses, None
        case _:
            return (), None


def shows(answer: Any) -> frozenset[tuple[str, str]]:
    """Say what an answer shows of a person, as purposes and sources."""
    match answer:
        case Decision():
            return frozenset(answer.uses)
        case ProfileView():
            return frozenset(("insights", source) for one in answer.known if one.value for source in one.sources)
        case CustomerForecast():
            return _SHOWS_MONEY
        case _:
            return frozenset()


def wrong_uses(law: Law, appended: Iterable[Appended]) -> str:
    """Find a use that what stands before it does not allow."""
    for place, entry in enumerate(appended):
        uses, channel = uses_of(entry.record)
        for purpose, source in uses:
            if not law.allows(purpose, source, channel=channel):
                return f"entry {place} ({type(entry.record).__name__}) used {source} for {purpose} against a no"
        law.hear(entry)
    return ""


def wrong_answers(appended: Sequence[Appended], answered: Iterable[Answered], subjects: frozenset[int]) -> str:
    """Find an answer that shows what no entry names that was appended between question and answer."""
    for one in answered:
        shown = shows(one.answer)
        within = (entry for entry in appended[one.began : one.ended] if entry.subject in subjects)
        if shown and not any(shown <= set(uses_of(entry.record)[0]) for entry in within):
            return f"{one.what} of task {one.task} shows {sorted(shown)} and no entry of its own says so"
    return ""


def wrong_checks(law: Law, appended: Sequence[Appended], answered: Iterable[Answered]) -> str:
    """Find a permission that was told to another system, and was none at any moment between question and answer."""
    open_checks = [one for one in answered if isinstance(one.answer, Permit)]
    for place in range(len(appended) + 1 if open_checks else 0):
        for one in list(open_checks):
            sources = one.answer.sources
            if one.began <= place <= one.ended and all(
                law.allows(one.answer.purpose, source, channel=one.answer.channel or None) for source in sources
            ):
                open_checks.remove(one)
        if place < len(appended):
            law.hear(appended[place])
    return f"task {open_checks[0].task} was told of a permission that nobody gave" if open_checks else ""


def lessons_in(records: Mapping[int, VersionRecord], version: int) -> set[tuple[int, int]]:
    """Give the lessons of a version and of all it was made from, without those that went."""
    found, gone = set[tuple[int, int]](), set[tuple[int, int]]()
    while version:
        record = records[version]
        found |= {cast("tuple[int, int]", tuple(place)) for place in record.lessons} - gone
        gone |= {cast("tuple[int, int]", tuple(place)) for place in record.withdrawn}
        version = record.parent
    return found
