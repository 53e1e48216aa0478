"""What every use case is handed: the store, the config, the language model, and caches that follow the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from marketofone.consent.ledger import Consents
from marketofone.domain.moment import Instant
from marketofone.features.state import LiveState
from marketofone.governance.board import NO_RULINGS, BoardState
from marketofone.models.forecast import Model
from marketofone.models.language.model import LanguageModel
from marketofone.services.bank_config import DIGEST, DOCUMENTS, BankConfig, read_config
from marketofone.services.model_version import UNTRAINED, ModelVersion, PolicySnapshot
from marketofone.store.ports import Reader, Store

_CACHED_PEOPLE = 100_000
_CACHED_STATES = 8_192

K = TypeVar("K")
V = TypeVar("V")


class Decoded(Generic[K, V]):
    """Values beside the bytes they were decoded from. The same bytes say the same, whoever wrote or read them."""

    def __init__(self, *, room: int) -> None:
        self._room = room
        self._kept: dict[K, tuple[bytes, V]] = {}

    def read(self, name: K, body: bytes, *, decode: Callable[[bytes], V]) -> V:
        """Give what some bytes say, decoded once."""
        kept = self._kept.get(name)
        if kept is not None and kept[0] == body:
            return kept[1]
        value = decode(body)
        self.keep(name, body, value)
        return value

    def keep(self, name: K, body: bytes, value: V) -> None:
        """Keep what some bytes say."""
        if len(self._kept) >= self._room:
            self._kept.clear()
        self._kept[name] = (body, value)


class Followed(NamedTuple):
    """What everybody's decisions rest on, as of a position of the journal."""

    position: int
    model_version: ModelVersion
    board: BoardState


NOTHING_YET = Followed(0, UNTRAINED, NO_RULINGS)


@dataclass
class ForecastModels:
    """What the journal holds of forecast models up to a position: the name, as of when, the entry, and the bytes."""

    position: int = 0
    trained: list[tuple[str, Instant, int, bytes]] = field(default_factory=list)
    models: Decoded[int, Model] = field(default_factory=lambda: Decoded(room=2))


@dataclass
class Caches:
    """Decoded values beside what they were decoded from; the store stays the truth."""

    followed: Followed = NOTHING_YET
    policy_snapshot: PolicySnapshot | None = None
    forecast_models: ForecastModels = field(default_factory=ForecastModels)
    features: dict[str, str | None] = field(default_factory=dict)  # their digest by that of the documents
    consents: Decoded[str, Consents] = field(default_factory=lambda: Decoded(room=_CACHED_PEOPLE))
    states: Decoded[tuple[str, str], LiveState] = field(default_factory=lambda: Decoded(room=_CACHED_STATES))


@dataclass
class AppContext:
    """Everything plugged in, built once by ``wiring``; the config follows what any process recorded last."""

    store: Store
    config: BankConfig
    language: LanguageModel
    caches: Caches = field(default_factory=Caches)

    def follow(self, reader: Reader) -> None:
        """Read the config that is recorded now, when it is another than the one at hand."""
        if reader.document(DIGEST) not in (None, self.config.digest):
            texts = {name: reader.document(name) for name in DOCUMENTS}
            self.config = read_config({name: text for name, text in texts.items() if text is not None})
            self.caches = Caches()
