"""Sealed boxes: what rests is encrypted under a key per customer, and that key under the bank's.

1. A body is sealed with ChaCha20-Poly1305: ``format byte 1, nonce, ciphertext, tag``, 29 bytes longer than the body.
2. ``about`` names the place of the body (such as subject and number). It is not stored; the same bytes are needed to
   open, so a box that was moved to another place does not open.
3. A customer's key is wrapped with the same AEAD under the bank's key: ``format byte 2, nonce, ciphertext, tag``. AES
   key wrap (RFC 3394) needs no nonce, but it binds no ``about``: a wrapped key could be moved to another customer. The
   format byte is authenticated as well, so a box never passes for a wrapped key.

A nonce is 12 random bytes and serves once. Under one key at most 2^32 of them keep a repetition unlikely (below 2^-32).
Destroying a key destroys every body under it.

Limit: the holder of two keys can make one box that opens under both. What an entry says is fixed by its salted
commitment (``journal_chain``), not by its box.

Source
------
RFC 8439, section 2.8 (AEAD_CHACHA20_POLY1305); NIST SP 800-38D, section 8.3 (the bound for random nonces of 96 bits).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

_BODY = b"\x01"
_WRAPPED_KEY = b"\x02"
_NONCE = slice(1, 1 + NONCE_BYTES)
_SEALED = slice(1 + NONCE_BYTES, None)
_SHORTEST = 1 + NONCE_BYTES + TAG_BYTES


class CannotOpen(ValueError):
    """A sealed body or key does not open: another key, another place, altered, cut, or of another format."""


class Box:
    """Seals and opens under one key. It keeps the cipher, whose making costs as much as a short seal.

    Parameters
    ----------
    key
        32 random bytes.

    Raises
    ------
    ValueError
        When the key has another length.

    Examples
    --------
    >>> box = Box(bytes(32))
    >>> box.open(box.seal(b"salary", nonce=bytes(12), about=b"7/1"), about=b"7/1")
    b'salary'
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, plain: bytes, *, nonce: bytes, about: bytes) -> bytes:
        """Encrypt a body for one place.

        Parameters
        ----------
        nonce
            12 random bytes, used once under this key.
        about
            Names the place of the body; needed again to open it.

        Raises
        ------
        ValueError
            When the nonce has another length.
        """
        return _BODY + nonce + self._cipher.encrypt(nonce, plain, _BODY + about)

    def open(self, sealed: bytes, *, about: bytes) -> bytes:
        """Decrypt a body.

        Raises
        ------
        CannotOpen
            When it was sealed under another key or for another place, or is not whole.
        """
        return self._opened(sealed, kind=_BODY, about=about)

    def wrap_key(self, key: bytes, *, nonce: bytes, about: bytes) -> bytes:
        """Encrypt another key under this one, for one owner.

        Raises
        ------
        ValueError
            When the key has not 32 bytes, or the nonce not 12.
        """
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        return _WRAPPED_KEY + nonce + self._cipher.encrypt(nonce, key, _WRAPPED_KEY + about)

    def unwrap_key(self, wrapped: bytes, *, about: bytes) -> bytes:
        """Decrypt another key.

        Raises
        ------
        CannotOpen
            When it was wrapped under another key or for another owner, or is not whole.
        """
        return self._opened(wrapped, kind=_WRAPPED_KEY, about=about)

    def _opened(self, sealed: bytes, *, kind: bytes, about: bytes) -> bytes:
        if len(sealed) < _SHORTEST:
            raise CannotOpen("the sealed bytes are cut")
        if sealed[:1] != kind:
            raise CannotOpen(f"the sealed bytes are of format {sealed[0]}; format {kind[0]} was expected")
        try:
            return self._cipher.decrypt(sealed[_NONCE], sealed[_SEALED], kind + about)
        except InvalidTag:
            raise CannotOpen("the sealed bytes belong to another key or place, or were altered") from None


def seal(plain: bytes, *, key: bytes, nonce: bytes, about: bytes) -> bytes:
    """Encrypt one body. For many bodies under one key make a ``Box``."""
    return Box(key).seal(plain, nonce=nonce, about=about)


def open_(sealed: bytes, *, key: bytes, about: bytes) -> bytes:
    """Decrypt one body, or raise ``CannotOpen``. For many bodies under one key make a ``Box``."""
    return Box(key).open(sealed, about=about)


def wrap_key(key: bytes, *, under: bytes, nonce: bytes, about: bytes) -> bytes:
    """Encrypt a customer's key under the bank's; ``about`` names the customer.

    Examples
    --------
    >>> wrapped = wrap_key(bytes(32), under=bytes(range(32)), nonce=bytes(12), about=b"7")
    >>> unwrap_key(wrapped, under=bytes(range(32)), about=b"7") == bytes(32)
    True
    """
    return Box(under).wrap_key(key, nonce=nonce, about=about)


def unwrap_key(wrapped: bytes, *, under: bytes, about: bytes) -> bytes:
    """Decrypt a customer's key, or raise ``CannotOpen``."""
    return Box(under).unwrap_key(wrapped, about=about)
