"""Whether a person may be asked for a permission: where it helps by a measured amount, seldom, never twice.

Each of these keeps an action from asking; of several the first tells:

1. they said no to the purpose lately, pause it, or object (``consent/asking.py``);
2. they were asked for it before, whatever they answered, or were asked for anything lately;
3. special care was asked for, a payment is late, something hard happened in their life, or they may be a minor;
4. it was not measured lately that it helps, on people enough, or it was not enough that it was shown to help by.

Signs of stress silence it by the guardrail of that name, and on an occasion that the bank begins nothing asks. What
this reads of a person is what they allowed for the purpose itself, what protects them by law, and what they said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from marketofone.consent.asking import Asking
from marketofone.domain.help import Help
from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.governance.tiers import SENSITIVE_LIFE_EVENTS
from marketofone.profile.view import Profile

HARD_DAYS = 365.0
"""So long after something hard happened in a person's life they are asked for nothing."""
SPARING: frozenset[str] = frozenset({"transactions", "life_events"})
"""What is read for the purpose, where it is allowed, to spare people: the year of birth, what happened in a life."""
MINOR = "asking: a minor is asked for nothing"
Scope = tuple[str, str]


class AskRules(NamedTuple):
    """What the bank declares: days between two asks, and by how much, shown on how many people, one has to help."""

    every_days: int
    people: int
    gain: float


class AskFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a person and of what could be asked for.

    ``may`` says of each purpose whether it may be asked for; ``open_to`` are the scopes that are granted through any
    channel, ``asked`` those that a decision ever asked for, and when. ``helps`` is what was measured of them.
    ``of_age`` is from which age on a person is of age.
    """

    rules: AskRules
    may: Mapping[str, Asking]
    open_to: frozenset[Scope]
    asked: Mapping[Scope, Instant]
    helps: Mapping[Scope, Help]
    of_age: int

    def why_not(self, scope: Scope, *, now: Instant) -> str:
        """Say why a person may not be asked for something; empty where they may.

        Examples
        --------
        >>> rules = AskRules(every_days=90, people=100, gain=0.01)
        >>> may, none = {"insights": Asking(True)}, frozenset()
        >>> facts = AskFacts(rules=rules, may=may, open_to=none, asked={}, helps={}, of_age=18)
        >>> facts.why_not(("insights", "app"), now=Instant(0))
        'asking: no measured help'
        """
        may = self.may.get(scope[0], Asking(may=False))
        if scope in self.open_to:
            return "asking: it is allowed already"
        if not may.may:
            return "asking: a no, a pause or an objection stands against it"
        if scope in self.asked:
            return "asking: it was asked before, and nothing is asked twice"
        last = max(self.asked.values(), default=None)
        if last is not None and now < last + self.rules.every_days * DAY:
            return f"asking: something was asked within {self.rules.every_days} days"
        return self._why_no_help(self.helps.get(scope), now=now)

    def _why_no_help(self, measured: Help | None, *, now: Instant) -> str:
        if measured is None or not measured.counts(now):
            return "asking: no measured help"
        if measured.people < self.rules.people or not measured.enough:
            return "asking: no measured help: on too few people"
        return "" if measured.low > self.rules.gain else "asking: no measured help: not shown to be enough"


NO_ASKS = AskFacts(rules=AskRules(0, 0, 1.0), may={}, open_to=frozenset(), asked={}, helps={}, of_age=0)
"""Of a bank that asks for nothing."""


def why_spared(protection: Profile | None, seen: Profile, *, now: Instant, day: Day, of_age: int) -> str:
    """Say what spares a person all asking; empty where nothing does.

    ``protection`` is what the bank knows by law, None where it may not look; ``seen`` what the person allowed for the
    purpose that is asked for: a year of birth alone leaves open for a year whether they are of age.
    """
    if protection is None:
        return "asking: the bank cannot know whether it would be a burden"
    if protection.in_arrears or protection.vulnerable(now):
        return "asking: these may be hard days"
    hard = (seen.life[event] for event in SENSITIVE_LIFE_EVENTS & seen.life.keys())
    if any(now - told.at < HARD_DAYS * DAY for told in hard):
        return "asking: these may be hard days"
    young = seen.birth_year is not None and date_of(day).year - seen.birth_year <= of_age
    return MINOR if young else ""
