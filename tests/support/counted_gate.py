"""The gate, watched: what permits open, of whom. It goes on as it is."""

from __future__ import annotations

from typing import Any

import pytest

from marketofone.consent import gate
from marketofone.consent.gate import Permit


class Gate:
    """Tells of whom permits were given that open anything, and what: person, purpose, source."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: set[tuple[str, str, str]] = set()
        permit = gate._permit  # which every permit comes from

        def counted(purpose: str, *asked: Any) -> Permit:
            given = permit(purpose, *asked)
            self.opened |= {(given.customer, purpose, source) for source in given.sources}
            return given

        monkeypatch.setattr(gate, "_permit", counted)
