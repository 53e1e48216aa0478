"""What every journey is handed: the store, the book, the language model, and caches that follow the journal."""

from __future__ import annotations

from dataclasses import dataclass, field

from marketofone.consent.ledger import Consents
from marketofone.flow.book import Book
from marketofone.flow.learned import Learned, Mind
from marketofone.governance.board import BoardState
from marketofone.models.language.model import LanguageModel
from marketofone.store.ports import Store

_CACHED_PEOPLE = 200_000


@dataclass
class Caches:
    """Decoded values beside the position in the journal they were decoded at; the store stays the truth."""

    learned: Learned | None = None
    mind: Mind | None = None
    board: tuple[int, BoardState] | None = None
    consents: dict[str, tuple[int, Consents]] = field(default_factory=dict)

    def keep_consents(self, person: str, consents: Consents) -> None:
        """Keep a person's consents beside their epoch."""
        if len(self.consents) >= _CACHED_PEOPLE:
            self.consents.clear()
        self.consents[person] = (consents.epoch, consents)


@dataclass(frozen=True)
class Equipment:
    """Everything plugged in, built once by ``wiring``."""

    store: Store
    book: Book
    language: LanguageModel
    caches: Caches = field(default_factory=Caches)
