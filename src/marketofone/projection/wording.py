"""Every text of a bank's documents that people read, and that none of them holds a dark pattern.

It is judged when a bank is opened, of the documents it has then.
"""

from __future__ import annotations

from collections.abc import Iterator

from marketofone.governance.dark_patterns import check_short, check_texts
from marketofone.projection.bank_config import BankConfig


def check_wording(config: BankConfig) -> None:
    """Check all texts of the documents that people read.

    Raises
    ------
    MalformedDocument
        Naming the field, the words, the reason and its source.
    """
    check_texts(texts_of(config))
    check_short((f"consent.toml purposes.{name}.notice", of.notice) for name, of in config.policy.purposes.items())


def texts_of(config: BankConfig) -> Iterator[tuple[str, str]]:
    """Give every text that people read, with the field in which it stands."""
    for name, purpose in config.policy.purposes.items():
        for part in ("title", "notice", "gives"):
            yield f"consent.toml purposes.{name}.{part}", getattr(purpose, part)
    for source, spec in config.policy.sources.items():
        yield f"consent.toml sources.{source}.title", spec.title
        yield f"consent.toml sources.{source}.notice", spec.notice
    for name, channel in config.policy.channels.items():
        yield f"consent.toml channels.{name}.title", channel.title
    for action in config.actions.actions:
        yield f"actions.toml actions.{action.id}.title", action.title
        yield f"actions.toml actions.{action.id}.text", action.text
    for name, placement in config.actions.placements.items():
        if placement.fallback is not None:
            yield f"actions.toml placements.{name}.fallback.title", placement.fallback.title
            yield f"actions.toml placements.{name}.fallback.text", placement.fallback.text
    for feature in config.features.features:
        yield f"features.py {feature.name}", feature.title
