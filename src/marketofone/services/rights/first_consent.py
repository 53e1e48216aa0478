"""The first consent: what somebody says about every purpose who was never asked before.

Nobody has to say anything: what is left out stays as it is, closed. A no is an entry too, so that nobody is asked again
soon. It is said once: who said anything about consent before, by any of their ids, uses the switches of a purpose. Only
who came of age since is asked once more, for nothing of before carries over.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET, Struct, UnsetType

from marketofone.consent.asking import waits_to_be_asked
from marketofone.consent.gate import stopped
from marketofone.consent.ledger import EVERY, NEVER_ASKED, ConsentChange, Consents
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.languages import Language, message
from marketofone.domain.moment import Instant
from marketofone.services.rights.consent_service import ConsentGiven
from marketofone.services.runtime.app_context import AppContext

_NOTHING_SAID = message("no purpose has a yes or a no")
_NO_CHANNEL = message("a yes needs at least one channel")


class FirstChoice(Struct, frozen=True, kw_only=True):
    """What a person says first: the purposes they say yes to, through which channels, and those they say no to."""

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def fault(self) -> str:
        """What is missing; empty where nothing is.

        Examples
        --------
        >>> FirstChoice(yes=("care",)).fault
        'a yes needs at least one channel'
        """
        if not (self.yes or self.no):
            return _NOTHING_SAID
        return _NO_CHANNEL if self.yes and not self.channels else ""


def may_begin(context: AppContext, customer: str, *, now: Instant) -> bool:
    """Say whether a customer was never asked: nobody heard of them yet, or they never said anything about consent.

    So it is with who came of age, and said nothing since. Who was forgotten begins nothing anew while that is barred.
    """
    if context.keys.barred((customer,), now=now):
        return False
    consents, policy, judged = _standing(context, customer, now=now)
    return not consents.epoch or waits_to_be_asked(consents, policy=policy, now=judged)


def came_of_age(context: AppContext, customer: str, *, now: Instant) -> bool:
    """Say whether a customer came of age, and was not asked since what may be used."""
    consents, policy, judged = _standing(context, customer, now=now)
    return waits_to_be_asked(consents, policy=policy, now=judged)


def asked_first(context: AppContext, customer: str, *, now: Instant) -> tuple[str, ...]:
    """Name the purposes that a customer is asked for first: all that rest on consent and are open at their age."""
    consents, policy, judged = _standing(context, customer, now=now)
    each = (name for name, spec in policy.purposes.items() if spec.basis == "consent")
    return tuple(name for name in each if stopped(name, consents, policy=policy, now=judged) != "under_age")


def _standing(context: AppContext, customer: str, *, now: Instant) -> tuple[Consents, ConsentPolicy, Instant]:
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        try:
            person = snapshot.person(customer)
        except UnknownCustomer:
            return NEVER_ASKED, snapshot.config.policy, now
        return person.consents, snapshot.config.policy, person.judged(now)


def say_first(
    record: Callable[[ConsentChange], ConsentGiven],
    customer: str,
    choice: FirstChoice,
    *,
    shown: ConsentPolicy,
    now: Instant,
    language: Language | UnsetType = UNSET,
    delegate: str | UnsetType = UNSET,
) -> ConsentGiven:
    """Record what somebody says first; a no before a yes, so that nothing is open that was not said. Gives the last.

    ``record`` takes in what is said about consent, with all that follows from it, as at any other door.

    A yes is to the sources that the purposes ask for, and to no others; and to the purposes as they were ``shown``, in
    the ``language`` in which the notices were read; ``delegate`` is who says it for them.

    Raises
    ------
    MalformedRequest
        When it names what the bank does not ask about, or a purpose that meanwhile is for something else.
    Refused
        When the customer was forgotten, and nothing about them is taken in again yet.
    """
    if choice.fault:
        raise AssertionError(choice.fault)  # whoever shows the page asks again
    given = None
    if choice.no:
        no = ConsentChange(
            customer=customer,
            change="withdraw",
            purposes=choice.no,
            sources=(EVERY,),
            channels=(EVERY,),
            since=now,
            language=language,
            delegate=delegate,
        )
        given = record(no)
    if choice.yes:
        yes = ConsentChange(
            customer=customer,
            change="grant",
            purposes=tuple(f"{name}@{shown.purposes[name].version}" for name in choice.yes),
            sources=_asked_for(choice.yes, policy=shown),
            channels=choice.channels,
            since=now,
            language=language,
            delegate=delegate,
        )
        given = record(yes)
    if given is None:
        raise AssertionError(customer)  # a choice without a fault says something
    return given


def _asked_for(purposes: tuple[str, ...], *, policy: ConsentPolicy) -> tuple[str, ...]:
    asked = {source for name in purposes for source in policy.sources_of(name)}
    return tuple(source for source in policy.sources if source in asked)
