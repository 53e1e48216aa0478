"""What an insight is: one observation about a person's own money, in numbers. Words are made where they are shown."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from msgspec import Struct

FindingKind = Literal[
    "subscription_new",
    "subscription_price",
    "subscription_duplicate",
    "subscription_ended",
    "payment_due",
    "spending_shift",
    "unusual_amount",
    "first_seen",
    "double_charge",
    "check_in",
]


class Finding(Struct, frozen=True, kw_only=True):
    """One observation, compared only with the person's own past.

    ``id`` is its cause: it stays the same from day to day, so that nothing is told twice, and holds no name.
    ``day`` is when it happened, began or is due. ``now_minor`` and ``usual_minor`` are what is compared, ``evidence``
    the numbers behind it by name; ``pattern`` is the way of a shift, or the name of a micro-pattern.

    Units
    -----
    Days since 1970-01-01; minor units, spending is positive; ``strength`` from 0 to 1.
    """

    id: str
    kind: FindingKind
    account: str | None
    category: str | None
    counterparty: str | None
    day: int
    now_minor: int
    usual_minor: int | None
    currency: str
    evidence: dict[str, float]
    strength: float
    pattern: str | None = None


def cause(kind: str, *parts: object) -> str:
    """Give the key of a cause; what it is about goes in as a digest.

    Examples
    --------
    >>> cause("double_charge", "Corner Market", 19_000) == cause("double_charge", "Corner Market", 19_000)
    True
    """
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()
    return f"{kind}:{digest}"
