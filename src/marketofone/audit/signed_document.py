"""Documents in JSON that the bank signs: the holder of one verifies it without the bank, and finds a changed byte.

1. A document is written canonically (RFC 8785, JCS): names in the order of their UTF-16 code units, no blanks, and one
   way to write each text and each number. The same document always has the same bytes.
2. It ends with a part ``signature`` that says how it was signed and by which key. The key signs the canonical bytes of
   all of it but ``signature.value``, which is added then.
3. It is the key that signs checkpoints. A checkpoint begins with the name of the bank and a document with ``{``, which
   no name of a bank has in the first place, so a signature of one never fits the other.

Only whole numbers are written, up to 2^53 - 1 either way: they read the same in every language, and a number with a
fraction has more than one nearly equal form. Numbers that are no integers are refused by their type.

Source
------
RFC 8785, section 3.2 (JSON Canonicalization Scheme); RFC 8032 (Ed25519); I-JSON (RFC 7493) for the range of integers.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from marketofone.audit.checkpoint import key_id_of, public_key_of

LARGEST = 2**53 - 1
"""The largest integer that every reader of JSON keeps as it is."""


class NotCanonical(TypeError, ValueError):
    """A value has no canonical form here: a fraction, a number too large, a text that is no Unicode, another type."""


class Signature(Struct, frozen=True, kw_only=True):
    """How a document was signed; ``value`` is the signature in base64."""

    algorithm: str = "Ed25519"
    canonicalization: str = "RFC 8785"
    key_id: str
    origin: str
    value: str = ""


def canonical(value: object) -> bytes:
    r"""Write a value as canonical JSON.

    Parameters
    ----------
    value
        None, a boolean, an integer within ±(2^53 - 1), a text, or a list or mapping of such; names are texts.

    Raises
    ------
    NotCanonical
        When a part of it is anything else.

    Source
    ------
    RFC 8785, section 3.2.

    Examples
    --------
    >>> canonical({"b": [1, True, None], "a": "é\n"}).decode()
    '{"a":"é\\n","b":[1,true,null]}'
    """
    match value:
        case None | bool() | str():
            return _written(value)
        case int() if abs(value) <= LARGEST:
            return b"%d" % value
        case list() | tuple():
            return b"[" + b",".join(map(canonical, value)) + b"]"
        case dict():
            names = sorted(value, key=_code_units)
            return b"{" + b",".join(_written(name) + b":" + canonical(value[name]) for name in names) + b"}"
        case _:
            raise NotCanonical(f"a {type(value).__name__} that has no canonical form")


def sign_document(document: Mapping[str, object], *, seed: bytes, origin: str) -> dict[str, Any]:
    """Give a document with its signature.

    Parameters
    ----------
    seed
        The secret Ed25519 key, 32 bytes.
    origin
        The bank's name in its checkpoints.

    Raises
    ------
    NotCanonical

    Examples
    --------
    >>> seed = bytes(range(32))
    >>> signed = sign_document({"said": "no"}, seed=seed, origin="example-bank/7f3a")
    >>> verify_document(signed, public_key=public_key_of(seed))
    True
    >>> verify_document({**signed, "said": "yes"}, public_key=public_key_of(seed))
    False
    """
    key_id = key_id_of(public_key_of(seed), origin=origin).hex()
    said = msgspec.to_builtins(Signature(key_id=key_id, origin=origin))
    del said["value"]
    covered = canonical({**document, "signature": said})
    value = Ed25519PrivateKey.from_private_bytes(seed).sign(covered)
    return {**document, "signature": {**said, "value": b64encode(value).decode()}}


def verify_document(document: Mapping[str, Any], *, public_key: bytes) -> bool:
    """Say whether the owner of the secret key signed exactly this document."""
    try:
        said = dict(document["signature"])
        value = b64decode(said.pop("value"), validate=True)
        covered = canonical({**document, "signature": said})
        Ed25519PublicKey.from_public_bytes(public_key).verify(value, covered)
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def _written(value: bool | str | None) -> bytes:  # noqa: FBT001 - it is a value, and no choice
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise NotCanonical("a text that is no Unicode") from None


def _code_units(name: object) -> bytes:
    if not isinstance(name, str):
        raise NotCanonical(f"a name that is a {type(name).__name__}")
    return name.encode("utf-16-be", errors="surrogatepass")
