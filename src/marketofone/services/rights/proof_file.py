"""A proof that the log of uses and the consent history of a customer are whole, which a script checks without the bank.

1. The file holds every entry of the customer's journal as the chain commits to it: header, digest of the sealed body,
   commitment, hash. So nothing can be left out, put in, moved or altered between the first entry and the last.
2. A checkpoint that the bank signed, and a path in its map of heads, tell which entry was the last by then. So nothing
   can be cut off at the end. What was recorded after the checkpoint follows the chain, and rests on the signature of
   the file alone.
3. Entries that record a use or a consent are opened, each by its salt: what it says is what the chain commits to. What
   a decision, a forecast or an answer read is told beside its entry, and rests on the signature of the file: opened,
   these could tell what another id of the person said.

It is of one id. Of others it holds random hashes on the path, and nothing that they stand for.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from msgspec import Struct, to_builtins

from marketofone.audit import checkpoint as notes
from marketofone.audit.signed_document import Signature, canonical
from marketofone.audit.subject_map import Presence, SubjectMap
from marketofone.domain.decoding import convert
from marketofone.domain.errors import MalformedRequest, StoreError, UnknownCustomer
from marketofone.domain.moment import DAY, Instant
from marketofone.projection import codec
from marketofone.projection.records import ConsentRecord
from marketofone.services.proof.checkpoint import heads_at, make_checkpoint, read_checkpoint, signed_by_bank
from marketofone.services.rights.use_log import TELLING, read_use
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Entry

FORMAT = 1
FRESH = DAY
"""A checkpoint that is older is not taken for a proof that names none: a new one is made."""


class Opened(Struct, frozen=True, kw_only=True):
    """What an entry commits to: its bytes (base64), and the salt of the commitment (hexadecimal)."""

    plain: str
    salt: str


class ProvedEntry(Struct, frozen=True, kw_only=True):
    """An entry of the journal. Instants are microseconds since 1970-01-01T00:00:00Z; hashes are hexadecimal.

    ``says`` is what was read, by whom and on which occasion, or what was said about consent.
    """

    at: int
    body_digest: str
    commitment: str
    hash: str
    kind: str
    n: int
    opened: Opened | None
    recorded: int
    says: dict[str, Any] | None
    stamp: int


class PlaceInMap(Struct, frozen=True, kw_only=True):
    """Where the journal stands in the map of heads of the checkpoint; it ended with entry ``n`` then."""

    index: int
    n: int
    path: tuple[str, ...]
    size: int


class JournalProof(Struct, frozen=True, kw_only=True):
    """The proof of one customer's journal; the parts stand in the order in which they are signed."""

    checkpoint: str
    customer: str
    entries: tuple[ProvedEntry, ...]
    format: int
    journal: str
    place: PlaceInMap
    signature: Signature


def prove(context: AppContext, customer: str, *, now: Instant, against: str | None = None) -> JournalProof:
    """Prove a customer's journal against a checkpoint: one of the last day, where ``against`` is not the text of one.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
        When ``against`` is no checkpoint of this bank, is later than its log, or is from before the customer's journal.
    StoreError
        When the log of today does not agree with the checkpoint.
    """
    known = context.keys.find((customer,)).get(customer)
    if known is None:
        raise UnknownCustomer
    text = _latest(context, known, now=now) if against is None else _checked(context, against)
    place = _place(context, text, known)
    with context.store.read() as reader:
        head = reader.head(known.subject)
        entries = [_proved(entry, known) for entry in reader.entries(known.subject, upto=head.n)]
    document = {
        "checkpoint": text,
        "customer": customer,
        "entries": entries,
        "format": FORMAT,
        "journal": str(known.subject),
        "place": place,
    }
    return convert(signed_by_bank(context.keys, to_builtins(document)), of=JournalProof)


def proof_bytes(proof: JournalProof) -> bytes:
    """Write a proof in its canonical form."""
    return canonical(to_builtins(proof))


def _latest(context: AppContext, customer: Customer, *, now: Instant) -> str:
    with context.store.read() as reader:
        if not reader.head(customer.subject).n:
            raise UnknownCustomer
        began = reader.leaf_of(customer.subject, 1)
        last = next(iter(reader.entries(BANK, kinds=("checkpoint",), newest_first=True)), None)
    if last is not None and last.recorded > now - FRESH:
        text: str = codec.read(last, box=context.keys.bank).text
        if began is not None and began < notes.parse(text).checkpoint.size:
            return text
    return make_checkpoint(context, now=now).text


def _checked(context: AppContext, text: str) -> str:
    """Check that a text is a checkpoint of this bank."""
    trusted = read_checkpoint(context, text)
    stated = trusted.signed.checkpoint
    if stated.origin != trusted.origin or not notes.verify_signature(trusted.signed, public_key=trusted.public_key):
        raise MalformedRequest(field="checkpoint", shape="not signed by this bank", fix="give one that this bank made")
    with context.store.read() as reader:
        if reader.sealed().size < stated.size:
            raise MalformedRequest(
                field="checkpoint", shape="of more entries than there are", fix="run `marketofone verify --against`"
            )
    return text


def _place(context: AppContext, text: str, customer: Customer) -> PlaceInMap:
    stated = notes.parse(text).checkpoint
    heads = SubjectMap(heads_at(context, stated.size))
    if heads.root() != stated.map_root:
        raise StoreError("the log does not agree with the checkpoint: run `marketofone verify`")
    found = heads.prove(customer.subject)
    if not isinstance(found, Presence):
        raise MalformedRequest(
            field="checkpoint", shape="from before the customer's first entry", fix="give a later one, or none"
        )
    path = tuple(node.hex() for node in found.path)
    return PlaceInMap(index=found.index, n=found.item.n, path=path, size=found.size)


def _proved(entry: Entry, owner: Customer) -> ProvedEntry:
    return ProvedEntry(
        at=entry.at,
        body_digest=sha256(entry.body).hexdigest(),
        commitment=entry.commitment.hex(),
        hash=entry.hash.hex(),
        kind=entry.kind,
        n=entry.n,
        opened=_opened(entry, owner) if entry.kind in ("consent", "use") else None,
        recorded=entry.recorded,
        says=dict(sorted(_says(entry, owner))) or None,
        stamp=entry.stamp,
    )


def _opened(entry: Entry, owner: Customer) -> Opened:
    salt, plain = codec.committed(entry, box=owner.box)
    return Opened(plain=b64encode(plain).decode(), salt=salt.hex())


def _says(entry: Entry, owner: Customer) -> Iterator[tuple[str, object]]:
    if entry.kind == "consent":
        record: ConsentRecord = codec.read(entry, box=owner.box)
        yield from to_builtins(record.change).items()
    elif entry.kind in TELLING:
        read = read_use(entry, owner)
        yield from {"actor": read.actor, "read": [list(of) for of in read.scopes], "what": read.what}.items()
