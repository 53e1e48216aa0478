"""What stands in the cells of a table: text, or a number or a date where a file holds them as such."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

Cell = str | Decimal | date
"""Text, a number, a date or a datetime; an empty text where nothing stands."""

_EXACT_DIGITS = ".15g"
_HIDDEN = dict.fromkeys((*range(0x20), 0x7F, 0xA0, 0x202F, 0x2007, 0xFEFF, 0x200B), " ")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")
_SHOWN_AS_TEXT, _MARKED = '="', "'"  # how some programs keep others from reading a number


def cell_of(value: object) -> Cell:
    """Give a value of a spreadsheet or of a table of columns as a cell.

    Examples
    --------
    >>> cell_of(0.1 + 0.2), cell_of(None), cell_of(True), cell_of(7)
    (Decimal('0.3'), '', 'true', Decimal('7'))
    """
    if isinstance(value, str | Decimal | date):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):  # binary: what a spreadsheet shows of it was meant
        return Decimal(format(value, _EXACT_DIGITS))
    return str(value)


def text_of(cell: Cell) -> str:
    r"""Give what stands in a cell as one line of text: control characters become blanks, and blanks do not pile up.

    Examples
    --------
    >>> text_of("RENT\x1f  JUNE "), text_of('="00123"'), text_of(Decimal("12345678.0"))
    ('RENT JUNE', '00123', '12345678')
    """
    if not isinstance(cell, str):
        return _text_of_value(cell)
    if cell.isascii() and cell.isprintable() and "  " not in cell and not cell.startswith((_SHOWN_AS_TEXT, _MARKED)):
        return cell.strip()
    text = " ".join(cell.translate(_HIDDEN).split())
    if text.startswith(_MARKED) and text.count(_MARKED) == 1:
        return text[1:].lstrip()
    return text[2:-1] if text.startswith(_SHOWN_AS_TEXT) and text.endswith('"') else text


def _text_of_value(cell: Decimal | date) -> str:
    if isinstance(cell, Decimal):
        whole = cell.is_finite() and cell == cell.to_integral_value()
        return format(cell.to_integral_value() if whole else cell, "f")
    return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()


def iban_in(text: str) -> str | None:
    """Give the IBAN in a text, without blanks.

    Examples
    --------
    >>> iban_in("IBAN: DE02 1001 0010 0006 8201 01"), iban_in("savings")
    ('DE02100100100006820101', None)
    """
    found = _IBAN.search(text)
    return None if found is None else found[0].replace(" ", "")


def account_of(cell: Cell) -> str:
    """Give what an account is called: an IBAN is written without blanks, so that every file calls it the same."""
    name = text_of(cell)
    return name.replace(" ", "") if " " in name and _IBAN.fullmatch(name) else name


def is_empty(cells: Sequence[Cell]) -> bool:
    """Say whether nothing stands in any of the cells.

    Examples
    --------
    >>> is_empty(["", " "]), is_empty(["", Decimal(0)])
    (True, False)
    """
    return not any(map(text_of, cells))
