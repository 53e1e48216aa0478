"""Checkpoints: sign how the log stands, and hold the log of today against what was signed before.

A checkpoint may be printed, mailed or copied anywhere. The holder of an old one finds any later change: entries cut off
or rewritten, a journal that is missing, ends earlier or was replaced, an older copy that was restored.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from msgspec import Struct

from marketofone.audit import checkpoint as notes
from marketofone.audit.merkle import Tree, leaf_hash
from marketofone.audit.signed_document import sign_document
from marketofone.audit.subject_map import Head, map_root
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.records import CheckpointRecord
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import BANK, Sealed, Unit

_LEAVES = 10_000


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A checkpoint that was made: its text, how many entries it covers, and the key that verifies it (hexadecimal)."""

    text: str
    size: int
    public_key: str


def make_checkpoint(context: AppContext, *, now: Instant) -> Checkpoint:
    """Seal what waits, sign how the log stands, and record it in the bank's journal."""
    keys = context.keys
    while (sealed := context.store.seal()).waiting:
        pass
    origin, seed = origin_of(keys), _seed(keys)
    stated = notes.Checkpoint(
        origin=origin,
        size=sealed.size,
        root=sealed.root,
        map_root=map_root(heads_at(context, sealed.size)),
        at=now,
        key_id=notes.key_id_of(public_key_of(keys), origin=origin),
    )
    text = notes.sign(stated, seed=seed)
    record = CheckpointRecord(context.actor, text)
    context.store.commit(Unit(now=now, drafts=[codec.draft("checkpoint", record, subject=BANK, box=keys.bank, at=now)]))
    return Checkpoint(text=text, size=sealed.size, public_key=public_key_of(keys).hex())


def public_key_of(keys: KeyStore) -> bytes:
    """Give the public key that verifies the bank's checkpoints, receipts and proofs."""
    return notes.public_key_of(_seed(keys))


def origin_of(keys: KeyStore) -> str:
    """Give the word that names this bank in its checkpoints; renaming the bank does not change it."""
    return f"marketofone-bank/{keys.mark('origin').hex()}"


def signed_by_bank(keys: KeyStore, document: Mapping[str, object]) -> dict[str, Any]:
    """Sign a document by the key that signs checkpoints: the holder of the public key verifies both."""
    return sign_document(document, seed=_seed(keys), origin=origin_of(keys))


class Trusted(Struct, frozen=True, kw_only=True):
    """An old checkpoint, the key that verifies it, and the bank it must be of."""

    signed: notes.SignedCheckpoint
    public_key: bytes
    origin: str


def read_checkpoint(context: AppContext, text: str, *, public_key: bytes | None = None) -> Trusted:
    """Read an old checkpoint.

    Parameters
    ----------
    public_key
        From where it is trusted. Without one the key store's is taken: then its holder could have signed anew.

    Raises
    ------
    MalformedRequest
        When the text is no checkpoint, or no key is known.
    """
    try:
        signed = notes.parse(text)
    except notes.BadCheckpoint as error:
        raise MalformedRequest(field="checkpoint", shape=str(error), fix="give the file as it was written") from error
    if context.keys.is_absent:
        if public_key is None:
            raise MalformedRequest(field="public key", shape="missing", fix="without the key store, give --public-key")
        return Trusted(signed=signed, public_key=public_key, origin=signed.checkpoint.origin)
    return Trusted(signed=signed, public_key=public_key or public_key_of(context.keys), origin=origin_of(context.keys))


def compare_with(context: AppContext, old: Trusted, *, sealed: Sealed) -> list[str]:
    """Say in words what is wrong when the sealed log is held against an old checkpoint."""
    then = old.signed.checkpoint
    tree = Tree(lambda start, end: map(leaf_hash, _leaves(context, start, end)))
    found = notes.compare(
        old.signed,
        public_key=old.public_key,
        origin=old.origin,
        size=sealed.size,
        root=tree.root(sealed.size),
        proof=tree.consistency(then.size, size=sealed.size) if then.size <= sealed.size else (),
        map_root=map_root(heads_at(context, then.size)) if then.size <= sealed.size else None,
    )
    return [] if found is None else [f"against the checkpoint of {then.size} entries: {found.text}"]


def heads_at(context: AppContext, size: int) -> list[Head]:
    """Give where each journal ended when the log had this many leaves, ascending by subject."""
    last: dict[int, Head] = {}
    done = 0
    while done < size:
        with context.store.read() as reader:
            limit = min(_LEAVES, size - done)
            hashes, places = reader.leaves(after=done, limit=limit), reader.places(after=done, limit=limit)
        if not hashes or len(hashes) != len(places):
            break
        last.update({of: Head(of, n, link) for (of, n), link in zip(places, hashes, strict=True)})
        done += len(hashes)
    return [last[subject] for subject in sorted(last)]


def _leaves(context: AppContext, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        with context.store.read() as reader:
            hashes = reader.leaves(after=start, limit=min(_LEAVES, end - start))
        if not hashes:
            return
        yield from hashes
        start += len(hashes)


def _seed(keys: KeyStore) -> bytes:
    return hmac.digest(keys.secret, b"seed of the key that signs checkpoints", sha256)
