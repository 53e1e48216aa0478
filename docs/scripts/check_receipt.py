"""Check a signed receipt of consent without the bank: python check_receipt.py RECEIPT.json PUBLIC_KEY."""

import base64
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check(receipt: dict[str, Any], public_key: str) -> None:
    """Raise where the owner of the key did not sign exactly this receipt."""
    signature = dict(receipt["signature"])
    value = base64.b64decode(signature.pop("value"), validate=True)
    # The names of a receipt are plain ASCII, so any order of letters is that of RFC 8785.
    signed = json.dumps({**receipt, "signature": signature}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(value, signed.encode())


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: readers differ in which of the two they take."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in the file")
    return dict(pairs)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        read = json.load(file, object_pairs_hook=once)
    check(read, sys.argv[2])
    if "receipt" not in read:
        sys.exit("the bank signed this, and it is no receipt")
    for event in read["events"]:
        words = ", ".join(event["purposes"])
        print(f"{event['recorded_time']}: {event['event_state']}, {event['expressed_by']}: {words}")
    print(f"signed by {read['signature']['origin']}")
