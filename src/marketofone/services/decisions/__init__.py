"""Decisions: made, shown again as far as they may be, answered; and help that nobody asked for."""
