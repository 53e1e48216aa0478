"""Attacks on the readers of files: valid files of each format, damaged at random, and the law that holds of each.

However a file is damaged, reading it ends. The file is refused as a whole, in words, or each row that begins in it is
one row or one bad row. The same seed makes the same damage.
"""

from __future__ import annotations

import copy
import json
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from marketofone.domain.cloudevents import parse_event
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers import cloudevents
from marketofone.importers.rows import BadRow, events_of
from marketofone.importers.tables import columnar, delimited, spreadsheet
from payload_forms import HARD, SAMPLES, PayloadSample, places, within
from payload_samples import ORIGIN
from rate_forms import DAILY, LONG, SERIES, WIDE, check_rates
from statement_files import Moved
from statement_forms import FORMS, StatementForm, check_statement
from statement_styles import STYLES
from table_forms import a_parquet_file, a_spreadsheet, an_arrow_file, check_table


class Target(NamedTuple):
    """A format that is attacked: makes a damaged file, and checks that its law holds, as assertions.

    ``check`` says whether the file was read, and not refused as a whole.
    """

    damaged: Callable[[Random], bytes]
    check: Callable[[Path], bool]


class Attack(NamedTuple):
    """What came of one file: whether it was read, and what was wrong, with the file, where anything was."""

    read: bool
    wrong: str = ""
    content: bytes = b""


def attack(name: str, seed: int) -> Attack:
    """Damage a file of a format, and read it."""
    target = TARGETS[name]
    content = target.damaged(Random(f"{name} {seed}"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged"
        path.write_bytes(content)
        try:
            return Attack(read=target.check(path))
        except Exception:  # noqa: BLE001 - any error but a refusal is what the attack looks for
            return Attack(read=False, wrong=traceback.format_exc(limit=-4), content=content)


_SIGNS = (
    *(b'"', b"'", b";", b",", b"\t", b"|", b"\n", b"\r", b"\0", b"-", b"+", b"(", b"^", b"!", b"<", b">", b"</", b"&"),
    *(b"{", b"}", b"[", b"]", b":", b":61:", b":86:", b"-}", b"{1:", b"?20", b"]]>", b"<![CDATA[", b"&#0;", b"%", b"="),
    *(b"1e9", b"NaN", b"Infinity", b"99999999999999999999", b"0", b"1.234,56", b"2026-02-31", b"31.12.9999"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x92\xb6", "٣".encode(), b"\x1f\x8b"),
)  # fmt: skip


def damaged(content: bytes, random: Random) -> bytes:
    """Change, insert, leave out, repeat or cut off some bytes."""
    for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
        start = random.randrange(len(content) + 1)
        end = min(len(content), start + random.choice((0, 1, 1, 4, 40, 400)))
        match random.randrange(5):
            case 0:
                content = content[:start] + random.choice(_SIGNS) + content[end:]
            case 1:
                content = content[:start] + random.randbytes(random.randrange(6)) + content[end:]
            case 2:
                content = content[:end] + content[start:]
            case 3:
                other = random.randrange(len(content) + 1)
                content = content[:other] + content[start:end] + content[other:]
            case _ if random.random() < 0.2:  # else most of all files would be stumps
                content = content[:start]
    return content


_LETTERS = "abcXYZ 019.,-äéßŁ漢ع&<>'\""


def _some_moved(random: Random) -> list[Moved]:
    """Make some movements with names of hard letters."""

    def words() -> str:
        return " ".join("".join(random.choices(_LETTERS, k=random.randint(1, 54))).split()) or "tea"

    return [_moved(random, party=words(), text=words()) for _ in range(random.randrange(7))]


def _moved(random: Random, *, party: str, text: str) -> Moved:
    amount = Decimal(random.choice((-1, 1)) * random.randint(1, 10**9)).scaleb(-2)
    return Moved(amount=amount, booked=date.fromordinal(random.randint(730_120, 752_000)), party=party, text=text)


def _statement(form: StatementForm, random: Random) -> bytes:
    return damaged(form.write(_some_moved(random)).encode(), random)


def _edited(sample: PayloadSample, random: Random) -> bytes:
    """Write answers with some values replaced by others; a third of them with damaged bytes as well."""
    documents = copy.deepcopy([*sample.beside, sample.answer])
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        at = random.choice([place for place in places(documents) if place])
        within(documents, at[:-1])[at[-1]] = _anything(random)
    content = json.dumps(documents, indent=random.choice((None, 1))).encode()
    return damaged(content, random) if random.random() < 1 / 3 else content


def _anything(random: Random, *, depth: int = 2) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: random.choice(HARD),
        lambda: random.choice((None, True, False, 0, -1, 10**20, 1.5, -1e300)),
    ]
    if depth:
        inner = partial(_anything, random, depth=depth - 1)
        kinds += [
            lambda: [inner() for _ in range(random.randrange(3))],
            lambda: {random.choice(HARD): inner() for _ in range(random.randrange(3))},
        ]
    return random.choice(kinds)()


def _check_payload(sample: PayloadSample, path: Path) -> bool:
    try:
        rows = list(sample.read(path))
    except MalformedDocument:
        return False
    made = list(events_of(rows, origin=ORIGIN))
    assert len(made) == len(rows)
    refused = [row.raw for row in rows if isinstance(row, BadRow)]
    assert len(rows) >= _transactions(sample, path.read_bytes()) or any(_is_answer(sample, raw) for raw in refused)
    assert all(row.line >= 1 and row.fix and row.field for row in made if isinstance(row, BadRow))
    return True


def _is_answer(sample: PayloadSample, raw: bytes) -> bool:
    """Say whether a bad row stands for a whole answer with transactions: it holds all of them."""
    return any(_found(raw, at) for at in sample.lists)


def _transactions(sample: PayloadSample, content: bytes) -> int:
    """Count the transactions in the last answer of a file, where it still is one."""
    return sum(len(_found(content, (-1, *at))) for at in sample.lists)


def _found(content: bytes, at: tuple[str | int, ...]) -> list[Any]:
    """Give the list at a place in a document; an empty one where there is none."""
    with suppress(ValueError, KeyError, TypeError, IndexError):
        found = within(json.loads(content, parse_constant=_is_no_json), at)
        return found if isinstance(found, list) else []
    return []


def _is_no_json(word: str) -> None:
    """Refuse ``NaN`` and ``Infinity``, which Python reads and JSON does not know."""
    raise ValueError(word)


_EVENT = {
    "specversion": "1.0", "id": "t-1", "source": "/core", "type": "transaction.booked", "subject": "c-1",
    "time": "2026-06-01T10:00:00Z", "data": {"account": "a", "amount_minor": -350, "currency": "EUR", "text": "tea"},
}  # fmt: skip


def _events(random: Random) -> bytes:
    """Write events as lines or as an array, one of them with a value replaced."""
    events = [copy.deepcopy(_EVENT) | {"id": f"t-{number}"} for number in range(1, random.randint(2, 6))]
    at = random.choice([place for place in places(events) if place])
    within(events, at[:-1])[at[-1]] = _anything(random)
    if random.random() < 1 / 2:
        return damaged(json.dumps(events, indent=random.choice((None, 1))).encode(), random)
    return damaged(b"\n".join(json.dumps(event).encode() for event in events), random)


def _check_events(path: Path) -> bool:
    lines = cloudevents.read(path)
    try:
        for event in lines:
            assert lines.line >= 1
            with suppress(MalformedEvent):
                parse_event(event)
    except MalformedDocument:
        return False
    return True


@cache
def _tables() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        made = {"xlsx": a_spreadsheet, "parquet": a_parquet_file, "arrow": an_arrow_file}
        return {name: make(Path(folder)) for name, make in made.items()}


def _of_styles(random: Random) -> bytes:
    styles: Sequence[str] = list(STYLES)
    return damaged(STYLES[random.choice(styles)].content, random)


TARGETS: dict[str, Target] = {
    "csv": Target(_of_styles, partial(check_table, read=delimited.read)),
    "xlsx": Target(lambda random: damaged(_tables()["xlsx"], random), partial(check_table, read=spreadsheet.read)),
    "parquet": Target(lambda random: damaged(_tables()["parquet"], random), partial(check_table, read=columnar.read)),
    "arrow": Target(lambda random: damaged(_tables()["arrow"], random), partial(check_table, read=columnar.read)),
    **{form.name: Target(partial(_statement, form), partial(check_statement, form)) for form in FORMS},
    **{name: Target(partial(_edited, sample), partial(_check_payload, sample)) for name, sample in SAMPLES.items()},
    "cloudevents": Target(_events, _check_events),
    "rates": Target(lambda random: damaged(random.choice((WIDE, DAILY, LONG, SERIES)), random), check_rates),
}
