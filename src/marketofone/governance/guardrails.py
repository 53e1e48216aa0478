"""Guardrails: the bank's promises about what it will not do, as judgements over plain values.

``guardrails.toml`` says where the limits are; ``objection`` names the guardrail that stops an action in given
circumstances. Every answer begins with the guardrail's name: ``quiet_hours: nothing by push between 20:00 and 08:00``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from marketofone.domain.action import MARKETING, NOTHING, Action, Kind
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Text, Word
from marketofone.domain.moment import DAY, Instant

Count = Annotated[int, Meta(ge=0, le=10_000)]
Days = Annotated[int, Meta(ge=0, le=3_650)]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
FRESH: tuple[int, int] = (0, 0)


class Cap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often at most, in the last 24 hours and in the last seven days."""

    per_day: Count
    per_week: Count


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Caps for selling, for contacts of any kind, and for one and the same action.

    ``exempt`` names kinds that the cap on contacts of any kind neither stops nor counts.
    """

    marketing: Cap
    contacts: Cap
    same_action: Cap
    exempt: tuple[Kind, ...] = ()


class QuietHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When channels that interrupt stay silent unless the customer began. Local time; may span midnight."""

    channels: tuple[Word, ...]
    begin: ClockTime
    end: ClockTime


class Stress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a person is under stress: an expression over features, read for the purpose ``care``."""

    when: Text


class Fairness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds that exposure by group is watched against."""

    groups: tuple[Word, ...]
    exposure_ratio_min: Annotated[float, Meta(gt=0.0, le=1.0)]
    people_min: Count


class Copy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that no text of an action may contain: urgency, shame, false scarcity."""

    forbidden: tuple[Text, ...]


class Guardrails(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank's ``guardrails.toml`` as a value."""

    caps: Caps
    decline_days: Days
    quiet_hours: QuietHours
    stress: Stress
    copy: Copy
    fairness: Fairness | None = None

    def quiet(self, minute_of_day: int) -> bool:
        """Say whether a local minute of the day lies in the quiet hours."""
        begin, end = _minute(self.quiet_hours.begin), _minute(self.quiet_hours.end)
        if begin <= end:
            return begin <= minute_of_day < end
        return minute_of_day >= begin or minute_of_day < end


class Contact(Struct, frozen=True, kw_only=True):
    """One thing the bank did for this person before; ``declined_at`` says when the person said no to it."""

    action: str
    kind: Kind
    at: Instant
    channel: str
    declined_at: Instant | None = None


class Tally(Struct, frozen=True, kw_only=True):
    """Contacts counted: in the last day and the last week, by class and by action; and what was declined when."""

    marketing: tuple[int, int]
    contacts: tuple[int, int]
    actions: Mapping[str, tuple[int, int]]
    declined: Mapping[str, Instant]


class Circumstances(Struct, frozen=True, kw_only=True):
    """What a judgement needs to know about the moment and the person.

    ``credit_could_hurt`` is the reason why a credit could hurt this person, or empty; it must also be given when the
    bank cannot know.
    """

    now: Instant
    quiet: bool
    channel: str
    begun_by: Literal["customer", "bank"]
    tally: Tally
    stressed: bool
    credit_could_hurt: str


def tally(contacts: Iterable[Contact], *, now: Instant, exempt: tuple[Kind, ...]) -> Tally:
    """Count contacts once for a whole decision. Order does not matter; contacts after ``now`` do not count."""
    marketing, everything = [0, 0], [0, 0]
    actions: dict[str, tuple[int, int]] = {}
    declined: dict[str, Instant] = {}
    for contact in contacts:
        if contact.declined_at is not None and contact.declined_at <= now:
            declined[contact.action] = max(contact.declined_at, declined.get(contact.action, contact.declined_at))
        age = now - contact.at
        if contact.kind == NOTHING or not 0 <= age < 7 * DAY:
            continue
        today = int(age < DAY)
        day, week = actions.get(contact.action, FRESH)
        actions[contact.action] = (day + today, week + 1)
        if contact.kind not in exempt:
            everything = [everything[0] + today, everything[1] + 1]
        if contact.kind in MARKETING:
            marketing = [marketing[0] + today, marketing[1] + 1]
    return Tally(
        marketing=(marketing[0], marketing[1]),
        contacts=(everything[0], everything[1]),
        actions=actions,
        declined=declined,
    )


def objection(action: Action, circumstances: Circumstances, *, guardrails: Guardrails) -> str | None:
    """Name the guardrail that stops an action, with the reason; None when none does."""
    if action.kind == NOTHING:
        return None
    if circumstances.stressed and action.kind != "outreach":
        return "stress: signs of stress, so care comes before everything else"
    if action.credit and circumstances.credit_could_hurt:
        return f"credit_protection: {circumstances.credit_could_hurt}"
    quiet_hours = guardrails.quiet_hours
    if circumstances.quiet and circumstances.begun_by == "bank" and circumstances.channel in quiet_hours.channels:
        return f"quiet_hours: nothing by {circumstances.channel} between {quiet_hours.begin} and {quiet_hours.end}"
    declined_at = circumstances.tally.declined.get(action.id)
    if declined_at is not None and circumstances.now - declined_at < guardrails.decline_days * DAY:
        return f"cool_off: you said no to this within {guardrails.decline_days} days"
    return _over_a_cap(action, circumstances.tally, guardrails.caps)


def objections(actions: Sequence[Action], circumstances: Circumstances, *, guardrails: Guardrails) -> list[str | None]:
    """Judge many actions in the same circumstances; each answer is that of :func:`objection`.

    Actions that were neither shown nor declined lately differ for a guardrail only in kind and in whether they lend.
    """
    shown, declined = circumstances.tally.actions, circumstances.tally.declined
    answers: dict[tuple[str, bool] | str, str | None] = {}
    judged = []
    for action in actions:
        remembered = action.id in shown or action.id in declined
        alike: tuple[str, bool] | str = action.id if remembered else (action.kind, action.credit)
        if alike not in answers:
            answers[alike] = objection(action, circumstances, guardrails=guardrails)
        judged.append(answers[alike])
    return judged


def _over_a_cap(action: Action, counted: Tally, caps: Caps) -> str | None:
    checks: list[tuple[str, tuple[int, int], Cap]] = [
        ("cap_same_action", counted.actions.get(action.id, FRESH), caps.same_action)
    ]
    if action.marketing:
        checks.append(("cap_marketing", counted.marketing, caps.marketing))
    if action.kind not in caps.exempt:
        checks.append(("cap_contacts", counted.contacts, caps.contacts))
    for name, (day, week), cap in checks:
        if day >= cap.per_day:
            return f"{name}: at most {cap.per_day} in a day"
        if week >= cap.per_week:
            return f"{name}: at most {cap.per_week} in a week"
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
    try:
        return msgspec.toml.decode(text, type=Guardrails)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MalformedDocument(
            field="guardrails.toml", shape=str(error), mend="compare with a fresh `marketofone init`"
        ) from error


def _minute(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
