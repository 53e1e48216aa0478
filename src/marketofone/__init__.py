"""Market of one: every bank customer a market of one, with consent, reasons and proof."""

from marketofone.bank import Bank, open  # noqa: A004 - the word of the contract

__all__ = ["Bank", "open"]
