"""One person of one bank, for the tests of decisions: real documents, real events, the real gate."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import msgspec
from msgspec.structs import replace

from marketofone.consent.gate import Admitted, admit, permit
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, fold
from marketofone.consent.policy import parse_policy
from marketofone.consent.saying import explicit
from marketofone.decide.catalogue import parse_actions
from marketofone.decide.compiled_catalogue import CompiledCatalogue, bind
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.engine import decide
from marketofone.decide.forecast_facts import ForecastFacts, PredictedEvent
from marketofone.domain.decision import Decision, Request
from marketofone.domain.event import KINDS, Event
from marketofone.domain.moment import DAY, MINUTE, Calendar, Instant, parse_instant
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import Emotion, Reading, Sentiment
from marketofone.features import state
from marketofone.features.catalogue import load_catalogue
from marketofone.features.vector import see_all
from marketofone.governance.board import NO_RULINGS, BoardState, Ruling
from marketofone.governance.board import fold as fold_rulings
from marketofone.governance.guardrails import parse_guardrails
from marketofone.models.bandit import OwnAnswers
from marketofone.models.movement import read_movement
from marketofone.models.recommend import Regularisation, fit_affinity

TEMPLATE = files("marketofone") / "template"
ACTIONS_TEXT = (TEMPLATE / "actions.toml").read_text(encoding="utf-8")
FEATURES = load_catalogue((TEMPLATE / "features.py").read_text(encoding="utf-8"))
GUARDRAILS = parse_guardrails((TEMPLATE / "guardrails.toml").read_text(encoding="utf-8"))
POLICY = parse_policy((TEMPLATE / "consent.toml").read_text(encoding="utf-8"))
CALENDAR = Calendar("Europe/Prague")
NOW = parse_instant("2026-06-15T10:00:00Z", field="now")
AFFINITY = fit_affinity(
    [frozenset({"credit_card", "savings_plan"}), frozenset({"credit_card"})] * 9,
    regularisation=Regularisation(shrink=5.0, strength=1.0, order=1),
)


def compiled(text: str = ACTIONS_TEXT) -> CompiledCatalogue:
    return bind(parse_actions(text, features=FEATURES), features=FEATURES, guardrails=GUARDRAILS)


BOOK = compiled()
CREDIT = tuple(action.id for action in BOOK.offered if action.credit)


def approved(*actions: str) -> BoardState:
    return fold_rulings(
        Ruling(ruling="approve", scope=action, by="board", at=Instant(0), until=Instant(NOW + DAY))
        for action in actions
    )


def event(kind: str, *, ago: float, **data: object) -> Event:
    facts = msgspec.convert(data, type=KINDS[kind][0])
    at = Instant(NOW - int(ago))
    return Event(id=f"{kind}-{ago}-{data}", producer="test", kind=kind, customer="c-1", at=at, data=facts)


def payment(category: str, minor: int, *, ago: float) -> Event:
    return event(
        "transaction.booked",
        ago=ago,
        account="a",
        amount_minor=minor,
        currency="EUR",
        category=category,
        merchant=f"{category}-{int(ago) % 7}",
        balance_minor=250_000,
    )


def ordinary_life(*, days: int = 300) -> list[Event]:
    events = [event("account.opened", ago=700 * DAY, account="a", product="current_account", currency="EUR")]
    events.append(event("product.opened", ago=300 * DAY, product="credit_card"))
    for day in range(days):
        events.append(payment("groceries", -1_500 - 10 * (day % 9), ago=day * DAY + MINUTE))
        if day % 2:
            events.append(payment("dining", -2_000, ago=day * DAY + 2 * MINUTE))
        if day % 30 == 2:
            events.append(payment("salary", 350_000, ago=day * DAY))
        if day % 3 == 0:
            events.append(event("app.opened", ago=day * DAY + 3 * MINUTE))
    return events


LIFE = ordinary_life()
CRIB = event("partner.searched", ago=5 * MINUTE, query="baby crib")
UPSET = event("message.received", ago=20 * MINUTE, text="this is too much")
RUSH = [payment("cash", -4_000, ago=minute * MINUTE) for minute in range(1, 9)]
LATE = event("arrears.changed", ago=DAY, in_arrears=True)
FRAGILE = event("care.flagged", ago=DAY, driver="health")


def consents(*refused: tuple[str, str]) -> Consents:
    """Everything is granted, but for the (purpose, source) pairs named."""
    every = ("*",)
    grant = ConsentChange(
        customer="c-1", change="grant", purposes=every, sources=every, channels=every, since=Instant(0)
    )
    withdrawn = [
        ConsentChange(
            customer="c-1",
            change="withdraw",
            purposes=(purpose,),
            sources=(source,),
            channels=every,
            since=Instant(1),
        )
        for purpose, source in refused
    ]
    return fold(explicit(change, policy=POLICY, now=NOW) for change in (grant, *withdrawn))


NO_CONSENT = NEVER_ASKED


def read(happened: Event) -> Reading | None:
    emotion: Emotion = "none"
    sentiment: Sentiment = "neutral"
    if happened.kind == "message.received":
        emotion, sentiment = "upset", "negative"
    elif happened.kind != "partner.searched":
        return None
    topics = ("child",) if happened.kind == "partner.searched" else ()
    return Reading(
        intents=(),
        sentiment=sentiment,
        emotion=emotion,
        urgency=0.0,
        confidence=0.9,
        topics=topics,
        needs=(),
        route="local",
    )


def understood(happened: Event) -> Event:
    """Give a movement with what it is read as, as it is kept."""
    data = happened.data
    if not isinstance(data, Movement):
        return happened
    said = read_movement(data)
    return replace(happened, data=replace(data, nature=said.nature, category=said.category or data.category))


def decision_input(
    events: Iterable[Event],
    *,
    said: Consents | None = None,
    config: CompiledCatalogue = BOOK,
    channel: str = "app",
    **changes: object,
) -> DecisionInput:
    """Bring events through the gate, fold them, see them, and put the situation together."""
    said = consents() if said is None else said
    heard: dict[str, list[tuple[Admitted, Reading | None]]] = {}
    for verdict in admit(list(map(understood, events)), said, policy=POLICY, now=NOW):
        if isinstance(verdict, Admitted):
            heard.setdefault(verdict.event.source, []).append((verdict, read(verdict.event)))
    states = {source: state.fold(None, pairs, catalogue=FEATURES, calendar=CALENDAR) for source, pairs in heard.items()}
    permits = [
        permit(purpose, said, customer="c-1", channel=channel, policy=POLICY, now=NOW) for purpose in POLICY.purposes
    ]
    seen = see_all(states, permits=permits, catalogue=FEATURES, calendar=CALENDAR, now=NOW)
    plain = DecisionInput(
        permits={role: granted for granted in permits for role in granted.serves},
        seen={role: seen[granted.purpose] for granted in permits for role in granted.serves},
        contacts=(),
        board=NO_RULINGS,
        beliefs=config.policy.prior,
        own_answers=OwnAnswers(),
        affinity=AFFINITY,
        forecast=foreseen(),
        money_moved=False,
        assignment="policy",
        order=None,
        exploration=0.02,
        day=CALENDAR.day_of(NOW),
        minute_of_day=CALENDAR.minute_of_day(NOW),
        seed=b"seed",
        epoch=said.epoch,
        position=7,
        documents="digest",
    )
    return msgspec.structs.replace(plain, **changes)


def foreseen(
    *events: tuple[str, float], first: int | None = 20, driver: str = "rent:landlord", age_days: int = 0, **more: object
) -> ForecastFacts:
    """Give what a forecast said: events with their chance, the same at every horizon; nobody runs short otherwise."""
    plain = ForecastFacts(
        made_on=CALENDAR.day_of(NOW) - age_days,
        age_days=age_days,
        events=tuple(
            PredictedEvent(event, horizon, acceptance_probability, first, first, f"{event}:{driver}")
            for event, acceptance_probability in {"below_zero": 0.05, **dict(events)}.items()
            for horizon in (30, 60, 90)
        ),
        low_point_minor=80_000.0,
        idle_minor=0.0,
        sources=frozenset({"transactions"}),
    )
    return msgspec.structs.replace(plain, **more)


def ask(number: int = 1, *, occasion: str = "app.opened", channel: str = "app") -> Request:
    return Request(id=f"d-{number}", customer="c-1", occasion=occasion, channel=channel, at=NOW)


def decisions(
    held: DecisionInput,
    *,
    count: int,
    occasion: str = "app.opened",
    channel: str = "app",
    config: CompiledCatalogue = BOOK,
) -> list[Decision]:
    return [
        decide(ask(number, occasion=occasion, channel=channel), drawn(held, number), config) for number in range(count)
    ]


def drawn(held: DecisionInput, number: int) -> DecisionInput:
    """Give what a decision may look at with another draw."""
    return msgspec.structs.replace(held, seed=number.to_bytes(8, "big"))


def open_to(decision: Decision) -> set[str]:
    """Give the actions that reached the draw."""
    return {candidate.action for candidate in decision.candidates if candidate.stage in {"scored", "chosen"}}


def stage_of(decision: Decision, action: str) -> tuple[str, str]:
    found = next(candidate for candidate in decision.candidates if candidate.action == action)
    return found.stage, found.why
