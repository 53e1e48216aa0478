"""Checkpoints: a few lines of text, signed, that any later copy of the bank can be held against.

A checkpoint is a signed note, so tools of transparency logs read it. It may be printed, mailed or copied anywhere: it
holds no personal data::

    example-bank/7f3a                                     origin: which bank this is
    853000                                                size: the number of entries
    qL2W...=                                              root of the Merkle log
    format 1                                              how to read the lines below
    map Jm0d...=                                          root of the map subject -> last entry
    time 2026-01-05T08:00:00.000000Z                      when it was made
                                                          (an empty line)
    — example-bank/7f3a 9Jk2...                           key id and Ed25519 signature

The signature covers every byte before the empty line. ``parse`` takes only the one text that ``sign`` writes.

Units: sizes count leaves; instants are microseconds since 1970-01-01T00:00:00Z; hashes have 32 bytes, key ids 4.

Source
------
C2SP, "signed-note" and "tlog-checkpoint" (the form of the text; key id = first 4 bytes of SHA-256(name, LF, 0x01,
public key)); RFC 8032 (Ed25519).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from marketofone.audit import merkle
from marketofone.domain.moment import Instant

FORMAT = 1
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64

_ED25519 = b"\x01"  # the number of the algorithm in a signed note
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_INSTANTS = range((_LAST - _EPOCH) // timedelta(microseconds=1) + 1)
_HASH = r"([A-Za-z0-9+/]{43}=)"
_NOTE = re.compile(
    rf"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{{0,18}})\n(?P<root>{_HASH})\n"
    rf"format (?P<format>[0-9]{{1,9}})\nmap (?P<map>{_HASH})\ntime (?P<time>[^\n]+)\n"
    r"\n— (?P<name>[^\n ]+) (?P<signature>[A-Za-z0-9+/=]+)\n"
)

Fault = Literal["bad signature", "other bank", "shrunk", "rewritten"]


class BadCheckpoint(ValueError):
    """A text is no checkpoint, or a value cannot be written as one."""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """What a bank states about its whole log at one moment.

    Parameters
    ----------
    origin
        The name of this bank and of no other, without spaces or ``+``.
    size
        The number of entries in the log.
    root
        The root of the Merkle log over the first ``size`` entries.
    map_root
        The root of the map subject -> last entry, over the same entries.
    at
        The instant at which it was made.
    key_id
        Tells which public key verifies it: see ``key_id_of``.
    format
        The version of the text.

    Raises
    ------
    BadCheckpoint
        When a part cannot be written as a line of the text.
    """

    origin: str
    size: int
    root: bytes
    map_root: bytes
    at: Instant
    key_id: bytes
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not self.origin or not self.origin.isprintable() or " " in self.origin or "+" in self.origin:
            raise BadCheckpoint("the origin of a checkpoint is one printable word without spaces and without +")
        if self.format != FORMAT:
            raise BadCheckpoint(f"a checkpoint of format {self.format}; this version reads format {FORMAT}")
        if not 0 <= self.size < 1 << 63 or self.at not in _INSTANTS:
            raise BadCheckpoint("the size or the time of a checkpoint is negative or too large")
        if not len(self.root) == len(self.map_root) == merkle.HASH_BYTES or len(self.key_id) != KEY_ID_BYTES:
            raise BadCheckpoint("the roots of a checkpoint have 32 bytes, its key id has 4")

    def body(self) -> str:
        """Give the lines that are signed."""
        root, map_root = b64encode(self.root).decode(), b64encode(self.map_root).decode()
        time = (_EPOCH + timedelta(microseconds=self.at)).strftime(_TIME)
        return f"{self.origin}\n{self.size}\n{root}\nformat {self.format}\nmap {map_root}\ntime {time}\n"


class SignedCheckpoint(Struct, frozen=True, kw_only=True):
    """A checkpoint and the signature that came with it, not yet verified."""

    checkpoint: Checkpoint
    signature: bytes

    def text(self) -> str:
        """Give the whole text: the lines, an empty one, and the signature."""
        signed = b64encode(self.checkpoint.key_id + self.signature).decode()
        return f"{self.checkpoint.body()}\n— {self.checkpoint.origin} {signed}\n"


class Finding(Struct, frozen=True, kw_only=True):
    """What is wrong between an old checkpoint and the log of today: a fixed word, and a sentence for people."""

    fault: Fault
    text: str


def public_key_of(seed: bytes) -> bytes:
    """Give the 32 bytes of the public key that belongs to a secret seed of 32 bytes.

    Source
    ------
    RFC 8032, section 5.1.5.

    Examples
    --------
    >>> public_key_of(bytes(32)).hex()[:16]
    '3b6a27bcceb6a42d'
    """
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id_of(public_key: bytes, *, origin: str) -> bytes:
    """Give the short name of a public key of this bank: 4 bytes that help to find the key, and prove nothing."""
    return sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:KEY_ID_BYTES]


def sign(checkpoint: Checkpoint, *, seed: bytes) -> str:
    r"""Sign a checkpoint and give its text. The same checkpoint and key always give the same text.

    Parameters
    ----------
    seed
        The secret Ed25519 key, 32 bytes.

    Raises
    ------
    BadCheckpoint
        When the checkpoint names another key.

    Examples
    --------
    >>> seed = bytes(range(32))
    >>> key = public_key_of(seed)
    >>> stated = Checkpoint(
    ...     origin="example-bank/7f3a",
    ...     size=0,
    ...     root=merkle.EMPTY_ROOT,
    ...     map_root=bytes(32),
    ...     at=Instant(0),
    ...     key_id=key_id_of(key, origin="example-bank/7f3a"),
    ... )
    >>> print(sign(stated, seed=seed).partition("\n\n")[0])
    example-bank/7f3a
    0
    47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
    format 1
    map AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
    time 1970-01-01T00:00:00.000000Z
    >>> verify_signature(parse(sign(stated, seed=seed)), public_key=key)
    True
    """
    if checkpoint.key_id != key_id_of(public_key_of(seed), origin=checkpoint.origin):
        raise BadCheckpoint("the checkpoint names another key than the one that signs it")
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(checkpoint.body().encode())
    return SignedCheckpoint(checkpoint=checkpoint, signature=signature).text()


def parse(text: str) -> SignedCheckpoint:
    """Read the text of a checkpoint. This verifies no signature.

    Raises
    ------
    BadCheckpoint
        When the text differs in any byte from what ``sign`` would write for the same values.
    """
    note = _NOTE.fullmatch(text)
    if note is None:
        raise BadCheckpoint("the text is no checkpoint; it must be the whole file as it was written")
    try:
        signed = b64decode(note["signature"], validate=True)
        moment = datetime.strptime(note["time"], _TIME).replace(tzinfo=UTC)
        root, map_root = b64decode(note["root"], validate=True), b64decode(note["map"], validate=True)
    except ValueError as broken:
        raise BadCheckpoint("a root, the time or the signature of the checkpoint cannot be read") from broken
    if len(signed) != KEY_ID_BYTES + SIGNATURE_BYTES:
        raise BadCheckpoint("the signature of the checkpoint has not the length of an Ed25519 signature")
    checkpoint = Checkpoint(
        origin=note["origin"],
        size=int(note["size"]),
        root=root,
        map_root=map_root,
        at=Instant((moment - _EPOCH) // timedelta(microseconds=1)),
        key_id=signed[:KEY_ID_BYTES],
        format=int(note["format"]),
    )
    read = SignedCheckpoint(checkpoint=checkpoint, signature=signed[KEY_ID_BYTES:])
    if read.text() != text:
        raise BadCheckpoint("the text is no checkpoint; it must be the whole file as it was written")
    return read


def verify_signature(signed: SignedCheckpoint, *, public_key: bytes) -> bool:
    """Say whether the owner of the secret key signed exactly this checkpoint.

    Source
    ------
    RFC 8032, section 5.1.7.
    """
    checkpoint = signed.checkpoint
    if checkpoint.key_id != key_id_of(public_key, origin=checkpoint.origin):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signed.signature, checkpoint.body().encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def compare(
    old: SignedCheckpoint,
    *,
    public_key: bytes,
    origin: str,
    size: int,
    root: bytes,
    proof: Sequence[bytes],
    map_root: bytes | None = None,
) -> Finding | None:
    """Say what is wrong when the log of today is held against an old checkpoint; None when it continues it.

    Parameters
    ----------
    public_key, origin
        The bank's key and name, from where they are trusted: not from the bank that is judged.
    size, root
        The log of today, computed from what is stored.
    proof
        The proof of consistency from ``old.checkpoint.size`` to ``size``; not read when the log has shrunk.
    map_root
        The root of the map over the first ``old.checkpoint.size`` entries of today's log, where it was computed.
    """
    then = old.checkpoint
    if then.origin != origin:
        return Finding(fault="other bank", text=f"the checkpoint is of {then.origin}, the data is of {origin}")
    if not verify_signature(old, public_key=public_key):
        return Finding(fault="bad signature", text="the checkpoint was not signed with this bank's key, or was altered")
    if size < then.size:
        return Finding(
            fault="shrunk",
            text=f"the checkpoint knows {then.size} entries, the log holds {size}: "
            "its end was cut off, or an older copy was restored",
        )
    if not merkle.verify_consistency(proof, old_size=then.size, old_root=then.root, size=size, root=root):
        return Finding(
            fault="rewritten", text=f"the first {then.size} entries are not those that the checkpoint was made of"
        )
    if map_root is not None and map_root != then.map_root:
        return Finding(
            fault="rewritten", text=f"within the first {then.size} entries a journal ends at another entry than then"
        )
    return None
