"""Streams of admitted events of one person, over all sources, crowded around the edges of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import strategies as st

from marketofone.consent.gate import Admitted, Permit, admit
from marketofone.consent.ledger import EVERY, NEVER_ASKED, ConsentChange, apply
from marketofone.consent.policy import parse_policy
from marketofone.consent.saying import explicit
from marketofone.domain.event import (
    SWITCHABLE,
    AppFailed,
    AppFeatureUsed,
    AppOpened,
    AppScreen,
    AppSearched,
    ArrearsChanged,
    CareFlagged,
    Event,
    LifeDeclared,
    MessageReceived,
    PartnerSearched,
    PlaceVisited,
)
from marketofone.domain.fields import MAX_MINOR, EventData
from marketofone.domain.moment import DAY, HOUR, MINUTE, Calendar, Instant, datetime_of, instant_of
from marketofone.domain.money_events import (
    AccountOpened,
    OpenBankingBalance,
    OpenBankingTransaction,
    ProductClosed,
    ProductOpened,
    TransactionBooked,
)
from marketofone.domain.reading import Intent, Reading
from marketofone.features.catalogue import Catalogue, load_catalogue
from marketofone.features.state import AdmittedEvent

TEMPLATE = files("marketofone") / "template"
# The night in which Prague turns its clocks back, just after the end of a 400-day look back over the turn forward.
TURN = instant_of(datetime(2026, 10, 25, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue((TEMPLATE / "features.py").read_text())


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar("Europe/Prague")


Admit = Callable[[Iterable[Event]], list[Admitted]]
PermitFor = Callable[..., Permit]


@pytest.fixture(scope="session")
def admitted() -> Admit:
    policy = parse_policy((TEMPLATE / "consent.toml").read_text())
    everything = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=(EVERY,),
        sources=(EVERY,),
        channels=(EVERY,),
        since=Instant(-(2**50)),
    )
    consents = apply(NEVER_ASKED, explicit(everything, policy=policy, now=TURN))

    def through_the_gate(events: Iterable[Event]) -> list[Admitted]:
        judged = admit(list(events), consents, policy=policy, now=TURN)
        return [verdict for verdict in judged if isinstance(verdict, Admitted)]

    return through_the_gate


@pytest.fixture(scope="session")
def permit_for() -> PermitFor:
    """Permits of any shape, also of shapes no policy would give: the vector must obey whatever it is handed."""

    def permit(*sources: str, purpose: str = "insights") -> Permit:
        return Permit(customer="c-1", purpose=purpose, channel="app", epoch=1, sources=frozenset(sources), refused={})

    return permit


CATEGORIES = (None, "salary", "dining", "groceries", "cash", "travel", "fees", "savings", "rent", "children", "other")
AMOUNTS = st.integers(-500_000, 500_000) | st.sampled_from([-MAX_MINOR, MAX_MINOR, 0])
AGES = st.one_of(
    st.integers(0, 3 * HOUR),
    st.integers(0, 80 * HOUR),
    st.integers(0, 500 * DAY),
    st.builds(
        lambda span, by: max(0, span + by),
        st.sampled_from([15 * MINUTE, 2 * HOUR, 24 * HOUR, 72 * HOUR, *(days * DAY for days in (1, 7, 30, 90, 365))]),
        st.integers(-1, 1) | st.integers(-2 * HOUR, 2 * HOUR),
    ),
)


def transactions() -> st.SearchStrategy[tuple[str, EventData]]:
    return st.tuples(
        st.just("transaction.booked"),
        st.builds(
            TransactionBooked,
            account=st.sampled_from(["a", "b"]),
            amount_minor=AMOUNTS,
            currency=st.just("EUR"),
            category=st.sampled_from(CATEGORIES),
            merchant=st.sampled_from([None, "m", "n", "o"]),
            balance_minor=st.none() | st.integers(-(10**9), 10**9),
        ),
    )


def products() -> st.SearchStrategy[tuple[str, EventData]]:
    product = st.sampled_from(["card", "loan", "plan"])
    return st.one_of(
        st.tuples(st.just("product.opened"), st.builds(ProductOpened, product=product)),
        st.tuples(st.just("product.closed"), st.builds(ProductClosed, product=product)),
        st.tuples(
            st.just("account.opened"),
            st.builds(AccountOpened, account=st.sampled_from(["a", "b"]), product=product, currency=st.just("EUR")),
        ),
    )


def behaviour() -> st.SearchStrategy[tuple[str, EventData]]:
    return st.one_of(
        st.tuples(st.just("app.opened"), st.just(AppOpened())),
        st.tuples(st.just("app.failed"), st.just(AppFailed(code="e"))),
        st.tuples(st.just("app.searched"), st.just(AppSearched(query="q"))),
        st.tuples(st.just("app.feature"), st.builds(AppFeatureUsed, feature=st.sampled_from(["x", "y", "z"]))),
        st.tuples(st.just("app.screen"), st.builds(AppScreen, screen=st.just("s"), dwell_ms=st.integers(0, 90_000))),
        st.tuples(st.just("partner.searched"), st.just(PartnerSearched(query="q"))),
        st.tuples(st.just("message.received"), st.just(MessageReceived(text="t"))),
        st.tuples(
            st.just("place.visited"), st.builds(PlaceVisited, venue=st.sampled_from(["airport", "abroad", "mall"]))
        ),
    )


def facts() -> st.SearchStrategy[tuple[str, EventData]]:
    elsewhere = {
        "institution": st.sampled_from(["i", "j"]),
        "account": st.sampled_from(["a", "b"]),
        "currency": st.just("EUR"),
    }
    drivers = st.sampled_from(["health", "resilience"])
    until = st.none() | st.integers(-5 * DAY, 5 * DAY).map(lambda by: datetime_of(Instant(TURN + by)))
    lives = st.sampled_from(["child", "move", "job_loss", "retirement", "bereavement", "study"])
    return st.one_of(
        st.tuples(st.just("openbanking.balance"), st.builds(OpenBankingBalance, balance_minor=AMOUNTS, **elsewhere)),
        st.tuples(
            st.just("openbanking.transaction"),
            st.builds(OpenBankingTransaction, amount_minor=AMOUNTS, category=st.sampled_from(CATEGORIES), **elsewhere),
        ),
        st.tuples(st.just("life.declared"), st.builds(LifeDeclared, event=lives)),
        st.tuples(st.just("arrears.changed"), st.builds(ArrearsChanged, in_arrears=st.booleans())),
        st.tuples(st.just("care.flagged"), st.builds(CareFlagged, driver=drivers, until=until)),
    )


READINGS = st.none() | st.builds(
    Reading,
    intents=st.lists(st.builds(Intent, intent=st.just("fee_question"), probability=st.floats(0, 1)), max_size=1).map(
        tuple
    ),
    sentiment=st.sampled_from(["negative", "neutral"]),
    emotion=st.sampled_from(["none", "upset", "worried"]),
    urgency=st.just(0.5),
    confidence=st.just(0.5),
    topics=st.lists(st.sampled_from(["child", "home", "travel", "fees"]), unique=True, max_size=2).map(tuple),
    needs=st.just(()),
    route=st.sampled_from(["local", "abstain"]),
)
MADE = st.lists(
    st.tuples(transactions() | transactions() | products() | behaviour() | facts(), AGES, READINGS), max_size=60
)


@pytest.fixture(scope="session")
def streams(admitted: Admit) -> st.SearchStrategy[list[AdmittedEvent]]:
    """Streams of different events, none later than ``TURN``."""

    def heard(made: list[tuple[tuple[str, EventData], int, Reading | None]]) -> list[AdmittedEvent]:
        events = [
            Event(id=str(n), producer="test", kind=kind, customer="c-1", at=Instant(TURN - age), data=data)
            for n, ((kind, data), age, _) in enumerate(made)
        ]
        return list(zip(admitted(events), (reading for _, _, reading in made), strict=True))

    return MADE.map(heard)


@pytest.fixture(scope="session")
def all_sources() -> tuple[str, ...]:
    return (*SWITCHABLE, "protection")
