"""What can be consented to: the bank's ``consent.toml`` as a value."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE, Source, Text, Word

Basis = Literal["consent", "legal_duty"]


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What information may be used for. A purpose on another basis than consent can never be marketing."""

    title: Text
    notice: Text
    gives: Text
    basis: Basis = "consent"
    sources: tuple[Source, ...] = SWITCHABLE


class DataSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where information comes from. ``kept`` says whether the bank must keep it even without consent to use it."""

    title: Text
    notice: Text
    kept: bool = False


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to reach a person."""

    title: Text


class ConsentPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a person is asked about."""

    purposes: dict[Word, Purpose]
    sources: dict[Source, DataSource]
    channels: dict[Word, Channel]
    grant_days: int = 365
    version: int = 1

    def __post_init__(self) -> None:
        for name, purpose in self.purposes.items():
            # A legal duty never opens what a person can switch, and consent never opens what a duty protects.
            duty = purpose.basis == "legal_duty"
            if any((source in SWITCHABLE) == duty for source in purpose.sources):
                raise MalformedDocument(
                    field=f"purposes.{name}.sources",
                    shape="a source that does not go with this basis",
                    fix="legal_duty goes with the source 'protection' only, consent with all others",
                )

    def scopes(self) -> list[ConsentScope]:
        """List every cell a person can switch, in a stable order."""
        return [
            ConsentScope(purpose=purpose, source=source, channel=channel)
            for purpose, spec in self.purposes.items()
            if spec.basis == "consent"
            for source in self.sources
            if source in spec.sources
            for channel in self.channels
        ]


class ConsentScope(Struct, frozen=True, kw_only=True, order=True, array_like=True):
    """The unit of consent: one source, for one purpose, through one channel."""

    purpose: str
    source: str
    channel: str


def parse_policy(text: str) -> ConsentPolicy:
    """Read ``consent.toml``.

    Raises
    ------
    MalformedDocument
        Naming the field that breaks the contract.
    """
    try:
        return msgspec.toml.decode(text, type=ConsentPolicy)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MalformedDocument(
            field="consent.toml", shape=str(error), fix="compare with a fresh `marketofone init`"
        ) from error
