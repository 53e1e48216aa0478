"""What a file tells otherwise than the one before counts once: pending then booked, a report and then a statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import marketofone
from bank_projects import Projects
from counted import counted
from marketofone.cli import main
from marketofone.domain.moment import date_of
from payload_samples import Part, berlin_answer, berlin_transaction, plaid_sync, plaid_transaction
from statement_files import COFFEE, camt_amount, camt_around, camt_details, camt_statement, ofx_around, ofx_statement

PENDING, BOOKED = "<Sts><Cd>PDNG</Cd></Sts>", "<Sts><Cd>BOOK</Cd></Sts>"
_NAMES = count()


class Teller:
    """Imports one file of a new customer after the other, and says what counts afterwards."""

    def __init__(self, project: Path, folder: Path, form: str) -> None:
        self._project, self._folder, self._form = project, folder, form
        self._customer = f"c-{next(_NAMES)}"

    def tells(self, content: str | Part) -> dict[str, Any]:
        path = self._folder / f"file-{next(_NAMES)}"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        words = ["import", self._form, str(path), "--customer", self._customer, "--grant", "all", "--json"]
        result = CliRunner().invoke(main, [*words, "--bank", str(self._project)])
        counts: dict[str, Any] = json.loads(result.stdout)
        assert counts["rows"] == counts["events"] + counts["dead_letters"] + counts["duplicates"]
        return counts

    def counted(self) -> list[tuple[str, int, int]]:
        """Give the currencies in which payments count here, how many, and what they add up to."""
        return [(currency, *told) for (_, currency), told in counted(self._project, self._customer).items()]

    def spent(self, *, as_of: str | None = "2026-06-30") -> float:
        with marketofone.open(self._project) as bank:
            then = None if as_of is None else bank.calendar.parse(as_of, field="as_of")
            known = {one.name: one.value for one in bank.profile(self._customer, as_of=then).known}
        return known.get("spend_30d", 0) or known.get("other_bank_spend_30d", 0)


@pytest.fixture(scope="module")
def shared(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lasting_projects.lay_out(tmp_path_factory.mktemp("again") / "bank")


@pytest.fixture
def teller(shared: Path, tmp_path: Path) -> Callable[[str], Teller]:
    return lambda form: Teller(shared, tmp_path, form)


def entry(amount: str, on: str, *, status: str = BOOKED, reference: str = "", details: str = "") -> str:
    named = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    day = "ValDt" if status == PENDING else "BookgDt"
    dated = f"<{day}><Dt>{on}</Dt></{day}>"
    return f"<Ntry>{camt_amount(amount)}{status}{dated}{named}<NtryDtls>{details}</NtryDtls></Ntry>"


def report(*entries: str) -> str:
    version = "camt.052.001.08"
    return camt_around(camt_statement("".join(entries), version=version), version=version)


def statement(*entries: str) -> str:
    return camt_around(camt_statement("".join(entries)))


def part(amount: str, party: str) -> str:
    details = camt_details(COFFEE).replace(COFFEE.party, party)
    return details.replace("<TxDtls>", f'<TxDtls><Amt Ccy="EUR">{amount}</Amt>')


INN, BAKER = part("45.00", "Inn at the Oak"), part("5.00", "Baker")


@pytest.mark.parametrize("reference", ["X-1", ""])
def test_a_pending_entry_of_a_report_is_booked_by_the_statement_of_another_day(
    teller: Callable[[str], Teller], reference: str
) -> None:
    bank = teller("camt")
    bank.tells(report(entry("-45.00", "2026-06-02", status=PENDING, reference=reference, details=INN)))
    assert bank.spent() == 4_500
    assert bank.tells(statement(entry("-45.00", "2026-06-04", reference=reference, details=INN)))["retold"] == 1
    assert bank.spent() == 4_500
    assert bank.tells(statement(entry("-45.00", "2026-06-04", reference=reference, details=INN)))["retold"] == 0


def test_an_entry_that_a_report_tells_in_fewer_words_counts_once_and_two_of_them_twice(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("camt")
    bank.tells(report(entry("-45.00", "2026-06-02")))
    bank.tells(statement(entry("-45.00", "2026-06-02", details=INN), entry("-45.00", "2026-06-02", details=INN)))
    assert bank.spent() == 9_000


@pytest.mark.parametrize("first", [0, 1])
def test_a_batch_that_is_told_as_a_sum_and_in_its_parts_counts_once_in_any_order(
    teller: Callable[[str], Teller], first: int
) -> None:
    bank = teller("camt")
    whole = report(entry("-50.00", "2026-06-02", reference="B-7"))
    parts = statement(entry("-50.00", "2026-06-02", reference="B-7", details=INN + BAKER))
    for content in (whole, parts)[:: -1 if first else 1]:
        bank.tells(content)
    assert bank.spent() == 5_000


def money(amount: str) -> Part:
    return {"currency": "EUR", "amount": amount}


def paid(amount: str, on: str, name: str = "Inn at the Oak", **more: Any) -> Part:
    dated = {"valueDate": on, "bookingDate": None} if more.pop("pending", False) else {"bookingDate": on}
    return berlin_transaction(transactionAmount=money(amount), creditorName=name, **dated, **more)


def answer(booked: Sequence[Part], pending: Sequence[Part]) -> Part:
    return berlin_answer(booked=list(booked), pending=list(pending))


def test_a_pending_payment_is_booked_with_a_tip_under_an_id_of_another_kind(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    bank.tells(answer([], [paid("-45.00", "2026-06-02", transactionId="p-1", pending=True)]))
    bank.tells(answer([paid("-49.50", "2026-06-05", transactionId="b-9", name="INN AT THE OAK 0042")], []))
    assert bank.spent() == 4_950


def test_a_pending_payment_that_gets_another_id_with_each_answer_stays_one(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    for number in range(3):
        bank.tells(answer([], [paid("-45.00", "2026-06-02", transactionId=f"p-{number}", pending=True)]))
    assert bank.spent() == 4_500


def test_two_equal_pending_payments_of_which_one_is_booked_stay_two(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    waits = [paid("-4.50", "2026-06-02", transactionId=name, pending=True) for name in ("p-1", "p-2")]
    bank.tells(answer([], waits))
    bank.tells(answer([paid("-4.50", "2026-06-03", transactionId="b-1")], waits[1:]))
    assert bank.spent() == 900


def test_a_payment_that_is_booked_under_its_own_id_after_another_was_taken_for_it_counts(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("berlin")
    bank.tells(answer([], [paid("-4.50", "2026-06-02", transactionId="p-1", pending=True)]))
    bank.tells(answer([paid("-4.50", "2026-06-02", transactionId="another")], []))
    bank.tells(answer([paid("-4.50", "2026-06-03", transactionId="p-1")], []))
    assert bank.spent() == 900


def test_a_pending_payment_is_given_up_once_later_days_are_told_and_it_is_not(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    deposit = paid("-100.00", "2026-06-02", "Hotel", transactionId="p-1", pending=True)
    bank.tells(answer([], [deposit]))
    bank.tells(answer([paid("-7.00", "2026-06-20", "Kiosk", transactionId="b-1")], [deposit]))
    assert bank.spent() == 10_700
    bank.tells(answer([paid("-8.00", "2026-06-21", "Kiosk", transactionId="b-2")], []))
    assert bank.spent() == 1_500


def test_a_newer_file_that_comes_first_leaves_nothing_pending(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    bank.tells(answer([paid("-45.00", "2026-06-05", transactionId="b-9")], []))
    bank.tells(answer([], [paid("-45.00", "2026-06-02", transactionId="p-1", pending=True)]))
    assert bank.spent() == 4_500


def held(kind: str, name: str, on: str) -> str:
    rows = f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{on}<TRNAMT>-45.00<FITID>{name}<NAME>Inn at the Oak</STMTTRN>\n"
    return ofx_around(ofx_statement(rows))


def test_what_was_held_is_booked_under_another_id(teller: Callable[[str], Teller]) -> None:
    bank = teller("ofx")
    bank.tells(held("HOLD", "h-1", "20260602"))
    bank.tells(held("POS", "f-1", "20260604"))
    assert bank.spent() == 4_500


def bought(*rows: tuple[str, str, str, str]) -> str:
    written = (
        f"<STMTTRN><TRNTYPE>POS<DTPOSTED>{on}<TRNAMT>{amount}<FITID>{name}<NAME>{whom}</STMTTRN>\n"
        for on, amount, name, whom in rows
    )
    return ofx_around(ofx_statement("".join(written)))


def test_a_bank_that_gives_one_id_to_several_purchases_loses_none_in_any_file_and_order(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("ofx")
    loja, padaria = ("20260601", "-10.00", "7", "Loja 1/3"), ("20260601", "-20.00", "7", "Padaria")
    first = loja, padaria, ("20260602", "-1.00", "8", "Bar")
    later = ("20260620", "-10.00", "7", "Loja 2/3"), ("20260620", "-2.00", "8", "Cinema")
    bank.tells(bought(*first))
    bank.tells(bought(*later, *first[::-1]))
    assert bank.tells(bought(*first[::-1], *later))["duplicates"] == 5
    assert bank.tells(bought(*later))["duplicates"] == 2
    assert bank.spent() == 4_300


def test_a_purchase_that_comes_again_under_its_id_with_another_amount_is_corrected(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("ofx")
    bank.tells(bought(("20260601", "-10.00", "7", "Loja")))
    bank.tells(bought(("20260602", "-11.00", "7", "Loja")))
    assert bank.spent() == 1_100


def test_what_is_dated_on_a_day_to_come_is_taken_and_counts_on_that_day(
    teller: Callable[[str], Teller], shared: Path
) -> None:
    bank = teller("camt")
    with marketofone.open(shared) as opened:
        today = date_of(opened.calendar.day_of(opened.now()))
    monday = str(today + timedelta(days=3))
    counts = bank.tells(statement(entry("-45.00", monday, status=PENDING), entry("-5.00", monday, details=BAKER)))
    assert (counts["events"], counts["reasons"]) == (2, [])
    assert bank.spent(as_of=None) == 0
    far = str(today + timedelta(days=400))
    assert [one["field"] for one in bank.tells(statement(entry("-1.00", far)))["reasons"]] == ["time"]


def by_plaid(**changes: Any) -> Part:
    return plaid_transaction(iso_currency_code="EUR", **changes)


def test_a_payment_is_removed_by_a_later_answer_that_does_not_name_its_account(teller: Callable[[str], Teller]) -> None:
    bank = teller("plaid")
    bank.tells(plaid_sync(added=[by_plaid(amount=12.5), by_plaid(transaction_id="t-2", amount=45)]))
    told = bank.tells(plaid_sync(removed=[{"transaction_id": "t-1"}]))
    assert (told["events"], told["dead_letters"], bank.spent()) == (1, 0, 4_500)


def test_a_payment_is_modified_by_a_later_answer_that_does_not_name_its_account(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("plaid")
    bank.tells(plaid_sync(added=[by_plaid()]))
    mended = {name: said for name, said in by_plaid(amount=13).items() if name != "account_id"}
    told = bank.tells(plaid_sync(modified=[mended]))
    assert (told["events"], told["dead_letters"], bank.spent()) == (1, 0, 1_300)


def test_a_bank_that_gives_an_old_id_to_another_payment_corrects_none(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    first = paid("-45.00", "2026-06-02", transactionId="9998")
    later = paid("-7.00", "2026-06-12", "Kiosk", transactionId="9998")
    bank.tells(answer([first], []))
    bank.tells(answer([later], []))
    assert bank.spent() == 5_200
    assert bank.tells(answer([later, first], []))["duplicates"] == 2
    assert bank.tells(answer([later], []))["duplicates"] == 1


def test_a_payment_that_its_bank_corrects_under_its_id_counts_once(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    bank.tells(answer([paid("-45.00", "2026-06-02", transactionId="t-1")], []))
    bank.tells(answer([paid("-48.00", "2026-06-03", transactionId="t-1")], []))
    assert bank.spent() == 4_800


def of_days(*booked: Part) -> Part:
    """Write an answer that begins before and ends after what is looked at."""
    before, after = paid("-1.00", "2026-06-01", "Bus", transactionId="b-1"), paid("-2.00", "2026-06-20", "Bus")
    return answer([before, *booked, {**after, "transactionId": "b-2"}], [])


def test_a_payment_that_its_bank_corrects_in_amount_and_words_under_its_id_counts_once(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("berlin")
    bank.tells(of_days(paid("-45.00", "2026-06-12", transactionId="t-1")))
    mended = of_days(paid("-31.00", "2026-06-12", "Hotel garni", transactionId="t-1"))
    bank.tells(mended)
    assert bank.spent() == 3_400
    assert bank.tells(mended)["duplicates"] == 3


@pytest.mark.parametrize("name", ["x-1", "t-1"])
def test_another_payment_under_an_old_id_corrects_none_that_is_told_as_well(
    teller: Callable[[str], Teller], name: str
) -> None:
    bank = teller("berlin")
    first, other = (
        paid("-45.00", "2026-06-12", transactionId="t-1"),
        paid("-7.00", "2026-06-12", "Kiosk", transactionId="t-1"),
    )
    bank.tells(of_days(first))
    bank.tells(of_days({**first, "transactionId": name}, other))
    assert bank.spent() == 5_500


def test_a_payment_that_gets_another_id_and_other_words_in_each_answer_counts_once(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("berlin")
    for number, whom in enumerate(["12.03 INN AT THE OAK", "Inn at the Oak", "Inn at the Oak"]):
        bank.tells(of_days(paid("-45.00", "2026-06-12", whom, transactionId=f"{number:024x}")))
    assert bank.spent() == 4_800


def test_what_was_told_twice_while_its_day_went_on_counts_once_after_it(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    for number in range(2):
        bank.tells(answer([paid("-45.00", "2026-06-12", transactionId=f"e-{number}")], []))
    assert bank.tells(of_days(paid("-45.00", "2026-06-12", transactionId="e-2")))["retold"] == 1
    assert bank.spent() == 4_800
    assert bank.tells(of_days(paid("-45.00", "2026-06-12", transactionId="e-2")))["retold"] == 0


def test_two_equal_payments_of_a_day_stay_two_whatever_their_ids_become(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    for number in range(3):
        twice = [paid("-4.50", "2026-06-12", transactionId=f"{name}-{number}") for name in "ab"]
        bank.tells(of_days(*twice))
    assert bank.spent() == 1_200


def test_an_equal_payment_that_is_booked_later_on_its_day_counts_beside_the_first(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("berlin")
    first, second = (paid("-4.50", "2026-06-12", transactionId=name) for name in ("a", "b"))
    bank.tells(of_days(first))
    bank.tells(of_days(first, second))
    assert bank.spent() == 1_200


def test_what_another_answer_of_other_days_does_not_tell_stays(teller: Callable[[str], Teller]) -> None:
    bank = teller("berlin")
    bank.tells(answer([paid("-4.50", "2026-06-12", transactionId="a")], []))
    bank.tells(answer([paid("-4.50", "2026-06-12", transactionId="b"), paid("-9.00", "2026-06-20")], []))
    assert bank.spent() == 1_800


def test_ids_that_look_like_digests_tell_equal_payments_apart(teller: Callable[[str], Teller]) -> None:
    bank = teller("ofx")
    one, other = (("20260601", "-10.00", f"{number:024x}", "Padaria") for number in (1, 2))
    bank.tells(bought(one))
    bank.tells(bought(one, other))
    assert bank.spent() == 2_000


def abroad(*payments: tuple[str, str], day: str = "20260612") -> str:
    """Write payments in dollars without an id, each with its amount and the rate of the file."""
    rows = (
        f"<STMTTRN><TRNTYPE>POS<DTPOSTED>{day}<TRNAMT>{amount}<FITID>0<NAME>Diner"
        f"<CURRENCY><CURRATE>{rate}<CURSYM>USD</CURRENCY></STMTTRN>\n"
        for amount, rate in payments
    )
    return ofx_around(ofx_statement("".join(rows)))


def test_a_payment_abroad_without_an_id_counts_once_at_the_rate_that_is_told_last(
    teller: Callable[[str], Teller],
) -> None:
    bank = teller("ofx")
    bank.tells(abroad(("-10.00", "0.90"), ("-10.00", "0.90")))
    assert bank.spent() == 1_800
    later = abroad(("-10.00", "0.92"), ("-10.00", "0.92"))
    bank.tells(later)
    assert bank.spent() == 1_840
    assert bank.tells(later)["duplicates"] == 2
    bank.tells(abroad(("-10.00", "0.92"), ("-10.00", "0.93"), ("-10.00", "0.93")))
    assert bank.spent() == 920 + 2 * 930


@pytest.mark.parametrize("rates", [("", "0.90"), ("1", "0.90")])
def test_a_payment_abroad_counts_once_in_the_currency_of_its_account_once_a_file_names_a_rate(
    teller: Callable[[str], Teller], rates: tuple[str, str]
) -> None:
    bank = teller("ofx")
    for rate in rates:
        bank.tells(abroad(("-10.00", rate)))
    assert bank.counted() == [("EUR", 1, -900)]
    assert bank.tells(abroad(("-10.00", rates[1])))["duplicates"] == 1
