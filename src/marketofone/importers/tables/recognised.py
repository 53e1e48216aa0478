"""A table with the header of an earlier one is read as that was, so that rows of both are recognised as the same.

What cells alone decide, such as which column is a category, may turn out otherwise in a longer or shorter file. The
mapping that was saved for the header counts, and what was changed in it, unless the file contradicts it: by its dates,
its decimals or its balances. Accounts, currencies and periods that a file names itself are its own; the account that it
named then may be called otherwise since.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.domain.account_numbers import account_number
from marketofone.importers.tables.mapping import Mapping, saved_mappings
from marketofone.importers.tables.proposal import Proposal
from marketofone.importers.tables.tabular import Table


class Recognised(NamedTuple):
    """A mapping that was saved for a header, with what the file itself names, and whether that is the saved one."""

    mapping: Mapping
    name: str
    as_saved: bool


def recognised(table: Table, proposal: Proposal, *, folder: Path) -> Recognised | None:
    """Find the mapping by which files like a table were read before; of several that fit, the one changed last."""
    fitting = [
        Recognised(mapping, name, mapping == saved)
        for name, saved in saved_mappings(folder)
        if _fits(saved, proposal, table)
        for mapping in (_of_this_file(saved, proposal),)
    ]
    return next((one for one in fitting if one.as_saved), fitting[0] if fitting else None)


def _fits(saved: Mapping, proposal: Proposal, table: Table) -> bool:
    found, told = proposal.mapping, proposal.told
    return (
        saved.header == table.columns
        and (saved.separator, saved.sheet) == (found.separator, found.sheet)
        and all(getattr(saved, key) == getattr(found, key) for key in ("date", "decimal") if key in told)
        and ("signs" not in told or _signs(saved) == _signs(found))
    )


def _signs(mapping: Mapping) -> tuple[object, ...]:
    said = mapping.columns
    return (
        mapping.positive,
        mapping.credits,
        said.amount,
        said.debit,
        said.credit,
        said.direction,
        said.balance_direction,
        said.fee,
    )


def _of_this_file(saved: Mapping, proposal: Proposal) -> Mapping:
    found, told = proposal.mapping, proposal.told
    mapping = replace(saved, encoding=found.encoding, order=found.order, period=found.period)
    if (
        "account" in told
        and saved.columns.account is None
        and found.columns.account is None
        and not _same(saved, found)
    ):
        mapping = replace(mapping, account=found.account, number=found.number)
    if "currency" in told and saved.columns.currency is None and found.columns.currency is None:
        mapping = replace(mapping, currency=found.currency)
    return mapping


def _same(saved: Mapping, found: Mapping) -> bool:
    """Say whether a file names the account for which a mapping was saved, whatever that calls it since."""
    numbers = saved.number or saved.account, found.number
    return None not in numbers and len({account_number(str(number)) for number in numbers}) == 1
