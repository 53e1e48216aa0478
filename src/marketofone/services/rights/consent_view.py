"""How a person's consents stand, for whoever shows them: in few words, by purpose, and scope by scope."""

from __future__ import annotations

from msgspec import Struct

from marketofone.consent.asking import Asking, asking, noes_in
from marketofone.consent.gate import scope_state, validity_of
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents
from marketofone.consent.licence import Licence, Licences, in_force
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.consent.standing import ConsentStanding, Switch, standing
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.fields import LicenceScope
from marketofone.domain.moment import Instant, date_of, text_of
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.rights.consent_service import heard, known, said_by
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import asked_moment, read_person

STAFF = "work of the staff"
"""For what staff read. It has blanks, so no bank can have a purpose of this name."""
STAFF_LOOK: Scope = (STAFF, "permissions")
"""For what staff read what somebody allows. It has blanks, so no bank can have a purpose of this name."""


class ScopeState(Struct, frozen=True, kw_only=True):
    """How one scope stands."""

    purpose: str
    source: str
    channel: str
    state: str
    until: str | None


class LicenceState(Struct, frozen=True, kw_only=True):
    """What was allowed at another bank: no grant opens more of what came from there, and none once it has ``ended``."""

    institution: str
    scopes: tuple[LicenceScope, ...]
    until: str | None
    since: str | None
    marketing: bool
    ended: bool


class PurposeState(Struct, frozen=True, kw_only=True):
    """How a purpose that rests on consent stands: ``on`` where all of its scopes are open, ``off`` where none is.

    ``may_ask`` says whether the person may be asked for it now, ``ask_from`` from when on where not: none says that
    only they themselves can open that, for they object to marketing.
    """

    purpose: str
    standing: Switch
    paused_until: str | None
    may_ask: bool
    ask_from: str | None


class ConsentView(Struct, frozen=True, kw_only=True):
    """A person's consents: in few words, purpose by purpose, scope by scope, and what they allowed at other banks.

    The few words are those of :class:`.ConsentStanding`; what was allowed at other banks is told as it stands now.
    """

    customer: str
    epoch: int
    cells: tuple[ScopeState, ...]
    licences: tuple[LicenceState, ...]
    objected: bool
    paused_until: str | None
    on: int
    of: int
    purposes: tuple[PurposeState, ...]


def show_consents(context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None) -> ConsentView:
    """Show every scope a person can switch, as it stands now or as it stood at an earlier moment.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    """
    judged = asked_moment(as_of, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        consents, asked = NEVER_ASKED, now
        licences: Licences = ()
        said: list[tuple[Instant, ConsentChange]] = []
        if known(context, customer):
            person = snapshot.person(customer)
            licences, asked = person.consents.licences, person.judged(now)
            if as_of is None:
                consents, judged = person.consents, person.judged(now)
            else:
                consents = said_by(reader, person, as_of)
            said = heard(reader, person, moment=judged)
        policy = snapshot.config.policy
    stands = standing(consents, policy=policy, now=judged)
    may = asking(noes_in(said), consents, policy=policy, now=judged)
    return ConsentView(
        customer=customer,
        epoch=consents.epoch,
        cells=tuple(_scope_state(consents, scope, policy=policy, now=judged) for scope in policy.scopes()),
        licences=tuple(_licence_state(licence, now=asked) for licence in in_force(licences)),
        objected=stands.objected,
        paused_until=_text(stands.paused_until),
        on=stands.on,
        of=stands.of,
        purposes=tuple(
            _purpose_state(name, switch, consents.paused_until(name, judged), may[name])
            for name, switch in stands.purposes.items()
        ),
    )


def consent_standing(context: AppContext, customer: str, *, now: Instant) -> ConsentStanding:
    """Say how a person's consents stand, in few words; those of somebody unknown are as of whoever was never asked."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        policy = snapshot.config.policy
        try:
            person = snapshot.person(customer)
        except UnknownCustomer:
            return standing(NEVER_ASKED, policy=policy, now=now)
        return standing(person.consents, policy=policy, now=person.judged(now))


def standing_for_staff(context: AppContext, customer: str, *, now: Instant) -> ConsentStanding:
    """Say how a person's consents stand to staff who look at them: a use, also of somebody who allows nothing.

    Raises
    ------
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, _: Instant
    ) -> tuple[ConsentStanding, tuple[Scope, ...]]:
        return standing(person.consents, policy=snapshot.config.policy, now=judged), (STAFF_LOOK,)

    return read_person(context, customer, what="standing", now=now, look=look)


def may_ask(context: AppContext, customer: str, *, now: Instant) -> dict[str, Asking]:
    """Say of each purpose whether a person may be asked for it now, and if not, from when on."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        policy = snapshot.config.policy
        try:
            person = snapshot.person(customer)
        except UnknownCustomer:
            return asking({}, NEVER_ASKED, policy=policy, now=now)
        return asking(person.noes, person.consents, policy=policy, now=person.judged(now))


def _purpose_state(purpose: str, switch: Switch, paused_until: Instant | None, may: Asking) -> PurposeState:
    return PurposeState(
        purpose=purpose,
        standing=switch,
        paused_until=_text(paused_until),
        may_ask=may.may,
        ask_from=_text(may.since),
    )


def _licence_state(licence: Licence, *, now: Instant) -> LicenceState:
    return LicenceState(
        institution=licence.institution,
        scopes=licence.scopes,
        until=_text(licence.until),
        since=None if licence.since is None else date_of(licence.since).isoformat(),
        marketing=licence.marketing,
        ended=licence.has_ended(now),
    )


def _scope_state(consents: Consents, scope: ConsentScope, *, policy: ConsentPolicy, now: Instant) -> ScopeState:
    validity = validity_of(scope, consents, policy=policy)
    return ScopeState(
        purpose=scope.purpose,
        source=scope.source,
        channel=scope.channel,
        state=scope_state(scope, consents, policy=policy, now=now),
        until=None if validity is None else _text(validity.until),
    )


def _text(moment: Instant | None) -> str | None:
    return None if moment is None else text_of(moment)
