"""One fixed value of everything that rests on disk, and how it is written.

When a format changes on purpose, its version goes up, a migration is written and tested, and the golden bytes are
written anew: ``PYTHONPATH=src python tests/projection/formats.py``.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from marketofone.audit.checkpoint import Checkpoint, key_id_of, public_key_of, sign
from marketofone.audit.journal_chain import Header, entry_hash
from marketofone.audit.sealed_box import Box
from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import ConsentChange, apply, fold
from marketofone.consent.policy import parse_policy
from marketofone.decide.forecast_facts import PredictedEvent
from marketofone.domain.decision import (
    Candidate,
    Candidates,
    Counterfactual,
    Decision,
    Notification,
    NotUsed,
    Reason,
    Slot,
)
from marketofone.domain.delegation import Delegation
from marketofone.domain.event import ArrearsChanged, CareFlagged, Event, MessageReceived, PersonDescribed
from marketofone.domain.fields import EventData
from marketofone.domain.help import Help
from marketofone.domain.moment import DAY, Calendar, Day, Instant, day_number
from marketofone.domain.money_events import (
    AccountOpened,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    ProductOpened,
    TransactionBooked,
)
from marketofone.domain.outcome import Outcome, Signs
from marketofone.domain.rates import DailyRate
from marketofone.domain.reading import Reading
from marketofone.features.catalogue import load_catalogue
from marketofone.features.state import LiveState
from marketofone.features.state import fold as fold_state
from marketofone.features.state_form import to_bytes as state_to_bytes
from marketofone.governance.board import Ruling
from marketofone.profile import ledger, registers
from marketofone.projection import codec, records, reducer
from marketofone.projection.contacts import ContactRecord, Decided
from marketofone.projection.kept_rows import KeptRow, KeptTable, KeptValue, kept_row_bytes
from marketofone.projection.lineage import Withheld
from marketofone.projection.own_answers import Answer
from marketofone.projection.parted import with_withheld
from marketofone.projection.reference_rates import packed
from marketofone.store.keyfile import FILE
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import CODES, Entry, EntryKind

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
SUBJECT = 0x0102030405060708
BOX = Box(bytes(range(32)))
CALENDAR = Calendar("Europe/Prague")
CATALOGUE = load_catalogue("""
from marketofone.features.declare import active, age, count, distinct, last, series, total
spend = series("spend", kind="transaction.booked", value="outflow_minor")
accounts = series("accounts", kind="account.opened")
shops = series("shops", kind="transaction.booked", per="merchant")
upset = series("upset", kind="message.received", where={"emotion": "upset"})
arrears = series("arrears", kind="arrears.changed", value="in_arrears")
care = series("care", kind="care.flagged", value="until", per="driver")
FEATURES = (
    total("spend_30d", spend, window="30d", unit="minor", owner="o", title="t"),
    count("payments_2h", spend, window="2h", owner="o", title="t"),
    distinct("shops_30d", shops, window="30d", owner="o", title="t"),
    age("account_age_days", accounts, owner="o", title="t"),
    count("upset_2h", upset, window="2h", owner="o", title="t"),
    last("in_arrears", arrears, unit="flag", owner="o", title="t"),
    active("vulnerable", care, owner="o", title="t"),
)
CONTEXT = {"spend_30d": 100}
""")
POLICY = parse_policy("""
[purposes.insights]
title = "t"
notice = "n"
gives = "g"
sources = ["transactions", "open_banking", "messages"]
[purposes.duty]
title = "t"
notice = "n"
gives = "g"
basis = "legal_duty"
sources = ["protection"]
[sources]
transactions = { title = "t", notice = "n" }
open_banking = { title = "t", notice = "n" }
messages = { title = "t", notice = "n" }
protection = { title = "t", notice = "n" }
[channels]
app = { title = "t" }
""")
GRANT = ConsentChange(
    customer="c-1",
    change="grant",
    purposes=("insights",),
    sources=("transactions", "open_banking", "messages"),
    channels=("app",),
    since=Instant(NOW - 100 * DAY),
    until=Instant(NOW + 100 * DAY),
)
LATER_GRANT = msgspec.structs.replace(GRANT, versions=tuple(2 for _ in GRANT.purposes))
WITHDRAWAL = ConsentChange(
    customer="c-1",
    change="withdraw",
    purposes=("insights",),
    sources=("open_banking",),
    channels=("app",),
    since=NOW,
    actor="staff",
    authority="letter of 2 January",
)
OBJECTION = ConsentChange(
    customer="c-1", change="object", purposes=("insights",), sources=("transactions",), channels=("app",), since=NOW
)
LENT = msgspec.structs.replace(GRANT, delegate="Ann", actor="acting for you: Ann, as your guardian")
PAUSE = msgspec.structs.replace(OBJECTION, change="pause", until=Instant(NOW + 30 * DAY))
UPSET = Reading(
    intents=(),
    sentiment="negative",
    emotion="upset",
    urgency=0.5,
    confidence=0.9,
    topics=("fees",),
    needs=(),
    route="local",
)


def event(number: int, kind: str, data: EventData, *, days: int) -> Event:
    at = Instant(NOW - days * DAY - number)
    return Event(id=f"e-{number}", producer="/core", kind=kind, customer="c-1", at=at, data=data)


EVENTS = (
    event(1, "account.opened", AccountOpened(account="a", product="current", currency="EUR"), days=90),
    event(
        2,
        "transaction.booked",
        TransactionBooked(
            account="a", amount_minor=-1_250, currency="EUR", category="dining", merchant="m", balance_minor=90_000
        ),
        days=0,
    ),
    event(
        3,
        "transaction.booked",
        TransactionBooked(account="a", amount_minor=-5_000_000_000, currency="EUR", operation="x", counterparty="k"),
        days=3,
    ),
    event(4, "person.described", PersonDescribed(birth_year=1980, region="north"), days=80),
    event(5, "arrears.changed", ArrearsChanged(in_arrears=True), days=2),
    event(6, "care.flagged", CareFlagged(driver="health"), days=1),
    event(
        7,
        "openbanking.balance",
        OpenBankingBalance(institution="i", account="b", balance_minor=-3, currency="EUR"),
        days=1,
    ),
    event(
        8,
        "openbanking.transaction",
        OpenBankingTransaction(institution="i", account="b", amount_minor=7, currency="CZK", category="fees"),
        days=4,
    ),
    event(9, "message.received", MessageReceived(text="too much"), days=0),
)
KNOWN_AHEAD = (
    event(
        10,
        "account.opened",
        AccountOpened(account="a", product="current", currency="EUR", limit_minor=50_000),
        days=9,
    ),
    event(
        11,
        "order.placed",
        OrderPlaced(
            account="a",
            amount_minor=90_000,
            currency="EUR",
            order="so-1",
            counterparty="k",
            counterparty_account="b",
            category="rent",
            first_on=date(2025, 2, 28),
            next_on=date(2026, 2, 28),
            last_on=date(2027, 1, 31),
            every="month",
        ),
        days=8,
    ),
    event(
        12,
        "openbanking.order",
        OpenBankingOrder(institution="i", account="b", currency="CZK", direction="in", ended=True),
        days=7,
    ),
    event(
        13,
        "product.opened",
        ProductOpened(product="loan", account="a", principal_minor=100_000, payment_minor=9_000, months=12),
        days=6,
    ),
)


def states() -> dict[str, LiveState]:
    """Fold the events of each source."""
    consents = fold([GRANT])
    by_source: dict[str, list[tuple[Admitted, Reading | None]]] = {}
    for verdict in admit(EVENTS, consents, policy=POLICY, now=NOW):
        assert isinstance(verdict, Admitted)
        reading = UPSET if verdict.event.kind == "message.received" else None
        by_source.setdefault(verdict.event.source, []).append((verdict, reading))
    return {
        source: fold_state(None, some, catalogue=CATALOGUE, calendar=CALENDAR) for source, some in by_source.items()
    }


DECISION = Decision(
    id="d-1",
    customer="c-1",
    occasion="app.opened",
    channel="app",
    at=NOW,
    action="savings_plan",
    propensity=0.625,
    assignment="policy",
    reasons=(
        Reason(text="starting point", feature=None, source=None, term=120.25),
        Reason(text="spending in the last 30 days", feature="spend_30d", source="transactions", term=-3.5),
    ),
    not_used=(NotUsed(source="open_banking", why="you said no"),),
    candidates=Candidates.of(
        (
            Candidate(action="nothing", stage="scored", propensity=0.25),
            Candidate(action="savings_plan", stage="chosen", mean=116.75, spread=12.13, draw=140.01, propensity=0.625),
            Candidate(action="credit_card", stage="scored", mean=-20.5, spread=1.25, draw=-19.99, propensity=0.125),
            Candidate(action="loan", stage="not_permitted", why="you said no"),
            Candidate(action="overdraft", stage="guarded", why="stress: somebody reaches out"),
            Candidate(action="plan", stage="not_eligible", why="already held"),
            Candidate(action="card", stage="not_approved", why="the board did not approve it"),
        )
    ),
    uses=(("insights", "transactions"), ("marketing", "transactions")),
    context=(1.0, 0.5, -0.25, 0.1, 0.0),
    guardrails=("stress",),
    epoch=1,
    position=7,
    documents="0123456789abcdef",
    notification=Notification(event="below_zero", cause="below_zero:rent:landlord", day=20_480, probability=0.7),
)
INSTEAD = Counterfactual(change="spending in the last 30 days at 2.00 EUR", action="nothing")
RESTS_ON = records.RestsOn(bank=3, version=2, journals=((SUBJECT, 7), (SUBJECT + 1, 2)))
SUMMARY = records.ForecastSummary(
    at=NOW,
    sources=("transactions",),
    low_point_minor=-500,
    low_point_day=12,
    idle_minor=9,
    events=(PredictedEvent("below_zero", 30, 0.7, 10, 14, "below_zero:rent:landlord"),),
    settled={"large_expense": Instant(NOW - DAY)},
    seen="7",
)
RECORDS: dict[EntryKind, records.Record] = {
    "ingest": records.IngestRecord(
        "importer", (records.KeptEvent(records.ADMITTED, "app", "app.opened", NOW, b'{"x":1}'),)
    ),
    "signal": records.IngestRecord(
        "api",
        (
            records.KeptEvent(records.ADMITTED, "messages", "message.received", NOW, b"{}", b'{"r":1}'),
            records.KeptEvent(records.REFUSED, "location", "place.visited", NOW, None),
            records.KeptEvent(records.GAP, "app", "app.opened", NOW, None),
        ),
    ),
    "amendment": records.IngestRecord(
        "api", (records.KeptEvent(records.ADMITTED, "reference", "event.removed", NOW, b'{"x":2}'),)
    ),
    "consent": records.ConsentRecord("customer", WITHDRAWAL),
    "identity": records.IdentityRecord("api", bytes(range(16)), True, False, (SUBJECT, SUBJECT + 1), False, b"{}"),
    "decision": records.DecisionRecord("api", DECISION, RESTS_ON, "offer", INSTEAD),
    "outcome": records.OutcomeRecord(
        "api",
        Outcome(decision="d-1", verdict="valued", at=NOW, why="it fits", value_minor=-700),
        (("learning", "transactions"),),
        Decided("loan", "offer", "app", NOW),
    ),
    "signs": records.SignsRecord(
        "system", 7, Signs("0a1b2c3d", (1.0, 0.5), ("app", "transactions")), (("learning", "app"),)
    ),
    "history": records.HistoryRecord(
        "cli",
        (
            ContactRecord(
                decision="d-0",
                action="savings_plan",
                kind="offer",
                channel="app",
                at=Instant(NOW - DAY),
                stamp=0,
                answers=((NOW, Outcome(decision="d-0", verdict="declined", at=NOW, why="not now")),),
            ),
        ),
        (Answer("savings_plan", Instant(NOW - DAY), NOW, accepted=False),),
        bytes(range(16)),
        ((("insights", "open_banking"), Instant(NOW - DAY)),),
    ),
    "forecast": records.ForecastRecord("cli", SUMMARY, (("insights", "transactions"),), RESTS_ON),
    "case": records.CaseRecord("http", "call back", ("decision", "d-1"), NOW, "after six", 3, "Ada"),
    "use": records.UseRecord("page", "profile", (("insights", "transactions"),)),
    "account": records.AccountRecord("api", bytes(range(17)), True, NOW, (SUBJECT, SUBJECT + 1)),
    "erasure": records.ErasureRecord("staff", "asked to be forgotten"),
    "hold": records.HoldRecord(
        "cli",
        records.Hold(name="case 7", basis="a court order", covers="payments", by="Ann", until=Instant(NOW + DAY)),
        False,
    ),
    "delegate": records.DelegateRecord(
        "cli",
        Delegation(name="Ann", authority="guardian", may="change", until=Instant(NOW + DAY), evidence="a court order"),
        False,
    ),
    "document": records.DocumentRecord("cli", "0123456789abcdef", {"bank.toml": 'name = "b"\n'}),
    "ruling": records.RulingRecord(
        "board", Ruling(ruling="approve", scope="credit_card", by="board", at=NOW, until=Instant(NOW + DAY))
    ),
    "version": records.VersionRecord(
        "learner", 2, {"arm:x:loan": bytes(32), "value:loan": None}, ((SUBJECT, 9),), NOW, "outcomes"
    ),
    "rollback": records.RollbackRecord("board", 2),
    "promotion": records.PromotionRecord(
        "cli", 7, "share", 0.05, records.Evidence(1.5, 0.25, 2.75, 0.95, 900, 120, anytime=True)
    ),
    "help": records.HelpRecord(
        "cli",
        Help(
            purpose="insights",
            source="open_banking",
            at=NOW,
            level=0.95,
            gain=0.0625,
            low=0.03125,
            high=0.09375,
            decisions=900,
            people=120,
            lacks=(),
        ),
    ),
    "checkpoint": records.CheckpointRecord("sealer", "bank\n0\n"),
    "letters": records.LettersRecord("api", (bytes(range(32)),)),
    "rates": records.RatesRecord("cli", "ECB", packed([DailyRate(Day(20_634), "EUR", "GBP", 8_546, 4)])),
}
SLATES: dict[str, tuple[EntryKind, records.Record]] = {
    "decision that asks": (
        "decision",
        records.DecisionRecord(
            "api", msgspec.structs.replace(DECISION, asks=(("insights", "open_banking"),)), RESTS_ON, "nudge"
        ),
    ),
    "decision of a slate": (
        "decision",
        records.DecisionRecord(
            "api",
            msgspec.structs.replace(
                DECISION,
                placement="home",
                slots=3,
                closed=("loan",),
                charged=("credit_card 2026-01-05",),
                below=(
                    Slot(
                        action="credit_card",
                        kind="offer",
                        propensity=0.125,
                        reasons=DECISION.reasons[:1],
                        candidates=DECISION.candidates,
                        context=(1.0, 0.25),
                        guardrails=("diversity",),
                        notification=DECISION.notification,
                    ),
                    Slot(
                        action="nothing",
                        kind=None,
                        propensity=0.25,
                        reasons=DECISION.reasons[1:],
                        candidates=DECISION.candidates,
                        context=(),
                        guardrails=(),
                    ),
                ),
            ),
            RESTS_ON,
            "offer",
        ),
    ),
    "outcome of a place": (
        "outcome",
        records.OutcomeRecord("api", Outcome(decision="d-1", verdict="accepted", at=NOW, slot=2)),
    ),
}
STOPS: dict[str, tuple[EntryKind, records.Record]] = {
    "grant of a later version": ("consent", records.ConsentRecord("customer", LATER_GRANT)),
    "objection": ("consent", records.ConsentRecord("customer", OBJECTION)),
    "pause": ("consent", records.ConsentRecord("customer", PAUSE)),
    "grant of a delegate": ("consent", records.ConsentRecord(LENT.actor, LENT)),
}
A_MOMENT = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
KEPT_ROW = KeptRow(
    subject="c-1",
    type="openbanking.transaction",
    version=1,
    table=KeptTable(
        form="xlsx",
        file="9f",
        mapping="june",
        columns=("Date", "Text", "Amount", "At"),
        header=("Date", "Text", "Amount"),
        sheet="2026",
        separator=";",
        encoding="cp1252",
        period="2026-06-01/2026-06-30",
        institution="other",
        account="main",
        currency="EUR",
    ),
    line=7,
    cells=(
        KeptValue(date=date(2026, 6, 1)),
        "Kawa",
        KeptValue(number=Decimal("-3.50")),
        KeptValue(moment=A_MOMENT),
    ),
    before=2,
)
SUBJECT_STATE = reducer.SubjectState(
    n=9,
    guard=4,
    consents=apply(fold([GRANT]), WITHDRAWAL),
    refusals={("insights", "transactions"): 7, ("service", "app"): 7},
    contacts=(
        ContactRecord(
            decision="d-1",
            action="savings_plan",
            kind="offer",
            channel="app",
            at=NOW,
            stamp=8,
            answers=((NOW, Outcome(decision="d-1", verdict="declined", at=NOW)),),
            notification=DECISION.notification,
        ),
    ),
    decisions=3,
    control=False,
    enrolled=5,
    forecast=reducer.LastForecast(SUMMARY, (("insights", "transactions"),), ((SUBJECT, 8),)),
    members=(SUBJECT, SUBJECT + 1),
    sources={"app": 9, "transactions": 4},
    removed={"app": reducer.Removed(9, (bytes(16), bytes(range(16))))},
)
SHARING_STATE = msgspec.structs.replace(
    SUBJECT_STATE, accounts={bytes(range(17)): reducer.Holding(NOW, (SUBJECT, SUBJECT + 1))}
)
WAITING_STATE = msgspec.structs.replace(SHARING_STATE, pending=7)
OBJECTING_STATE = msgspec.structs.replace(SUBJECT_STATE, consents=apply(SUBJECT_STATE.consents, OBJECTION))
PAUSING_STATE = msgspec.structs.replace(SUBJECT_STATE, consents=apply(SUBJECT_STATE.consents, PAUSE))
_LENT = apply(apply(SUBJECT_STATE.consents, LENT), msgspec.structs.replace(OBJECTION, delegate="Ann"))
LENT_STATE = msgspec.structs.replace(
    SUBJECT_STATE, consents=msgspec.structs.replace(_LENT, born=day_number(date(2010, 2, 3)))
)
ANSWERING_STATE = msgspec.structs.replace(
    SUBJECT_STATE,
    answers=(Answer("round_up", NOW, NOW, True, 900, Instant(NOW + 60 * DAY)), Answer("savings_plan", NOW, NOW, False)),
)
CORRECTING_STATE = msgspec.structs.replace(
    SUBJECT_STATE,
    corrections={
        "life.move": reducer.Correction(NOW, Instant(NOW + DAY), wrong=True),
        "stress": reducer.Correction(NOW, NOW, wrong=False),
    },
)

ASKED_STATE = msgspec.structs.replace(
    SUBJECT_STATE,
    noes={"": NOW, "insights": Instant(NOW + DAY)},
    asks={("insights", "open_banking"): Instant(NOW + 2 * DAY)},
)


SEED = bytes(range(100, 132))
CHECKPOINT = Checkpoint(
    origin="bank/1",
    size=3,
    root=bytes(32),
    map_root=bytes(range(32)),
    at=NOW,
    key_id=key_id_of(public_key_of(SEED), origin="bank/1"),
)


def same(size: int) -> bytes:
    return bytes(range(100, 100 + size))


def entry(kind: EntryKind, body: bytes, commitment: bytes) -> Entry:
    return Entry(SUBJECT, 1, 1, kind, NOW, NOW, body, commitment, bytes(32))


def key_store_rows() -> dict[str, bytes]:
    """Write a key store with one customer, and give its rows."""
    with TemporaryDirectory() as folder:
        keys = KeyStore(Path(folder), bank_key=bytes(32), random=same)
        keys.enrol(["c-1"], now=NOW)
        keys.destroy("c-0", ground="asked", at=NOW, until=Instant(NOW + DAY))
        keys.close()
        read = sqlite3.connect(Path(folder) / FILE)
        rows = {
            f"key store: {table}": repr(read.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()).encode()  # noqa: S608
            for table in ("customers", "bank", "erased")
        }
        read.close()
    return rows


def written() -> dict[str, bytes]:
    """Write everything once."""
    live = states()
    made: dict[str, Any] = {f"live state: {source}": state_to_bytes(state) for source, state in sorted(live.items())}
    for source in ("transactions", "open_banking", "protection"):
        made[f"registers: {source}"] = registers.pack(live[source].registers)
        made[f"ledger: {source}"] = ledger.to_bytes(live[source].ledger)
    known = registers.fold_registers({}, [Admitted(event=one) for one in KNOWN_AHEAD])
    made["registers: known ahead"] = registers.pack(known)
    made["subject state"] = reducer.to_bytes(SUBJECT_STATE)
    made["subject state that shares accounts"] = reducer.to_bytes(SHARING_STATE)
    made["subject state with an objection"] = reducer.to_bytes(OBJECTING_STATE)
    made["subject state with a pause"] = reducer.to_bytes(PAUSING_STATE)
    made["subject state of a minor with a delegate"] = reducer.to_bytes(LENT_STATE)
    made["subject state with answers"] = reducer.to_bytes(ANSWERING_STATE)
    made["subject state with corrections"] = reducer.to_bytes(CORRECTING_STATE)
    made["subject state with an ask and noes"] = reducer.to_bytes(ASKED_STATE)
    made["subject state with a pending movement"] = reducer.to_bytes(WAITING_STATE)
    for kind, record in RECORDS.items():
        drafted = codec.draft(kind, record, subject=SUBJECT, box=BOX, at=NOW, random=same)
        made[f"entry: {kind}"] = drafted.body
        made[f"commitment: {kind}"] = drafted.commitment
        made[f"plain: {kind}"] = codec.plain_of(entry(kind, drafted.body, drafted.commitment), box=BOX)[0]
    for name, (kind, record) in (SLATES | STOPS).items():
        drafted = codec.draft(kind, record, subject=SUBJECT, box=BOX, at=NOW, random=same)
        made[f"entry: {name}"], made[f"commitment: {name}"] = drafted.body, drafted.commitment
    made["snapshot"] = codec.keep("core", b"state", subject=SUBJECT, n=9, box=BOX, random=same).body
    made["parted state"] = with_withheld(
        b"state", Withheld(frozenset({"open_banking/B", "journal/7"}), frozenset({("open_banking/A", NOW)}))
    )
    made["state of a version"] = b"".join(codec.seal_state("arm", b"state", box=BOX, random=same))
    made["dead letter"] = codec.seal_letter(b"letter", subject=SUBJECT, box=BOX, random=same)
    made["row of a table in a dead letter"] = kept_row_bytes(KEPT_ROW)
    made["dead letter of format 1"] = BOX.seal(b"letter", nonce=same(12), about=b"letter")
    made["codes of kinds"] = bytes(CODES.values())
    header = Header(SUBJECT, 1, 2, "consent", NOW, Instant(NOW + 1))
    made["checkpoint"] = sign(CHECKPOINT, seed=SEED).encode()
    made.update(key_store_rows())
    made["entry hash"] = entry_hash(header, body_digest=same(32), commitment=same(32), previous=bytes(32))
    return made


GOLDEN = Path(__file__).parent / "golden_bytes.json"


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: made.hex() for name, made in written().items()}, indent=1) + "\n")
