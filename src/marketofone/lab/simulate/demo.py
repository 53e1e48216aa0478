"""The demo: four stories, then a synthetic bank lived through, the proof that all can be replayed, and a report.

The report is JSON and (``report.txt``) text for people. The world is synthetic, and the report says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from marketofone.domain.action import MARKETING, Action
from marketofone.domain.decision import Otherwise
from marketofone.domain.moment import text_of
from marketofone.lab.simulate.rivals import Raced
from marketofone.lab.simulate.stories import STORIES, Step, moment_before
from marketofone.lab.simulate.world import Exchange, Progress, Scenario, Tally, live_through
from marketofone.lab.simulate.yardsticks import acceptance, captured
from marketofone.learn.impact import Impact
from marketofone.services.bank import Bank
from marketofone.services.proof.replay import ReplayReport
from marketofone.services.proof.verify import Verification

_REASONS = 4
_COUNTED = (
    *("events", "refused", "duplicates", "dead_letters", "granted", "withdrawn", "forecasts", "forecasts_refused"),
    *("decisions", "outcomes", "accepted", "declined", "ignored", "valued"),
)
WORTH_TELLING = {  # how much each adds to a story; once is enough
    "a refusal": 3,
    "a guardrail": 2,
    "a look ahead": 2,
    "outreach": 2,
    "an offer taken": 2,
    "an answer": 1,
}
_TEXT = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - a terminal, not a page
_TEXT.filters["number"] = "{:,}".format
_TEXT.filters["percent"] = "{:.0%}".format
_TEXT.filters["moment"] = lambda at: text_of(at)[:16].replace("T", " ")
_TEXT.filters["heaviest"] = lambda reasons: sorted(reasons, key=lambda reason: -abs(reason.term))[:_REASONS]


class Report(Struct, frozen=True, kw_only=True):
    """Everything a demo found."""

    scenario: Scenario
    tally: Tally
    steps: tuple[Step, ...]
    told: tuple[tuple[Exchange, Otherwise], ...]
    actions: tuple[Action, ...]
    impact: Impact
    replayed: ReplayReport
    verified: Verification
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Give the document of the contract, with more keys."""
        judged = [choice for choice in self.tally.choices if choice.judged]
        tally, offers = self.tally, [action.id for action in self.actions if action.kind in MARKETING]
        return {
            "synthetic": True,
            "customers": self.scenario.customers,
            "days": self.scenario.days,
            "seed": self.scenario.seed,
            **{name: tally.counts[name] for name in _COUNTED},
            "offers_shown": sum(tally.shown[name] for name in offers),
            "offers_accepted": sum(tally.accepted[name] for name in offers),
            "shown": {"nothing": 0, **tally.shown},
            "why_not": dict(tally.whys.most_common()),
            "why_yes": dict(tally.agreed.most_common()),
            "impact": self.impact,
            "policy": _policy(tally),
            "oracle_share": captured(judged),
            "oracle_share_second_half": captured(judged[len(judged) // 2 :]),
            "replay_differences": self.replayed.differences,
            "chain_ok": self.verified.ok,
            "stages": {stage: round(took, 2) for stage, took in tally.seconds.items()},
            "seconds": round(self.seconds, 2),
        }

    def to_text(self) -> str:
        """Tell it to people."""
        template = _TEXT.from_string(files(__package__).joinpath("report.txt").read_text(encoding="utf-8"))
        return template.render(
            found=self.to_json(),
            steps=self.steps,
            titles={action.id: action.title for action in self.actions},
            told=self.told,
            verified=self.verified,
            replayed=self.replayed,
        )


def random_bytes(seed: int) -> Callable[[int], bytes]:
    """Give the random bytes of a bank whose draws are to follow from a seed."""
    return np.random.default_rng((seed, 5)).bytes


def run(bank: Bank, scenario: Scenario, *, progress: Progress) -> Report:
    """Run the demo on an empty bank."""
    began = time.perf_counter()
    steps, tally = _live(bank, scenario, progress=progress)
    progress(0, 2, "checking")
    with tally.timed("replay"):
        replayed = bank.replay()
    progress(1, 2, "checking")
    with tally.timed("verify"):
        verified = bank.verify()
    progress(2, 2, "checking")
    actions = tuple(bank.catalogue.actions)
    told = _most_telling(tally, {action.id: action.kind for action in actions})
    return Report(
        scenario=scenario,
        tally=tally,
        steps=tuple(steps),
        told=tuple((one, bank.otherwise(one.decision.id, customer=one.decision.customer)) for one in told),
        actions=actions,
        impact=bank.impact(),
        replayed=replayed,
        verified=verified,
        seconds=time.perf_counter() - began,
    )


def judge(bank: Bank, scenario: Scenario) -> tuple[dict[str, Any], dict[str, Raced]]:
    """Live as the demo lives, prove nothing, and give only how good the policy chose: ``policy`` of the document.

    Beside it stands what became of others in the race, where one was asked for.
    """
    tally = _live(bank, scenario, progress=lambda *_: None)[1]
    return _policy(tally), tally.race


def _live(bank: Bank, scenario: Scenario, *, progress: Progress) -> tuple[list[Step], Tally]:
    steps = list[Step]()
    for number, story in enumerate(STORIES):
        progress(number, len(STORIES), "stories")
        steps += story(bank, moment=moment_before(bank, day=scenario.first))
    return steps, live_through(bank, scenario, progress=progress)


def _policy(tally: Tally) -> dict[str, Any]:
    """Give the policy beside its yardsticks, and how often people said yes beside how often at random."""
    return {**tally.policy, **acceptance(tally.answers)}


def _most_telling(tally: Tally, kinds: Mapping[str, str]) -> list[Exchange]:
    """Choose three different decisions of one person that tell most together, in the order of their days."""
    best: tuple[Exchange, ...] = ()
    most = 0
    for told in tally.told.values():
        different = {item.decision.action: (item, _tells(item, kinds)) for item in reversed(told)}
        for three in combinations(different.values(), 3):
            tells = sum(WORTH_TELLING[what] for what in set().union(*(tells for _, tells in three)))
            if tells > most:
                best, most = tuple(item for item, _ in three), tells
    return sorted(best, key=lambda item: item.decision.at)


def _tells(told: Exchange, kinds: Mapping[str, str]) -> set[str]:
    """Name what is worth telling about a decision."""
    decision, verdict, kind = told.decision, told.reaction.verdict, kinds[told.decision.action]
    tells = {
        "a refusal": any("you said no" in item.why for item in decision.not_used),
        "a guardrail": bool(decision.guardrails),
        "a look ahead": any("short within 30 days" in reason.text for reason in decision.reasons),
        "outreach": kind == "outreach",
        "an offer taken": kind in MARKETING and verdict == "accepted",
        "an answer": verdict != "ignored",
    }
    return {what for what, so in tells.items() if so}
