"""What a bank has learned, as a test compares it."""

from __future__ import annotations

from marketofone.bank import Bank
from marketofone.projection import codec


def beliefs(bank: Bank) -> dict[str, bytes]:
    """Give every belief of the active version in plain bytes."""
    context = bank.context
    with context.store.read() as reader:
        state = context.snapshot(reader).bank
        digests = context.versions.version(state, state.version).digests
        bodies = {name: reader.state(digest) for name, digest in digests.items()}
    return {name: codec.open_state(name, body or b"", box=context.keys.bank) for name, body in bodies.items()}
