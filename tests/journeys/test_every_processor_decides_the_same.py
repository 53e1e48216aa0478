"""What one processor decided, another recomputes to the byte.

A process is told to leave vector units alone that this machine has: numpy's by ``NPY_DISABLE_CPU_FEATURES``, those of
BLAS by ``OPENBLAS_CORETYPE``, those of the C library's ``exp`` and ``log`` by ``GLIBC_TUNABLES``. Loops are compiled
for another processor by ``NUMBA_CPU_NAME``; each replay decides with them only.

The journal is that of a demo, and behind it slates in a placement, orders of an app's parts, a budget that is used up,
and what was learned from the answers to each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from people import happened

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import AppScreen
from marketofone.domain.moment import HOUR, MINUTE, Calendar, Day, Instant
from marketofone.domain.outcome import Verdict
from marketofone.lab.simulate import demo
from marketofone.lab.simulate.world import Scenario

pytestmark = pytest.mark.slow

CALENDAR = Calendar("Europe/Prague")
SCENARIO = Scenario(customers=60, days=150, seed=7, first=Day(20_000))
VECTORS = list((np.show_config(mode="dicts") or {})["SIMD Extensions"].get("found", ()))  # from old to new
PROCESSORS = {
    "the oldest vectors in numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(VECTORS)},
    "all but the newest vectors in numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(VECTORS[1:])},
    "BLAS of Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS of Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "loops compiled for the oldest processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "a C library without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"},
}
REPLAY = "from marketofone.models.bandit import kernel; kernel.load(); from marketofone.cli import main; main()"
ORDINARY = """
import math, numpy as np
from hashlib import blake2b
numbers = np.random.default_rng(7).random((40, 33, 33))
print(
    blake2b(np.matmul(numbers, numbers).tobytes()).hexdigest(),
    blake2b(np.einsum("kde,ke->kd", numbers, numbers[:, 0]).tobytes()).hexdigest(),
    blake2b(np.exp(numbers).tobytes()).hexdigest(),
    hash(tuple(map(math.exp, numbers.ravel().tolist()))),
)
"""


def ran(code: str, *words: str, processor: dict[str, str]) -> str:
    command, env = [sys.executable, "-c", code, *words], {**os.environ, **processor}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout


PLACEMENTS = """
[placements.home]
slots = 3
most_of_a_kind = 2
seen = [1.0, 0.7, 0.35]

[placements.tabs]
slots = 4
orders = true
pinned = ["start"]

[[actions]]
"""
PARTS = ("transactions", "cards", "savings", "loans", "invest")
PART = """
[[actions]]
id = "tab_NAME"
kind = "feature"
feature = "NAME"
title = "NAME"
text = "A part of the app."
value_minor = 900
chance = 0.3
placements = ["tabs"]
"""
BUDGET = ('id = "spending_summary"\n', 'id = "spending_summary"\nbudget = { contacts_a_day = 3 }\n')


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "bank"
    wiring.lay_out(folder)
    began = CALENDAR.start_of(Day(19_700))
    with marketofone.open(folder, now=began, random=demo.random_bytes(SCENARIO.seed)) as bank:
        demo.run(bank, SCENARIO, progress=lambda *_: None)
    actions = folder / "actions.toml"
    text = actions.read_text(encoding="utf-8").replace("\n[[actions]]\n", PLACEMENTS, 1).replace(*BUDGET)
    actions.write_text(text + "".join(PART.replace("NAME", name) for name in PARTS), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shown(lived: Path) -> list[Decision]:
    """Show slates and put the app in order on two days, hear the answers, and learn from them in between."""
    made: list[Decision] = []
    for day in (1, 2):
        at = Instant(CALENDAR.start_of(Day(SCENARIO.first + SCENARIO.days + day)) + 11 * HOUR)
        with marketofone.open(lived, now=at) as bank:
            bank.learning.by_itself = False
            for customer in sorted(bank.context.keys.customers(), key=lambda one: one.name):
                with suppress(UnknownCustomer):
                    made += visited(bank, customer.name, at=at)
            bank.learn(now=Instant(at + HOUR))
    return made


def visited(bank: Bank, name: str, *, at: Instant) -> list[Decision]:
    """Let a person open the app: what they are shown, half of it taken, and the part they open last."""
    home, tabs = (bank.decide(name, occasion="app.opened", placement=where, now=at) for where in ("home", "tabs"))
    for slot, place in enumerate(home.places, start=1):
        if place.action != NOTHING:
            verdict: Verdict = "accepted" if len(place.action) % 2 else "ignored"
            bank.outcome(home.id, verdict, slot=slot, customer=name, now=Instant(at + MINUTE))
    screen = AppScreen(screen=tabs.places[-1].action.removeprefix("tab_"))
    bank.ingest([happened(name, screen, at=Instant(at + MINUTE))], now=Instant(at + MINUTE))
    return [home, tabs]


def test_the_journal_holds_slates_orders_and_a_budget_that_is_used_up(shown: list[Decision]) -> None:
    assert sum(len(one.places) == 3 for one in shown if one.placement == "home") > 30
    assert sum(len(one.places) == 4 for one in shown if one.placement == "tabs") > 30
    assert any("spending_summary" in one.closed for one in shown)
    assert sum("spending_summary" in [place.action for place in one.places] for one in shown) <= 2 * 3


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS)
def test_a_replay_on_another_processor_has_no_difference(lived: Path, processor: dict[str, str]) -> None:
    report = json.loads(ran(REPLAY, "replay", "--all", "--json", "--bank", str(lived), processor=processor))

    assert report["decisions"] > 300
    assert report["differences"] == 0, report


def test_ordinary_sums_and_functions_differ_between_these_processors() -> None:
    """Otherwise nothing is shown by the replays: a setting may have no effect where a machine lacks those vectors."""
    here = ran(ORDINARY, processor={}).split()
    there = [ran(ORDINARY, processor=processor).split() for processor in PROCESSORS.values()]

    assert any(one != here for one in there)
