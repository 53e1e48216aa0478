"""The town that is measured: a bank project, its people with their live state, and what arrives next.

Events are those of the simulator (mostly payments and app use, some messages, searches, places and other banks), and
everybody allows everything: each event is admitted, folded and kept, which is the dearest case there is.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.cloudevents import cloudevent
from marketofone.domain.moment import DAY, MINUTE, Day, Instant
from marketofone.lab.simulate.life import lives_of
from marketofone.lab.simulate.span import span_of
from marketofone.lab.simulate.voice import events_of

FIRST = Day(20_000)
OCCASION = "app.opened"
ACTIONS = 100
CLOSED = 900
_KINDS = ("insight", "nudge", "feature", "offer", "alert")
_TAGS = ("savings", "dining", "groceries", "travel", "fees", "security", "child", "home")
_NO_CAP = "{ per_day = 10_000, per_week = 10_000 }"


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    ``people`` and ``days`` of the town's lives, ``decisions``, ``choices`` and ``rounds`` of reading in it, and
    ``seconds`` of each figure over HTTP, where one and two workers take ``turns``. ``crowd`` people with ``past``
    events each, and how many ``arrivals`` for each size of batches. ``memory``: the events of a small and of a large
    bank; ``heavy``: those of one person. ``classes``: rows of each data set that a policy classifies.
    ``readers``: people with a year of use who read their pages.
    ``allowing``: customers of whom it is checked what they allow, and ``checks`` at random.
    """

    people: int
    days: int
    decisions: int
    choices: int
    rounds: int
    seconds: float
    turns: int
    crowd: int
    past: int
    arrivals: dict[int, int]
    memory: tuple[int, int]
    heavy: int
    classes: int
    readers: int
    allowing: int
    checks: int


FULL = Scale(
    people=400,
    days=270,
    decisions=4_000,
    choices=2_000,
    rounds=10,
    seconds=16.0,
    turns=2,
    crowd=5_000,
    past=20,
    arrivals={5_000: 50_000, 1_000: 20_000, 1: 500},
    memory=(100_000, 853_000),
    heavy=100_000,
    classes=5_000,
    readers=12,
    allowing=1_000_000,
    checks=200_000,
)
QUICK = Scale(
    people=150,
    days=60,
    decisions=600,
    choices=500,
    rounds=4,
    seconds=4.0,
    turns=2,
    crowd=1_000,
    past=10,
    arrivals={5_000: 10_000, 1_000: 5_000, 1: 100},
    memory=(10_000, 40_000),
    heavy=10_000,
    classes=300,
    readers=4,
    allowing=20_000,
    checks=20_000,
)


_ASKS_FOR_PAYMENTS = {
    "We look at how you use the app, and at": "We look at your payments, your use of the app, and at",
    'sources = ["app", "location"]\n': 'sources = ["transactions", "app", "location"]\n',
}


@dataclass(frozen=True)
class Town:
    """A bank project in a folder, who lives there, what arrived, and what arrives next; ``now`` comes after all."""

    folder: Path
    people: tuple[str, ...]
    past: tuple[bytes, ...]
    moved_in: Instant
    now: Instant

    def open(self) -> Bank:
        """Open the bank."""
        return marketofone.open(self.folder, now=self.moved_in)


def build(folder: Path, scale: Scale) -> Town:
    """Lay out the project, draw the lives, grant all consents and live through the past."""
    wiring.lay_out(folder)
    with_actions(folder)
    uncap(folder)
    town = draw(folder, people=scale.people, days=scale.days)
    with town.open() as bank:
        for person in town.people:
            bank.consent(everything(person, since=town.moved_in), now=town.moved_in)
        bank.ingest(town.past, now=town.now)
    wiring.stop_clock(folder, town.now)  # a server judges permission by it
    return town


def with_actions(folder: Path) -> None:
    """Write a catalogue whose actions of every kind look at payments, and let the purpose of each ask for them."""
    (folder / "actions.toml").write_text(actions_text(), encoding="utf-8")
    consent = folder / "consent.toml"
    text = consent.read_text(encoding="utf-8").partition("\n# The same in German")[0]
    for old, new in _ASKS_FOR_PAYMENTS.items():
        if text.count(old) != 1:
            raise AssertionError(f"the template's consent.toml does not say once: {old}")
        text = text.replace(old, new)
    consent.write_text(text, encoding="utf-8")
    settings = folder / "bank.toml"  # what is asked here is said in English only
    settings.write_text(settings.read_text(encoding="utf-8").replace('["en", "de"]', '["en"]'), encoding="utf-8")


def uncap(folder: Path) -> None:
    """Lift the caps on contacts: what is measured is asked for more often than a person would be."""
    guardrails = folder / "guardrails.toml"
    guardrails.write_text("".join(_uncapped(guardrails.read_text(encoding="utf-8"))), encoding="utf-8")


def widened(town: Town, folder: Path) -> Town:
    """Give a copy of the town whose catalogue has 900 actions more, which nobody may get."""
    shutil.copytree(town.folder, folder)
    (folder / "actions.toml").write_text(actions_text(closed=CLOSED), encoding="utf-8")
    return replace(town, folder=folder)


def actions_text(*, closed: int = 0) -> str:
    """Write a catalogue of 100 actions, each with a condition that everybody meets, alike in nothing else.

    Behind them stand ``closed`` ones, whose condition nobody meets.
    """
    draw = random.Random(7)
    occasion = f'channels = ["app"]\n\n[occasions."{OCCASION}"]\nchannel = "app"\nbegun_by = "customer"\n'
    actions = [
        (
            f"[[actions]]\n"
            f'id = "action_{number:03d}"\n'
            f'kind = "{_KINDS[number % len(_KINDS)]}"\n'
            f'title = "Action {number}"\n'
            f'text = "One of a hundred."\n'
            f'eligible = "{_condition(draw) if number < ACTIONS else _never(draw)}"\n'
            f"value_minor = {draw.randrange(500, 20_000, 100)}\n"
            f"cost_minor = {draw.randrange(0, 80)}\n"
            f"chance = {draw.uniform(0.02, 0.3):.3f}\n"
            f'tags = ["{draw.choice(_TAGS)}"]\n'
        )
        for number in range(ACTIONS + closed)
    ]
    return "\n".join((occasion, *actions))


def _condition(draw: random.Random) -> str:
    return draw.choice(
        (
            f"app_opens_30d >= 0 and spend_30d < {draw.randrange(10**9, 10**10)}",
            f"shops_30d >= 0 or debits_2h > {draw.randrange(100)}",
            f"not spend_30d > {draw.randrange(10**9, 10**10)} and fees_90d >= 0",
            f"app_opens_7d < {draw.randrange(10**4, 10**5)} and not holds('product_{draw.randrange(9)}')",
        )
    )


def _never(draw: random.Random) -> str:
    return f"spend_30d > {draw.randrange(10**9, 10**10)} or app_opens_7d > {draw.randrange(10**4, 10**5)}"


def _uncapped(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        name = line.partition("=")[0].strip()
        yield f"{name} = {_NO_CAP}\n" if name in ("marketing", "contacts", "same_action") else line


def draw(folder: Path, *, people: int, days: int) -> Town:
    """Draw the lives of a project's people; nothing of it has happened yet."""
    with marketofone.open(folder, now=Instant(FIRST * DAY)) as bank:
        span = span_of(bank.calendar, first=FIRST, days=2 * days + 30)
    lives = lives_of(people, seed=7, span=span)
    rows = np.concatenate([life.rows for life in lives])
    rows = rows[np.argsort(rows["arrives"], kind="stable")]
    rows = rows[: int(np.searchsorted(rows["arrives"], span.at(days, minute=0)))]
    bodies = [msgspec.json.encode(cloudevent(event)) for event in events_of(rows, [life.person for life in lives])]
    return Town(
        folder=folder,
        people=tuple(life.person.id for life in lives),
        past=tuple(bodies),
        moved_in=span.at(0, minute=0),
        now=Instant(int(rows["arrives"].max()) + MINUTE),
    )


def everything(person: str, *, since: Instant) -> ConsentChange:
    """Give the yes of somebody who allows everything."""
    every = ("*",)
    return ConsentChange(
        customer=person,
        change="grant",
        purposes=every,
        sources=every,
        channels=every,
        since=since,
    )
