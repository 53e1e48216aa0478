"""What the command line prints: the JSON documents of the contract, and text (``texts.jinja``) for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from types import TracebackType
from typing import Any, Self, TypeVar

import click
import msgspec
from jinja2 import Environment, StrictUndefined
from jinja2.environment import TemplateModule
from msgspec import Struct

from marketofone.domain.decision import Decision, Otherwise
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import text_of
from marketofone.domain.money import decimals_of, in_words
from marketofone.domain.reading import Reading
from marketofone.models.language.model import LanguageModel
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.liquid_money import in_parts

T = TypeVar("T")
# Of a decision: what the console shows, and what stands under another key.
_KEPT = ("candidates", "context", "placement", "slots", "below", "closed", "charged", "asks")


class _Message(Struct, frozen=True):
    text: str
    text_id: str | None = None


_MESSAGE = json_decoder(_Message)


def say(document: object, text: str, *, as_json: bool, **more: object) -> None:
    """Print one JSON document, or the text of this name for people."""
    click.echo(msgspec.json.encode(document).decode() if as_json else text_for_people(text, document, **more))


def text_for_people(name: str, *said: object, **more: object) -> str:
    """Write the text of this name."""
    lines = str(getattr(_texts(), name)(*said, **more)).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())


def say_markdown(name: str, *said: object) -> None:
    """Print the text of this name for a page of somebody else, where an empty line means something."""
    lines = str(getattr(_texts(), name)(*said)).splitlines()
    click.echo("\n".join(line.rstrip() for line in lines).strip())


@cache
def _texts() -> TemplateModule:
    """Read all texts: a command may say several."""
    texts = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - a terminal
    texts.filters |= {"number": "{:,}".format, "percent": "{:.0%}".format, "minor": _minor, "in_parts": in_parts}
    return texts.from_string(files(__package__).joinpath("texts.jinja").read_text(encoding="utf-8")).module


def _minor(amount: int, currency: str) -> str:
    """Write an amount of minor units with the decimals of its currency."""
    return in_words(amount, decimals=decimals_of(currency))


def decision_document(decision: Decision, *, otherwise: Otherwise, seconds: float) -> dict[str, Any]:
    """Give the JSON document of a decision, and of what would have changed it."""
    fields = msgspec.structs.fields(decision)
    told = {of.encode_name: getattr(decision, of.name) for of in fields if of.name not in _KEPT}
    beside = {"instead": otherwise.counterfactual, "untold": otherwise.untold, "seconds": round(seconds, 6)}
    asked = {"asks": [{"purpose": purpose, "source": source} for purpose, source in decision.asks]}
    return {**told, "at": text_of(decision.at), **_places(decision), **(asked if decision.asks else {}), **beside}


def _places(decision: Decision) -> dict[str, Any]:
    """Give where a decision is shown, and the places of a slate; nothing of one that is shown anywhere."""
    named = {} if decision.placement is None else {"placement": decision.placement}
    if decision.slots == 1:
        return named
    places = enumerate(decision.places, start=1)
    slate = [
        {"slot": slot, "action": one.action, "propensity": one.propensity, "because": one.reasons}
        for slot, one in places
    ]
    return {**named, "slate": slate}


def day_lines(ahead: CustomerForecast) -> Iterator[dict[str, Any]]:
    """Give the JSON lines of a person's accounts, one a day; one in another currency than their sum names it."""
    for account in ahead.accounts:
        named = {} if account.currency == ahead.currency else {"currency": account.currency}
        for day in account.days:
            line = {"customer": ahead.customer, "account": account.account, "day": day.day, "quantiles": day.quantiles}
            yield line | named


def event_lines(ahead: CustomerForecast) -> Iterator[dict[str, Any]]:
    """Give the JSON lines of what may happen to a person."""
    return ({"customer": ahead.customer, **msgspec.structs.asdict(event)} for event in ahead.events)


def say_lines(documents: Iterable[object]) -> None:
    """Print one JSON document a line."""
    click.echo(b"".join(msgspec.json.encode(document) + b"\n" for document in documents), nl=False)


def low_point(ahead: CustomerForecast) -> dict[str, Any]:
    """Give the line of a table: the day on which a person is expected to have least."""
    days = () if ahead.total is None else ahead.total.days
    low = min(days, key=lambda day: day.quantiles[len(day.quantiles) // 2], default=None)
    return {"customer": ahead.customer, "currency": ahead.currency, "low": low}


class Progress:
    """A progress bar on a terminal, silence elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: Any = None
        self._label = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()

    def step(self, done: int, total: int, stage: str) -> None:
        """Say how far a stage has come."""
        if self._quiet:
            return
        if stage != self._label:
            self._finish()
            self._label = stage
            self._bar = click.progressbar(length=max(total, 1), label=f"{stage:<24}", file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(done - self._bar.pos)

    def over(self, items: Iterable[T], *, total: int, label: str) -> Iterator[T]:
        """Walk through items under a bar."""
        for done, item in enumerate(items):
            if done % 1000 == 0:
                self.step(done, total, label)
            yield item
        self.step(total, total, label)

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _utf8(source: Iterable[str]) -> Iterator[str]:
    try:
        yield from source
    except UnicodeDecodeError as error:
        raise MalformedRequest(field="file", shape="bytes that are no UTF-8", fix="save it as UTF-8") from error


def readings(source: Iterable[str], language: LanguageModel) -> Iterator[tuple[str, Reading]]:
    """Read texts, a line each or JSON Lines, with their ids (the line's number when none is given).

    Raises
    ------
    MalformedRequest
        When a line that begins like JSON is none, or lacks its text.
    """
    for number, line in enumerate(_utf8(source), start=1):
        text = line.strip()
        if text.startswith("{"):
            try:
                said = _MESSAGE.decode(text)
            except msgspec.DecodeError as error:
                raise MalformedRequest(
                    field=f"line {number}", shape=f"{len(text)} characters", fix="give text_id and text as JSON"
                ) from error
            yield said.text_id or str(number), language.read(said.text)
        elif text:
            yield str(number), language.read(text)
