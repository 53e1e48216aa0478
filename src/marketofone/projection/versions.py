"""Versions of what was learned, as values: the beliefs behind decisions, and the forecast's models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.domain.action import Action
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import Refused, StoreError
from marketofone.features.catalogue import Catalogue
from marketofone.learn.rewards import Prices
from marketofone.learn.values import ValuePosterior, prior_value
from marketofone.learn.values import from_bytes as value_from
from marketofone.models.bandit import Beliefs, State
from marketofone.models.forecast import Model
from marketofone.models.forecast.calibrate import Stretch
from marketofone.models.recommend import Affinity, FormerAffinity
from marketofone.models.recommend import from_bytes as affinity_from
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.bank_state import BankState
from marketofone.projection.recent import Recent
from marketofone.projection.records import VersionRecord
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import BANK, Journals

AFFINITY = "affinity"
FORECAST, BANDS = "forecast:model", "forecast:bands"
FITS = (AFFINITY, FORECAST, BANDS)
"""What trainings fit from everybody together."""
DESTROYED = "this version was learned from somebody who was forgotten, and is destroyed"
_STATES = 2_048
_VERSIONS = 4_096
_POLICIES = 64
_STRETCH = msgpack_decoder(Stretch)


class States(Protocol):
    """Where sealed states of versions are found."""

    def state(self, digest: bytes) -> bytes | None:
        """Give a sealed state by its SHA-256."""
        ...


@dataclass(frozen=True, eq=False)
class ModelVersion:
    """One version: the digest of each of its states. What is absent is at its prior."""

    number: int
    digests: Mapping[str, bytes]

    @cached_property
    def beliefs(self) -> dict[str, bytes]:
        """The digests of what outcomes taught."""
        return {name: digest for name, digest in self.digests.items() if name not in FITS}

    @cached_property
    def decides_by(self) -> set[bytes]:
        """The digests of what decisions are computed with; what looks ahead stands in forecasts that are recorded."""
        return {digest for name, digest in self.digests.items() if name not in (FORECAST, BANDS)}


@dataclass(frozen=True, eq=False)
class PolicySnapshot:
    """A version laid out in the order in which a catalogue offers its actions.

    ``ranking`` (k,) is what outcomes taught of each action from everybody together, in minor units: None where no group
    of the bank follows it.
    """

    version: ModelVersion
    compiled: CompiledCatalogue
    beliefs: Beliefs
    affinity: Affinity | FormerAffinity | None
    ranking: NDArray[np.float64] | None = None


def belief_name(name: str, *, features: Catalogue) -> str:
    """Name a policy's state in a version; other feature declarations start another one."""
    family, of = name.split(":", 1)
    return f"{family}:{features.digest[:8]}:{of}"


def value_name(action: str) -> str:
    """Name the state of an action's value posterior."""
    return f"value:{action}"


class VersionReader:
    """Reads versions and their states; each state once."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._decoded: Recent[bytes, Any] = Recent(room=_STATES)
        self._versions: Recent[int, ModelVersion] = Recent(room=_VERSIONS)
        self._policies: Recent[tuple[int, str], PolicySnapshot] = Recent(room=_POLICIES)
        self._last: PolicySnapshot | None = None

    def records(self, journals: Journals) -> dict[int, VersionRecord]:
        """Read what is written of every version, active or not, by the entry that made it."""
        entries = journals.entries(BANK, kinds=("version",))
        return {entry.n: codec.read(entry, box=self._keys.bank) for entry in entries}

    def version(self, bank: BankState, number: int) -> ModelVersion:
        """Give a version by the entry that made it."""
        known, later = self._versions.get(number), list[int]()
        while known is None and number:  # back to a version that is known, or to the beginning
            later.append(number)
            number = bank.versions[number].parent
            known = self._versions.get(number)
        known = known or ModelVersion(0, {})
        for one in reversed(later):
            changed = {**known.digests, **bank.versions[one].changed}
            known = ModelVersion(one, {name: digest for name, digest in changed.items() if digest is not None})
        if later:
            self._versions.put(known.number, known)
        return known

    def is_destroyed(self, bank: BankState, number: int) -> bool:
        """Say whether what a version decides by was learned from somebody who was forgotten."""
        return bool(bank.destroyed) and not bank.destroyed.isdisjoint(self.version(bank, number).decides_by)

    def require_kept(self, bank: BankState, number: int) -> None:
        """Go on only with a version that is still there.

        Raises
        ------
        Refused
            When the version was destroyed.
        """
        if self.is_destroyed(bank, number):
            raise Refused(why=DESTROYED)

    def belief(self, store: States, version: ModelVersion, name: str, *, config: BankConfig) -> State | None:
        """Give what a policy learned under a name; None before the first outcome."""
        read = partial(config.compiled.policy.read, name)
        found: State | None = self._state(store, version, belief_name(name, features=config.features), read)
        return found

    def value(self, store: States, version: ModelVersion, action: Action) -> ValuePosterior:
        """Give the belief about what an acceptance is worth, the prior when nothing was reported."""
        found: ValuePosterior | None = self._state(store, version, value_name(action.id), value_from)
        return found or prior_value(action.value_minor)

    def prices(self, store: States, version: ModelVersion, actions: Iterable[Action]) -> Prices:
        """Give what decisions are rewarded by: what is believed of acceptances, and what showing costs."""
        known = tuple(actions)
        return Prices(
            values={action.id: self.value(store, version, action).expected_minor for action in known},
            costs={action.id: action.cost_minor for action in known},
        )

    def forecast_model(self, store: States, version: ModelVersion) -> Model:
        """Give the model that looks ahead, the prior formula when it was never trained."""
        model: Model | None = self._state(store, version, FORECAST, Model.from_bytes)
        if model is None:
            return Model()
        stretch: Stretch | None = self._state(store, version, BANDS, _STRETCH.decode)
        return model if stretch is None else replace(model, stretch=stretch)

    def policy(self, store: States, bank: BankState, number: int, *, config: BankConfig) -> PolicySnapshot:
        """Lay a version out for a catalogue; of the one laid out last, only the rows that differ are made again."""
        known = self._policies.get((number, config.digest))
        if known is None:
            last = self._last
            before = last if last is not None and last.compiled is config.compiled else None
            known = self._laid_out(store, self.version(bank, number), config=config, before=before)
            self._policies.put((number, config.digest), known)
        self._last = known
        return known

    def _laid_out(
        self, store: States, version: ModelVersion, *, config: BankConfig, before: PolicySnapshot | None
    ) -> PolicySnapshot:
        beliefs = self._beliefs(store, version, config=config, before=before)
        return PolicySnapshot(
            version=version,
            compiled=config.compiled,
            beliefs=beliefs,
            affinity=self._affinity(store, version, config=config, before=before),
            ranking=self._ranking(store, version, beliefs, config=config) if config.settings.groups.ranking else None,
        )

    def _ranking(
        self, store: States, version: ModelVersion, beliefs: Beliefs, *, config: BankConfig
    ) -> NDArray[np.float64]:
        """Give what each action is worth to anybody: how often it is accepted times what that is worth, less costs."""
        actions = config.compiled.offered
        worths = np.array([self.value(store, version, action).expected_minor for action in actions], dtype=np.float64)
        return beliefs.rates * worths - np.array([action.cost_minor for action in actions], dtype=np.float64)

    def _affinity(
        self, store: States, version: ModelVersion, *, config: BankConfig, before: PolicySnapshot | None
    ) -> Affinity | FormerAffinity | None:
        if before is not None and before.version.digests.get(AFFINITY) == version.digests.get(AFFINITY):
            return before.affinity
        found: Affinity | FormerAffinity | None = self._state(store, version, AFFINITY, affinity_from)
        return None if found is None else found.with_content(config.compiled.content)

    def _beliefs(
        self, store: States, version: ModelVersion, *, config: BankConfig, before: PolicySnapshot | None
    ) -> Beliefs:
        policy, digests = config.compiled.policy, {} if before is None else before.version.digests
        full = {name: belief_name(name, features=config.features) for name in policy.names}
        moved = {name for name, stored in full.items() if version.digests.get(stored) != digests.get(stored)}
        states = partial(self.belief, store, version, config=config)
        return policy.beliefs(states, moved=moved, before=None if before is None else before.beliefs)

    def _state(self, store: States, version: ModelVersion, name: str, decode: Callable[[bytes], Any]) -> Any:
        digest = version.digests.get(name)
        if digest is None:
            return None
        value = self._decoded.get(digest)
        if value is None:
            body = store.state(digest)
            if body is None:
                raise StoreError(f"a state of version {version.number} is missing")
            value = decode(codec.open_state(name, body, box=self._keys.bank))
            self._decoded.put(digest, value)
        return value
