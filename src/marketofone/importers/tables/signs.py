"""Which way money went, and in which order rows stand: settled by reading the first rows with a mapping.

Balances decide where there are any. Else signs do: on an account money goes out more often than in, and a column in
which nearly nothing is negative is one of a card, or of spending.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.importers.rows import Row
from marketofone.importers.tables.amounts import Direction
from marketofone.importers.tables.balances import Chain, Posted, chain_of
from marketofone.importers.tables.cells import text_of
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import FileOrder, Mapping
from marketofone.importers.tables.tabular import Table
from marketofone.importers.tables.vocabulary import says

_ENOUGH_TO_TELL, _FEW = 10, 0.3
_FEE = (
    "fee: nothing says whether amounts hold what stands under {}; they are taken to hold it, unless columns.fee names "
    "it in the mapping"
)


class Settled(NamedTuple):
    """A mapping with its signs and its order settled, sentences about what is not sure, and whether balances agree."""

    mapping: Mapping
    unsure: tuple[str, ...]
    proven: bool = False


def settle(mapping: Mapping, table: Table, *, others: Sequence[str] = (), marks: Sequence[str] = ()) -> Settled:
    """Settle which columns say amounts, which sign is money in, and which row of a day is the last.

    Parameters
    ----------
    others
        Columns of amounts that say nothing yet. One of them may be the balance, or the amounts, if the balances chain.
    marks
        Columns of nothing but words for money in and out. One of them may say the signs of balances.
    """
    fee = mapping.columns.fee
    mapping = _with_one_form(replace(mapping, columns=replace(mapping.columns, fee=None)), table)
    mapping, chain = _chained(mapping, table, others=others)
    mapping, chain = _with_mark(mapping, chain, table, marks=marks)
    if fee is not None:
        mapping, chain = _with_fee(mapping, chain, table, fee=fee)
    rows = _movements(mapping, table)
    if chain is not None and chain.holds:
        turned = _turned(mapping) if chain.turned else mapping
        return Settled(replace(turned, order=chain.order), (), proven=True)
    unsure = [] if chain is None else ["balance: balances do not follow from the amounts, and decide nothing"]
    if fee is not None:
        goes_out = _goes_out(mapping, table, fee=fee, others=others)
        unsure += [_FEE.format(fee)] if goes_out is None else []
        mapping = replace(mapping, columns=replace(mapping.columns, fee=fee if goes_out else None))
    mapping = replace(mapping, order=_order_of(rows))
    if mapping.columns.amount is not None and mapping.columns.direction is None:
        few = _negative(rows) < _FEW * len(rows)
        if few and (len(rows) >= _ENOUGH_TO_TELL or not _negative(rows)):
            unsure.append("positive: few amounts have a minus; a number without one is taken as money out")
            mapping = replace(mapping, positive="out")
    return Settled(mapping, tuple(unsure))


def _with_one_form(mapping: Mapping, table: Table) -> Mapping:
    """Keep one way of saying amounts: a signed column, one with words of direction, or debit and credit."""
    said = mapping.columns
    alone = replace(mapping, columns=replace(said, debit=None, credit=None, direction=None))
    if said.amount is not None and (said.debit or said.credit):
        if said.direction is None and not _negative(_movements(alone, table)):
            return _two_columns(replace(mapping, columns=replace(said, amount=None)), table)
        mapping = replace(mapping, columns=replace(said, debit=None, credit=None))
    if said.amount is None:
        return _two_columns(replace(mapping, columns=replace(said, direction=None)), table)
    if said.direction is None:
        return mapping
    if _negative(_movements(alone, table)) and not _negative(_movements(mapping, table)):
        return alone  # the words turned what was signed already
    return mapping


def _two_columns(mapping: Mapping, table: Table) -> Mapping:
    """Find whether debits carry a minus, and whether credits do."""
    mapping, said = replace(mapping, positive="in"), mapping.columns
    if said.debit is None or not _mostly_minus(replace(mapping, columns=replace(said, credit=None)), table):
        mapping = replace(mapping, positive="out")
    if said.credit is not None and _mostly_minus(replace(mapping, columns=replace(said, debit=None)), table):
        mapping = replace(mapping, credits="out")
    return mapping


def _mostly_minus(mapping: Mapping, table: Table) -> bool:
    rows = _movements(mapping, table)
    return 2 * _negative(rows) > len(rows)


def _chained(mapping: Mapping, table: Table, *, others: Sequence[str]) -> tuple[Mapping, Chain | None]:
    """Follow the balances; of columns that may hold them or the amounts, take the first with which they chain."""
    said = mapping.columns
    if said.balance is None:
        tried = [replace(mapping, columns=replace(said, balance=name)) for name in others]
        chain = None
    else:
        single = said.amount is not None and said.direction is None
        tried = [replace(mapping, columns=replace(said, amount=name)) for name in others if single]
        chain = _chain(mapping, table)
    if chain is not None and chain.holds:
        return mapping, chain
    for one in tried:
        found = _chain(one, table)
        if found is not None and found.holds:
            return one, found
    return mapping, chain


def _with_mark(
    mapping: Mapping, chain: Chain | None, table: Table, *, marks: Sequence[str]
) -> tuple[Mapping, Chain | None]:
    """Let words say the signs of balances where these chain no worse so.

    Where nothing chains, words right beside the balances do, unless they only repeat which way amounts went.
    """
    if mapping.columns.balance is None:
        return mapping, chain
    best, beside = (mapping, chain), _beside(mapping, table)
    for one in _marked(mapping, table, marks=marks):
        found, said = _chain(one, table), one.columns
        is_beside = said.balance_direction == beside
        if found is not None and found.holds and not (found.turned and said.direction):
            before = best[1].share if best[1] is not None else 0.0
            if found.share > before or (is_beside and best[0] is mapping and found.share == before):
                best = one, found
        elif is_beside and best[0] is mapping and not (chain is not None and chain.holds):
            best = best if _repeats(mapping, table, mark=str(beside)) else (one, found)
    return best


def _beside(mapping: Mapping, table: Table) -> str | None:
    """Name the column right of the balances."""
    at = table.columns.index(str(mapping.columns.balance))
    return next(iter(table.columns[at + 1 :]), None)


def _marked(mapping: Mapping, table: Table, *, marks: Sequence[str]) -> Iterator[Mapping]:
    """Give the ways in which columns of words may say signs of balances, what stands right beside these first.

    What was taken for the direction of amounts may be that of balances instead: of signed amounts, or where another
    column says theirs.
    """
    said, beside = mapping.columns, _beside(mapping, table)
    for name in sorted(marks, key=lambda mark: mark != beside):
        directions: list[str | None] = [said.direction]
        if name == said.direction:
            directions = [other for other in marks if other != name]
            alone = replace(mapping, columns=replace(said, direction=None))
            directions += [None] if _negative(_movements(alone, table)) else []
        for direction in directions:
            yield replace(mapping, columns=replace(said, direction=direction, balance_direction=name))


def _repeats(mapping: Mapping, table: Table, *, mark: str) -> bool:
    """Say whether a column of words says of each row which way its amount went."""
    at, signs = table.columns.index(mark), {row.line: _figure(row, "amount") > 0 for row in _movements(mapping, table)}
    said = {row.line: text_of(row.cells[at]) for row in table.sample() if at < len(row.cells)}
    return all(says("money_in" if signs[line] else "money_out", said.get(line, "")) for line in signs)


def _with_fee(mapping: Mapping, chain: Chain | None, table: Table, *, fee: str) -> tuple[Mapping, Chain | None]:
    """Let a column of fees count where balances say that amounts do not hold them."""
    beside = replace(mapping, columns=replace(mapping.columns, fee=fee))
    found = _chain(beside, table)
    better = found is not None and found.holds and not found.turned and (chain is None or found.share > chain.share)
    return (beside, found) if better else (mapping, chain)


def _goes_out(mapping: Mapping, table: Table, *, fee: str, others: Sequence[str]) -> bool | None:
    """Say whether a fee goes out beside amounts, where another column says what they are with it, or without it.

    None where no column says so.
    """
    said = mapping.columns

    def amounts(column: str | None, *, less: str | None = None) -> list[Decimal]:
        told = replace(mapping, columns=replace(said, amount=column, fee=less))
        return [_figure(row, "amount") for row in _movements(told, table)]

    alone, together = amounts(said.amount), amounts(said.amount, less=fee)
    if alone == together:
        return False
    for name in others if said.amount is not None and said.direction is None else ():
        if amounts(name) == together:
            return True
        if amounts(name, less=fee) == alone:
            return False
    return None


def _chain(mapping: Mapping, table: Table) -> Chain | None:
    return chain_of(
        Posted((row.facts["account"], row.facts["currency"]), _figure(row, "amount"), _balance(row))
        for row in _rows(mapping, table)
        if "balance" in row.facts or row.facts.get("status") != "pending"
    )


def _movements(mapping: Mapping, table: Table) -> list[Row]:
    return [row for row in _rows(mapping, table) if row.what == "movement"]


def _rows(mapping: Mapping, table: Table) -> list[Row]:
    return [row for row in MappedRows(table, mapping) if isinstance(row, Row) and row.what != "account"]


def _balance(row: Row) -> Decimal | None:
    return _figure(row, "balance") if "balance" in row.facts else None


def _figure(row: Row, key: str) -> Decimal:
    figure = row.facts.get(key, Decimal())  # a balance alone moves nothing
    assert isinstance(figure, Decimal)  # noqa: S101 - amounts of rows are
    return figure


def _negative(rows: Sequence[Row]) -> int:
    return sum(_figure(row, "amount") < 0 for row in rows)


def _order_of(rows: Sequence[Row]) -> FileOrder:
    """Tell from the dates in which order rows stand."""
    return "newest first" if rows and rows[0].on > rows[-1].on else "oldest first"


def _turned(mapping: Mapping) -> Mapping:
    """Turn what was taken as money in to money out."""
    said, words = mapping.columns, mapping.words
    if said.amount is None:
        return replace(mapping, columns=replace(said, debit=said.credit, credit=said.debit))
    if said.direction is not None:
        return replace(mapping, words=replace(words, money_in=words.money_out, money_out=words.money_in))
    positive: Direction = "out" if mapping.positive == "in" else "in"
    return replace(mapping, positive=positive)
