"""Counting again: a bank that an earlier release kept gets the counts of all its entries when it is first opened.

Journals are read one by one, in memory bounded by one customer. The document in force is recorded once more in the same
unit of work, which moves the bank's journal: of two processes that count at the same time, one begins again and finds
that all is counted.
"""

from __future__ import annotations

from collections import Counter

from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.counts import COUNTED, counted
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.records import DocumentRecord
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Draft, Expectation, Reader, Unit


def counts_of_customer(reader: Reader, customer: Customer) -> Counter[str]:
    """Count what the entries of a customer added to the bank's counts."""
    counts: Counter[str] = Counter()
    for entry in reader.entries(customer.subject, kinds=(*HOLDS_EVENTS, "identity", "decision")):
        counts.update(counted(entry, codec.read(entry, box=customer.box)))
    return counts


@repeated
def count_once(context: AppContext, *, now: Instant) -> None:
    """Count what the entries of a bank hold, unless it is counted already."""
    with context.store.read() as reader:
        if reader.tallies(of=COUNTED).get(COUNTED):
            return
        head = reader.head(BANK)
        counts, again = _counts(context, reader), _document_again(context, reader, now=now)
    expects = {BANK: Expectation(head.guard, head.n)}
    context.store.commit(Unit(now=now, expects=expects, drafts=[again], tallies={**counts, COUNTED: 1}))


def _counts(context: AppContext, reader: Reader) -> dict[str, int]:
    """Give what is not among the counts yet: those of verdicts were kept from the beginning."""
    counts: Counter[str] = Counter()
    for subject in reader.subjects(limit=2**31):
        customer = context.keys.customer(subject)
        if customer is not None:
            counts.update(counts_of_customer(reader, customer))
    return {name: n for name, n in counts.items() if not name.startswith("events.")}


def _document_again(context: AppContext, reader: Reader, *, now: Instant) -> Draft:
    last = next(reader.entries(BANK, kinds=("document",), newest_first=True))
    record: DocumentRecord = codec.read(last, box=context.keys.bank)
    return codec.draft("document", record, subject=BANK, box=context.keys.bank, at=now)
