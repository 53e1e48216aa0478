"""Look ahead again beside the way, for those whose money moved: no decision waits for it."""

from __future__ import annotations

from contextlib import suppress

from marketofone.domain.errors import ConsentRefused, UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.services.foresight.forecast import look_ahead, outdated
from marketofone.services.runtime.app_context import AppContext, one_of


def look_again(context: AppContext, *, now: Instant) -> int:
    """Look ahead again for those whose money moved since the last time, where they still allow it; gives how many."""
    count = 0
    while (subject := one_of(context.money_moved)) is not None:
        customer = context.keys.customer(subject)
        if customer is None:
            continue
        try:
            with suppress(ConsentRefused, UnknownCustomer):  # or they are being forgotten
                with context.store.read() as reader:
                    due = outdated(context.snapshot(reader).person_of(customer), now=now)
                if due:
                    look_ahead(context, customer.name, now=now)
                    count += 1
        except Exception:
            context.money_moved.add(subject)
            raise
    return count
