"""One knock at the door, read: what was asked, by whom, with which body. Handlers get it in a worker thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

import anyio
import anyio.lowlevel
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import BadInput, MalformedRequest, StoreBusy, UnknownEntry, malformed
from marketofone.domain.moment import Calendar, Instant
from marketofone.services.runtime.uses import asked_moment
from marketofone.web.binary_mode import attributes_in
from marketofone.web.bodies import CLOSE, Arriving, charset_of, in_utf8, is_packed

T = TypeVar("T")

JSON = "application/json"
BATCH = "application/cloudevents-batch+json"
EVENT = "application/cloudevents+json"
LINES = "application/x-ndjson"
TABLE = "text/csv"
FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 64
BODY_SECONDS = 30.0  # a body that takes longer is not waited for
MAX_HELD_BYTES = 64 * 1024 * 1024  # of all bodies that are arriving at once
PERIOD_DAYS = 30  # of a period, where nobody says how long
_DATE = len("2026-01-31")
# Every white space by its number, because languages disagree about \s; and no line end that `$` would forgive.
NAME = r"^(?!\.\.?$)[^\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{1,128}$(?!\n)"
ENTRY_NUMBER = r"^[0-9]{1,18}$(?!\n)"
# A day of 1900 to 2199 that exists, alone or with a time and an offset: what a bank can mean.
_DAY = (
    r"(?:(?:19|20|21)\d\d-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"|(?:(?:19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_TIME = r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
MOMENT = rf"^{_DAY}(?:{_TIME})?$(?!\n)"


@dataclass(frozen=True)
class RequestData:
    """What was asked: the decoded segments of the address, its query, and the body in UTF-8 with its media type.

    ``token`` is the token of the visitor's forms, empty for programs. ``event`` are the attributes of an event that
    headers tell (binary mode). ``address`` is where the page can be asked for again, empty for a form that was sent.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    media: str
    token: str
    event: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    def read(self, shape: type[T]) -> T:
        """Read the body as one JSON document of a shape.

        Raises
        ------
        MalformedRequest
            Naming the field; never repeating a value.
        """
        return _shaped(lambda: json_decoder(shape).decode(self.body))

    @property
    def form(self) -> dict[str, str]:
        """The body as the fields of a form; the last of several with one name counts."""
        return _fields(self.body, of="form")

    def fill_in(self, shape: type[T]) -> T:
        """Read the body as a form of a shape. Raises as :meth:`read` does."""
        said = {name: value.strip() for name, value in self.form.items()}
        return _shaped(lambda: convert(said, of=shape))

    def as_of(self, calendar: Calendar, *, now: Instant) -> Instant | None:
        """Read ``as_of`` of the query: an instant or a day's end, never in the future; None when it was left out."""
        return past(self.query.get("as_of"), calendar=calendar, now=now)

    @property
    def entry(self) -> int:
        """The number of an entry, as the address has it.

        Raises
        ------
        UnknownEntry
            When it is no number of an entry.
        """
        said = self.path["entry"]
        if not re.search(ENTRY_NUMBER, said, re.ASCII):
            raise UnknownEntry
        return int(said)

    @property
    def days(self) -> int:
        """``days`` of the query, of which a period is asked; 30 when it was left out.

        Raises
        ------
        MalformedRequest
            When it is no whole number.
        """
        said = self.query.get("days", str(PERIOD_DAYS))
        if not re.search(r"^[0-9]{1,4}$", said, re.ASCII):
            raise MalformedRequest(field="days", shape="no whole number", fix="write a number of days, such as 30")
        return int(said)

    def number(self, field: str) -> int | None:
        """Read a whole number of the query; None where it was left out.

        Raises
        ------
        MalformedRequest
            When it is none.
        """
        said = self.query.get(field, "")
        if said and not re.search(r"^[0-9]{1,18}$", said, re.ASCII):
            raise MalformedRequest(field=field, shape="no whole number", fix="follow the links of the page")
        return int(said) if said else None

    @property
    def slot(self) -> int:
        """``slot`` of the query or the form: which place of a slate is meant; the first where it is left out.

        Raises
        ------
        MalformedRequest
            When it is no whole number.
        """
        said = (self.form if self.body else self.query).get("slot", "") or "1"
        if not re.search(r"^[0-9]{1,2}$", said, re.ASCII):
            raise MalformedRequest(field="slot", shape="no whole number", fix="count places from 1 on")
        return int(said)

    @property
    def customer(self) -> str | None:
        """``customer`` of the query, which says whose decision is meant where several have one of an id."""
        named = self.query.get("customer")
        if named is not None and not re.search(NAME, named):
            raise MalformedRequest(field="customer", shape="no name", fix="use 1 to 128 characters without spaces")
        return named


def past(text: str | None, *, calendar: Calendar, now: Instant) -> Instant | None:
    """Read the moment that a question is about; the day that it is now ends now.

    Raises
    ------
    MalformedRequest
        When it is no moment, or lies ahead.
    """
    asked = moment(text, calendar=calendar, field="as_of")
    if asked is None or text is None:
        return None
    if len(text) == _DATE and calendar.day_of(asked) == calendar.day_of(now):
        return min(asked, now)
    return asked_moment(asked, now=now)


def moment(text: str | None, *, calendar: Calendar, field: str) -> Instant | None:
    """Read an instant or a date that lies within the years a bank can mean."""
    if text is None:
        return None
    if not re.search(MOMENT, text, re.ASCII):
        raise MalformedRequest(field=field, shape="no moment of 1900 to 2199", fix="write it as 2026-01-31T09:30:00Z")
    return calendar.parse(text, field=field)


class Inflow:
    """How many bytes of bodies are in memory at once. Used from the event loop only, so it needs no lock."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def holding(self) -> Iterator[Held]:
        """Hold the body of one request until that is answered."""
        held = Held(self)
        try:
            yield held
        finally:
            self._held -= held.bytes

    def take(self, size: int) -> None:
        """Take more bytes in.

        Raises
        ------
        StoreBusy
            When too much is held already.
        """
        if self._held + size > MAX_HELD_BYTES:
            raise StoreBusy
        self._held += size


class Held:
    """The body of one request."""

    def __init__(self, inflow: Inflow) -> None:
        self.bytes = 0
        self._inflow = inflow

    async def body(self, request: Request, *, limit: int, packed: bool = False) -> bytes:
        """Read the body; a packed one is unpacked while it arrives.

        Raises
        ------
        HTTPException
            408 when it does not end in time, 413 when it is too long.
        MalformedRequest
            When it is not packed as it says.
        StoreBusy
        """
        body, arriving = bytearray(), Arriving(limit=limit, packed=packed)
        try:
            with anyio.fail_after(BODY_SECONDS):
                async for part in request.stream():
                    for piece in arriving.take(part):
                        self._inflow.take(len(piece))
                        self.bytes += len(piece)
                        body += piece
                        if packed:  # others are answered between two pieces
                            await anyio.lowlevel.checkpoint()
            arriving.end()
        except TimeoutError as error:
            raise HTTPException(408, "the body did not end in time", headers=CLOSE) from error
        return bytes(body)


async def receive(
    request: Request, *, held: Held, accepts: tuple[str, ...], limit: int, token: str = ""
) -> RequestData:
    """Read a request whose body, if it may have one, is of an accepted media type and no longer than the limit.

    Raises
    ------
    BadInput
        When the address or the body is no text.
    HTTPException
        408 when the body does not end in time, 413 when it is too long, 415 when its media type, charset or encoding is
        not accepted.
    """
    try:
        path = {name: unquote(value, errors="strict") for name, value in request.path_params.items()}
    except ValueError as error:
        raise _no_text("address") from error
    query = _fields(request.scope["query_string"], of="address")
    if not all(re.search(NAME, value) for value in path.values()):
        raise MalformedRequest(field="address", shape="no name", fix="use 1 to 128 characters without spaces")
    if not accepts:
        return RequestData(path=path, query=query, body=b"", media="", token=token, address=_address(request))
    media, charset, packed = _form_of(request, accepts)
    event = attributes_in(request.headers.raw) if media == JSON and EVENT in accepts else {}
    body = in_utf8(await held.body(request, limit=limit, packed=packed), charset=charset)
    return RequestData(path=path, query=query, body=body, media=media, token=token, event=event)


def _address(request: Request) -> str:
    asked = request.scope["query_string"].decode("latin-1")
    return f"{request.scope['path']}?{asked}" if asked else str(request.scope["path"])


def _form_of(request: Request, accepts: tuple[str, ...]) -> tuple[str, str, bool]:
    """Give the media type of a body, its charset, and whether it is packed."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    media, charset, packed = media.strip().lower(), charset_of(parameters), is_packed(request)
    if media not in accepts or charset is None or packed is None:
        told = f"send {' or '.join(accepts)}, in UTF-8 or with its charset, packed with gzip or not"
        raise HTTPException(415, told, headers={"Accept-Post": ", ".join(accepts), "Accept-Encoding": "gzip"})
    return media, charset, packed


def _fields(text: bytes, *, of: str) -> dict[str, str]:
    try:
        fields = parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise _no_text(of) from error
    return dict(fields)


def _shaped(read: Callable[[], T]) -> T:
    try:
        return read()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        found = malformed(error, within="", names_unknown=True)
        field = "body" if found.field == "event" else found.field
        raise MalformedRequest(field=field, shape=found.shape, fix="see /openapi.json") from error


def _no_text(field: str) -> BadInput:
    return MalformedRequest(field=field, shape="not readable as text", fix="write it in UTF-8, percent-encoded")
