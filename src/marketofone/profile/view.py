"""The view of a person that a permit allows, built from the registers of the permitted sources only."""

from __future__ import annotations

from collections.abc import Container, Mapping

from msgspec import Struct, field

from marketofone.domain.decoding import convert
from marketofone.domain.moment import Instant
from marketofone.profile.registers import Register, Registers


class Balance(Struct, frozen=True, kw_only=True):
    """What stood on an account, and when."""

    at: Instant
    minor: int
    currency: str


class Account(Struct, frozen=True, kw_only=True):
    """An account here. ``opened`` is when this person became its owner or second user; ``type`` is empty if untold."""

    opened: Instant
    product: str
    currency: str
    role: str
    type: str = ""


class Life(Struct, frozen=True, kw_only=True):
    """A life event: when it was told, and how sure that is (0 to 1)."""

    at: Instant
    confidence: float


class Profile(Struct, frozen=True, kw_only=True):
    """One person, as far as the permitted sources tell. Mappings are in the order of their keys.

    ``holdings`` gives the instant each product held now was opened; ``other_balances`` is keyed by
    ``institution/account``, ``statements``, ``numbers`` and ``shares`` by account; ``limits`` tells how far
    accounts may be overdrawn; ``care`` gives the end of each care flag, None for an open end. Payments known ahead are
    read by ``profile/orders.py``. ``venues`` and ``app_features`` give the instant a person was last at a class of
    venue, and last used a function of the app.
    """

    birth_year: int | None = None
    region: str | None = None
    in_arrears: bool = False
    holdings: Mapping[str, Instant] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    balances: Mapping[str, Balance] = field(default_factory=dict)
    other_balances: Mapping[str, Balance] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    life: Mapping[str, Life] = field(default_factory=dict)
    care: Mapping[str, Instant | None] = field(default_factory=dict)
    venues: Mapping[str, Instant] = field(default_factory=dict)
    app_features: Mapping[str, Instant] = field(default_factory=dict)

    def vulnerable(self, now: Instant) -> bool:
        """Say whether any care flag stands at a moment."""
        return any(until is None or now < until for until in self.care.values())


_PLACES = {
    "holds": "holdings",
    "account": "accounts",
    "balance": "balances",
    "outside": "other_balances",
    "statement": "statements",
    "limit": "limits",
    "number": "numbers",
    "share": "shares",
    "arrears": "in_arrears",
    "venue": "venues",
    "app_feature": "app_features",
}


def view(registers: Mapping[str, Registers], *, sources: Container[str]) -> Profile:
    """Give the profile as far as some sources tell; the registers of all others are not looked at.

    Examples
    --------
    >>> region = {"region": Register(Instant(0), b"", "north")}
    >>> view({"transactions": region}, sources={"transactions"}).region
    'north'
    >>> view({"transactions": region}, sources={"app"}).region is None
    True
    """
    # Each register has exactly one source, so nothing is overwritten here.
    known = {name: held for source, of in registers.items() if source in sources for name, held in of.items()}
    facts: dict[str, object] = {}
    groups: dict[str, dict[str, object]] = {}
    for name in sorted(known):
        group, _, key = name.partition(".")
        place = _PLACES.get(group, group)
        if not key:
            facts[place] = known[name].value
        elif known[name].value is not False:
            groups.setdefault(place, {})[key] = _fact(group, known[name])
    return convert({**facts, **groups}, of=Profile)


def _fact(group: str, held: Register) -> object:
    match group, held.value:
        case (("holds" | "venue" | "app_feature"), _):
            return held.at
        case "account", (str(product), str(currency), str(role), *rest):
            return Account(
                opened=held.at, product=product, currency=currency, role=role, type=str("".join(map(str, rest)))
            )
        case (("balance" | "outside"), (int(minor), str(currency), *_)):
            return Balance(at=held.at, minor=minor, currency=currency)
        case "limit", (int(minor), str()):
            return minor
        case "life", float(confidence):
            return Life(at=held.at, confidence=confidence)
        case _, value:
            return value
