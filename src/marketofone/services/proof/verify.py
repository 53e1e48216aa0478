"""Verify everything that is kept: every chain, the Merkle log over them, and every view that entries determine.

1. The file itself, and the bank's own journal: documents, versions and the states they name, dead letters.
2. Journal by journal, in memory bounded by one customer: the chain, its head, what its entries say, and what is kept
   beside it (``verify_journal``). In a pool of processes where that is asked for.
3. The Merkle log: its root from its leaves, each journal's entries in ascending order, and how it stands to the last
   checkpoint that the bank recorded, and to an older one where it is given.
4. Counts: there is nothing of any kind that no entry asks for.

It runs no code that it finds, writes nothing, and no reading of it is a use. Problems name tables, journals and
entries, never anything about a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct

from marketofone.audit.merkle import Frontier, leaf_hash
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.rates import ReferenceRates
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, digest_of, read_config
from marketofone.projection.counts import COUNTED, is_count
from marketofone.projection.records import (
    CheckpointRecord,
    DocumentRecord,
    LettersRecord,
    PromotionRecord,
    RatesRecord,
    RollbackRecord,
    VersionRecord,
)
from marketofone.projection.reference_rates import rates_of
from marketofone.services.intake import letters
from marketofone.services.proof.checkpoint import compare_with, read_checkpoint
from marketofone.services.proof.verify_journal import Facts, Found, name_of, verify_customer, walk
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.pool import in_pieces
from marketofone.store.inspection import Sizes
from marketofone.store.ports import BANK, Entry, Reader, Sealed

Step = Callable[[int, int], None]
MOST_TOLD = 100
_FIRST_COUNTS = frozenset({"events.admitted", "events.refused", "events.gap", "letters"})
"""What every release counts."""
_LEAVES = 10_000
_MOST_COUNTS = 4  # named of those that are wrong
_ALTERED = (msgspec.DecodeError, ValueError, TypeError, OverflowError, AttributeError, LookupError)
_TOGETHER = 128  # customers in one task


class Verification(Struct, frozen=True, kw_only=True):
    """What a verification found.

    ``entries`` counts those that were read in ``journals``, ``head`` is the root of the Merkle log over the ``sealed``
    ones; ``unsealed`` have no leaf yet. ``views_ok`` says whether everything beside the journals is what they
    determine: None where the key store is elsewhere, so that nobody can tell. ``forgotten`` are journals without a key.
    """

    entries: int
    ok: bool
    head: str
    views_ok: bool | None
    journals: int
    forgotten: int
    sealed: int
    unsealed: int
    empty: bool
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _BankJournal:
    """The bank's journal as a verification reads it."""

    def __init__(self) -> None:
        self.entries = 0
        self.letters: list[bytes] = []
        self.states: dict[bytes, str] = {}
        self.destroyed: set[bytes] = set()
        self.versions: set[int] = set()
        self.checkpoint = ""  # the text of the last one

    def add(self, entry: Entry, record: Any, views: list[str]) -> None:
        """Take in one more entry."""
        name = f"{name_of(BANK)}, entry {entry.n}"
        if isinstance(record, DocumentRecord):
            if digest_of(record.texts) != record.digest:
                views.append(f"{name}: the documents are not those that their digest names")
            read_config(record.texts)
        elif isinstance(record, LettersRecord):
            self.letters += record.digests
        elif isinstance(record, RatesRecord):
            rates_of(record)
        elif isinstance(record, CheckpointRecord):
            self.checkpoint = record.text
        elif isinstance(record, VersionRecord):
            if record.parent and record.parent not in self.versions:
                views.append(f"{name}: a version whose parent does not exist")
            self.versions.add(entry.n)
            self.states.update({digest: of for of, digest in record.states.items() if digest is not None})
            self.destroyed.update(record.destroyed)
        elif isinstance(record, RollbackRecord) and record.version and record.version not in self.versions:
            views.append(f"{name}: a roll-back to a version that does not exist")
        elif isinstance(record, PromotionRecord) and record.version and record.version not in self.versions:
            views.append(f"{name}: a promotion of a version that does not exist")


def verify(
    context: AppContext,
    *,
    against: str | None = None,
    public_key: bytes | None = None,
    workers: int = 1,
    step: Step | None = None,
) -> Verification:
    """Verify a bank. It may be in use: then counts, which move meanwhile, are not compared, and a note says so.

    Parameters
    ----------
    against
        The text of an old checkpoint; ``public_key`` verifies it, where the key store's is not trusted.
    """
    if against is not None:
        read_checkpoint(context, against, public_key=public_key)  # what is no checkpoint is refused at once
    broken: list[str] = []
    views: list[str] = []
    bank, before, sealed = _BankJournal(), None, Sealed(size=0, root=b"", waiting=0)
    with _noting(broken), context.store.read() as reader:
        broken += reader.damage()
        before, sealed = reader.sizes(), reader.sealed()
    if before is not None:
        with _noting(broken), context.store.read() as reader:
            bank = _read_bank(context, reader, broken, views)
            _verify_states(context, reader, bank, views)
    with _noting(views):
        views += _verify_keys(context, entries=bank.entries)
    found = Found()
    with _noting(broken):
        subjects = _subjects(context)
        for one in in_pieces(context.to_read(), _verify_some, subjects, size=_TOGETHER, workers=workers):
            found += one
            if step is not None:
                step(found.journals, len(subjects))
    with _noting(broken):
        broken += _verify_log(context, sealed)
    for text in dict.fromkeys(filter(None, (against, "" if context.keys.is_absent else bank.checkpoint))):
        with _noting(broken):
            known = read_checkpoint(context, text, public_key=public_key if text == against else None)
            broken += compare_with(context, known, sealed=sealed)
    quiet = False
    with _noting(broken), context.store.read() as reader:
        after = reader.sizes()
        quiet = before == after and not found.broken and not broken
        if quiet:
            broken += _compare_entries(after, sealed, entries=found.entries + bank.entries)
            views += _compare_rows(after, found, bank, knows=not context.keys.is_absent)
            views += [] if context.keys.is_absent else _compare_queues(reader, found, bank)
    notes = () if quiet or broken or found.broken else ("the bank was written to meanwhile: counts were not compared",)
    problems = (*broken, *found.broken, *views, *found.views)
    told = problems[:MOST_TOLD]
    return Verification(
        entries=found.entries + bank.entries,
        ok=not problems,
        head=sealed.root.hex(),
        views_ok=None if context.keys.is_absent else not (views or found.views),
        journals=found.journals + (bank.entries > 0),
        forgotten=0 if context.keys.is_absent else found.forgotten,
        sealed=sealed.size,
        unsealed=sealed.waiting,
        empty=found.entries == 0,
        problems=told if len(told) == len(problems) else (*told, f"and {len(problems) - len(told)} more"),
        notes=notes if not context.keys.is_absent else (*notes, "without the key store only chains were verified"),
    )


def _verify_keys(context: AppContext, *, entries: int) -> list[str]:
    """Verify the key store, where it is here; ``entries`` are those of the bank's journal."""
    if context.keys.is_absent:
        return []
    gone = not entries and context.keys.subjects()
    return [*context.keys.damage(), *(("the key store knows customers, and the data are gone",) if gone else ())]


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    """Note an error as a problem: what is verified may hold anything."""
    try:
        yield
    except MarketOfOneError as error:
        problems.append(str(error))
    except _ALTERED as error:
        problems.append(f"a row was altered from outside: {type(error).__name__}")


def _read_bank(context: AppContext, reader: Reader, broken: list[str], views: list[str]) -> _BankJournal:
    bank = _BankJournal()
    box = None if context.keys.is_absent else context.keys.bank
    for entry, record in walk(reader, reader.head(BANK), broken, box=box):
        bank.entries += 1
        if record is not None:
            try:
                bank.add(entry, record, views)
            except MarketOfOneError as error:
                broken.append(f"{name_of(BANK)}, entry {entry.n}: {error}")
    return bank


def _verify_states(context: AppContext, reader: Reader, bank: _BankJournal, views: list[str]) -> None:
    for digest, name in bank.states.items():
        body = reader.state(digest)
        if body is None:
            if digest not in bank.destroyed:
                views.append(f"the state {digest.hex()[:8]} of a version is missing")
        elif digest in bank.destroyed:
            views.append(f"the state {digest.hex()[:8]} of a version was to be destroyed")
        elif sha256(body).digest() != digest:
            views.append(f"the state {digest.hex()[:8]} of a version was altered")
        else:
            codec.open_state(name, body, box=context.keys.bank)


def _subjects(context: AppContext) -> list[int]:
    with context.store.read() as reader:
        return reader.subjects(limit=2**31)


def _facts(context: AppContext) -> Facts:
    """Read what customers' journals are held against; nothing where the bank's journal cannot be read."""
    taught: dict[int, set[int]] = {}
    configs: list[BankConfig] = []
    rates = ReferenceRates()
    if context.keys.is_absent:
        return Facts(configs=(), taught=taught, rates=rates)
    with suppress(MarketOfOneError, StopIteration, *_ALTERED), context.store.read() as reader:
        bank = context.projection.bank(reader)
        known = context.derived.get(("facts", bank.n))
        if isinstance(known, Facts):
            return known
        configs += [context.configs.of(reader, bank, entry=n) for n in sorted(bank.digests, reverse=True)]
        for entry in reader.entries(BANK, kinds=("version",)):
            record = codec.read(entry, box=context.keys.bank)
            for subject, n in (*record.lessons, *record.dropped):
                taught.setdefault(subject, set()).add(n)
        rates = context.projection.rates(reader, bank).rates
        context.derived.put(("facts", bank.n), Facts(configs=tuple(configs), taught=taught, rates=rates))
    return Facts(configs=tuple(configs), taught=taught, rates=rates)


def _verify_some(context: AppContext, subjects: Sequence[int]) -> Found:
    total, facts = Found(), _facts(context)
    for subject in subjects:
        broken: list[str] = []
        with _noting(broken), context.store.read() as reader:
            total += verify_customer(reader, context.keys, facts, reader.head(subject))
        total += Found(broken=tuple(f"{name_of(subject)}: {problem}" for problem in broken))
    return total


def _verify_log(context: AppContext, sealed: Sealed) -> list[str]:
    """Make the root again from the leaves, and follow each journal through the log."""
    edge = Frontier()
    last: dict[int, int] = {}
    problems: list[str] = []
    while edge.size < sealed.size:
        limit = min(_LEAVES, sealed.size - edge.size)
        with context.store.read() as reader:
            hashes, places = reader.leaves(after=edge.size, limit=limit), reader.places(after=edge.size, limit=limit)
        if not hashes or len(hashes) != len(places):
            problems.append(f"the Merkle log: a leaf after {edge.size} is missing")
            break
        edge = edge.extended(map(leaf_hash, hashes))
        for subject, n in places:
            if n != last.get(subject, 0) + 1:
                problems.append(f"the Merkle log: {name_of(subject)}, entry {n} does not stand in its order")
            last[subject] = n
        problems = problems[:MOST_TOLD]
    if not problems and edge.root() != sealed.root:
        problems.append(
            "the Merkle log: its root is not that of its leaves: entries were moved, or the seal was altered"
        )
    return problems


def _compare_entries(sizes: Sizes, sealed: Sealed, *, entries: int) -> list[str]:
    problems = []
    if sizes.entries != entries:
        problems.append(f"{sizes.entries} entries are kept, and {entries} of them stand in a journal")
    if sizes.entries != sealed.size + sealed.waiting:
        problems.append("the Merkle log: entries are missing, or their rows were moved")
    return problems


def _compare_rows(sizes: Sizes, found: Found, bank: _BankJournal, *, knows: bool) -> list[str]:
    """Say of which kind there are more or fewer rows than entries ask for."""
    if not knows:
        return []
    kept_states = sum(digest not in bank.destroyed for digest in bank.states)
    asked = {
        "keys": found.keys,
        "snapshots": found.snapshots,
        "links": found.links,
        "names": found.names,
        "letters": len(bank.letters),
        "lessons": len(found.lessons),
        "states": kept_states,
    }
    lenient = {"keys", "names", "lessons"} if found.unreadable else set()
    return [
        f"{getattr(sizes, kind)} {kind} are kept, and entries ask for {count}"
        for kind, count in asked.items()
        if getattr(sizes, kind) != count and not (kind in lenient and getattr(sizes, kind) > count)
    ]


def _compare_queues(reader: Reader, found: Found, bank: _BankJournal) -> list[str]:
    """Compare dead letters, counts and waiting lessons, each as a whole."""
    problems = []
    kept = [letters.digest_of(letter) for letter in reader.letters(limit=len(bank.letters) + 1)][::-1]
    if kept != bank.letters:
        problems.append("the dead letters are not those that the bank's journal names")
    counted = Counter(found.tallies)
    if bank.letters:
        counted["letters"] = len(bank.letters)
    problems += _wrong_counts(reader.tallies(), counted, lenient=found.unreadable > 0)
    waiting = [(one.subject, one.n) for one in reader.lessons(limit=len(found.lessons) + 1)]
    waiting.sort(key=itemgetter(0))  # between journals there is no order; within one it is that of their entries
    if waiting != sorted(found.lessons) and not found.unreadable:
        problems.append("the lessons that wait are not those that outcomes taught and no version has")
    return problems


def _wrong_counts(stored: dict[str, int], expected: Counter[str], *, lenient: bool) -> list[str]:
    """Say which counts are not what entries say; where journals cannot be read, only those that nothing adds to."""
    if stored.get(COUNTED):
        expected = expected | Counter({COUNTED: 1})
    else:  # kept by an earlier release, and not opened for writing since
        expected = Counter({name: n for name, n in expected.items() if name in _FIRST_COUNTS})
    wrong = {name for name in {*expected, *stored} if stored.get(name, 0) != expected[name]}
    wrong |= {name for name in stored if not is_count(name)}
    if not wrong or (lenient and all(is_count(name) for name in wrong)):
        return []
    told = sorted(map(repr, wrong))[:_MOST_COUNTS]
    more = f" and {len(wrong) - len(told)} more" if len(wrong) > len(told) else ""
    return [f"the counts of {', '.join(told)}{more} are not what entries say"]
