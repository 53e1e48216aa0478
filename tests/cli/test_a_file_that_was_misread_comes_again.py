"""Once a mapping was mended and its file comes again, what was misread counts no more, and nothing else is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from counted import counted

Run = Callable[..., Result]
ROWS = [
    "2026-06-01,EUR,Bakery,card 7,-2.50",
    "2026-06-02,EUR,Market,card 8,-30.00",
    "2026-06-02,EUR,Market,card 8,-30.00",
]
MAPPING = """format = 1
date = "YMD"
account = "giro"
header = ["Date", "Unit", "Where", "Note", "Amount"]

[columns]
booked = ["Date"]
currency = "Unit"
amount = "Amount"
text = ["Where"]
"""


class Mended:
    """A bank with a file of three payments, and the mapping that reads it."""

    def __init__(self, run: Run, project: Path, folder: Path) -> None:
        self._run, self._project = run, project
        self.path = folder / "june.csv"
        self.write(*ROWS)
        self.map()
        run("consent", "grant", "c-1")

    def write(self, *rows: str, name: str = "june.csv") -> Path:
        path = self.path.with_name(name)
        path.write_text("\n".join(["Date,Unit,Where,Note,Amount", *rows]), "utf-8")
        return path

    def map(self, *changes: tuple[str, str]) -> None:
        """Save the mapping, with some lines changed."""
        text = MAPPING
        for old, new in changes:
            text = text.replace(old, new)
        place = self._project / "mappings" / "june.toml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, "utf-8")

    def comes(self, path: Path | None = None, *more: str) -> tuple[int, int, int]:
        """Import a file; gives how many events and duplicates it was, and how many rows were taken back."""
        words = ("import", "csv", str(path or self.path), "--customer", "c-1", "--mapping", "june", "--json")
        told = json.loads(self._run(*words, *more).stdout)
        return told["events"], told["duplicates"], told["beside"].get("removals", 0)

    def counted(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Give how many payments count on each account, in each currency, and what they add up to."""
        return counted(self._project, "c-1")


@pytest.fixture
def june(run: Run, project: Path, tmp_path: Path) -> Mended:
    return Mended(run, project, tmp_path)


ALL = {("giro", "EUR"): (3, -62_50)}
WRONG = {
    "account": [('account = "giro"', 'account = "other"')],
    "currency": [('account = "giro"', 'account = "giro"\ncurrency = "USD"'), ('currency = "Unit"\n', "")],
    "text": [('text = ["Where"]', 'text = ["Note"]')],
    "several": [('account = "giro"', 'account = "other"'), ('text = ["Where"]', 'text = ["Note", "Unit"]')],
}


@pytest.mark.parametrize("what", WRONG)
def test_what_was_misread_counts_no_more_once_the_file_comes_again(june: Mended, what: str) -> None:
    june.map(*WRONG[what])
    assert june.comes() == (3, 0, 0)
    june.map()
    assert june.comes() == (3, 0, 3)
    assert june.counted() == ALL
    assert june.comes() == (0, 3, 0)


def test_what_was_mended_wrongly_is_mended_again(june: Mended) -> None:
    june.comes()
    for _ in range(2):
        june.map(*WRONG["text"])
        assert june.comes() == (3, 0, 3)
        assert june.counted() == ALL
        june.map()
        assert june.comes() == (3, 0, 3)
        assert june.counted() == ALL
    assert june.comes() == (0, 3, 0)


@pytest.mark.parametrize("first", [True, False])
def test_a_row_that_another_file_told_as_well_stays(june: Mended, *, first: bool) -> None:
    savings = june.write(ROWS[0], "2026-06-09,EUR,Rent,card 9,-700.00", name="savings.csv")
    june.map(*WRONG["account"])
    for path in (savings, june.path) if first else (june.path, savings):
        june.comes(path)
    june.map()
    assert june.comes() == (3, 0, 2)
    assert june.counted() == {**ALL, ("other", "EUR"): (2, -702_50)}


def test_what_two_files_misread_goes_once_both_came_again(june: Mended) -> None:
    longer = june.write(*ROWS, "2026-07-01,EUR,Market,card 8,-8.00", name="longer.csv")
    june.map(*WRONG["account"])
    june.comes()
    june.comes(longer)
    june.map()
    assert june.comes(longer) == (4, 0, 1)
    assert june.comes() == (0, 3, 3)
    assert june.counted() == {("giro", "EUR"): (4, -70_50)}


def test_what_a_file_told_rests_sealed(june: Mended, project: Path) -> None:
    june.comes()
    (kept,) = (project / "data" / "told").iterdir()
    assert b"giro" not in kept.read_bytes()
    assert "june" not in kept.name


def test_an_export_that_names_no_account_is_taken_back_from_a_wrong_one(run: Run, june: Mended, tmp_path: Path) -> None:
    path = tmp_path / "money.qif"
    path.write_text("!Type:Bank\nD06/01/2026\nT-2.50\nPBakery\n^\nD06/13/2026\nT-30.00\nPMarket\n^\n", "utf-8")
    for name, removals in (("other", None), ("giro", 2)):
        words = ("import", "qif", str(path), "--customer", "c-1", "--account", name, "--currency", "EUR", "--json")
        told = json.loads(run(*words).stdout)
        assert (told["events"], told["beside"].get("removals")) == (2, removals)
    assert june.counted() == {("giro", "EUR"): (2, -32_50)}
