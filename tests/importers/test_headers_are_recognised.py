"""A later file of the same bank is read as the one before, so that what both tell is recognised and counted once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from marketofone.domain.event import Event
from marketofone.importers.rows import Origin, events_of
from marketofone.importers.tables import delimited
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import Mapping, save_mapping, to_toml
from marketofone.importers.tables.proposal import propose
from marketofone.importers.tables.recognised import Recognised, recognised
from marketofone.importers.tables.tabular import Table

HEADER = "Date,Narration,Kind,Debit,Credit,Transaction ID"
JUNE = (
    "13/06/2026,SHOP A,Food,12.50,,T1",
    "14/06/2026,SHOP B,Food,2.50,,T2",
    "15/06/2026,SHOP C,Home,1.00,,T3",
)
JULY = (
    "15/06/2026,SHOP C,Home,1.00,,T3",
    "16/07/2026,SHOP D,Food,3.00,,",
    "17/07/2026,BACK,Food,,2.50,T2",
)


def table(
    folder: Path, *rows: str, name: str = "statement.csv", above: Sequence[str] = (), header: str = HEADER
) -> Table:
    path = folder / name
    path.write_text("\n".join([*above, header, *rows]) + "\n", encoding="utf-8")
    return delimited.read(path)


def kept(folder: Path, of: Table) -> Mapping:
    mapping = propose(of, otherwise="EUR").mapping
    save_mapping(mapping, folder=folder, made_from=of.name)
    return mapping


def known(folder: Path, of: Table) -> Recognised | None:
    return recognised(of, propose(of, otherwise="EUR"), folder=folder)


def ids(of: Table, mapping: Mapping) -> list[str]:
    rows = events_of(MappedRows(of, mapping), origin=Origin(customer="c-1", producer="csv"))
    return [row.id for row in rows if isinstance(row, Event)]


def test_what_two_files_tell_has_one_id_though_their_cells_would_propose_two_mappings(tmp_path: Path) -> None:
    june, july = table(tmp_path, *JUNE), table(tmp_path, *JULY, name="july.csv")
    saved = kept(tmp_path, june)
    assert saved.columns.id == "Transaction ID"
    assert propose(july, otherwise="EUR").mapping.columns.id is None

    found = known(tmp_path, july)
    assert found == Recognised(saved, "statement", as_saved=True)
    assert set(ids(june, saved)) & set(ids(july, found.mapping)) == {"main:T3", "main:T2"}


def test_what_was_changed_in_a_mapping_holds_for_the_next_file(tmp_path: Path) -> None:
    mended = replace(kept(tmp_path, table(tmp_path, *JUNE)), account="everyday", currency="INR")
    (tmp_path / "mappings" / "statement.toml").unlink()
    save_mapping(mended, folder=tmp_path, made_from="statement.csv")

    assert known(tmp_path, table(tmp_path, *JULY)) == Recognised(mended, "statement", as_saved=True)


def test_the_account_that_a_file_names_is_its_own(tmp_path: Path) -> None:
    first, second = "DE02120300000000202051", "DE89370400440532013000"
    kept(tmp_path, table(tmp_path, *JUNE, above=[f"Account;{first}"]))

    found = known(tmp_path, table(tmp_path, *JULY, above=[f"Account;{second}"]))
    assert found is not None
    assert (found.mapping.account, found.as_saved) == (second, False)


def test_a_name_that_was_written_for_an_account_holds_where_a_file_names_that_account(tmp_path: Path) -> None:
    first, second = "DE02120300000000202051", "DE89370400440532013000"
    said = replace(kept(tmp_path, table(tmp_path, *JUNE, above=[f"Account;{first}"])), account="Giro")
    (tmp_path / "mappings" / "statement.toml").write_text(to_toml(said, made_from="statement.csv"), encoding="utf-8")

    for above, account in ((first, "Giro"), ("DE02 1203 0000 0000 2020 51", "Giro"), (second, second)):
        found = known(tmp_path, table(tmp_path, *JULY, above=[f"Account;{above}"]))
        assert found is not None
        assert (found.mapping.account, found.as_saved) == (account, account == "Giro")


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (["06/25/2026,SHOP,Food,1.00,,T1"], HEADER),
        (['25/06/2026,SHOP,Food,"1.000,50",,T1'], HEADER),
        (["25/06/2026,SHOP,Food,1.00,,T1"], HEADER.replace("Kind", "Type")),
    ],
    ids=["dates of another order", "another sign before decimals", "another header"],
)
def test_a_file_that_says_otherwise_is_read_by_a_mapping_of_its_own(
    tmp_path: Path, rows: list[str], header: str
) -> None:
    kept(tmp_path, table(tmp_path, *JUNE))

    assert known(tmp_path, table(tmp_path, *rows, header=header)) is None


def test_balances_that_say_which_way_money_went_count_more_than_a_saved_sign(tmp_path: Path) -> None:
    header = "Date,Text,Amount,Balance"
    guessed = kept(tmp_path, table(tmp_path, "2026-06-01,PAY,5.00,", "2026-06-02,MORE,7.00,", header=header))
    assert guessed.positive == "out"

    assert (
        known(tmp_path, table(tmp_path, "2026-06-01,PAY,5.00,5.00", "2026-06-02,MORE,7.00,12.00", header=header))
        is None
    )


def test_a_number_that_a_reversal_carries_as_well_is_no_id(tmp_path: Path) -> None:
    of = table(
        tmp_path,
        "13/06/2026,SHOP A,12.50,,612345",
        "14/06/2026,SHOP B,2.50,,000000",
        header="Date,Narration,Debit,Credit,Ref No",
    )

    columns = propose(of, otherwise="EUR").mapping.columns
    assert (columns.id, columns.reference) == (None, "Ref No")


def test_what_people_and_banks_change_later_makes_no_other_movement(tmp_path: Path) -> None:
    header = "Date,Text,Amount,Category,Status"
    first = table(tmp_path, "13/06/2026,SHOP A,-12.50,Food,Pending", header=header)
    later = table(tmp_path, "13/06/2026,SHOP A,-12.50,Home,Booked", name="later.csv", header=header)
    saved = kept(tmp_path, first)

    assert ids(first, saved) == ids(later, saved)
    assert ids(first, replace(saved, positive="out")) == ids(first, saved)  # a sign that was mended corrects
