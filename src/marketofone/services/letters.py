"""Dead letters: input that could not become an event. What may not be kept is not kept.

The row itself stays, sealed, only where its customer and source can be read and the bank may keep that source, by the
customer's consent or by duty. Of everything else shape and reason stay.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from msgspec import Struct

from marketofone.consent.gate import admissible
from marketofone.domain.errors import MalformedEvent, UnknownCustomer
from marketofone.domain.event import KINDS
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.snapshot import Snapshot
from marketofone.services.app_context import AppContext
from marketofone.store.ports import DeadLetter


class _Glimpse(Struct):
    subject: str
    type: str


def dead_letter(
    context: AppContext, snapshot: Snapshot, item: object, error: MalformedEvent, *, now: Instant
) -> DeadLetter:
    """Give the dead letter of a row."""
    raw = item if isinstance(item, bytes) else getattr(item, "raw", b"")
    kept = raw if raw and _may_keep(snapshot, raw, now=now) else None
    sealed = None if kept is None else codec.seal_letter(kept, box=context.keys.bank)
    return DeadLetter(at=now, field=error.field, shape=error.shape, fix=error.fix, raw=sealed)


def digest_of(letter: DeadLetter) -> bytes:
    """Give the SHA-256 by which the bank's journal names a dead letter."""
    return sha256(msgspec.msgpack.encode(letter)).digest()


def _may_keep(snapshot: Snapshot, raw: bytes, *, now: Instant) -> bool:
    try:
        glimpse = msgspec.json.decode(raw, type=_Glimpse)
        source = KINDS[glimpse.type][1]
        spec = snapshot.config.policy.sources.get(source)
        if spec is not None and spec.kept:
            return True
        person = snapshot.person(glimpse.subject)
    except (msgspec.DecodeError, KeyError, UnknownCustomer, UnicodeDecodeError, RecursionError):
        return False
    return admissible(source, person.consents, policy=snapshot.config.policy, now=person.judged(now))
