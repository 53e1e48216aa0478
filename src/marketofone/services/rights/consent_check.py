"""May this purpose use what is known of this person, now? Asked by whatever else a bank runs, before each of its uses.

What somebody allows is remembered together with the guard of their journal, which every entry moves that can change an
answer. So one statement to the store, which asks for the guards of one moment, says whether what is remembered still
holds, also when another process took a withdrawal in. Nothing ends by time alone that is not judged at the moment of
the question. A check reads no information about a person but what they allow, and is no use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.gate import Permit, permit
from marketofone.consent.ledger import ConsentEntry, Consents
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import BANK

REMEMBERED = 1_000_000
"""Of how many customers it is remembered what they allow: some 0.6 kB each."""

_WORDS = 10_000

Words = tuple[str, ...]


class _Known(Struct, frozen=True, gc=False):
    """What a customer of one id allows, as of a guard of their journal."""

    subject: int
    guard: int
    consents: Consents


class ConsentCheck:
    """Checks what people allow, over one bank."""

    def __init__(self, context: AppContext, *, at: Callable[[Instant | None], Instant], room: int = REMEMBERED) -> None:
        self._context, self._at = context, at
        self._known: Recent[str, _Known] = Recent(room=room)
        self._words: dict[Words, Words] = {}
        self._policy: tuple[int, ConsentPolicy] | None = None

    def permit(self, customer: str, *, purpose: str, channel: str | None = None, now: Instant | None = None) -> Permit:
        """Give the permit of a purpose: the sources that it may use now, and why not the others.

        Without a ``channel`` no customer is reached by what is done with it, or the person looks themselves.

        Raises
        ------
        UnknownCustomer
        MalformedRequest
            When the bank has no such purpose or channel.
        """
        moment = self._at(now)
        known, policy = self._known.get(customer), self._policy
        if known is not None and policy is not None:
            guards = self._context.store.guards(known.subject)
            if guards.own == known.guard and guards.bank == policy[0]:
                judged = max(moment, guards.recorded)
                return _permit(customer, known.consents, (purpose, channel), policy=policy[1], now=judged)
        return self._anew(customer, (purpose, channel), now=moment)

    def _anew(self, customer: str, asked: tuple[str, str | None], *, now: Instant) -> Permit:
        self._known.drop(customer)  # whoever was forgotten stays in no memory
        with self._context.store.read() as reader:
            snapshot = self._context.snapshot(reader)
            policy, guard = snapshot.config.policy, reader.head(BANK).guard
            person = snapshot.person(customer)
        self._policy = (guard, policy)
        self._remember(person)
        return _permit(person.name, person.consents, asked, policy=policy, now=person.judged(now))

    def _remember(self, person: Person) -> None:
        """Remember what a person of one id allows; what several allow together rests on several journals."""
        if len(person.members) > 1:
            return
        said = (
            ConsentEntry(one.validity, self._once(one.purposes), self._once(one.sources), self._once(one.channels))
            for one in person.consents.said
        )
        known = _Known(person.asked.subject, person.own.guard, replace(person.consents, said=tuple(said)))
        self._known.put(person.name, known)

    def _once(self, words: Words) -> Words:
        """Give the same words as one value: nearly all people say the same few things."""
        if len(self._words) >= _WORDS:
            self._words.clear()
        return self._words.setdefault(words, words)


def _permit(
    customer: str, consents: Consents, asked: tuple[str, str | None], *, policy: ConsentPolicy, now: Instant
) -> Permit:
    purpose, channel = asked
    if purpose not in policy.purposes:
        raise _stranger("purpose", policy.purposes)
    if channel is not None and channel not in policy.channels:
        raise _stranger("channel", policy.channels)
    return permit(purpose, consents, customer=customer, channel=channel, policy=policy, now=now)


def _stranger(field: str, allowed: Iterable[str]) -> MalformedRequest:
    fix = f"use one of {', '.join(allowed)}"
    return MalformedRequest(field=field, shape="a word consent.toml does not have", fix=fix)
