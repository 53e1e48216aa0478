"""Market of one: every bank customer a market of one, with consent, reasons and proof."""
