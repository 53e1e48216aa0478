"""The newcomer's path: one statement becomes a bank of one's own, and a later one is taken in after it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

import marketofone
from marketofone import wiring
from marketofone.cli import main, mapping_dialog
from marketofone.cli.session import BAD_INPUT
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.importers.tables.proposal import Proposal, propose
from marketofone.importers.tables.tabular import Table

Run = Callable[..., Result]


def statement(path: Path, *, last: date, days: int = 150) -> Path:
    """Write a statement: pay once a month, and groceries every third day."""
    rows, balance = ["Date,Payee,Amount,Balance"], 50_000
    for ago in range(days, -1, -1):
        day = last - timedelta(days=ago)
        payee, minor = ("Lantern Works salary", 180_000) if day.day == 28 else ("Greengrocer Alder", -3_700)
        if day.day == 28 or not ago % 3:
            balance += minor
            rows.append(f"{day},{payee},{minor / 100:.2f},{balance / 100:.2f}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path, fitted: Path) -> Run:
    """Run the command on a bank whose language model is fitted already."""
    (tmp_path / "bank" / wiring.DATA).mkdir(mode=0o700, parents=True)
    for model in fitted.glob("language-*.bin"):
        shutil.copy(model, tmp_path / "bank" / wiring.DATA)
    words = ["--no-serve", "--json", "--bank", str(tmp_path / "bank")]
    return lambda file, *more: CliRunner().invoke(main, ["own", str(file), *words, *(more or ("--account", "a-1"))])


def documents(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_mapping_is_proposed_once_for_each_file(own: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposed: list[str] = []

    def seen(table: Table, **known: Any) -> Proposal:
        proposed.append(table.name)
        return propose(table, **known)

    monkeypatch.setattr(mapping_dialog, "propose", seen)
    for year in (2019, 2022):
        own(statement(tmp_path / f"{year}.csv", last=date(year, 6, 30)))
    assert proposed == ["2019.csv", "2022.csv"]


def test_a_later_statement_moves_the_time_of_the_bank_on_and_is_taken_in(own: Run, tmp_path: Path) -> None:
    first, ahead = documents(own(statement(tmp_path / "old.csv", last=date(2019, 6, 30))))
    assert (first["dead_letters"], ahead["as_of"]) == (0, "2019-06-30")
    bank = tmp_path / "bank"
    with marketofone.open(bank) as opened:  # what its person says no to stays so
        no = ConsentChange(
            customer="me", change="withdraw", purposes=("marketing",), sources=(EVERY,), channels=(EVERY,),
            since=opened.now(),
        )  # fmt: skip
        opened.consent(no)

    later, ahead = documents(own(statement(tmp_path / "later.csv", last=date(2022, 3, 31))))
    assert (later["dead_letters"], later["refused"], ahead["as_of"]) == (0, 0, "2022-03-31")
    assert ahead["total"] is not None
    with marketofone.open(bank) as opened:
        cells = opened.consents("me").cells
        assert {cell.state for cell in cells if cell.purpose == "marketing"} == {"withdrawn"}
        assert {cell.state for cell in cells if cell.purpose == "insights"} == {"granted"}
        assert opened.verify().problems == ()

    yesterday = datetime.now(tz=UTC).date() - timedelta(days=1)
    recent, ahead = documents(own(statement(tmp_path / "recent.csv", last=yesterday)))
    assert recent["dead_letters"] == 0
    assert str(ahead["as_of"]) > str(yesterday)
    assert wiring.clock_of(bank) is None


def test_a_longer_export_of_the_same_bank_adds_only_what_is_new_and_a_mended_mapping_corrects(
    own: Run, tmp_path: Path
) -> None:
    header, rows = "Date,Narration,Category,Debit,Credit,Ref No", [
        "13/06/2019,SHOP A,Food,12.50,,612345",
        "14/06/2019,SHOP B,Food,2.50,,612346",
        "15/06/2019,LANTERN,Pay,,900.00,612347",
    ]  # fmt: skip

    def export(name: str, lines: list[str]) -> Path:
        (tmp_path / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return tmp_path / name

    def counts(result: Result) -> tuple[object, ...]:
        report = documents(result)[0]
        return report["events"], report["duplicates"], report["mapping"]

    assert counts(own(export("june.csv", rows))) == (3, 0, "june")
    # A reversal with the reference of what it reverses, a category that was changed, and a row without a reference.
    later = [*rows[1:], "16/07/2019,REVERSAL SHOP B,Food,,2.50,612346", "17/07/2019,CHARGES,,5.00,,"]
    later[0] = later[0].replace("Food", "Home")
    assert counts(own(export("july.csv", later))) == (3, 1, "june")
    assert counts(own(tmp_path / "july.csv")) == (0, 4, "june")
    saved = tmp_path / "bank" / "mappings" / "june.toml"
    saved.write_text(saved.read_text("utf-8").replace('category = "Category"\n', ""), "utf-8")
    own(tmp_path / "july.csv")
    with marketofone.open(tmp_path / "bank") as bank:
        known = {one.name: one.value for one in bank.profile("me").known}
        assert (known["spend_90d"], known["net_30d"], known["fees_90d"]) == (1_750, -250, 500)
        assert bank.verify().problems == ()


def test_what_lies_beyond_the_time_of_a_bank_says_where_that_stands(own: Run, tmp_path: Path) -> None:
    documents(own(statement(tmp_path / "old.csv", last=date(2019, 6, 30))))
    later = str(statement(tmp_path / "later.csv", last=date(2022, 3, 31)))
    words = ("--customer", "me", "--account", "a-1", "--yes", "--json", "--bank", str(tmp_path / "bank"))
    done = CliRunner().invoke(main, ["import", "csv", later, *words])
    (reason,) = json.loads(done.stdout)["reasons"]
    assert reason["fix"] == "move the clock in bank.toml on: it stands at 2019-06-30T20:00:00Z"


def test_a_balance_that_is_dated_after_the_last_movement_is_in_and_the_forecast_starts_from_it(
    own: Run, tmp_path: Path
) -> None:
    balance = "<LEDGERBAL><BALAMT>812.40<DTASOF>20190630</LEDGERBAL>"
    moved = "".join(
        f"<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>2019{month:02}{day:02}<TRNAMT>-37.00<FITID>{month}-{day}<NAME>Greengrocer</STMTTRN>"
        for month in range(1, 7)
        for day in (2, 9, 16, 23)
    )
    account = "<BANKACCTFROM><BANKID>1<ACCTID>a-1<ACCTTYPE>CHECKING</BANKACCTFROM>"
    text = f"<STMTRS><CURDEF>USD{account}<BANKTRANLIST>{moved}</BANKTRANLIST>{balance}</STMTRS>"
    file = tmp_path / "bank.ofx"
    file.write_text(
        f"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS>{text}</STMTTRNRS></BANKMSGSRSV1></OFX>"
    )

    told, ahead = documents(own(file, "--no-serve"))
    assert (told["dead_letters"], told["reasons"], ahead["as_of"]) == (0, [], "2019-06-30")
    with marketofone.open(tmp_path / "bank") as bank:
        assert bank.profile("me").liquid.total_minor == 81_240


def test_a_qif_file_is_taken_and_what_it_does_not_name_is_said(own: Run, tmp_path: Path) -> None:
    file = tmp_path / "bank.qif"
    records = (f"D{month}/{day}/2019\nT-37.00\nPGreengrocer\n^\n" for month in range(1, 7) for day in (2, 16, 23))
    file.write_text("!Type:Bank\n" + "".join(records))

    told, ahead = documents(own(file, "--currency", "USD"))
    assert (told["events"], told["dead_letters"], ahead["as_of"]) == (18, 0, "2019-06-23")
    assert told["unsure"] == ["account: nothing names it; it is called main unless --account names it"]


def test_what_a_file_of_two_weeks_ago_does_not_tell_of_is_no_payment_that_stayed_away(own: Run, tmp_path: Path) -> None:
    last = datetime.now(tz=UTC).date() - timedelta(days=14)
    _, ahead = documents(own(statement(tmp_path / "recent.csv", last=last)))
    assert ahead["as_of"] == str(last)


@pytest.mark.parametrize(("text", "shape"), [("", "no table"), ("Date,Payee,Amount\n", "no rows")])
def test_a_table_without_rows_is_said_to_be_one_and_lays_out_no_bank(
    own: Run, tmp_path: Path, text: str, shape: str
) -> None:
    file = tmp_path / "empty.csv"
    file.write_text(text)
    done = own(file)
    assert done.exit_code == BAD_INPUT
    assert shape in done.stderr
    assert not (tmp_path / "bank" / "bank.toml").exists()


@pytest.mark.parametrize("name", ["june.zip", "june.csv"])
def test_an_archive_of_statements_is_to_be_unpacked_and_lays_out_no_bank(own: Run, tmp_path: Path, name: str) -> None:
    with ZipFile(tmp_path / name, "w") as archive:
        archive.write(statement(tmp_path / "inside.csv", last=date(2026, 6, 30), days=5))

    done = own(tmp_path / name)

    assert done.exit_code == BAD_INPUT
    assert "unpack it" in done.stderr
    assert not (tmp_path / "bank" / "bank.toml").exists()
