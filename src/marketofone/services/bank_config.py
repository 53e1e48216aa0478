"""The configuration of a bank: everything its documents say, read once, as values.

A decision follows one version of the documents. Their texts are entries of the journal, so that a replay reads the
config that was in force at the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from marketofone.consent.policy import ConsentPolicy, parse_policy
from marketofone.decide.catalogue import ActionCatalogue, parse_actions
from marketofone.decide.compiled_catalogue import CompiledCatalogue, bind
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Currency, Share, Text
from marketofone.domain.moment import Calendar
from marketofone.features.catalogue import Catalogue, load_catalogue
from marketofone.governance.guardrails import parse_guardrails

DOCUMENTS = ("bank.toml", "consent.toml", "features.py", "actions.toml", "guardrails.toml")
DIGEST = "digest"  # the name under which the store keeps which version is recorded


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank itself: ``bank.toml``."""

    name: Text
    timezone: Text
    currency: Currency
    engine: Literal["embedded"]
    control_share: Share
    exploration: Annotated[float, Meta(gt=0.0, lt=0.5)]
    future_seconds: Annotated[int, Meta(ge=0, le=86_400)]
    outcome_days: Annotated[int, Meta(ge=1, le=365)]


@dataclass(frozen=True)
class BankConfig:
    """What the bank's documents say, and the digest of the version it was read from."""

    settings: Settings
    policy: ConsentPolicy
    features: Catalogue
    actions: ActionCatalogue
    compiled: CompiledCatalogue
    calendar: Calendar
    digest: str


def read_config(texts: Mapping[str, str]) -> BankConfig:
    """Read all documents of a bank project.

    Raises
    ------
    MalformedDocument
        When one is missing or breaks its contract.
    BadExpression
        When an eligibility or guardrail expression cannot be read.
    """
    for name in DOCUMENTS:
        if name not in texts:
            raise MalformedDocument(field=name, shape="missing", fix="lay the project out with `marketofone init`")
    settings = read_settings(texts["bank.toml"])
    features = load_catalogue(texts["features.py"])
    actions = parse_actions(texts["actions.toml"], features=features)
    return BankConfig(
        settings=settings,
        policy=parse_policy(texts["consent.toml"]),
        features=features,
        actions=actions,
        compiled=bind(actions, features=features, guardrails=parse_guardrails(texts["guardrails.toml"])),
        calendar=Calendar(settings.timezone),
        digest=digest_of(texts),
    )


def read_settings(text: str) -> Settings:
    """Read ``bank.toml``."""
    try:
        return msgspec.toml.decode(text, type=Settings)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MalformedDocument(
            field="bank.toml", shape=str(error), fix="compare with a fresh `marketofone init`"
        ) from error


def digest_of(texts: Mapping[str, str]) -> str:
    """Give the digest that names one version of all documents."""
    digest = blake2b(digest_size=8)
    for name in DOCUMENTS:
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    return digest.hexdigest()
