"""Documents: the TOML files in which a bank says what it wants, read as typed values."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from marketofone.domain.decoding import decode_toml
from marketofone.domain.errors import MalformedDocument

T = TypeVar("T")


def read_toml(text: str, *, of: type[T], name: str) -> T:
    """Read a document of a given structure.

    Raises
    ------
    MalformedDocument
        Naming the field that breaks the contract.
    """
    try:
        return decode_toml(text, of=of)
    except msgspec.DecodeError as error:
        raise MalformedDocument(field=name, shape=str(error), fix="compare with a fresh `marketofone init`") from error
