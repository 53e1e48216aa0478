"""A person's payments side by side: what is known of each, and what is said of it so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.account_numbers import account_number
from marketofone.domain.fields import AccountType, Category, Nature
from marketofone.domain.moment import Day
from marketofone.domain.money_events import Movement, OpenBankingTransaction
from marketofone.domain.reading import MovementReading
from marketofone.domain.remembered import remembered
from marketofone.models.movement.merchants import clean_name

SURE = 0.8
"""What is told with less gives way to what the history tells."""
_MONTH = 30.44


class Fact(Struct, frozen=True, kw_only=True, gc=False):
    """A payment as a history needs it: what it told by itself (``given``), and by which of the person's ids."""

    day: Day
    account: str
    amount_minor: int
    currency: str
    institution: str | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    merchant: str | None = None
    text: str | None = None
    mandate: str | None = None
    given: MovementReading = MovementReading()
    id: int = 0


def fact_of(movement: Movement, *, day: Day, given: MovementReading, id: int = 0) -> Fact:  # noqa: A002
    """Give a payment as a history needs it, with what it told by itself.

    Examples
    --------
    >>> pay = Movement(account="giro", amount_minor=-12_00, currency="EUR", text="REWE")
    >>> fact_of(pay, day=20_000, given=MovementReading()).amount_minor
    -1200
    """
    return Fact(
        day=day,
        account=movement.account,
        amount_minor=movement.amount_minor,
        currency=movement.currency,
        institution=movement.institution if isinstance(movement, OpenBankingTransaction) else None,
        counterparty=movement.counterparty,
        counterparty_account=movement.counterparty_account,
        merchant=movement.merchant,
        text=movement.text,
        mandate=movement.mandate,
        given=given,
        id=id,
    )


class OwnAccount(Struct, frozen=True, kw_only=True):
    """An account of the person: its type, the bank if it is another one, and by which of the person's ids it is known.

    ``numbers`` are all that were told of it: what was paid to a number that it had before was paid to it.
    """

    account: str
    numbers: tuple[str, ...] = ()
    type: AccountType | None = None
    institution: str | None = None
    id: int = 0


class History:
    """Payments in one fixed order, and what is said of each: only more certain words replace what is said."""

    def __init__(self, facts: Sequence[Fact], accounts: Iterable[OwnAccount]) -> None:
        self.facts = facts
        self.said = [fact.given for fact in facts]
        self._types = {(own.institution, own.account): own.type for own in accounts}

    def type_of(self, at: int) -> AccountType | None:
        """Give the type of the account on which a payment stands."""
        fact = self.facts[at]
        return self._types.get((fact.institution, fact.account))

    def is_open(self, at: int, *, to: frozenset[Nature]) -> bool:
        """Say whether a payment may still turn out to be another thing: unsaid, one of these, or not sure."""
        said = self.said[at]
        return said.nature is None or said.nature in to or said.confidence < SURE

    def tell(
        self, at: int, nature: Nature, *, confidence: float, because: str, category: Category | None = None
    ) -> None:
        """Say what a payment is, unless something else is said of it with more confidence."""
        said = self.said[at]
        if said.nature is not None and said.confidence > confidence and said.nature != nature:
            return
        keeps = said.nature == nature and said.confidence >= confidence
        bought = nature in ("spending", "refund")
        self.said[at] = replace(
            said,
            nature=nature,
            category=category or (said.category if bought else None),
            merchant=said.merchant if bought else None,
            confidence=said.confidence if keeps else confidence,
            because=said.because if keeps and category in (None, said.category) else because,
        )

    def by(self, key: Callable[[int], str | None], *, positive: bool) -> dict[tuple[str, str], list[int]]:
        """Group money in, or money out, by a key and the currency, in the order of days."""
        grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, fact in enumerate(self.facts):
            name = key(at) if fact.amount_minor and (fact.amount_minor > 0) == positive else None
            if name is not None:
                grouped[name, fact.currency].append(at)
        return grouped

    def party(self, at: int) -> str | None:
        """Give one name for the other side of a payment, the same from payment to payment."""
        fact = self.facts[at]
        name = fact.counterparty or fact.merchant
        if name is None and fact.counterparty_account is not None:
            return account_number(fact.counterparty_account)
        name = name or fact.text
        return _key(name) if name else None

    def months(self) -> float:
        """Give how many months the payments span, at least one."""
        if not self.facts:
            return 1.0
        return max((self.facts[-1].day - self.facts[0].day + 1) / _MONTH, 1.0)


@remembered(room=50_000)
def _key(name: str) -> str:
    return (clean_name(name) or name).casefold()
