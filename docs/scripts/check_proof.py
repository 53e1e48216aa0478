"""Check without the bank that a customer's log is whole: python check_proof.py PROOF.json PUBLIC_KEY [CHECKPOINT].

It raises where an entry is missing, was added, moved or altered, where the log ends earlier than the checkpoint says,
or where an entry that records a use or a consent says something else than it commits to. Take PUBLIC_KEY, and a
CHECKPOINT if you have one, from where you trust them, and not from the bank that you check.
"""

import base64
import json
import struct
import sys
from hashlib import blake2b, sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TELLING = {"ingest", "signal", "amendment", "decision", "forecast", "outcome", "signs", "use", "consent"}


class NotWhole(Exception):
    """The file does not prove what it should."""


def need(holds: bool, fault: str) -> None:
    """Raise where something does not hold."""
    if not holds:
        raise NotWhole(fault)


def check(proof: dict[str, Any], public_key: str, checkpoint: str | None = None) -> None:
    """Check all of a proof."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    need(proof["format"] == 1, "this script reads format 1")
    signature = dict(proof["signature"])
    value = base64.b64decode(signature.pop("value"), validate=True)
    signed = json.dumps({**proof, "signature": signature}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    key.verify(value, signed.encode())
    check_journal(proof, key, checkpoint)


def check_journal(proof: dict[str, Any], key: Ed25519PublicKey, checkpoint: str | None) -> None:
    """Check the chain, its end at the checkpoint, and what is opened: what the bank cannot have made up afterwards."""
    text = proof["checkpoint"]
    need(checkpoint in (None, text), "the file was made against another checkpoint")
    root = map_root(text, key)
    journal, heads = int(proof["journal"]), [bytes(32)]
    stamp = recorded = -1
    for n, entry in enumerate(proof["entries"], 1):
        need(entry["n"] == n, f"entry {n} is missing, or another stands in its place")
        heads.append(entry_hash(journal, entry, heads[-1]))
        need(heads[-1].hex() == entry["hash"], f"entry {n} was altered, or one before it")
        need(stamp < entry["stamp"] and recorded <= entry["recorded"], f"entry {n} is not in order")
        stamp, recorded = entry["stamp"], entry["recorded"]
        check_words(entry)
    place = proof["place"]
    need(0 < place["n"] < len(heads), "the file ends before the checkpoint")
    need(root_of(place, journal, heads[place["n"]]) == root, "the journal was another when the checkpoint was signed")


def entry_hash(journal: int, entry: dict[str, Any], before: bytes) -> bytes:
    """Give the hash of an entry: it covers its header, its sealed body, its commitment and all entries before it."""
    digest, committed = bytes.fromhex(entry["body_digest"]), bytes.fromhex(entry["commitment"])
    numbers = journal, entry["n"], entry["stamp"], entry["at"], entry["recorded"]
    packed = struct.pack(">16sQQQqq32s32s32s", b"journal-entry-v1", *numbers, digest, committed, before)
    return sha256(packed + entry["kind"].encode()).digest()


def check_words(entry: dict[str, Any]) -> None:
    """Check that an entry which records a use or a consent is opened, and says what it commits to."""
    need((entry["says"] is not None) == (entry["kind"] in TELLING), f"entry {entry['n']} does not tell what was read")
    need((entry["opened"] is not None) == (entry["kind"] in {"consent", "use"}), f"entry {entry['n']} is not opened")
    if entry["opened"] is not None:
        plain, salt = base64.b64decode(entry["opened"]["plain"], validate=True), bytes.fromhex(entry["opened"]["salt"])
        made = blake2b(plain, digest_size=32, key=salt, person=b"journal-entry-v1").hexdigest()
        need(made == entry["commitment"], f"entry {entry['n']} commits to something else than it is said to say")
        record, _ = unpacked(plain, 1)
        use = dict(zip(("actor", "what", "read"), record, strict=False))
        need(entry["says"] == (use if entry["kind"] == "use" else record[1]), f"entry {entry['n']} says something else")


def map_root(text: str, key: Ed25519PublicKey) -> bytes:
    """Check the signature of a checkpoint, and give the root of its map of heads."""
    body, _, signed = text.partition("\n\n")
    key.verify(base64.b64decode(signed.split()[-1], validate=True)[4:], (body + "\n").encode())
    return base64.b64decode(body.split("\n")[4].removeprefix("map "), validate=True)


def root_of(place: dict[str, Any], journal: int, head: bytes) -> bytes:
    """Give the root that the path leads to from the entry with which the journal ended (RFC 9162, section 2.1.3.2)."""
    node = sha256(b"\0" + struct.pack(">16sQQ32s", b"subject-map-item", journal, place["n"], head)).digest()
    index, last = place["index"], place["size"] - 1
    for sibling in map(bytes.fromhex, place["path"]):
        need(last > 0, "the path is too long")
        if index & 1 or index == last:
            node = sha256(b"\1" + sibling + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    need(last == 0, "the path is too short")
    return sha256(struct.pack(">16sQ32s", b"subject-map-root", place["size"], node)).digest()


def unpacked(packed: bytes, at: int) -> tuple[Any, int]:
    """Read one value of MessagePack from a place on; gives where the next begins."""
    code, at = packed[at], at + 1
    fixed = {0xC0: None, 0xC2: False, 0xC3: True}
    if code in fixed:
        return fixed[code], at
    if code < 0x80 or code >= 0xE0:
        return code - 256 * (code >= 0xE0), at
    if 0xCC <= code <= 0xD3:
        end = at + (1 << (code & 3))
        return int.from_bytes(packed[at:end], "big", signed=code >= 0xD0), end
    if code >= 0xC4:
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}[code]
        length, at = int.from_bytes(packed[at : at + width], "big"), at + width
    else:
        length = code & (0x1F if 0xA0 <= code < 0xC0 else 0x0F)
    if 0xA0 <= code < 0xC0 or 0xD9 <= code <= 0xDB:
        return packed[at : at + length].decode(), at + length
    if 0xC4 <= code <= 0xC6:
        return packed[at : at + length], at + length
    is_map, items = code < 0x90 or code >= 0xDE, []
    for _ in range(length * (1 + is_map)):
        item, at = unpacked(packed, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2], strict=True)) if is_map else items), at


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: readers differ in which of the two they take."""
    need(len(dict(pairs)) == len(pairs), "a name stands twice in the file")
    return dict(pairs)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        read = json.load(file, object_pairs_hook=once)
    trusted = None
    if len(sys.argv) > 3:
        with open(sys.argv[3], encoding="utf-8") as file:
            trusted = file.read()
    check(read, sys.argv[2], trusted)
    until, entries = read["place"]["n"], read["entries"]
    uses = sum(bool(entry["says"]) and bool(entry["says"].get("read")) for entry in entries)
    said = sum(entry["kind"] == "consent" for entry in entries)
    print(f"whole: {len(entries)} entries, {uses} of them readings and {said} things said about consent")
    print(f"the first {until} stand under the checkpoint; {len(entries) - until} came later and rest on the signature")
