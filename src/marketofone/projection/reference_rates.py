"""Reference rates as the bank's journal holds them: packed in entries, and read when two currencies are added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import StoreError
from marketofone.domain.rates import DailyRate, KnownRates, ReferenceRates
from marketofone.projection import codec
from marketofone.projection.records import RatesRecord
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import BANK, Entry, EntryKind

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgpack_decoder(tuple[DailyRate, ...])


def packed(rates: Sequence[DailyRate]) -> bytes:
    """Pack rates for an entry."""
    return _ENCODE(rates)


def rates_of(record: RatesRecord) -> tuple[DailyRate, ...]:
    """Give what an entry says.

    Raises
    ------
    StoreError
        When it is not as this release writes it.
    """
    try:
        return _DECODER.decode(record.rates)
    except msgspec.DecodeError as error:
        raise StoreError("an entry of rates is not as this release writes it") from error


class BankReader(Protocol):
    """Walks through the bank's journal."""

    def entries(
        self, subject: int, *, after: int = 0, upto: int | None = None, kinds: Sequence[EntryKind] | None = None
    ) -> Iterable[Entry]:
        """Walk through one journal in order."""
        ...


class RatesReader:
    """Reads entries of rates, each once; what was read answers for earlier entries as well."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._read = ReferenceRates()

    def upto(self, reader: BankReader, n: int) -> KnownRates:
        """Give what tables said up to an entry, which is one of rates, or 0."""
        read = self._read
        if read.n < n:
            read = self._read = read.after(self._told(reader, after=read.n, upto=n), n=n)
        return KnownRates(n, read)

    def _told(self, reader: BankReader, *, after: int, upto: int) -> Iterator[tuple[int, str, tuple[DailyRate, ...]]]:
        for entry in reader.entries(BANK, after=after, upto=upto, kinds=("rates",)):
            record = codec.read(entry, box=self._keys.bank)
            yield entry.n, record.table, rates_of(record)
