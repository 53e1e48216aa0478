"""What a customer says who allows everything."""

from __future__ import annotations

from typing import Literal

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant

EVERY = ("*",)


def everything(
    customer: str, *, since: Instant, change: Literal["grant", "withdraw"] = "grant", days: int = 365
) -> ConsentChange:
    """Grant everything for some days, or take it back."""
    until = Instant(since + days * DAY) if change == "grant" else None
    return ConsentChange(
        customer=customer, change=change, purposes=EVERY, sources=EVERY, channels=EVERY, since=since, until=until
    )
