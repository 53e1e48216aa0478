"""Documents of a bank whose purposes and channels have other names than the template's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from marketofone.projection.bank_config import DOCUMENTS

TEMPLATE = {name: (files("marketofone") / "template" / name).read_text(encoding="utf-8") for name in sorted(DOCUMENTS)}
PURPOSES = {
    "insights": "einblicke",
    "personalisation": "anpassung",
    "marketing": "angebote",
    "care": "fuersorge",
    "learning": "lernen",
    "protection": "schutz",
}
CHANNELS = {"app": "anwendung", "push": "hinweis", "email": "brief", "phone": "telefon"}


def purpose_renamed(texts: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Rename a purpose where purposes stand: in consent.toml."""
    return {**texts, "consent.toml": texts["consent.toml"].replace(f"purposes.{old}]", f"purposes.{new}]")}


def channel_renamed(texts: Mapping[str, str], old: str, new: str, *, only: str = "") -> dict[str, str]:
    """Rename a channel in every document, or in one of them only."""
    renamed = dict(texts)
    for name in DOCUMENTS if not only else (only,):
        if name == "consent.toml":
            renamed[name] = texts[name].replace(f"channels.{old}]", f"channels.{new}]")
        elif name != "features.py":
            renamed[name] = "".join(
                re.sub(rf"(['\"]){old}\1", rf"\g<1>{new}\g<1>", line) if "channel" in line.split("#")[0] else line
                for line in texts[name].splitlines(keepends=True)
            )
    return renamed


def in_german() -> dict[str, str]:
    """Give the template with other words for every purpose and every channel."""
    texts: dict[str, str] = dict(TEMPLATE)
    for old, new in PURPOSES.items():
        texts = purpose_renamed(texts, old, new)
    for old, new in CHANNELS.items():
        texts = channel_renamed(texts, old, new)
    return texts


def in_english_alone(folder: Path) -> None:
    """Let a bank have its texts in English only, so that a test may change them in one place."""
    settings, policy = folder / "bank.toml", folder / "consent.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('["en", "de"]', '["en"]'), encoding="utf-8")
    policy.write_text(without_german(policy.read_text(encoding="utf-8")), encoding="utf-8")


def without_german(policy: str) -> str:
    """Leave the German texts of a policy out."""
    return policy.partition("\n# The same in German")[0]
