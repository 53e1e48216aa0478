"""What a row says beside its date and its amount: texts, names, codes, state. Each column has a reader, made once.

Texts that are longer than their field are cut, and control characters become blanks. What is no code, or no date of
value, is left out: the row says enough without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from collections.abc import Mapping as Lookup
from datetime import date
from decimal import Decimal

from marketofone.domain.errors import MalformedEvent
from marketofone.importers.tables.cells import Cell, account_of, text_of
from marketofone.importers.tables.mapping import Mapping
from marketofone.importers.tables.vocabulary import says

OWN_TRANSFER = "own_transfer"
"""The operation of a movement of which the file says that it went between a person's own accounts."""

Cells = Sequence[Cell]
Facts = dict[str, object]
Detail = Callable[[Facts, Cells, Decimal], None]
"""Adds one thing to the facts of a movement, by the cells of its row and its amount."""

NAME_LENGTH = 64
_TEXT_LENGTH, _PARTY_LENGTH = 500, 200
_NAMES = {
    "counterparty": _PARTY_LENGTH, "merchant": _PARTY_LENGTH, "category": NAME_LENGTH, "reference": NAME_LENGTH,
    "bank_code": NAME_LENGTH,
}  # fmt: skip
_PURPOSE, _MCC = re.compile(r"[A-Za-z0-9_.:/-]{1,64}"), re.compile(r"[0-9]{3,4}")


def details_of(
    mapping: Mapping,
    places: Lookup[str, int],
    *,
    number: Callable[[Cell], Decimal],
    day: Callable[[Cell], date],
    texts: Sequence[int],
) -> list[Detail]:
    """Give what adds to a movement all that its row says beside.

    Parameters
    ----------
    places
        In which cell each key of the mapping stands; ``texts`` are the cells of the text.
    number, day
        Readers of amounts and dates; they raise ``ValueError``.
    """
    words = mapping.words
    said = [_name(key, places[key], length) for key, length in _NAMES.items() if key in places]
    if texts:
        said.append(_text(texts))
    if "counterparty_account" in places:
        said.append(_counterparty_account(places["counterparty_account"]))
    if "mcc" in places:
        said.append(_code("mcc", places["mcc"], _MCC))
    if "purpose_code" in places:
        said.append(_code("purpose_code", places["purpose_code"], _PURPOSE))
    if {"payer", "payee"} & places.keys():
        said.append(_other_side(places.get("payer"), places.get("payee")))
    if words.transfer:
        said.append(_transfer([places[key] for key in ("direction", "category") if key in places], words.transfer))
    if "value_date" in places:
        said.append(_value_date(places["value_date"], day))
    if "status" in places:
        said.append(_status(places["status"], pending=folded_words(words.pending), void=folded_words(words.void)))
    if {"original", "original_currency"} <= places.keys():
        said.append(_original(places["original"], places["original_currency"], number))
    return said


def folded_words(words: Collection[str]) -> frozenset[str]:
    """Give words of a mapping as they are compared: their case does not matter."""
    return frozenset(word.casefold() for word in words)


def _name(key: str, at: int, length: int) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        if text := text_of(cells[at])[:length].rstrip():
            facts[key] = text

    return add


def _text(places: Sequence[int]) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        told = dict.fromkeys(text for at in places if (text := text_of(cells[at])))
        if told:
            facts["text"] = " ".join(told)[:_TEXT_LENGTH].rstrip()

    return add


def _counterparty_account(at: int) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        if name := account_of(cells[at])[:NAME_LENGTH].rstrip():
            facts["counterparty_account"] = name

    return add


def _code(key: str, at: int, form: re.Pattern[str]) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        code = text_of(cells[at])
        if form.fullmatch(code):
            facts[key] = code.zfill(len("0742")) if key == "mcc" else code

    return add


def _other_side(payer: int | None, payee: int | None) -> Detail:
    """Name who is on the other side: of money out the one who is paid, of money in the one who pays."""

    def add(facts: Facts, cells: Cells, amount: Decimal) -> None:
        at = payee if amount < 0 else payer
        name = "" if at is None else text_of(cells[at])[:_PARTY_LENGTH].rstrip()
        if name:
            facts.setdefault("counterparty", name)

    return add


def _transfer(places: Sequence[int], words: Collection[str]) -> Detail:
    own = folded_words(words)

    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        if any(text_of(cells[at]).casefold() in own for at in places):
            facts["operation"] = OWN_TRANSFER

    return add


def _value_date(at: int, day: Callable[[Cell], date]) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        if cells[at] != "":
            try:
                facts["value_date"] = day(cells[at])
            except ValueError:
                return

    return add


def _status(at: int, *, pending: Collection[str], void: Collection[str]) -> Detail:
    def add(facts: Facts, cells: Cells, _: Decimal) -> None:
        word = text_of(cells[at]).casefold()
        if not word:
            return
        if word in void or says("void", word):
            fix = "leave the row out: no money moved"
            raise MalformedEvent(field="status", shape="a payment that was not made", fix=fix)
        if word in pending or says("pending", word):
            facts["status"] = "pending"

    return add


def _original(at: int, currency_at: int, number: Callable[[Cell], Decimal]) -> Detail:
    def add(facts: Facts, cells: Cells, amount: Decimal) -> None:
        code = text_of(cells[currency_at]).upper()
        if not code or code == facts["currency"] or cells[at] == "":
            return
        try:
            facts["original"] = number(cells[at]).copy_sign(amount)
        except ValueError:
            return
        facts["original_currency"] = code

    return add
