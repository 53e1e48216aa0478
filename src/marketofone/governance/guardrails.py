"""Guardrails: the bank's promises about what it will not do, as judgements over plain values.

``guardrails.toml`` says where the limits are; ``objection`` names the guardrail that stops an action in given
circumstances. Every answer begins with the guardrail's name: ``quiet_hours: nothing by push between 20:00 and 08:00``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from marketofone.domain.action import MARKETING, NOTHING, Action, Kind
from marketofone.domain.decision import Notification
from marketofone.domain.document import read_toml
from marketofone.domain.fields import ClockTime, Text, Word
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import WhyNot
from marketofone.domain.schedule import within

Count = Annotated[int, Meta(ge=0, le=10_000)]
MOST_DAYS = 3_650
Days = Annotated[int, Meta(ge=0, le=MOST_DAYS)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Decline = tuple[str, Kind, WhyNot | None]  # an action, its kind, and the reason of a no
Limit = tuple[str, str]  # the name of a cap, and what it counts: an action, a kind, a channel, or (empty) all it covers
_SAME_ACTION = "same_action"
_DENIED = "corrected: you said that signs of stress are wrong"
COUNTED = 7 * DAY
"""What was said before that falls under no cap."""


class Cap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often at most, in the last 24 hours and in the last seven days."""

    per_day: Count
    per_week: Count


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Caps for selling, for contacts of any kind, and for one and the same action; by channel and by kind, if declared.

    ``exempt`` names kinds that the caps on contacts of any kind, here and in a channel, neither stop nor count.
    """

    marketing: Cap
    contacts: Cap
    same_action: Cap
    channels: dict[Word, Cap] = {}
    kinds: dict[Kind, Cap] = {}
    exempt: tuple[Kind, ...] = ()

    def shared(self, *, kind: Kind, channel: str) -> Iterator[tuple[Limit, Cap]]:
        """Give the limits that actions of a kind share in a channel, with their caps; beside that of each action."""
        if kind in MARKETING:
            yield ("marketing", ""), self.marketing
        if kind in self.kinds:
            yield ("kind", kind), self.kinds[kind]
        if kind not in self.exempt:
            yield ("contacts", ""), self.contacts
            if channel in self.channels:
                yield ("channel", channel), self.channels[channel]


class Pause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days a no with a reason keeps away the same action, all of its kind, and everything that sells.

    ``lower`` is softer: for ``lower_days`` it takes that share off what all of its kind is expected to bring. Kinds
    that are exempt from the cap on contacts are kept away by a no to the same action only, and never lowered.
    """

    action: Days
    kind: Days = 0
    marketing: Days = 0
    lower: Share = 0.0
    lower_days: Days = 0


class QuietHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When channels that interrupt stay silent unless the customer began. Local time; may span midnight."""

    channels: tuple[Word, ...]
    begin: ClockTime
    end: ClockTime


class Stress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a person is under stress: an expression over features, read for the purpose ``care``."""

    when: Text


class Copy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that no text of an action may contain: urgency, shame, false scarcity."""

    forbidden: tuple[Text, ...]


class Guardrails(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank's ``guardrails.toml`` as a value.

    ``declines`` says what a no with a reason keeps away; any other no keeps the same action away for ``decline_days``.
    """

    caps: Caps
    decline_days: Days
    declines: dict[WhyNot, Pause] = {}
    quiet_hours: QuietHours
    stress: Stress
    copy: Copy

    def quiet(self, minute_of_day: int) -> bool:
        """Say whether a local minute of the day lies in the quiet hours."""
        return within(minute_of_day, begin=self.quiet_hours.begin, end=self.quiet_hours.end)


class Contact(Struct, frozen=True, kw_only=True, gc=False):
    """One thing the bank did for this person before; ``declined_at`` says when the person said no to it, ``why`` why.

    ``notification`` is what it told of a forecast, if it did.
    """

    action: str
    kind: Kind
    at: Instant
    channel: str
    declined_at: Instant | None = None
    why: WhyNot | None = None
    notification: Notification | None = None


class Tally(Struct, frozen=True, kw_only=True, gc=False):
    """Contacts counted by the limits they fall under, in the last day and week; and what was declined why and when."""

    day: Mapping[Limit, int]
    week: Mapping[Limit, int]
    declined: Mapping[Decline, Instant]


class Circumstances(Struct, frozen=True, kw_only=True, gc=False):
    """What a judgement needs to know about the moment and the person.

    ``credit_could_hurt`` is the reason why a credit could hurt this person, or empty; it must also be given when the
    bank cannot know. Where parts of the app are put in ``order``, nothing is said: no cap or no stands against it.
    ``denied`` are actions that rest on signs of stress, where the person says that these are wrong.
    """

    now: Instant
    quiet: bool
    channel: str
    begun_by: Literal["customer", "bank"]
    tally: Tally
    stressed: bool
    credit_could_hurt: str
    order: bool = False
    denied: frozenset[str] = frozenset()


def tally(contacts: Sequence[Contact], *, now: Instant, caps: Caps) -> Tally:
    """Count contacts once for a whole decision. Order does not matter; contacts after ``now`` do not count."""
    declined: dict[Decline, Instant] = {}
    for contact in contacts:
        if contact.declined_at is not None and contact.declined_at <= now:
            decline = (contact.action, contact.kind, contact.why)
            declined[decline] = max(contact.declined_at, declined.get(decline, contact.declined_at))
    week = [one for one in contacts if now - COUNTED < one.at <= now and one.kind != NOTHING]
    day = [one for one in week if now - DAY < one.at]
    return Tally(day=_by_limit(day, caps), week=_by_limit(week, caps), declined=declined)


def _by_limit(contacts: Sequence[Contact], caps: Caps) -> dict[Limit, int]:
    found = {(_SAME_ACTION, action): count for action, count in Counter([one.action for one in contacts]).items()}
    for (kind, channel), count in Counter([(one.kind, one.channel) for one in contacts]).items():
        for limit, _ in caps.shared(kind=kind, channel=channel):
            found[limit] = found.get(limit, 0) + count
    return found


def objection(action: Action, circumstances: Circumstances, *, guardrails: Guardrails) -> str | None:
    """Name the guardrail that stops an action, with the reason; None when none does."""
    return objections([{action.id: action}], circumstances, guardrails=guardrails).get(action.id)


def objections(
    alike: Iterable[Mapping[str, Action]], circumstances: Circumstances, *, guardrails: Guardrails
) -> dict[str, str]:
    """Judge many actions in the same circumstances: by id the guardrail that stops each that is stopped.

    Actions come by id, in groups of one kind that lend, or do not. These do not differ for a guardrail but by what was
    said of themselves: those that were neither shown as often as may be nor declined lately are judged as one.
    """
    told, caps = circumstances.tally, guardrails.caps
    remembered = _as_often_as_may_be(told, caps.same_action) | {name for name, _, _ in told.declined}
    stopped: dict[str, str] = {}
    denied = frozenset[str]()
    for actions in alike:
        some = next(iter(actions.values()))
        denied |= circumstances.denied & actions.keys()
        answer = _whatever_was_said(some, circumstances, guardrails)
        if answer is not None:
            stopped.update(dict.fromkeys(actions, answer))
        if answer is not None or circumstances.order or some.kind == NOTHING:
            continue
        of_all = _over_a_cap(told, caps.shared(kind=some.kind, channel=circumstances.channel))
        own = {name for name in remembered if name in actions} if remembered else remembered
        fresh = next((action for name, action in actions.items() if name not in own), None) if own else some
        for action in (*(actions[name] for name in own), *(() if fresh is None else (fresh,))):
            paused = _paused(action, circumstances, guardrails) if told.declined else None
            answer = paused or _over_a_cap(told, [((_SAME_ACTION, action.id), caps.same_action)]) or of_all
            if answer is not None:
                of = [name for name in actions if name not in own] if action is fresh else [action.id]
                stopped.update(dict.fromkeys(of, answer))
    return stopped | dict.fromkeys(denied, _DENIED)


def _as_often_as_may_be(told: Tally, cap: Cap) -> set[str]:
    """Give the actions of the last week that may have reached what one action may be shown in a day, or in a week."""
    often = min(cap.per_day, cap.per_week)
    return {name for (limit, name), count in told.week.items() if count >= often and limit == _SAME_ACTION}


def _whatever_was_said(action: Action, circumstances: Circumstances, guardrails: Guardrails) -> str | None:
    """Name the guardrail that stops an action by its kind, and by whether it lends."""
    if action.kind == NOTHING:
        return None
    if circumstances.stressed and action.kind != "outreach":
        return "stress: signs of stress, so care comes before everything else"
    if action.credit and circumstances.credit_could_hurt:
        return f"credit_protection: {circumstances.credit_could_hurt}"
    quiet_hours = guardrails.quiet_hours
    if circumstances.quiet and circumstances.begun_by == "bank" and circumstances.channel in quiet_hours.channels:
        return f"quiet_hours: nothing by {circumstances.channel} between {quiet_hours.begin} and {quiet_hours.end}"
    return None


def _paused(action: Action, circumstances: Circumstances, guardrails: Guardrails) -> str | None:
    """Say which no keeps an action away; what no person should miss is kept away by a no to itself only."""
    plain = Pause(action=guardrails.decline_days)
    for (name, kind, why), at in circumstances.tally.declined.items():
        pause = plain if why is None else guardrails.declines.get(why, plain)
        said = "no" if pause is plain else f"\N{LEFT DOUBLE QUOTATION MARK}{why}\N{RIGHT DOUBLE QUOTATION MARK}"
        alike = kind == action.kind and kind not in guardrails.caps.exempt
        reach = (
            (name == action.id, pause.action, f"you said {said} to this within {pause.action} days"),
            (alike, pause.kind, f"you said {said} to something of this kind within {pause.kind} days"),
            (action.marketing, pause.marketing, f"you said {said} within {pause.marketing} days, so nothing is sold"),
        )
        for concerned, days, text in reach:
            if concerned and circumstances.now - at < days * DAY:
                return f"cool_off: {text}"
    return None


def lowered(declined: Mapping[Decline, Instant], *, now: Instant, guardrails: Guardrails) -> dict[Kind, float]:
    """Give the share that is taken off what a kind is expected to bring, where a no takes any: each of what is left."""
    left: dict[Kind, float] = {}
    for (_, kind, why), at in sorted(declined.items(), key=lambda item: (item[0][0], item[0][2] or "")):
        pause = None if why is None else guardrails.declines.get(why)
        if pause is None or not pause.lower or kind in guardrails.caps.exempt:
            continue
        if now - at < pause.lower_days * DAY:
            left[kind] = left.get(kind, 1.0) * (1.0 - pause.lower)
    return {kind: 1.0 - share for kind, share in left.items()}


def _over_a_cap(counted: Tally, limits: Iterable[tuple[Limit, Cap]]) -> str | None:
    for limit, cap in limits:
        day, week = counted.day.get(limit, 0) >= cap.per_day, counted.week.get(limit, 0) >= cap.per_week
        if day or week:
            name, what = limit
            told = f" by {what}" if name == "channel" else f" of the kind {what}" if name == "kind" else ""
            most = f"{cap.per_day}{told} in a day" if day else f"{cap.per_week}{told} in a week"
            return f"cap_{name}: at most {most}"
    return None


def forbidden_copy(action: Action, *, guardrails: Guardrails) -> str | None:
    """Give the first forbidden phrase that an action's texts contain."""
    copy = f"{action.title} {action.text}".lower()
    return next((phrase for phrase in guardrails.copy.forbidden if phrase.lower() in copy), None)


def parse_guardrails(text: str) -> Guardrails:
    """Read ``guardrails.toml``.

    Raises
    ------
    MalformedDocument
        Naming the field that breaks the contract.
    """
    return read_toml(text, of=Guardrails, name="guardrails.toml")
