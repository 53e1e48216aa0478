"""How well movements are understood, on movements that people labelled by hand.

A folder holds JSON Lines. In most files the first line is a person with their accounts, and each further line one of
their movements with its nature and category. ``merchants.jsonl`` has descriptors, each alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.fields import AccountType
from marketofone.domain.moment import day_number
from marketofone.domain.money import minor_of
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.learn.intervals import wilson
from marketofone.models.movement import Fact, OwnAccount, fact_of, read_movement, understand

MERCHANTS = "merchants.jsonl"
ALL = "all"
_LEVEL = 0.95
_WITH_CATEGORY = ("spending", "refund")


class Share(Struct, frozen=True, kw_only=True):
    """A share of some rows with its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float
    n: int


class MovementScore(Struct, frozen=True, kw_only=True):
    """Of rows: how many are spoken for, and how many of those are right."""

    what: str
    where: str
    spoken_for: Share
    right: Share


class _Account(Struct, frozen=True):
    account: str
    type: AccountType
    institution: str | None = None


class _Person(Struct, frozen=True):
    person: str
    accounts: tuple[_Account, ...]


class _Labelled(Struct, frozen=True, kw_only=True):
    amount: Decimal
    currency: str
    text: str
    category: str | None = None
    nature: str = "spending"
    account: str = "account"
    booked: date = date(2026, 1, 1)
    counterparty: str | None = None
    counterparty_account: str | None = None
    bank_code: str | None = None
    purpose_code: str | None = None
    mcc: str | None = None
    reference: str | None = None


_Pair = tuple[str | None, str | None]  # the label, and what is said
_PERSON, _ROW = json_decoder(_Person), json_decoder(_Labelled)


def evaluate_movements(folder: Path) -> list[MovementScore]:
    """Judge natures and categories on the movements of a folder, file by file and all together.

    Raises
    ------
    MalformedDocument
        When the folder has no labelled rows, or one breaks the form above.
    """
    natures: dict[str, list[_Pair]] = {}
    categories: dict[str, list[_Pair]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        try:
            rows, said = _judged(path)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise MalformedDocument(field=path.name, shape="no labelled movements", fix="see lab/evaluation") from error
        if path.name == MERCHANTS:
            categories[path.stem] = _pairs_of_categories(rows, said)
            continue
        natures[path.stem] = [(row.nature, one.nature) for row, one in zip(rows, said, strict=True)]
        categories[path.stem] = _pairs_of_categories(rows, said)
    if not natures and not categories:
        raise MalformedDocument(field=folder.name, shape="no .jsonl file", fix="name a folder of labelled movements")
    people = {name: pairs for name, pairs in categories.items() if name in natures}
    alone = {name: pairs for name, pairs in categories.items() if name not in natures}
    return [*_scores("nature", natures), *_scores("category", people), *_scores("category of a descriptor", alone)]


def _judged(path: Path) -> tuple[list[_Labelled], list[MovementReading]]:
    lines = path.read_bytes().splitlines()
    if path.name == MERCHANTS:
        rows = [_ROW.decode(line) for line in lines]
        return rows, [read_movement(_movement(row)) for row in rows]
    head, rows = _PERSON.decode(lines[0]), [_ROW.decode(line) for line in lines[1:]]
    own = [OwnAccount(account=of.account, type=of.type) for of in head.accounts]
    return rows, understand(list(map(_fact, rows)), accounts=own, holder=head.person)


def _fact(row: _Labelled) -> Fact:
    movement = _movement(row)
    return fact_of(movement, day=day_number(row.booked), given=read_movement(movement))


def _movement(row: _Labelled) -> Movement:
    return Movement(
        account=row.account,
        amount_minor=minor_of(row.amount, currency=row.currency),
        currency=row.currency,
        text=row.text,
        counterparty=row.counterparty,
        counterparty_account=row.counterparty_account,
        bank_code=row.bank_code,
        purpose_code=row.purpose_code,
        mcc=row.mcc,
        reference=row.reference,
    )


def _pairs_of_categories(rows: Sequence[_Labelled], said: Sequence[MovementReading]) -> list[_Pair]:
    told = zip(rows, said, strict=True)
    return [(row.category, one.category) for row, one in told if row.nature in _WITH_CATEGORY]


def _scores(what: str, by_file: dict[str, list[_Pair]]) -> Iterator[MovementScore]:
    each = (
        by_file.items() if len(by_file) == 1 else [*by_file.items(), (ALL, [p for of in by_file.values() for p in of])]
    )
    for where, pairs in each if by_file else ():
        spoken = [(label, said) for label, said in pairs if said is not None]
        yield MovementScore(
            what=what,
            where=where,
            spoken_for=_share(said is not None for _, said in pairs),
            right=_share(label == said for label, said in spoken),
        )


def _share(hits: Iterable[bool]) -> Share:
    counted = list(hits)
    share = sum(counted) / max(len(counted), 1)
    low, high = wilson(share, n=len(counted), level=_LEVEL)
    return Share(share=round(share, 4), low=round(low, 4), high=round(high, 4), n=len(counted))
