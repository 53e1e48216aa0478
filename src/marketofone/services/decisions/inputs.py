"""What a decision may look at: everything that is known of one person at one moment, behind the gate."""

from __future__ import annotations

from typing import Literal

from marketofone.consent.asking import asking, is_allowed, wants_no_questions
from marketofone.consent.gate import Permit, is_under_age
from marketofone.decide.asking import NO_ASKS, AskFacts, Scope
from marketofone.decide.decision_input import ACTION_ROLES, FORECAST, PROTECTION, DecisionInput
from marketofone.decide.forecast_facts import ForecastFacts
from marketofone.domain.decision import Request
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.role import Role
from marketofone.models.bandit import OwnAnswers
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.contacts import for_guardrails
from marketofone.projection.own_answers import own_answers
from marketofone.projection.person import Person
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.decisions import assignment
from marketofone.services.foresight.forecast import outdated

FORECAST_AGE = 35 * DAY
_ROLES = (*ACTION_ROLES, FORECAST, PROTECTION)
Domain = Literal["decision", "question"]


def decision_input_of(
    snapshot: Snapshot,
    person: Person,
    request: Request,
    *,
    policy: PolicySnapshot,
    secret: bytes,
    as_of: Instant | None = None,
    domain: Domain = "decision",
) -> DecisionInput:
    """Gather everything one decision may look at, behind the gate.

    ``as_of`` is the moment that is asked about, where that is earlier; permission is judged at the request's.
    """
    config, now = snapshot.config, request.at
    moment, judged = now if as_of is None else as_of, person.judged(now)
    if request.channel not in config.policy.channels:
        raise MalformedRequest(field="channel", shape="not one of consent.toml", fix="name one of its channels")
    permits = permits_of(person, config=config, channel=request.channel, now=judged)
    seen = snapshot.seen(person, permits=list(permits.values()), now=moment, judged=judged)
    group = assignment.group_of(person, settings=config.settings, secret=secret)
    return DecisionInput(
        permits=permits,
        seen={role: seen[opened.purpose] for role, opened in permits.items()},
        contacts=for_guardrails(person.contacts, latest=moment),
        board=snapshot.bank.board,
        beliefs=policy.beliefs,
        own_answers=_own_answers(person, config=config, moment=moment, judged=judged),
        affinity=policy.affinity,
        forecast=_forecast_facts(snapshot, person, now=moment, judged=judged),
        money_moved=outdated(person, now=now),
        assignment=group,
        order=assignment.order_of(group, config=config, policy=policy),
        exploration=config.settings.exploration,
        day=config.calendar.day_of(moment),
        minute_of_day=config.calendar.minute_of_day(moment),
        seed=seed_of(person, secret=secret, domain=domain),
        epoch=person.consents.epoch,
        position=person.own.n,
        documents=config.digest,
        corrected=frozenset(person.corrected),
        under_age=is_under_age(person.consents, policy=config.policy, now=judged),
        asking=_ask_facts(snapshot, person, now=judged),
    )


def permits_of(person: Person, *, config: BankConfig, channel: str, now: Instant) -> dict[Role, Permit]:
    """Give the permit for each role that a purpose of the bank serves."""
    policy = config.policy
    served = {role: policy.serving(role) for role in _ROLES}
    purposes = tuple(dict.fromkeys(filter(None, served.values())))
    opened = person.permits(purposes, policy=policy, now=now, channel=channel)
    return {role: opened[purpose] for role, purpose in served.items() if purpose}


def _own_answers(person: Person, *, config: BankConfig, moment: Instant, judged: Instant) -> OwnAnswers:
    """Give what a person did with what was shown to them, and what came of it, while they allow learning from it."""
    learning = person.permit(config.policy.serving("learning"), policy=config.policy, now=judged)
    return own_answers(person.answers(until=moment), until=moment) if learning.sources else OwnAnswers()


def _ask_facts(snapshot: Snapshot, person: Person, *, now: Instant) -> AskFacts:
    """Give what decides whether a person may be asked for what the bank asks for: nothing but what they said."""
    config = snapshot.config
    scopes = set(config.asks.values())
    if not scopes:
        return NO_ASKS
    purposes = {purpose for purpose, _ in scopes}
    quiet = wants_no_questions(person.noes, person.consents, policy=config.policy, now=now)
    return AskFacts(
        rules=config.settings.asking.rules,
        may={} if quiet else asking(person.noes, person.consents, policy=config.policy, now=now, purposes=purposes),
        open_to=frozenset(of for of in scopes if is_allowed(*of, person.consents, policy=config.policy, now=now)),
        asked=_asked(person, config=config),
        helps={of.scope: of for of in snapshot.bank.help if of.scope in scopes},
        of_age=config.policy.minors.of_age,
    )


def _asked(person: Person, *, config: BankConfig) -> dict[Scope, Instant]:
    """Give what a person was ever asked for, and when; also what they bring along from another bank."""
    asked = dict(person.asks)
    for said in person.contacts:
        scope = config.asks.get(said.action)
        if scope is not None:
            asked[scope] = max(said.at, asked.get(scope, said.at))
    return asked


def seed_of(person: Person, *, secret: bytes, domain: Domain) -> bytes:
    """Give what the random numbers of the next decision come from; no caller can choose or foresee it.

    It counts the decisions of the id that was asked for: that number only grows, also when ids are linked and parted.
    """
    return assignment.drawn(secret, domain.encode(), person.asked.subject, person.own.decisions)


def _forecast_facts(snapshot: Snapshot, person: Person, *, now: Instant, judged: Instant) -> ForecastFacts | None:
    summary = person.forecast_at(judged)
    if summary is None or not now - FORECAST_AGE < summary.at <= now:
        return None
    return summary.facts(calendar=snapshot.config.calendar, now=now)
