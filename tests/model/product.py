"""The product behind the same questions as the reference bank: its answers as the plain values that the model gives."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from documents import DAY, RULES, Rules, write
from reference import Decided, Happened, No, Said

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.event import (
    AppFailed,
    AppOpened,
    Event,
    EventRemoved,
    IdentityLinked,
    IdentityUnlinked,
    InferenceCorrected,
    LifeDeclared,
    PlaceVisited,
)
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Instant, instant_of
from marketofone.domain.money_events import TransactionBooked
from marketofone.governance.board import Ruling

_DATA: dict[str, EventData] = {
    "transaction.booked": TransactionBooked(
        account="a", amount_minor=-1_000, currency="EUR", category="dining", balance_minor=50_000
    ),
    "app.opened": AppOpened(),
    "app.failed": AppFailed(code="slow"),
    "life.declared": LifeDeclared(event="move"),
    "place.visited": PlaceVisited(venue="airport"),
}


def make_template(folder: Path, *, fitted: Path | None = None) -> Path:
    """Lay out a bank whose language model is fitted already: what every history starts from."""
    write(folder, RULES[0])
    if fitted is None:
        marketofone.open(folder, now=Instant(0)).close()
        shutil.rmtree(folder / wiring.KEYS)
        fitted = (folder / wiring.DATA).rename(folder.with_name("fitted"))
    (folder / wiring.DATA).mkdir(mode=0o700)
    for model in fitted.glob("language-*.bin"):
        shutil.copy(model, folder / wiring.DATA)
    return folder


def fresh(template: Path) -> Path:
    """Give a new bank project of its own."""
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one: what is asked here is not how it syncs
    folder = Path(tempfile.mkdtemp(prefix="history-", dir=memory if memory.is_dir() else template.parent))
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder


def event_of(customer: str, happened: Happened) -> Event:
    """Make an event."""
    return Event(
        id=happened.key,
        producer="/model",
        kind=happened.kind,
        customer=customer,
        at=Instant(happened.at),
        data=_data_of(happened),
    )


def _data_of(happened: Happened) -> EventData:
    if happened.says is not None:
        inference, wrong = happened.says
        return InferenceCorrected(inference=inference, wrong=wrong)
    return _DATA[happened.kind] if happened.takes is None else _removal(*happened.takes)


def _removal(key: str, kind: str) -> EventData:
    return EventRemoved(type=kind, id=key)


def stages_of(decision: Decision) -> dict[str, str]:
    """Say of each action what stopped it, ``open`` when nothing did."""
    told = {}
    for one in decision.candidates:
        stage = "open" if one.stage in ("scored", "chosen") else one.stage
        told[one.action] = f"guarded:{one.why.partition(':')[0]}" if stage == "guarded" else stage
    return told


def as_decided(decision: Decision) -> Decided:
    """Give a decision as the model knows it; its kind is the model's business."""
    uses = tuple(sorted(decision.uses))
    return Decided(decision.id, decision.occasion, decision.channel, decision.action, "", int(decision.at), uses)


class Product:
    """An open bank. What it draws at random (its secret, subject numbers) comes from a seed, so a history repeats."""

    def __init__(self, folder: Path, *, seed: int = 0) -> None:
        self.folder, self.draws = folder, random.Random(seed).randbytes
        self.bank = self.opened()

    def opened(self) -> Bank:
        return marketofone.open(self.folder, now=Instant(0), random=self.draws)

    def close(self) -> None:
        self.bank.close()

    def reopen(self, rules: Rules) -> None:
        self.bank.close()
        write(self.folder, rules)
        learns = self.bank.learning.by_itself
        self.bank = self.opened()
        self.bank.learning.by_itself = learns

    def consent(self, customer: str, said: Said, *, since: int, now: int) -> None:
        change = ConsentChange(
            customer=customer,
            change="grant" if said.granted else "withdraw",
            purposes=said.purposes,
            sources=said.sources,
            channels=said.channels,
            since=Instant(since),
            until=None if said.until is None else Instant(said.until),
        )
        self.bank.consent(change, now=Instant(now))

    def objection(self, customer: str, *, stands: bool, since: int, now: int) -> None:
        change: What = "object" if stands else "lift"
        self.bank.consent(ConsentChange(customer=customer, change=change, since=Instant(since)), now=Instant(now))

    def pause(self, customer: str, *, purposes: tuple[str, ...], until: int | None, since: int, now: int) -> None:
        end = None if until is None else Instant(until)
        said = ConsentChange(customer=customer, change="pause", purposes=purposes, since=Instant(since), until=end)
        self.bank.consent(said, now=Instant(now))

    def resume(self, customer: str, *, purposes: tuple[str, ...], since: int, now: int) -> None:
        said = ConsentChange(customer=customer, change="resume", purposes=purposes, since=Instant(since))
        self.bank.consent(said, now=Instant(now))

    def link(self, customer: str, key: str, *, event: str, linked: bool, now: int) -> bool | None:
        kind, _, value = key.partition(":")
        data: Any = (IdentityLinked if linked else IdentityUnlinked)(key_kind=kind, key=value)  # type: ignore[arg-type]
        happened = Event(
            id=event,
            producer="/model",
            kind="identity.linked" if linked else "identity.unlinked",
            customer=customer,
            at=Instant(now),
            data=data,
        )
        report = self.bank.ingest([happened], now=Instant(now))
        assert report.rows == report.events + report.duplicates + report.dead_letters == 1
        return None if report.dead_letters else report.events == 1

    def ingest(self, events: Sequence[tuple[str, Happened]], *, now: int) -> dict[str, int]:
        report = self.bank.ingest([event_of(*one) for one in events], now=Instant(now))
        return {name: getattr(report, name) for name in report.__struct_fields__}

    def decide(self, customer: str, name: str, occasion: str, channel: str, *, now: int) -> Decision:
        return self.bank.decide(customer, id=name, occasion=occasion, channel=channel, now=Instant(now))

    def ask(self, customer: str, occasion: str, channel: str, *, as_of: int, now: int) -> Any:
        answer = self.bank.decide(customer, occasion=occasion, channel=channel, now=Instant(now), as_of=Instant(as_of))
        return stages_of(answer), tuple(sorted(answer.uses))

    def recall(self, decision: str, customer: str | None, *, now: int) -> Decision:
        return self.bank.decision(decision, customer=customer, now=Instant(now))

    def forecast(self, customer: str, *, now: int, show: bool = False) -> None:
        (self.bank.show_forecast if show else self.bank.forecast)(customer, now=Instant(now))

    def profile(self, customer: str, *, as_of: int | None, now: int) -> dict[str, int]:
        shown = self.bank.profile(customer, now=Instant(now), as_of=None if as_of is None else Instant(as_of))
        return {known.name: int(known.value) for known in shown.known if known.value}

    def outcome(
        self,
        decision: str,
        verdict: Any,
        *,
        why: str,
        value: int | None,
        customer: str | None,
        as_of: int | None,
        now: int,
    ) -> str:
        result = self.bank.outcome(
            decision,
            verdict,
            why=why,
            value_minor=value,
            customer=customer,
            as_of=None if as_of is None else Instant(as_of),
            now=Instant(now),
        )
        return result.why_not or ""

    def erase(self, customer: str, *, now: int) -> None:
        self.bank.erase(customer, ground="asked for it", now=Instant(now))

    def learn(self, *, now: int) -> int:
        return self.bank.learn(now=Instant(now))

    def roll_back(self, version: int, *, now: int) -> None:
        numbers = [0, *(number for number, _ in self._versions())]
        self.bank.roll_back(numbers[version] if version < len(numbers) else 10**6, now=Instant(now))

    def versions(self) -> list[int]:
        """Give the lessons of each version that has some, oldest first; one that only pays a debt has none."""
        return [lessons for _, lessons in self._versions()]

    def _versions(self) -> list[tuple[int, int]]:
        return sorted((one.version, one.lessons) for one in self.bank.versions() if one.lessons)

    def rule(self, ruling: Any, scope: str, *, until: int | None, now: int) -> None:
        end = None if until is None else Instant(until)
        self.bank.rule(Ruling(ruling=ruling, scope=scope, by="the board", at=Instant(now), until=end), now=Instant(now))

    def visible(self, customer: str, *, now: int) -> dict[str, Any]:
        context = self.bank.context
        with context.store.read() as reader:
            try:
                person = context.snapshot(reader).person(customer)
            except MarketOfOneError:
                return {"known": False}
        shown = self.bank.consents(customer, now=Instant(now))
        read: Counter[tuple[str, str]] = Counter()
        for use in self.bank.uses(customer, days=3_650):
            read[use.purpose, use.source] += use.count
        return {
            "known": True,
            "ids": tuple(one.name for one in person.members),
            "epoch": shown.epoch,
            "uses": dict(read),
            "consents": {
                (cell.purpose, cell.source, cell.channel): (cell.state, _end(cell.state, cell.until))
                for cell in shown.cells
            },
        }


def _end(state: str, until: str | None) -> int | None:
    if state not in ("granted", "expired", "objected", "paused") or until is None:
        return None
    return int(instant_of(datetime.fromisoformat(until)))


def answered(what: Any) -> Any:
    """Ask, and give the answer or the name of the error."""
    try:
        return what()
    except No as no:
        return no
    except MarketOfOneError as error:
        return No(type(error).__name__)


__all__ = ["DAY", "Bank", "Product", "answered", "as_decided", "fresh", "make_template", "stages_of"]
