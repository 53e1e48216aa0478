"""Events: what happened to a person, in which data source, and when.

Each kind is a typed structure below and belongs to exactly one *data source*, the unit of consent. How an event is
written on the wire stands in ``cloudevents.py``.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from marketofone.domain.account_numbers import parted_name
from marketofone.domain.fields import (
    EventData,
    EventWord,
    Fate,
    InferenceName,
    KeyKind,
    LongText,
    Share,
    Text,
    Word,
)
from marketofone.domain.moment import DAY, Calendar, Day, Instant, day_number
from marketofone.domain.money_events import (
    AccountOpened,
    BalanceStated,
    Movement,
    MovementUnderstood,
    OpenBankingBalance,
    OpenBankingLicensed,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    ProductClosed,
    ProductOpened,
    TransactionBooked,
)
from marketofone.domain.texts import matching

Source = Literal[
    "transactions", "app", "open_banking", "location", "life_events", "messages", "protection", "reference"
]
SOURCES: tuple[Source, ...] = get_args(Source)
SOURCE_CODES: dict[Source, int] = {
    "transactions": 1,
    "app": 2,
    "open_banking": 3,
    "location": 4,
    "life_events": 5,
    "messages": 6,
    "protection": 7,
    "reference": 8,
}
"""How a source is stored. A number once given stays."""
_FIRST_BORN, _LAST_BORN = 1800, 2199  # the years of which a calendar knows
# What a person can switch: all but `protection` (kept under a legal duty, stops marketing) and `reference` (no person).
SWITCHABLE: tuple[Source, ...] = tuple(source for source in SOURCES if source not in ("protection", "reference"))


class ArrearsChanged(EventData, frozen=True, kw_only=True):
    """A payment due here is late, or no longer late."""

    in_arrears: bool


class CareFlagged(EventData, frozen=True, kw_only=True):
    """Staff or the person said that special care is needed."""

    driver: Literal["health", "life_event", "resilience", "capability"]
    until: Annotated[datetime, Meta(tz=True)] | None = None


class PersonDescribed(EventData, frozen=True, kw_only=True):
    """Master data of a person. Sex is kept for fairness checks only and no feature may read it."""

    birth_year: Annotated[int, Meta(ge=1850, le=2100)] | None = None
    sex: Literal["female", "male", "other"] | None = None
    region: EventWord | None = None


class CustomerBorn(EventData, frozen=True, kw_only=True):
    """When the customer was born, as the bank knows it by the contract. The last word counts.

    No purpose and no feature reads it: it only says who is under age, and so narrows what may be used.
    """

    born: date

    def __post_init__(self) -> None:
        if not _FIRST_BORN <= self.born.year <= _LAST_BORN:
            raise ValueError(f"the year of a birth lies in {_FIRST_BORN} to {_LAST_BORN}")


class IdentityLinked(EventData, frozen=True, kw_only=True):
    """The person was recognised by a strong key; two customers with the same key are one person."""

    key_kind: KeyKind
    key: Text


class IdentityUnlinked(EventData, frozen=True, kw_only=True):
    """A link turned out to be wrong and is taken back. An older link that arrives late does not bring it back."""

    key_kind: KeyKind
    key: Text


class AppOpened(EventData, frozen=True, kw_only=True):
    """The app was opened."""

    device: EventWord | None = None


class AppScreen(EventData, frozen=True, kw_only=True):
    """A screen was looked at."""

    screen: EventWord
    dwell_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0


class AppSearched(EventData, frozen=True, kw_only=True):
    """Something was searched for in the app."""

    query: Text


class AppFeatureUsed(EventData, frozen=True, kw_only=True):
    """A function of the app was used."""

    feature: EventWord


class AppFailed(EventData, frozen=True, kw_only=True):
    """The app showed an error."""

    code: EventWord


VENUES = ("airport", "abroad", "mall", "hospital", "university", "furniture_store", "railway_station", "hotel")
"""Classes of venue that pages have words for in each of their languages. A bank may tell of others."""


class PlaceVisited(EventData, frozen=True, kw_only=True):
    """A coarse place: a class of venue, a country, a cell of kilometres; never a position."""

    venue: EventWord
    country: Annotated[str, matching(r"^[A-Z]{2}$(?!\n)", longest=2)] | None = None
    cell: EventWord | None = None


class LifeDeclared(EventData, frozen=True, kw_only=True):
    """A life event, told by the person or found by a partner with their consent."""

    event: Literal[
        "child", "move", "new_job", "job_loss", "marriage", "separation", "retirement", "bereavement", "study"
    ]
    confidence: Share = 1.0


class PartnerSearched(EventData, frozen=True, kw_only=True):
    """A search on a partner's site that may announce a life event."""

    query: Text
    site: EventWord | None = None


class MessageReceived(EventData, frozen=True, kw_only=True):
    """The person wrote or said something: a message, a call transcript, a review."""

    text: LongText
    form: Literal["message", "call", "review"] = "message"


class DistrictDescribed(EventData, frozen=True, kw_only=True):
    """Public statistics of a district; about no person."""

    name: Text
    region: Text
    figures: dict[Word, float | None]


KINDS: dict[str, tuple[type[EventData], Source]] = {
    "transaction.booked": (TransactionBooked, "transactions"),
    "balance.stated": (BalanceStated, "transactions"),
    "transaction.understood": (MovementUnderstood, "transactions"),
    "account.opened": (AccountOpened, "transactions"),
    "product.opened": (ProductOpened, "transactions"),
    "product.closed": (ProductClosed, "transactions"),
    "order.placed": (OrderPlaced, "transactions"),
    "arrears.changed": (ArrearsChanged, "protection"),
    "care.flagged": (CareFlagged, "protection"),
    "person.described": (PersonDescribed, "transactions"),
    "identity.linked": (IdentityLinked, "transactions"),
    "identity.unlinked": (IdentityUnlinked, "transactions"),
    "app.opened": (AppOpened, "app"),
    "app.screen": (AppScreen, "app"),
    "app.searched": (AppSearched, "app"),
    "app.feature": (AppFeatureUsed, "app"),
    "app.failed": (AppFailed, "app"),
    "openbanking.balance": (OpenBankingBalance, "open_banking"),
    "openbanking.transaction": (OpenBankingTransaction, "open_banking"),
    "openbanking.understood": (MovementUnderstood, "open_banking"),
    "openbanking.order": (OpenBankingOrder, "open_banking"),
    "place.visited": (PlaceVisited, "location"),
    "life.declared": (LifeDeclared, "life_events"),
    "partner.searched": (PartnerSearched, "life_events"),
    "message.received": (MessageReceived, "messages"),
    "district.described": (DistrictDescribed, "reference"),
}
# It only narrows what may be used, so no consent is needed to keep it.
LICENSED = "openbanking.licensed"
KINDS[LICENSED] = (OpenBankingLicensed, "reference")
BORN = "customer.born"
KINDS[BORN] = (CustomerBorn, "reference")
REMOVED = "event.removed"
ACCOUNT_OPENED = "account.opened"
_MAY_GO = "|".join(
    re.escape(kind) for kind in KINDS if not kind.startswith("identity.") and kind not in (LICENSED, BORN)
)


class EventRemoved(EventData, frozen=True, kw_only=True):
    """An earlier event was wrong and is taken back for good, whether it has arrived yet or not.

    ``type``, ``id`` and ``producer`` name that event; without a producer it is the same one. What is corrected is taken
    back, and sent again under another id. ``only`` takes back one version of a movement that was sent in several, and
    none of those to come. ``because`` says what became of a movement that is taken back here: it was ``retold`` under
    another id, as booked or with more words, was ``told_again`` as pending, or ``lapsed``: it is neither.
    """

    type: Annotated[str, Meta(pattern=rf"^({_MAY_GO})$(?!\n)")]
    id: Text
    producer: Text | None = None
    only: bool = False
    because: Fate | None = None


# It tells nothing about a person, so no consent keeps a mistake standing.
KINDS[REMOVED] = (EventRemoved, "reference")
CORRECTED = "inference.corrected"


class InferenceCorrected(EventData, frozen=True, kw_only=True):
    """The person says that something the bank concluded about them is wrong, or that it was right after all.

    ``inference`` names it: ``life.child``, ``interest.travel``, ``need.card_lost``, ``place.airport``, ``care.health``,
    ``arrears`` or ``stress``. From the next decision on it counts as if nothing had told it. The last word counts.
    ``page`` says where it was said.
    """

    inference: InferenceName
    wrong: bool = True
    page: Text | None = None


# It only narrows what is concluded, so no consent keeps an error standing.
KINDS[CORRECTED] = (InferenceCorrected, "reference")
MOVEMENTS = frozenset(kind for kind, (structure, _) in KINDS.items() if issubclass(structure, Movement))
UNDERSTANDING = frozenset({"transaction.understood", "openbanking.understood"})
AMENDING = MOVEMENTS | UNDERSTANDING | {REMOVED, LICENSED, BORN, CORRECTED}
"""Kinds of events after which an earlier one may count no more, or as something else, or less may be used."""


def key_of(producer: str, id: str) -> bytes:  # noqa: A002 - the word of CloudEvents
    """Give the sixteen bytes by which an event is recognised."""
    return blake2b(f"{producer}\0{id}".encode(), digest_size=16).digest()


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened, with typed facts.

    ``producer`` is the CloudEvents ``source`` attribute; ``source`` (a property) is the data source consent is
    given for. ``key`` follows from producer and id: the sixteen bytes by which a duplicate is recognised.
    """

    id: str
    producer: str
    kind: str
    customer: str
    at: Instant
    data: EventData
    key: bytes = b""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "key", key_of(self.producer, self.id))

    @property
    def source(self) -> Source:
        """The data source this kind belongs to."""
        return KINDS[self.kind][1]

    def day(self, calendar: Calendar) -> Day:
        """Give the day on which it counts: of money the date that was told, else where its instant falls.

        A movement at midnight in UTC, to the microsecond, told a date only: so it is written where there is no time.
        """
        data = self.data
        if isinstance(data, Movement):
            if data.booked is not None:
                return day_number(data.booked)
            if self.at % DAY == 0:
                return Day(self.at // DAY)
        elif isinstance(data, BalanceStated):
            return day_number(data.on)
        return calendar.day_of(self.at)


def under_account(event: Event, name: str) -> Event:
    """Give an event under another name of its account: ``institution/account`` of one at another bank.

    What one name calls an order may be another one under the other name, so it is told with the name that called it so.

    Examples
    --------
    >>> data = OpenBankingBalance(institution="x", account="1", balance_minor=5, currency="EUR")
    >>> event = Event(id="e", producer="p", kind="openbanking.balance", customer="c", at=Instant(0), data=data)
    >>> under_account(event, "y/2").data.institution
    'y'
    """
    named, data = {"account": name}, event.data
    if event.source == "open_banking":
        named["institution"], named["account"] = parted_name(name)
    if isinstance(data, OrderPlaced) and data.order is not None:
        teller = f"{data.institution}/{data.account}" if isinstance(data, OpenBankingOrder) else data.account
        named["order"] = f"{data.order}\n{teller}"
    return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **named))


def removal_of(
    event: Event,
    *,
    id: str,  # noqa: A002 - the word of CloudEvents
    of: str | None = None,
    customer: str | None = None,
    only: bool = False,
    because: Fate | None = None,
) -> Event:
    """Make the event that takes another back: ``event``, or the one of its producer and kind that is called ``of``.

    Parameters
    ----------
    id
        What the new event is called.
    customer
        Whom it is about; without one, whom ``event`` is about.
    only
        Whether it takes back that version only.
    because
        What became of that one.

    Examples
    --------
    >>> data = EventRemoved(type="place.visited", id="x")
    >>> event = Event(id="e", producer="p", kind="place.visited", customer="c", at=Instant(0), data=data)
    >>> (gone := removal_of(event, id="e~gone")).kind, gone.data.type, gone.data.id, gone.customer
    ('event.removed', 'place.visited', 'e', 'c')
    """
    whom = event.customer if customer is None else customer
    of = event.id if of is None else of
    data = EventRemoved(type=event.kind, id=of, only=only, because=because)
    return Event(id=id, producer=event.producer, kind=REMOVED, customer=whom, at=event.at, data=data)


def removal_of_version(producer: str, kind: str, id: str, *, customer: str, at: Instant) -> Event:  # noqa: A002 - as above
    """Make the event that takes back the version of an event with this id, and none of its others.

    Examples
    --------
    >>> gone = removal_of_version("p", "place.visited", "e~v2", customer="c", at=Instant(0))
    >>> gone.id, gone.data.id, gone.data.only
    ('e~v2:removed', 'e~v2', True)
    """
    data = EventRemoved(type=kind, id=id, only=True)
    return Event(id=f"{id}:removed", producer=producer, kind=REMOVED, customer=customer, at=at, data=data)
