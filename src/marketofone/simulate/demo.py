"""The demo: three stories, then a synthetic bank lived through, then the proof that all of it can be replayed."""

from __future__ import annotations

import time

from marketofone.simulate.face import Bank
from marketofone.simulate.report import Report
from marketofone.simulate.stories import STORIES, Step, moment_before
from marketofone.simulate.world import Progress, Scenario, live_through


def run(bank: Bank, scenario: Scenario, *, progress: Progress) -> Report:
    """Run the demo on an empty bank."""
    began, steps = time.perf_counter(), list[Step]()
    for number, story in enumerate(STORIES):
        progress(number, len(STORIES), "stories")
        steps += story(bank, moment=moment_before(bank, day=scenario.first))
    tally = live_through(bank, scenario, progress=progress)
    progress(0, 2, "checking")
    with tally.timed("replay"):
        replayed = bank.replay()
    progress(1, 2, "checking")
    with tally.timed("verify"):
        verified = bank.verify()
    progress(2, 2, "checking")
    return Report(
        scenario=scenario,
        tally=tally,
        steps=tuple(steps),
        actions=tuple(bank.catalogue.actions),
        impact=bank.impact(),
        replayed=replayed,
        verified=verified,
        seconds=time.perf_counter() - began,
    )
