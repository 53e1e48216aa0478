"""Text is read whatever its letters, packed or not; where a packed file breaks off, what could be read comes first."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.documents import Document, read_documents
from marketofone.importers.encoding import TextLines, encoding_of, pieces_of
from marketofone.importers.rows import BadRow

LANGUAGES = {
    "cp1252": "Grünkohl für Tischlerei Groß; Café à côté; señor Núñez; são João; Åsa Öberg; Überweisung € 5",
    "cp1250": "Příjem převodem; číslo účtu; Žluťoučký kůň; šťáva; nájem u řeky",
    "iso8859_2": "Księgowanie; Tytuł; Spółdzielnia Żuraw; wpłata własna; łąka; źdźbło",
    "cp1251": "Дата операции; Зарплата; Аренда квартиры; Магазин у дома",  # noqa: RUF001 - an alphabet
    "koi8_r": "Дата операции; Зарплата; Аренда квартиры; Магазин у дома",  # noqa: RUF001 - an alphabet
    "cp1253": "Ημερομηνία; Ποσό; Υπόλοιπο; μισθός; ενοίκιο",
    "cp1254": "İşlem tarihi; Açıklama; maaş; kira; ağustos; ışık",  # noqa: RUF001 - an alphabet
    "cp932": "日付 お取引内容 お引出し お預入れ 残高 給与 家賃 食料品店 返金",
    "gb18030": "日期 金额 余额 交易说明 工资 房租 超市",
    "utf-8": "číslo účtu 日付 Дата операции",
    "utf-8-sig": "číslo účtu",
    "utf-16": "číslo účtu; Betrag",
}


def lines_in(path: Path) -> list[str]:
    return list(TextLines(path, encoding=encoding_of(path)))


@pytest.mark.parametrize("encoding", LANGUAGES)
def test_letters_are_read_as_they_were_written(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "statement"
    path.write_bytes(f"Date;Text;Amount\n1;{LANGUAGES[encoding]};2\n".encode(encoding))

    assert lines_in(path) == ["Date;Text;Amount", f"1;{LANGUAGES[encoding]};2"]


@pytest.mark.parametrize("word", ["Café", "Betrag (€)", "Müller", "Částka;Měna", "Tytuł"])
def test_one_word_is_enough(tmp_path: Path, word: str) -> None:
    path = tmp_path / "statement"
    path.write_bytes(word.encode("cp1250" if "ł" in word or "Č" in word else "cp1252"))

    assert lines_in(path) == [word]


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_shows_by_its_zeros(tmp_path: Path, order: str) -> None:
    path = tmp_path / "statement"
    path.write_bytes("Date;Amount\n2026-06-01;5\n".encode(order))

    assert lines_in(path) == ["Date;Amount", "2026-06-01;5"]


def test_a_letter_that_was_damaged_does_not_change_how_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "statement"
    path.write_bytes("\n".join(["Müller;žluť"] * 20).encode() + b"\nM\xfcller")

    assert lines_in(path)[0] == "Müller;žluť"
    assert lines_in(path)[-1] == "M\N{REPLACEMENT CHARACTER}ller"


def test_what_is_expected_counts_only_where_the_bytes_leave_it_open(tmp_path: Path) -> None:
    path = tmp_path / "statement"
    path.write_bytes(b"M\xfcller")
    assert encoding_of(path, expected="cp1250") == "cp1250"
    path.write_bytes("Müller".encode())
    assert encoding_of(path, expected="cp1250") == "utf-8"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them_and_nowhere_else(tmp_path: Path, end: str) -> None:
    path = tmp_path / "statement"
    path.write_bytes(end.join(["a\x0bb\x1cc\u2028d", "", "e"]).encode())

    assert lines_in(path) == ["a\x0bb\x1cc\u2028d", "", "e"]


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1), st.booleans()
)
def test_every_text_comes_back_line_by_line(lines: list[str], packed: bool) -> None:  # noqa: FBT001 - generated
    content = "\n".join(lines).encode()
    stream = io.BytesIO(gzip.compress(content) if packed else content)

    assert b"".join(pieces_of(stream, name="x")) == content


def test_several_packed_members_and_what_pads_them_are_one_text() -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 9

    assert b"".join(pieces_of(io.BytesIO(packed), name="x")) == b"one\ntwo\n"


def test_what_stands_behind_a_packed_text_and_is_no_padding_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(b"one\n") + b"\0\0" + gzip.compress(b"two\n")
    read: list[bytes] = []
    with pytest.raises(MalformedDocument, match="breaks off"):
        read.extend(pieces_of(io.BytesIO(packed), name="x"))
    assert read == [b"one\n"]

    (tmp_path / "answers.json").write_bytes(gzip.compress(b'{"page": 1}') + b"more")
    page, cut = read_documents(tmp_path / "answers.json")
    assert isinstance(page, Document)
    assert isinstance(cut, BadRow)


@pytest.mark.parametrize("left", [1, 3, 20, 200])
def test_what_could_be_read_of_a_file_that_breaks_off_is_given_and_then_the_error(tmp_path: Path, left: int) -> None:
    rows = [f"2026-06-01;{number * 7919 % 10_000}" for number in range(3000)]
    path = tmp_path / "statement.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode())[:-left])
    lines = TextLines(path, encoding="utf-8")
    found: list[str] = []

    with pytest.raises(MalformedDocument, match="breaks off"):
        found.extend(lines)

    assert found == rows[: len(found)]
    assert rows[len(found)].startswith(lines.cut)


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(MalformedDocument, match=r"none\.csv"):
        encoding_of(tmp_path / "none.csv")
