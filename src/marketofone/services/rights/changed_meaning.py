"""What a purpose was for when somebody said yes to it, where that is not what it is for now."""

from __future__ import annotations

from collections.abc import Iterator

from marketofone.consent.ledger import Consents, plain_of
from marketofone.consent.policy import Purpose
from marketofone.domain.languages import Language
from marketofone.domain.moment import Instant
from marketofone.projection.meanings import shown_before
from marketofone.services.runtime.app_context import AppContext


def changed_meaning(
    context: AppContext, customer: str, purpose: str, *, now: Instant, language: Language = "en"
) -> Purpose | None:
    """Give a purpose as it was shown when a person last said yes to it; None where they said so to the present one.

    It tells what changed to somebody whose yes ended by it: also of a yes that has ended by itself since, or was taken
    back, it is None.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person, present = snapshot.person(customer), snapshot.config.policy.purposes[purpose].version
        last = next(_versions_allowed(person.consents, purpose, now=person.judged(now)), present)
        if last == present:
            return None
        return shown_before(purpose, last, reader=reader, keys=context.keys, language=language)


def _versions_allowed(consents: Consents, purpose: str, *, now: Instant) -> Iterator[int]:
    """Give the version of the last thing that each id said of a purpose, where that is a yes that holds."""
    for one in (consents, *consents.others):
        last = next((said for said in one.said if purpose in map(plain_of, said.purposes)), None)
        if last is not None and last.validity.holds(now):
            yield max(_version(word) for word in last.purposes if plain_of(word) == purpose)


def _version(word: str) -> int:
    return int(word.partition("@")[2] or 1)
