"""What the command line prints: the JSON documents of the contract, and text for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import click
import msgspec
from msgspec import Struct

from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import text_of
from marketofone.domain.reading import Reading
from marketofone.flow.forecast import CustomerForecast
from marketofone.flow.oversee import Standing, VerificationView
from marketofone.flow.replay import ReplayReport
from marketofone.flow.rights import ConsentView
from marketofone.flow.train import Trained
from marketofone.models.language.model import LanguageModel

T = TypeVar("T")


class _Said(Struct, frozen=True):
    text: str
    text_id: str | None = None


def to_json(document: object) -> str:
    """Write one JSON document."""
    return msgspec.json.encode(document).decode()


class Progress:
    """A progress bar on a terminal, silence elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: Any = None
        self._label = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()

    def step(self, done: int, total: int, stage: str) -> None:
        """Say how far a stage has come."""
        if self._quiet:
            return
        if stage != self._label:
            self._finish()
            self._label = stage
            self._bar = click.progressbar(length=max(total, 1), label=f"{stage:<24}", file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(done - self._bar.pos)

    def over(self, items: Iterable[T], *, total: int, label: str) -> Iterator[T]:
        """Walk through items under a bar."""
        for done, item in enumerate(items):
            if done % 1000 == 0:
                self.step(done, total, label)
            yield item
        self.step(total, total, label)

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def addresses(*, host: str, port: int) -> str:
    """Say where the pages are."""
    base = f"http://{host}:{port}"
    return f"pages   {base}/\nconsole {base}/console\nAPI     {base}/openapi.json\nstop with Ctrl-C"


def import_text(counts: Mapping[str, float]) -> str:
    """Say what an import did."""
    return (
        f"{counts['rows']:,} rows = {counts['events']:,} events + {counts['dead_letters']:,} dead letters "
        f"+ {counts['duplicates']:,} duplicates, in {counts['seconds']:.1f} s\n"
        f"{counts['refused']:,} events may not be used: nobody allowed it"
    )


def decision_document(decision: Decision, *, seconds: float) -> dict[str, object]:
    """Give the JSON document of a decision."""
    return {
        "id": decision.id,
        "customer": decision.customer,
        "occasion": decision.occasion,
        "at": text_of(decision.at),
        "action": decision.action,
        "propensity": decision.propensity,
        "arm": decision.arm,
        "because": decision.because,
        "not_used": decision.not_used,
        "instead": decision.instead,
        "guardrails": decision.guardrails,
        "uses": decision.uses,
        "seconds": round(seconds, 6),
    }


def decision_text(decision: Decision, catalogue: ActionCatalogue) -> str:
    """Tell a decision with its reasons."""
    action = catalogue.action(decision.action)
    lines = [
        f"{action.title} ({decision.action})",
        f"  “{action.text}”",
        f"  on {decision.occasion} at {text_of(decision.at)[:16].replace('T', ' ')} UTC",
        f"  drawn with probability {decision.propensity:.3f}",
        "because (minor units of expected 12-month value)",
    ]
    lines += [f"  {reason.term:>+12,.1f}  {reason.text}" for reason in decision.because]
    lines += [f"guarded by {name}" for name in decision.guardrails]
    lines += [f"not used: {item.source}, because {item.why}" for item in decision.not_used]
    if decision.instead is not None:
        lines.append(f"otherwise: {decision.instead.change}, and it would have been {decision.instead.action}")
    return "\n".join(lines)


def forecast_text(ahead: CustomerForecast) -> str:
    """Tell a forecast: the balance in 30, 60 and 90 days, and what may happen."""
    lines = [f"90 days from {ahead.as_of}, {ahead.currency}: balance at 10 %, 50 % and 90 %"]
    for account in (*ahead.accounts, *([] if ahead.total is None else [ahead.total])):
        lines.append(account.account if account.abstains is None else f"{account.account}: {account.abstains}")
        for day in account.days[29::30]:
            low, middle, high = (day.quantiles[index] / 100 for index in (0, 4, 8))
            lines.append(f"  {day.day}  {low:>14,.2f} {middle:>14,.2f} {high:>14,.2f}")
    lines += [
        f"{event.event} within {event.horizon_days} days: {event.probability:.0%}; {'; '.join(event.drivers)}"
        for event in ahead.events
    ]
    return "\n".join([*lines, *ahead.notes])


def readings(source: Iterable[str], language: LanguageModel) -> Iterator[tuple[str, Reading]]:
    """Read texts, a line each or JSON Lines, with their ids (the line's number when none is given).

    Raises
    ------
    MalformedRequest
        When a line that begins like JSON is none, or lacks its text.
    """
    for number, line in enumerate(source, start=1):
        text = line.strip()
        if text.startswith("{"):
            try:
                said = msgspec.json.decode(text, type=_Said)
            except msgspec.DecodeError as error:
                raise MalformedRequest(
                    field=f"line {number}", shape=f"{len(text)} characters", mend="give text_id and text as JSON"
                ) from error
            yield said.text_id or str(number), language.read(said.text)
        elif text:
            yield str(number), language.read(text)


def reading_document(text_id: str, reading: Reading) -> dict[str, object]:
    """Give the JSON document of a reading."""
    return {"text_id": text_id, **msgspec.structs.asdict(reading)}


def reading_text(text_id: str, reading: Reading) -> str:
    """Tell a reading."""
    if reading.route == "abstain":
        return f"{text_id}: not understood"
    intents = ", ".join(f"{one.intent} {one.probability:.0%}" for one in reading.intents) or "no intent"
    return f"{text_id}: {intents}; {reading.sentiment}, {reading.emotion}, urgency {reading.urgency:.0%}"


def consent_text(view: ConsentView) -> str:
    """Tell consents by purpose and source, naming channels only where they differ."""
    lines = [f"{view.customer}, epoch {view.epoch}"]
    by_row: dict[tuple[str, str], dict[str, str]] = {}
    for cell in view.cells:
        by_row.setdefault((cell.purpose, cell.source), {})[cell.channel] = cell.state
    for (purpose, source), states in by_row.items():
        distinct = sorted(set(states.values()))
        told = distinct[0] if len(distinct) == 1 else ", ".join(f"{to}: {state}" for to, state in states.items())
        lines.append(f"  {purpose:<16} {source:<14} {told}")
    return "\n".join(lines)


def trained_text(trained: Trained) -> str:
    """Tell what was learned from everybody together."""
    return (
        f"learned what is held together from {trained.people:,} people, "
        f"and forecast errors from {trained.error_windows:,} windows of {trained.accounts:,} accounts"
    )


def replay_text(report: ReplayReport) -> str:
    """Tell what a replay found."""
    verdict = "every one the same to the byte" if not report.differences else f"{report.differences:,} DIFFER"
    return f"{report.decisions:,} decisions recomputed from {report.entries:,} entries: {verdict}"


def verify_text(report: VerificationView) -> str:
    """Tell what a verification found."""
    if report.ok:
        return f"{report.entries:,} entries, the chain holds, head {report.head[:16]}…"
    return f"{report.entries:,} entries, BROKEN at entry {report.broken_at}"


def board_text(standings: Sequence[Standing]) -> str:
    """Tell how every action stands."""
    rows = sorted(standings, key=lambda row: (-row.tier, row.action))
    return "\n".join(
        f"tier {row.tier}  {row.standing:<13} {row.action:<28} {row.kind:<12} {row.until or ''}".rstrip()
        for row in rows
    )
