"""Market of one: every bank customer a market of one, with consent, reasons and proof."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketofone.bank import Bank, open  # noqa: A004 - the word of the contract

__all__ = ["Bank", "open"]


def __getattr__(name: str) -> Any:
    """Load the face when it is first used: a process that only learns or forecasts needs a few rooms, not all."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("marketofone.bank"), name)
