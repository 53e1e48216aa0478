"""The objects of a text of JSON, which is an array of them or holds one after the other, without holding all of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MalformedDocument

_BETWEEN = re.compile(rb"[\s,\[\]]*+")  # the brackets of the array itself only part its objects
_WORD = re.compile(rb"[^\n,\]]*+")
_IN_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_UP_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_OPENING, _QUOTE = b"{[", b'"'


class JsonObjects:
    """Takes a text of JSON apart; what stands between objects and is none is given as it is.

    Each is given with the line on which it begins, and cut one byte beyond the size of an event.
    """

    def __init__(self, pieces: Iterator[bytes], *, name: str) -> None:
        self._pieces = pieces
        self._name = name
        self._array = 0  # brackets of the array that are open
        self._depth = 0  # brackets within the object that is being read
        self._read = b""
        self._step: Callable[[bytes, int], int] = self._between

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        line = begins = 1
        broken: MalformedDocument | None = None
        try:
            for piece in self._pieces:
                at = 0
                while at < len(piece):
                    before, at = at, self._step(piece, at)
                    line += piece.count(b"\n", before, at)
                    if self._step == self._between and self._read:
                        yield begins, self._taken()
                    elif not self._read:
                        begins = line
        except MalformedDocument as error:
            broken = error
        if self._read.strip():
            yield begins, self._taken()
            broken = broken or self._breaks_off()
        if broken is not None or self._array > 0:
            raise broken or self._breaks_off()

    def _breaks_off(self) -> MalformedDocument:
        return MalformedDocument(field=self._name, shape="a text of JSON that breaks off", fix="fetch the file again")

    def _taken(self) -> bytes:
        read, self._read = self._read, b""
        return read.rstrip()

    def _keep(self, piece: bytes, at: int, end: int) -> int:
        self._read += piece[at : min(end, at + MAX_EVENT_BYTES + 1 - len(self._read))]
        return end

    def _between(self, piece: bytes, at: int) -> int:
        match = _BETWEEN.match(piece, at)
        end = at if match is None else match.end()
        self._array += piece.count(b"[", at, end) - piece.count(b"]", at, end)
        if end < len(piece):
            self._step = self._object if piece[end : end + 1] == b"{" else self._word
        return end

    def _word(self, piece: bytes, at: int) -> int:
        match = _WORD.match(piece, at)
        end = at if match is None else match.end()
        if end < len(piece):
            self._step = self._between
        return self._keep(piece, at, end)

    def _object(self, piece: bytes, at: int) -> int:
        match = _UP_TO_BRACKET.match(piece, at)
        end = at if match is None else match.end()
        sign = piece[end : end + 1]
        if sign == _QUOTE:  # of a text that goes on in the next piece
            self._step = self._text
        elif sign:
            self._depth += 1 if sign in _OPENING else -1
            if not self._depth:
                self._step = self._between
        return self._keep(piece, at, end + len(sign))

    def _text(self, piece: bytes, at: int) -> int:
        match = _IN_TEXT.match(piece, at)
        end = at if match is None else match.end()
        sign = piece[end : end + 1]
        if sign == _QUOTE:
            self._step = self._object
        elif sign:  # a sign that makes the next one stand for itself, at the end of a piece
            self._step = self._escaped
        return self._keep(piece, at, end + len(sign))

    def _escaped(self, piece: bytes, at: int) -> int:
        self._step = self._text
        return self._keep(piece, at, at + 1)
