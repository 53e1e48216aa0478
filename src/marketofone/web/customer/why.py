"""Why a person sees something, what was used for it, and their answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace
from starlette.responses import Response

from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.saying import latest_end
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.decide.money_left import money_actions, money_left
from marketofone.decide.reasons import in_words, tells_of_help, tells_of_the_draw
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.languages import message
from marketofone.domain.outcome import WHY_NOT, WHY_YES, Outcome, OutcomeFields, Verdict, answer, given_up
from marketofone.features.declare import Unit
from marketofone.projection.bank_config import BankConfig
from marketofone.services.decisions.feedback import last_day
from marketofone.services.decisions.mattering import Mattered, Without
from marketofone.services.decisions.visible import HIDDEN_ACTION
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.formatting import action_of
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

STRESS = "stress:"
FACTS_TOLD = 2


def why(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show why a person sees something, and what was used for it; of a slate at one of its places."""
    bank, slot = renderer.bank, request_data.slot
    told = _own(renderer, request_data, changes=slot == 1, slot=slot)
    made = told.decision
    decision, as_of = made.place(slot), request_data.as_of(bank.calendar, now=bank.now())
    scored = [reason for reason in decision.reasons if reason.term]
    known = [one for one in history.outcomes_of(bank.context, made) if one.place == slot]
    heard = [one for one in known if as_of is None or one.at <= as_of]
    said, until = answer(heard), last_day(made.at, config=bank.config)
    given = [heard[place] for place in given_up(heard)]
    no = (given[-1].why_not if given else said.why_not) if said is not None else None
    declines = bank.config.compiled.guardrails.declines
    gentle = told.hard_pressed or is_gentle(decision, catalogue=bank.catalogue)
    return renderer.page(
        "customer/why.html",
        request_data,
        customer=request_data.path["customer"],
        decision=decision,
        slot=slot,
        slots=made.slots,
        places=[place.action for place in made.places if place.action != NOTHING],
        otherwise=told.otherwise,
        asks=bank.config.asks.get(decision.action),
        measured=next((reason.text for reason in decision.reasons if tells_of_help(reason)), ""),
        ends=latest_end(bank.now(), policy=bank.config.policy),
        said=said,
        given=given,
        others=_others(heard, counts=given if said is None else [said, *given]),
        until=until,
        is_open=as_of is None and bank.now() <= until,
        kept_away=None if no is None else declines.get(no),
        scored=scored,
        conditions=[
            reason for reason in decision.reasons if not (reason.term or (gentle and tells_of_the_draw(reason)))
        ],
        gentle=gentle,
        mattered=without_offers(told.mattered, catalogue=bank.catalogue) if gentle else told.mattered,
        facts=_facts(decision),
        stops=_stops(made, decision.action, told.mattered, policy=bank.config.policy, catalogue=bank.catalogue),
        options=[one.action for one in decision.candidates if one.stage in ("scored", "chosen")],
        version=told.version,
        read_values=[
            (title, renderer.words.number(value), unit) for title, value, unit in _values(decision, config=bank.config)
        ],
        chart=charts.bars([_bar(reason, renderer=renderer) for reason in scored]),
        why_not=WHY_NOT,
        why_yes=WHY_YES,
    )


def _others(heard: Sequence[Outcome], *, counts: Sequence[Outcome]) -> list[Outcome]:
    """Give what a person said or did beside what counts, as long as it says something else."""
    told = {(one.verdict, one.why) for one in counts}
    return [one for one in heard if one.verdict != "valued" and (one.verdict, one.why) not in told]


def say(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Hear what a person says to a decision, again as well: yes, or not for me because; of a slate to one place."""
    made, said, slot = (
        _own(renderer, request_data, changes=False).decision,
        request_data.form.get("say", ""),
        request_data.slot,
    )
    decision = made.place(slot)
    yes = said == "yes" or said in WHY_YES
    if not yes and said not in WHY_NOT:
        raise MalformedRequest(field="say", shape=message("no answer"), fix=message("use the buttons of the page"))
    if decision.action in (NOTHING, HIDDEN_ACTION):
        raise MalformedRequest(field="say", shape=message("an answer to nothing"), fix=message("nothing was shown"))
    verdict: Verdict = "accepted" if yes else "declined"
    more: OutcomeFields = {"why": "" if said == "yes" else said}
    if made.slots > 1:
        more["slot"] = slot
    renderer.bank.outcome(decision.id, verdict, customer=decision.customer, **more)
    customer, place = request_data.path["customer"], str(slot) if made.slots > 1 else ""
    return redirect(address("customer", customer, "decisions", decision.id, slot=place) + "#answer")


def _own(
    renderer: PageRenderer, request_data: RequestData, *, changes: bool, slot: int | None = None
) -> history.Explained:
    """Give a person's own decision, and where it is asked for what would have changed it.

    Nobody learns from an address that somebody else's exists. At a moment that is asked about there is none that came
    later.
    """
    bank, path, now = renderer.bank, request_data.path, renderer.bank.now()
    told = history.explained(
        bank.context, path["decision"], customer=path["customer"], now=now, changes=changes, slot=slot
    )
    as_of = request_data.as_of(bank.calendar, now=now)
    if as_of is not None and told.decision.at > as_of:
        raise UnknownDecision
    return told


def _bar(reason: Reason, *, renderer: PageRenderer) -> charts.Mark:
    words, currency = renderer.words, renderer.bank.config.settings.currency
    return charts.Mark(
        label=formatting.sentence(words.plainly_told(reason.text)),
        amount=reason.term,
        value=formatting.amount(reason.term, currency=currency, signed=True, words=words),
        tone="for" if reason.term > 0 else "against",
    )


def is_gentle(decision: Decision, *, catalogue: ActionCatalogue) -> bool:
    """Say whether a decision is about somebody who may be in distress: then no money terms and no lot are shown.

    It is, by what the catalogue declares and the decision recorded: where its action is one of care, or one was open to
    the person, or only capped; where signs of stress silenced all else; and where the decision knew that little money
    is left (``decide/money_left.py``): a late payment, an account that may run short, or a help against that. What it
    knew without judging a credit by it is ``hard_pressed`` of :class:`.history.Explained`.
    """
    open_to = [one.action for one in decision.candidates if one.stage not in ("not_eligible", "not_permitted")]
    if any(action_of(name, catalogue=catalogue).role == "care" for name in (decision.action, *open_to)):
        return True
    little = money_left(decision, actions=money_actions(catalogue.actions)) == "little"
    return little or any(one.why.startswith(STRESS) for one in decision.candidates)


def without_offers(mattered: Mattered | None, *, catalogue: ActionCatalogue) -> Mattered | None:
    """Leave out which offer it would have been instead: who may be in distress is sold nothing, here neither."""

    def plain(one: Without) -> Without:
        is_offer = one.action not in (NOTHING, HIDDEN_ACTION) and action_of(one.action, catalogue=catalogue).marketing
        return replace(one, action=HIDDEN_ACTION) if is_offer else one

    if mattered is None:
        return None
    together = None if mattered.together is None else plain(mattered.together)
    return replace(mattered, each=tuple(map(plain, mattered.each)), together=together)


def _facts(decision: Decision) -> dict[str, list[str]]:
    """Give for each source the facts of it that opened the action or weighed most, in the decision's own words."""
    found: dict[str, list[str]] = {}
    for reason in sorted(decision.reasons, key=lambda one: bool(one.term)):  # conditions first, then terms by size
        for source in (reason.source or "").split("+"):
            if source and len(found.setdefault(source, [])) < FACTS_TOLD:
                found[source].append(reason.text)
    return found


class Stop(NamedTuple):
    """A button that withdraws a source for a purpose, or all of a purpose (``source`` is empty)."""

    purpose: str
    source: str


def _stops(
    made: Decision, action: str, mattered: Mattered | None, *, policy: ConsentPolicy, catalogue: ActionCatalogue
) -> list[Stop]:
    """Give what can be stopped: for the purpose of the action, what mattered and all of it; else for each purpose.

    Where no source mattered alone, any that was looked at can be stopped.
    """
    free = [(purpose, source) for purpose, source in made.uses if policy.purposes[purpose].basis == "consent"]
    role = action_of(action, catalogue=catalogue).role
    own = policy.serving(role) if role is not None else None
    free = [one for one in free if one[0] == own] or free
    told = {source for one in (mattered.each if mattered else ()) for source in one.sources}
    sources = [Stop(purpose, source) for purpose, source in free if not told or source in told]
    return [*sources, *(Stop(purpose, "") for purpose in dict.fromkeys(purpose for purpose, _ in free))]


def _values(decision: Decision, *, config: BankConfig) -> list[tuple[str, str, Unit]]:
    """Give the values the score was computed from; none where the documents declare other features since then.

    The context holds each value v as v / (|v| + scale), times how many look there; 0 stands for none or not looked at.
    """
    compiled = config.compiled
    if decision.documents != config.digest:
        return []
    count = len(compiled.context)
    entries = zip(compiled.context, compiled.limits.scale[:, 0].tolist(), decision.context[1 : 1 + count], strict=False)
    return [
        (feature.title, in_words(_unsquashed(entry / decision.seen, scale), unit=feature.unit), feature.unit)
        for feature, scale, entry in entries
        if entry
    ]


def _unsquashed(entry: float, scale: float) -> float:
    return entry * scale / max(1.0 - abs(entry), 1e-6)
