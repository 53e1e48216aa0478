"""Everything that a bank holds about one customer id, as that customer may take it along.

The journal of the id is read from its beginning to its end, once. It is a right: no purpose of the bank asks for it and
no switch closes it, so what the person withdrew is in it, and what may not be used any more is given to nobody else.
The reading is a use like any other, for the ``RIGHT`` of access.

Nothing of another id is in it, whoever that is: of a joint account what this customer sees, and of a person of several
ids nothing that rests on what the others told. Each of them is exported by itself, and taken in by itself.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import asdict, fields

from marketofone.consent.licence import in_force
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.decision import Candidates, Decision
from marketofone.domain.decoding import json_decoder
from marketofone.domain.event import ACCOUNT_OPENED, CORRECTED, MOVEMENTS, UNDERSTANDING, InferenceCorrected
from marketofone.domain.moment import Instant, date_of, text_of
from marketofone.domain.money_events import MovementUnderstood
from marketofone.projection import codec
from marketofone.projection.contacts import ContactRecord
from marketofone.projection.folding import movement_reading
from marketofone.projection.own_answers import Answer
from marketofone.projection.person import Person
from marketofone.projection.records import (
    CaseRecord,
    ConsentRecord,
    DecisionRecord,
    IdentityRecord,
    IngestRecord,
    KeptEvent,
    OutcomeRecord,
    Scope,
    SignsRecord,
)
from marketofone.projection.reducer import SubjectState
from marketofone.projection.snapshot import Snapshot
from marketofone.services.foresight.insights import insights_of
from marketofone.services.rights.delegates import StandingDelegate, standing_delegates
from marketofone.services.rights.portable import (
    FORMAT,
    AnswerHeard,
    CaseTold,
    ConsentSaid,
    Correction,
    DecisionMade,
    DelegateSaid,
    EventKept,
    ForecastInForce,
    History,
    Inferences,
    JournalEnd,
    Judged,
    LicenceTold,
    LinkSaid,
    OutcomeHeard,
    OwnAnswer,
    PermissionAsked,
    Portable,
    Shown,
)
from marketofone.services.rights.use_log import uses_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import read_person
from marketofone.store.ports import Entry

RIGHT = "right of access"
"""For what an export reads. It has blanks, so no bank can have a purpose of this name."""
SEVERAL = "it rests on what another customer id told, too"

_JUDGED: tuple[Judged, ...] = ("admitted", "refused", "gap")  # by verdict, as they are numbered
_OBJECT, _ANYTHING = json_decoder(dict[str, Any]), json_decoder(object)
_OTHER_ID = "journal/"
_BRIEF = ("id", "occasion", "channel", "action")


def export_customer(context: AppContext, customer: str, *, now: Instant) -> Portable:
    """Give everything that is held about a customer id and is theirs; the reading is a use.

    Raises
    ------
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[Portable, tuple[Scope, ...]]:
        inferences, uses = _inferences(snapshot, person, judged=judged, moment=moment)
        made = _portable(context, snapshot, person, inferences, now=moment)
        return made, (*uses, *((RIGHT, source) for source in sorted(person.own.sources)))

    return read_person(context, customer, what="export", now=now, look=look)


class _Found(Struct):
    """What the entries of a journal tell, part by part, in their order."""

    subject: int
    consents: list[ConsentSaid] = []
    events: list[EventKept] = []
    identity: list[LinkSaid] = []
    corrections: list[Correction] = []
    decisions: list[DecisionMade] = []
    outcomes: list[OutcomeHeard] = []
    cases: list[CaseTold] = []

    def take(self, entry: Entry, record: Any) -> None:
        """Take what one more entry tells."""
        recorded = text_of(entry.recorded)
        match record:
            case ConsentRecord():
                self.consents.append(_consent(record, recorded=recorded))
            case IngestRecord():
                for kept in filter(is_own, record.events):
                    self._take_event(kept, recorded=recorded)
            case IdentityRecord() if record.own and record.event is not None:
                self.identity.append(LinkSaid(recorded=recorded, event=_in_order(record.event)))
            case DecisionRecord():
                self.decisions.append(_decision(record, subject=self.subject, recorded=recorded))
            case OutcomeRecord():
                told = msgspec.to_builtins(record.outcome) | {"at": text_of(record.outcome.at)}
                self.outcomes.append(OutcomeHeard(recorded=recorded, outcome=told))
            case SignsRecord():
                signs = {"of": record.of, **asdict(record.signs)}
                self.outcomes.append(OutcomeHeard(recorded=recorded, signs=signs))
            case CaseRecord():
                self.cases.append(_case(record, n=entry.n, recorded=recorded))

    def _take_event(self, kept: KeptEvent, *, recorded: str) -> None:
        self.events.append(_event(kept, recorded=recorded))
        if is_correction(kept):
            self.corrections.append(_correction(kept))


def is_correction(kept: KeptEvent) -> bool:
    """Say whether an event of a journal is what the person said of a merchant, a movement or an inference."""
    if kept.body is None or kept.kind not in UNDERSTANDING:
        return kept.kind == CORRECTED
    return getattr(read_kept(kept.body, kind=kept.kind).data, "by", "") == "person"


def _correction(kept: KeptEvent) -> Correction:
    at, source = text_of(kept.at), kept.source
    said = None if kept.body is None else read_kept(kept.body, kind=kept.kind).data
    if isinstance(said, InferenceCorrected):
        return Correction(at=at, source=source, of=said.inference, wrong=said.wrong)
    assert isinstance(said, MovementUnderstood)  # noqa: S101 - it is a correction
    return Correction(at=at, source=source, of=said.id, name=said.merchant, category=said.category)


def is_own(kept: KeptEvent) -> bool:
    """Say whether an event of a journal rests on that id alone.

    What a movement turned out to be by what another id of the person told is none of it.
    """
    if kept.body is None or kept.kind not in UNDERSTANDING:
        return True
    data = read_kept(kept.body, kind=kept.kind).data
    return not (isinstance(data, MovementUnderstood) and any(of.startswith(_OTHER_ID) for of in data.rests_on))


def _portable(
    context: AppContext, snapshot: Snapshot, person: Person, inferences: Inferences, *, now: Instant
) -> Portable:
    owner, calendar, state = person.asked, snapshot.config.calendar, person.own
    found = _Found(owner.subject)
    for entry in snapshot.reader.entries(owner.subject, upto=state.n):
        found.take(entry, codec.read(entry, box=owner.box))
    with context.store.read() as reader:
        uses = uses_of(context, reader, person, calendar=calendar)
    head = person.heads[owner.subject]
    withheld = {made.decision["id"] for made in found.decisions if made.withheld}
    shown = (_shown(said, whole=said.decision not in withheld) for said in state.contacts)
    return Portable(
        format=FORMAT,
        customer=owner.name,
        day=date_of(calendar.day_of(now)).isoformat(),
        currency=snapshot.config.settings.currency,
        journal=JournalEnd(entries=head.n, head=head.hash.hex()),
        consents=tuple(found.consents),
        delegates=tuple(map(_delegate, standing_delegates(snapshot, person, now=person.judged(now)))),
        licences=_licences(state),
        history=History(shown=tuple(shown), answers=tuple(map(_answer, state.answers)), asked=_asked(state)),
        events=tuple(found.events),
        identity=tuple(found.identity),
        corrections=tuple(found.corrections),
        decisions=tuple(found.decisions),
        outcomes=tuple(found.outcomes),
        cases=tuple(found.cases),
        inferences=inferences,
        uses=tuple(uses),
    )


def _asked(state: SubjectState) -> tuple[PermissionAsked, ...]:
    return tuple(
        PermissionAsked(purpose=purpose, source=source, at=text_of(at)) for (purpose, source), at in state.asks.items()
    )


def _consent(record: ConsentRecord, *, recorded: str) -> ConsentSaid:
    said = record.change
    return ConsentSaid(
        recorded=recorded,
        change=said.change,
        purposes=said.purposes,
        sources=said.sources,
        channels=said.channels,
        since=text_of(said.since),
        until=None if said.until is None else text_of(said.until),
        actor=said.actor,
        authority=said.authority,
        versions=said.versions,
        language=said.language,
        delegate=said.delegate,
    )


def _case(record: CaseRecord, *, n: int, recorded: str) -> CaseTold:
    due = text_of(record.due) if record.due else None
    return CaseTold(
        n=n,
        recorded=recorded,
        kind=record.kind,
        about=record.about,
        due=due,
        words=record.words,
        of=record.of,
        by=record.by,
    )


def _event(kept: KeptEvent, *, recorded: str) -> EventKept:
    return EventKept(
        recorded=recorded,
        judged=_JUDGED[kept.verdict],
        source=kept.source,
        kind=kept.kind,
        at=text_of(kept.at),
        event=UNSET if kept.body is None else _in_order(kept.body),
        read_as=_read_as(kept),
    )


def _read_as(kept: KeptEvent) -> dict[str, Any] | None:
    if kept.reading is None or kept.body is None or kept.kind == ACCOUNT_OPENED:  # there it is a mark, and no reading
        return None
    if kept.kind in MOVEMENTS:
        return asdict(movement_reading(kept))
    return _OBJECT.decode(kept.reading)


def _in_order(body: bytes) -> Raw:
    """Give JSON with its keys in order; one that only its typed reader can read stays as it is."""
    try:
        return Raw(msgspec.json.encode(_ANYTHING.decode(body), order="sorted"))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Raw(body)


def _decision(record: DecisionRecord, *, subject: int, recorded: str) -> DecisionMade:
    made = record.decision
    if record.rests_on.subjects <= {subject}:
        return DecisionMade(recorded=recorded, kind=record.kind, decision=_written(made))
    brief = {name: getattr(made, name) for name in _BRIEF} | {"at": text_of(made.at)}
    return DecisionMade(recorded=recorded, kind=record.kind, decision=brief, withheld=SEVERAL)


def _written(made: Decision) -> dict[str, Any]:
    """Give all of a decision, with its candidates one by one, also below the first place."""
    told = _each_field(made) | {"at": text_of(made.at), "below": [_each_field(slot) for slot in made.below]}
    written: dict[str, Any] = msgspec.to_builtins(told)
    return written


def _each_field(of: Struct) -> dict[str, Any]:
    told = {field.encode_name: getattr(of, field.name) for field in fields(of)}
    return {name: list(map(asdict, one)) if isinstance(one, Candidates) else one for name, one in told.items()}


def _shown(said: ContactRecord, *, whole: bool) -> Shown:
    """Give what was shown; what it told of a forecast only where that rests on this id alone."""
    answers = (
        AnswerHeard(
            heard=text_of(heard),
            at=text_of(outcome.at),
            verdict=outcome.verdict,
            why=outcome.why,
            value_minor=outcome.value_minor,
            slot=outcome.slot,
            changes=outcome.changes,
        )
        for heard, outcome in said.answers
    )
    return Shown(
        decision=said.decision,
        action=said.action,
        kind=said.kind,
        channel=said.channel,
        at=text_of(said.at),
        answers=tuple(answers),
        notification=said.notification if whole else None,
    )


def _answer(said: Answer) -> OwnAnswer:
    return OwnAnswer(
        action=said.action,
        at=text_of(said.at),
        heard=text_of(said.heard),
        accepted=said.accepted,
        value_minor=said.value_minor,
        reported=text_of(said.reported) if said.reported else None,
        seen=said.seen,
    )


def _delegate(standing: StandingDelegate) -> DelegateSaid:
    said = standing.delegation
    return DelegateSaid(
        recorded=text_of(standing.recorded),
        name=said.name,
        authority=said.authority,
        may=said.may,
        until=text_of(standing.ends),
        evidence=said.evidence,
    )


def _licences(state: SubjectState) -> tuple[LicenceTold, ...]:
    return tuple(
        LicenceTold(
            institution=told.institution,
            scopes=told.scopes,
            until=None if told.until is None else text_of(told.until),
            since=None if told.since is None else date_of(told.since).isoformat(),
            marketing=told.marketing,
        )
        for told in in_force(state.consents.licences)
    )


def _inferences(
    snapshot: Snapshot, person: Person, *, judged: Instant, moment: Instant
) -> tuple[Inferences, tuple[Scope, ...]]:
    if len(person.members) > 1:
        return Inferences(insights=(), forecast=None, withheld=SEVERAL), ()
    insights, uses = insights_of(snapshot, person, now=judged, as_of=moment)
    return Inferences(insights=tuple(insights), forecast=_forecast(person, now=judged)), uses


def _forecast(person: Person, *, now: Instant) -> ForecastInForce | None:
    last = person.forecast_at(now)
    if last is None:
        return None
    return ForecastInForce(
        at=text_of(last.at),
        sources=last.sources,
        low_point_minor=last.low_point_minor,
        low_point_day=last.low_point_day,
        idle_minor=last.idle_minor,
        events=tuple(map(asdict, last.events)),
    )
