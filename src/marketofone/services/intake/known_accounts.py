"""The accounts of movements that were told before, for what amends one by its id and does not name its account."""

from __future__ import annotations

from functools import cached_property

from marketofone.domain.money_events import Movement
from marketofone.projection.amendments import first_id
from marketofone.services.intake.pendings import newest_kept
from marketofone.services.runtime.app_context import AppContext


class KnownAccounts:
    """Gives the account on which one producer told a movement of a customer, by the id that it gave the movement.

    The journal is read when it is first asked for.
    """

    def __init__(self, context: AppContext, *, customer: str, producer: str) -> None:
        self._context, self._customer, self._producer = context, customer, producer

    def __call__(self, id: str) -> str | None:  # noqa: A002 - the word of CloudEvents
        """Give the account; None where no such movement is kept."""
        return self._accounts.get(id)

    @cached_property
    def _accounts(self) -> dict[str, str]:
        known = self._context.keys.find((self._customer,)).get(self._customer)
        if known is None:
            return {}
        told: dict[str, str] = {}
        with self._context.store.read() as reader:
            for _, event in newest_kept(reader, known):
                if event.producer == self._producer and isinstance(event.data, Movement):
                    name = first_id(event.id) or event.id
                    told.setdefault(name.removeprefix(f"{event.data.account}:"), event.data.account)
        return told
