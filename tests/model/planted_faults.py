"""Faults planted in the running product, each of which breaks the guarantee: the simulator must find every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from marketofone.consent import gate
from marketofone.domain.decision import Decision
from marketofone.domain.moment import Instant
from marketofone.projection import person as person_module
from marketofone.projection.live import Projection
from marketofone.projection.person import Person
from marketofone.services.decisions import decide, visible
from marketofone.services.learning import debts, learner
from marketofone.services.rights import consent_check
from marketofone.services.rights.consent_check import ConsentCheck
from marketofone.services.runtime import uses
from marketofone.services.runtime.runs import Computed

Fault = Callable[[], AbstractContextManager[object]]


def no_second_look() -> AbstractContextManager[object]:
    """Release what was computed without comparing the guards."""
    return patch.object(Person, "expects", lambda *_, **__: {})


def no_use() -> AbstractContextManager[object]:
    """Give a page without the entry that tells of it."""
    return patch.object(uses, "record_use", lambda *_, **__: None)


@contextmanager
def kept_permit() -> Iterator[None]:
    """Remember permits, and never ask again."""
    known: dict[tuple[str, str, str | None], gate.Permit] = {}

    def permit(purpose: str, consents: Any, *, customer: str, channel: str | None, **more: Any) -> gate.Permit:
        asked = (purpose, customer, channel)
        if asked not in known:
            known[asked] = gate.permit(purpose, consents, customer=customer, channel=channel, **more)
        return known[asked]

    with patch.object(person_module, "permit", permit):
        yield


@contextmanager
def asked_before() -> Iterator[None]:
    """Ask for consent once, before the moment at which everything else is read and compared."""
    whole, known = Projection.person_of, dict[int, Any]()

    def person_of(self: Projection, *args: Any, **kwargs: Any) -> Person:
        found = whole(self, *args, **kwargs)
        states = {
            of: replace(state, consents=known.setdefault(of, state.consents)) for of, state in found.states.items()
        }
        return Person(found.asked, found.members, found.heads, states)

    with patch.object(Projection, "person_of", person_of):
        yield


def kept_lessons() -> AbstractContextManager[object]:
    """Say that a debt is paid, and keep the lessons."""
    return patch.object(learner, "pay", lambda *_, **__: 0)


def unnamed_debt() -> AbstractContextManager[object]:
    """Name no debt, so that it is never paid either."""
    nothing = debts.Debt(frozenset(), frozenset())
    return patch.object(debts, "debt_of", lambda *_, **__: nothing)


def sent_anyway() -> AbstractContextManager[object]:
    """Send a message that waited without asking again whether it may be."""
    return patch.object(visible, "refusal_of", lambda *_, **__: "")


def given_again() -> AbstractContextManager[object]:
    """Give a decision that was made before without an entry: the simulator found it in the product."""

    def given(_: Any, person: Person, __: Any, answer: Any) -> Computed[Decision | Any]:
        return Computed(person, answer, None)

    return patch.object(decide, "_given_again", given)


def kept_check() -> AbstractContextManager[object]:
    """Answer other systems by what is remembered of a person, whatever their guard is."""

    def permit(self: ConsentCheck, customer: str, *, purpose: str, channel: str | None, now: Instant) -> gate.Permit:
        known, policy, asked = self._known.get(customer), self._policy, (purpose, channel)
        if known is None or policy is None:
            return self._anew(customer, asked, now=now)
        return consent_check._permit(customer, known.consents, asked, policy=policy[1], now=now)

    return patch.object(ConsentCheck, "permit", permit)


def old_fold() -> AbstractContextManager[object]:
    """Give what is remembered of a journal, however far it goes."""
    whole = Projection.subject

    def subject(self: Projection, reader: Any, customer: Any, *, head: Any) -> Any:
        return self.remembered(customer.subject) or whole(self, reader, customer, head=head)

    return patch.object(Projection, "subject", subject)


FAULTS: Mapping[str, tuple[Fault, int]] = {
    "released without a second look": (no_second_look, 480),
    "a page without its use": (no_use, 240),
    "a permit that is remembered": (kept_permit, 480),
    "consent asked for before the moment of reading": (asked_before, 480),
    "lessons that stay in a version": (kept_lessons, 20_000),
    "a debt that is not named": (unnamed_debt, 20_000),
    "a message that is sent without asking again": (sent_anyway, 480),
    "a check that is answered by what is remembered": (kept_check, 2_400),
    "a decision given again without an entry": (given_again, 240),
    "what is remembered of a journal is old": (old_fold, 480),
}
"""Each with the number of races, from the first on, within which it is found."""
