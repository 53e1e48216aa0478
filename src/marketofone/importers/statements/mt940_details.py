"""What stands in field 86 of MT940: sub-fields as German banks write them, code words as Dutch banks do, or text.

The library's own reading of sub-fields is not used: it joins them without a blank where a bank cut one off, keeps only
the last of two that have the same number, and knows one separator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from marketofone.domain.account_numbers import account_number
from marketofone.importers.statements.statement import (
    LONGEST_NAME,
    LONGEST_PARTY,
    LONGEST_TEXT,
    decimal_in,
    printed,
    rate_in,
)

_SUB_FIELDS = re.compile(r"([0-9]{3})([?<>^~])(?=[0-9]{2})")
_PURPOSE = frozenset({*(f"{number}" for number in range(20, 30)), "60", "61", "62", "63"})
_FULL = 27  # a sub-field of so many characters goes on in the next one without a blank
_SEPA = re.compile(
    r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP|RREF|MDAT|IBAN|BIC)\+"
    r"|(?:(?<=\s)|^)(EREF|KREF|MREF|CRED|SVWZ|ABWA|ABWE|PURP|IBAN|BIC): "
)
_WORDS = (
    "TRTP|TRCD|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|CNTP|PURP|RTRN|PREF|ULTD|ULTB|ULTC|ISDT|SVCL|ADDR|ID|CITY"
    "|EXCH|OCMT|CHGS|RCMT|CREF|IREF|ACCW|CDTRREFTP|CDTRREF"
)
_SLASHED = re.compile(rf"/({_WORDS})/")
_CNTP_FIELDS = 3  # account, bank, name
_ORIGINAL = re.compile(r"/?OCMT/([A-Z]{3})([0-9]{1,15},?[0-9]*)/?")
_RATE = re.compile(r"/?EXCH/([0-9]{1,10},?[0-9]*)/?")
# The last two are written in field 61 where the reference itself stands in field 86.
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOREF", "KREF+", "EREF"})


def details_in(lines: Sequence[str]) -> dict[str, object]:
    """Say what the lines of field 86 mean, by the names of a movement's fields.

    Examples
    --------
    >>> said = details_in(["166?00GUTSCHRIFT?20EREF+NOTPROVIDED?21SVWZ+Rent May?31DE89370400440532013000?32Ann Roe"])
    >>> said["bank_code"], said["counterparty"], said["text"], "reference" in said
    ('166', 'Ann Roe', 'Rent May', False)
    """
    joined = "".join(lines)
    if match := _SUB_FIELDS.match(joined):
        told = _of_sub_fields(joined[match.end() - 1 :], sign=match[2], code=match[1])
    elif (match := _SLASHED.search(joined)) and match.start() == 0:
        told = _of_words(joined)
    else:
        told = {"text": " ".join(lines)}
    return _tidy(told)


def original_in(text: str, *, currency: str, negative: bool) -> dict[str, object]:
    """Say what was paid in another currency than that of the account, where a text tells it.

    Examples
    --------
    >>> original_in("/OCMT/USD110,00//EXCH/1,1/", currency="EUR", negative=True)
    {'original': Decimal('-110.00'), 'original_currency': 'USD', 'rate': 1.1}
    """
    match = _ORIGINAL.search(text)
    if match is None or match[1] == currency:
        return {}
    amount, rate = decimal_in(match[2], field="OCMT"), _RATE.search(text)
    return {
        "original": -amount if negative else amount,
        "original_currency": match[1],
        "rate": rate_in(rate[1]) if rate else None,
    }


def reference_in(said: str | None) -> str | None:
    """Give a reference, or None where a bank writes that there is none."""
    text = printed(said, limit=LONGEST_NAME)
    return None if text is None or text.upper() in _NO_REFERENCE else text


def _of_sub_fields(text: str, *, sign: str, code: str) -> dict[str, str]:
    pieces = re.split(rf"{re.escape(sign)}(00|10|2[0-9]|3[0-9]|6[0-3])", text)
    parts: list[tuple[str, str]] = list(zip(pieces[1::2], pieces[2::2], strict=True))
    sepa = _by_word(_joined([said for number, said in parts if number in _PURPOSE]))
    names = "".join(said for number, said in parts if number in ("32", "33"))
    bank, account = _first(parts, "30"), _first(parts, "31") or sepa.get("IBAN", "")
    return {
        "bank_code": code,
        "counterparty": names,
        "counterparty_account": account_number(account, bank=bank) if account.strip() else "",
        "mandate": sepa.get("MREF", ""),
        "reference": sepa.get("EREF") or sepa.get("KREF", ""),
        "purpose_code": sepa.get("PURP", ""),
        "merchant": sepa.get("ABWE", ""),
        "text": f"{sepa.get('', '')} {sepa.get('SVWZ', '')}".strip() or _first(parts, "00"),
    }


def _first(parts: Sequence[tuple[str, str]], wanted: str) -> str:
    return next((said for number, said in parts if number == wanted), "")


def _joined(pieces: Sequence[str]) -> str:
    """Put the sub-fields of a purpose together: one that is not full ended with a blank, which banks cut off."""
    return "".join(piece if len(piece) >= _FULL else f"{piece} " for piece in pieces)


def _by_word(purpose: str) -> dict[str, str]:
    """Split a purpose at the words of SEPA; what stands before the first has no word."""
    pieces = _SEPA.split(purpose)
    said = {"": pieces[0].strip()}
    for with_plus, with_colon, value in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        said.setdefault(with_plus or with_colon, value.strip())
    return said


def _of_words(text: str) -> dict[str, str]:
    pieces = _SLASHED.split(text)
    said: dict[str, str] = {}
    for word, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if word not in said:
            said[word] = value.strip().strip("/")
    party = said.get("CNTP", "").split("/")
    account = said.get("IBAN") or party[0]
    return {
        "bank_code": said.get("TRCD") or said.get("TRTP", ""),
        "counterparty": said.get("NAME") or (party[2] if len(party) >= _CNTP_FIELDS else ""),
        "counterparty_account": account_number(account) if account.strip() else "",
        "mandate": said.get("MARF", ""),
        "reference": said.get("EREF", ""),
        "purpose_code": said.get("PURP", ""),
        "text": re.sub(r"^(?:USTD|STRD)//", "", said.get("REMI", "")),
    }


def _tidy(told: Mapping[str, str]) -> dict[str, object]:
    """Keep what is said, as it may be written in an event."""
    limits = {"text": LONGEST_TEXT, "counterparty": LONGEST_PARTY, "merchant": LONGEST_PARTY}
    said = {name: printed(value, limit=limits.get(name, LONGEST_NAME)) for name, value in told.items()}
    said["reference"] = reference_in(said.get("reference"))
    if not re.fullmatch(r"[A-Za-z0-9]{1,10}", said.get("purpose_code") or ""):
        said["purpose_code"] = None
    return {name: value for name, value in said.items() if value is not None}
