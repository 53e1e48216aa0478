"""The fields of events: what a text, a name, an amount or a word may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from marketofone.domain.money import CURRENCIES
from marketofone.domain.texts import PRINTED, matching

_WORD = r"^[A-Za-z0-9_.:/-]+$(?!\n)"
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTED)]
"""A name as a bank writes it: blanks, accents and signs are part of it."""
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=_WORD)]
EventName = Annotated[str, matching(PRINTED, longest=64)]
EventWord = Annotated[str, matching(_WORD, longest=64)]
"""The same in an event, where a decoder need not check it (``texts.py``)."""
_PRODUCT = r"^(?!(transactions|life_events|location|app) )[^\x00-\x1f\x7f]+$(?!\n)"
EventProduct = Annotated[str, matching(_PRODUCT, longest=64)]
"""A product as a bank calls it; none is called like an item of another source (``items.py``)."""
EventPrinted = Annotated[str, matching(PRINTED, longest=500)]
"""What a statement prints beside an amount."""
_OTHER_DATA = r"^(transactions|open_banking/[^\x00-\x1f\x7f]{1,64}|journal/[0-9]{1,19})$(?!\n)"
OtherData = Annotated[str, Meta(min_length=1, max_length=77, pattern=_OTHER_DATA)]
"""Data of one bank, ``transactions`` here and ``open_banking/institution`` elsewhere, or of another id of the person,
``journal/`` and its number."""
_INFERENCE = r"^((life|interest|need|place|care)\.[^\x00-\x1f\x7f]{1,64}|arrears|stress)$(?!\n)"
InferenceName = Annotated[str, Meta(min_length=1, max_length=80, pattern=_INFERENCE)]
"""What was concluded about a person: of which family it is, and where there are several of it, its word."""
LongText = Annotated[str, Meta(min_length=1, max_length=20_000)]
MAX_MINOR = 10**13
"""The largest amount, either way: sums of 900,000 of them are exact in 64 bits. Larger ones are refused at the door."""

Minor = Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]
PositiveMinor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
if TYPE_CHECKING:
    Currency = str
else:
    Currency = Literal[CURRENCIES]
Status = Literal["pending", "booked"]
Fate = Literal["retold", "told_again", "lapsed"]
"""What became of a movement that counts no more."""
Every = Literal["day", "week", "fortnight", "month", "quarter", "half_year", "year"]
AccountType = Literal["current", "savings", "card", "loan", "mortgage", "investment"]
Nature = Literal[
    "salary",
    "pension",
    "benefit",
    "interest",
    "other_income",
    "spending",
    "refund",
    "own_transfer",
    "loan_paid_out",
    "loan_payment",
    "card_bill",
    "fee",
    "cash",
    "reversal",
    "returned_debit",
]
"""What a movement of money is."""
Category = Literal[
    "groceries",
    "dining",
    "rent",
    "utilities",
    "telecom",
    "household",
    "insurance",
    "tax",
    "health",
    "transport",
    "travel",
    "children",
    "childcare",
    "education",
    "clothing",
    "electronics",
    "entertainment",
    "sport",
    "pets",
    "personal_care",
    "gifts",
    "donations",
    "shopping",
    "gambling",
    "services",
    "people",
    "other",
]
"""What spending is for. Words are stored, so a word once given stays; so do those of natures."""
LicenceScope = Literal["accounts", "balances", "transactions", "orders"]
"""What of another bank's accounts may be read."""
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
KeyKind = Literal["email_hash", "device", "open_banking_subject", "national_id_hash", "account"]


class EventData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The facts of one kind of event; every kind has its own."""
