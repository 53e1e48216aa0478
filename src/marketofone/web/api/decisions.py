"""Decisions over HTTP: asked for, given again, and what followed them."""

from __future__ import annotations

from time import perf_counter

import msgspec
from msgspec.structs import asdict

from marketofone.domain.decision import Otherwise
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import text_of
from marketofone.domain.outcome import Outcome
from marketofone.services.bank import Bank
from marketofone.services.decisions.asked import request_of
from marketofone.services.rights import history
from marketofone.web.api import schemas
from marketofone.web.request_data import RequestData, past


def decide(bank: Bank, request_data: RequestData) -> schemas.DecidedNow:
    """Decide the one next best thing to do for a person, with its reasons; several for several places, in their order.

    With ``as_of`` it is a question: an answer on what was known then, and never a contact.
    """
    asked = request_data.read(schemas.DecisionAsked)
    began, now, config = perf_counter(), bank.now(), bank.config
    request = request_of(
        config.actions,
        asked.customer,
        occasion=asked.occasion,
        channel=asked.channel,
        id=asked.id,
        now=now,
        placement=asked.placement,
        slots=asked.slots,
    )
    decision, entry = bank.answer(request, as_of=past(asked.as_of, calendar=config.calendar, now=now))
    proof = None if entry is None else schemas.proof(entry)
    seconds = round(perf_counter() - began, 6)
    return schemas.answer_of(decision, schemas.DecidedNow, catalogue=config.actions, seconds=seconds, entry=proof)


def recall(bank: Bank, request_data: RequestData) -> schemas.Traced:
    """Give a decision again: its reasons, how every candidate fared, what would have changed it, and what followed.

    ``customer`` says whose, where several customers have one of this id. Refused once it rests on information that may
    not be used any more.
    """
    told = history.explained(
        bank.context, request_data.path["decision"], customer=request_data.customer, now=bank.now(), changes=True
    )
    if told.refused:
        raise ConsentRefused(why=told.refused)
    decision, found = told.decision, told.otherwise or Otherwise()
    outcomes = history.outcomes_of(bank.context, decision)
    heard = [{**msgspec.to_builtins(outcome), "at": text_of(outcome.at)} for outcome in outcomes]
    candidates = [asdict(candidate) for candidate in decision.candidates]
    return schemas.answer_of(
        decision,
        schemas.Traced,
        catalogue=bank.catalogue,
        instead=found.counterfactual,
        untold=found.untold,
        outcomes=heard,
        candidates=candidates,
    )


def record_outcome(bank: Bank, request_data: RequestData) -> schemas.OutcomeTaught:
    """Say what a person did after a decision, and why; what it teaches is the answer. It is learned within a second.

    ``customer`` says whose decision, where several customers have one of this id.
    """
    said, now = request_data.read(schemas.OutcomeRequest), bank.now()
    at = past(said.as_of, calendar=bank.calendar, now=now)
    outcome = Outcome(
        decision=said.decision,
        verdict=said.verdict,
        at=now if at is None else at,
        why=said.why,
        value_minor=said.value_minor,
        slot=said.slot,
    )
    result, entry = bank.record_outcome(outcome, now=now, customer=said.customer)
    return schemas.OutcomeTaught(**asdict(result), entry=None if entry is None else schemas.proof(entry))
