"""What came out of a demo, for a terminal and as JSON. The world is synthetic, and the report says so."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

import numpy as np
from msgspec import Struct

from marketofone.domain.action import MARKETING, NOTHING, Action
from marketofone.domain.decision import Decision
from marketofone.domain.moment import text_of
from marketofone.flow.oversee import VerificationView
from marketofone.flow.replay import ReplayReport
from marketofone.learn.impact import Impact
from marketofone.simulate.stories import Step
from marketofone.simulate.world import Choice, Scenario, Tally, Told

_RESAMPLES = 400
_COUNTED = (
    *("events", "refused", "duplicates", "dead_letters", "granted", "withdrawn", "forecasts", "forecasts_refused"),
    *("decisions", "outcomes", "accepted", "declined", "ignored", "valued"),
)


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
            "shown": dict(tally.shown.most_common()),
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
        return "\n\n".join((self._numbers(), self._learned(), self._stories(), self._customer(), self._proof()))  # noqa: FLY002

    def _numbers(self) -> str:
        found, plan = self.to_json(), self.scenario
        rows = (
            "ingested  {events:>9,} events; {refused:,} of them may not be used, because nobody allowed it",
            "consents  {granted:>9,} grants, {withdrawn:,} withdrawals",
            "forecast  {forecasts:>9,} times 90 days ahead; {forecasts_refused:,} refused",
            "decided   {decisions:>9,} times, of which {peace:,} to leave the person in peace",
            "heard     {accepted:>9,} accepted, {declined:,} declined, {ignored:,} ignored; {valued:,} values, later",
            "offers    {offers_shown:>9,} shown, {offers_accepted:,} taken",
        )
        head = (
            f"A SYNTHETIC BANK: {plan.customers:,} invented people, {plan.days} days, seed {plan.seed}; no real market."
        )
        stages = "seconds   " + ", ".join(f"{stage} {took:.1f}" for stage, took in found["stages"].items())
        told = [row.format_map({**found, "peace": self.tally.shown[NOTHING]}) for row in rows]
        return "\n".join((head, *told, stages))

    def _learned(self) -> str:
        lines = ["WHAT WAS LEARNED", "by the known truth, one decision at a time, later effects aside:"]
        choices = self.tally.choices
        for name, part in (("all decisions", choices), ("second half", choices[len(choices) // 2 :])):
            share = captured(part)
            if share is not None:
                interval = f"{share.share:.0%} [{share.low:.0%}, {share.high:.0%}]"
                lines.append(f"  {interval} of what knowing everything gains over chance ({name}, {share.n:,})")
        return "\n".join((*lines, "as the bank itself can measure it:", indent(self.impact.text, "  ")))

    def _stories(self) -> str:
        lines, story = ["THREE STORIES"], ""
        for step in self.steps:
            lines += [] if step.story == story else [step.story]
            story = step.story
            lines.append(f"  {step.text}: {self._title(step.decision)}")
        return "\n".join(lines)

    def _customer(self) -> str:
        """Tell one customer's story through three decisions with their reasons."""
        told = _most_telling(self.tally)
        if not told:
            return "ONE CUSTOMER: nobody had three different decisions; simulate more days"
        lines = [f"ONE CUSTOMER, THREE DECISIONS: {told[0].decision.customer}"]
        for item in told:
            decision, reaction = item.decision, item.reaction
            when = text_of(decision.at)[:16].replace("T", " ")
            lines.append(
                f"  {when} on {decision.occasion}: {self._title(decision)}, drawn with {decision.propensity:.2f}"
            )
            lines += [f"    {line}" for line in _reasons(decision)]
            if reaction is not None:
                lines.append(f"    and then: {reaction.verdict}" + (f" ({reaction.why})" if reaction.why else ""))
        return "\n".join(lines)

    def _proof(self) -> str:
        chain = "holds" if self.verified.ok else "IS BROKEN"
        same = f"{self.replayed.differences:,} differ" if self.replayed.differences else "the same to the byte"
        return (
            f"PROOF: the audit chain of {self.verified.entries:,} entries {chain}; {self.replayed.decisions:,} decisions "
            f"recomputed from the log, {same}. It took {self.seconds:.0f} s."
        )

    def _title(self, decision: Decision) -> str:
        title = next((action.title for action in self.actions if action.id == decision.action), "")
        return f"{title} ({decision.action})"


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
        first = {item.decision.action: item for item in reversed(told) if item.reaction is not None}
        answers = {item.reaction.verdict: item for item in first.values() if item.reaction is not None}
        chosen = list({item.decision.action: item for item in (*answers.values(), *first.values())}.values())[:3]
        if len(chosen) > 2 and (len(answers), len(first)) > richest:  # noqa: PLR2004 - three decisions make the story
            best, richest = chosen, (len(answers), len(first))
    return sorted(best, key=lambda item: item.decision.at)


def _reasons(decision: Decision) -> list[str]:
    """Tell the heaviest terms of a decision, what was not used, and what would have changed it."""
    heaviest = sorted(decision.because, key=lambda reason: -abs(reason.term))[:4]
    lines = [f"{reason.term:>+10,.1f}  {reason.text}" for reason in heaviest]
    lines += [f"not used: {item.source}, because {item.why}" for item in decision.not_used]
    if decision.instead is not None:
        lines.append(f"otherwise: {decision.instead.change} -> {decision.instead.action}")
    return lines
