"""What came out of a demo, as JSON and (``report.txt``) for people. The world is synthetic, and the report says so."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from marketofone.domain.action import MARKETING, Action
from marketofone.domain.moment import text_of
from marketofone.flow.oversee import VerificationView
from marketofone.flow.replay import ReplayReport
from marketofone.learn.impact import Impact
from marketofone.simulate.stories import Step
from marketofone.simulate.world import Choice, Scenario, Tally, Told

_RESAMPLES = 400
_REASONS = 4
_COUNTED = (
    *("events", "refused", "duplicates", "dead_letters", "granted", "withdrawn", "forecasts", "forecasts_refused"),
    *("decisions", "outcomes", "accepted", "declined", "ignored", "valued"),
)
_TEXT = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - a terminal, not a page
_TEXT.filters["number"] = "{:,}".format
_TEXT.filters["percent"] = "{:.0%}".format
_TEXT.filters["moment"] = lambda at: text_of(at)[:16].replace("T", " ")
_TEXT.filters["heaviest"] = lambda reasons: sorted(reasons, key=lambda reason: -abs(reason.term))[:_REASONS]


class Share(Struct, frozen=True, kw_only=True):
    """The share of what an all-knowing choice gains over a random one, with a 95 % interval, over ``n`` decisions."""

    share: float
    low: float
    high: float
    n: int


class Report(Struct, frozen=True, kw_only=True):
    """Everything a demo found."""

    scenario: Scenario
    tally: Tally
    steps: tuple[Step, ...]
    actions: tuple[Action, ...]
    impact: Impact
    replayed: ReplayReport
    verified: VerificationView
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Give the document of the contract, with more keys."""
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
            "impact": self.impact,
            "oracle_share": captured(tally.choices),
            "oracle_share_second_half": captured(tally.choices[len(tally.choices) // 2 :]),
            "replay_differences": self.replayed.differences,
            "chain_ok": self.verified.ok,
            "stages": {stage: round(took, 2) for stage, took in tally.seconds.items()},
            "seconds": round(self.seconds, 2),
        }

    def to_text(self) -> str:
        """Tell it to people."""
        stories: dict[str, list[Step]] = {}
        for step in self.steps:
            stories.setdefault(step.story, []).append(step)
        template = _TEXT.from_string(files(__package__).joinpath("report.txt").read_text(encoding="utf-8"))
        return template.render(
            found=self.to_json(),
            stories=stories,
            titles={action.id: action.title for action in self.actions},
            told=_most_telling(self.tally),
            verified=self.verified,
            replayed=self.replayed,
        )


def captured(choices: Sequence[Choice]) -> Share | None:
    """Give the share of the oracle's gain that was captured; people are resampled whole for the interval.

    Examples
    --------
    >>> captured([Choice(person=0, chosen=2.0, random=1.0, oracle=3.0)]).share
    0.5
    """
    people, index = np.unique([choice.person for choice in choices], return_inverse=True)
    gained = np.bincount(index, weights=[choice.chosen - choice.random for choice in choices])
    possible = np.bincount(index, weights=[choice.oracle - choice.random for choice in choices])
    if possible.sum() <= 0:
        return None
    drawn = np.random.default_rng(len(choices)).integers(len(people), size=(_RESAMPLES, len(people)))
    shares = gained[drawn].sum(axis=1) / np.maximum(possible[drawn].sum(axis=1), 1e-9)
    low, high = (round(float(bound), 4) for bound in np.quantile(shares, [0.025, 0.975]))
    return Share(share=round(float(gained.sum() / possible.sum()), 4), low=low, high=high, n=len(choices))


def _most_telling(tally: Tally) -> list[Told]:
    """Choose three different decisions of the person whose answers differ most."""
    best: list[Told] = []
    richest = (0, 0)
    for told in tally.told.values():
        first = {item.decision.action: item for item in reversed(told)}
        answers = {item.reaction.verdict: item for item in first.values()}
        chosen = list({item.decision.action: item for item in (*answers.values(), *first.values())}.values())[:3]
        if len(chosen) > 2 and (len(answers), len(first)) > richest:  # noqa: PLR2004 - three decisions make the story
            best, richest = chosen, (len(answers), len(first))
    return sorted(best, key=lambda item: item.decision.at)
