"""Readings: what a text says, and what a movement of money is by itself. They are made before anything is kept.

A reading is kept with its event, so a later fold needs no model.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from marketofone.domain.event import Event
from marketofone.domain.money_events import AccountOpened, Movement
from marketofone.domain.reading import MovementReading
from marketofone.domain.remembered import remembered
from marketofone.models.movement import clean_name, read_movement
from marketofone.projection.counts import NO_MOVEMENT, Told, told_of
from marketofone.services.intake.joint_accounts import reading_of
from marketofone.services.runtime.app_context import AppContext

_ENCODE = msgspec.json.Encoder().encode
_TEXTS = {"message.received": "text", "app.searched": "query", "partner.searched": "query"}
_CONCLUSIVE = 0.85
_ANSWERS = frozenset({"refund", "reversal", "returned_debit"})
"""Natures of money in that answers an earlier movement."""
_MEMORY = 50_000


class Read(NamedTuple):
    """What an event was read as, whether it is a text, and whether only its whole history can say what it is.

    ``told`` says of a movement how far it is told what it is.
    """

    body: bytes | None = None
    is_text: bool = False
    open: bool = False
    told: Told = NO_MOVEMENT


NOT_READ = Read()
_TOLD = attrgetter("purpose_code", "bank_code", "mcc", "category", "operation", "merchant", "counterparty", "text")


def read_event(context: AppContext, event: Event) -> Read:
    """Read the words of an event, or what a movement of money is."""
    data = event.data
    if isinstance(data, Movement):
        return _read_movement(data) if data.nature is None else Read(told=told_of(data, MovementReading()))
    if isinstance(data, AccountOpened):
        return Read(reading_of(context, event, account=data.account), open=True)
    field = _TEXTS.get(event.kind)
    if field is None:
        return NOT_READ
    return Read(_ENCODE(context.language.read(getattr(data, field))), is_text=True)


def leaves_open(said: MovementReading) -> bool:
    """Say whether a nature, or what is answered, is missing: what came before and after may still tell."""
    return said.nature is None or (said.nature in _ANSWERS and said.category is None)


def _read_movement(data: Movement) -> Read:
    """Read a movement; most are alike but for their amounts, and are remembered by what is told of them."""
    return _read_told(_TOLD(data), (data.amount_minor > 0) - (data.amount_minor < 0))


@remembered(room=_MEMORY)
def _read_told(told: tuple[str | None, ...], sign: int) -> Read:
    purpose_code, bank_code, mcc, category, operation, merchant, counterparty, text = told
    data = Movement(
        account="",
        currency="",
        amount_minor=sign,
        purpose_code=purpose_code,
        bank_code=bank_code,
        mcc=mcc,
        category=category,
        operation=operation,
        merchant=merchant,
        counterparty=counterparty,
        text=text,
    )
    return _written(data, read_movement(data))


def _other_side(data: Movement) -> str | None:
    """Give who is on the other side, cleaned, where only the printed text tells."""
    if data.text is None or data.counterparty or data.merchant:
        return None
    return clean_name(data.text) or None


def _written(data: Movement, said: MovementReading) -> Read:
    unsure = leaves_open(said) or said.confidence < _CONCLUSIVE
    named, told = said.merchant or _other_side(data), told_of(data, said)
    if said.nature is None and said.category is None and named is None:
        return Read(open=unsure, told=told)
    return Read(_ENCODE(replace(said, merchant=named)), open=unsure, told=told)
