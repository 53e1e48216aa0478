r"""What actions have in common: outcomes of one say something about all, and more about those of its kind.

Each action's weights are those of its start, plus a part that all actions share, plus one that its kind shares, plus
its own:

.. math:: \theta_a = m_a + \sigma_a (b + b_{kind(a)} + \delta_a)

where :math:`\sigma_a` is the unit in which actions of different size are compared. An arm already holds what its own
outcomes say about :math:`\delta_a`, as if nothing were shared. So the shared parts need no outcome again: with D the
prior covariance and V the covariance of an arm, both in its unit, and u its mean less its start,

.. math:: (D^{-1} - D^{-1} V D^{-1})\, b = D^{-1} u

is what one arm says about b; these are added up, kind by kind, and solved. An arm's mean then moves by
:math:`V D^{-1} (b + b_{kind})`: fully, where it has no outcome of its own, and hardly, where it has many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedDocument
from marketofone.models.bandit.arm import Arm, FloatArray
from marketofone.models.bandit.scale import AS_STATED, GRID, NOISES, Evidence, Sizes


class _Form(msgspec.Struct, frozen=True, array_like=True):
    everybody: bytes
    kinds: dict[str, bytes]
    scale: float = 1.0
    evidence: dict[str, bytes] = {}
    noise: float = 1.0
    distrust: float = 1.0


_DECODE = msgpack_decoder(_Form).decode
_EVIDENCE_BYTES = 4 * GRID.size * NOISES.size
"""Of one action; what an earlier release found over another grid has another length, and is found again."""


@dataclass(frozen=True, slots=True)
class Spreads:
    """Prior standard deviations in units of an action: of the level and of each slope, for all, kinds and actions."""

    level: tuple[float, float, float]
    slope: tuple[float, float, float]

    def scaled(self, scale: float) -> Spreads:
        """Give those whose slopes are so many times as wide."""
        of_all, of_kind, own = self.slope
        return Spreads(level=self.level, slope=(of_all * scale, of_kind * scale, own * scale))

    def whole(self, *, dim: int) -> FloatArray:
        """Give the prior variance of an action's weights, of all steps together. Shape (d,)."""
        variance: FloatArray = sum(1.0 / self.precision(step, dim=dim) for step in range(3))  # type: ignore[assignment]
        return variance

    def precision(self, step: int, *, dim: int) -> FloatArray:
        """Give the prior precision of the weights at one step: 0 all, 1 kinds, 2 actions. Shape (d,)."""
        spread = np.full(dim, self.slope[step])
        spread[0] = self.level[step]
        precision: FloatArray = 1.0 / (spread * spread)
        return precision


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """The parts that actions share, in their units: ``everybody`` (d), and for each kind that with its own.

    ``sizes`` are how wide slopes are and how far outcomes lie apart, as parts of what is stated, and ``evidence`` is
    what each action says of that: see :mod:`.scale`. ``distrust`` is how much of what the bank states of actions that
    are accepted far more often than declared remains: see :mod:`.distrust`.
    """

    everybody: FloatArray
    kinds: Mapping[str, FloatArray]
    sizes: Sizes = AS_STATED
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    distrust: float = 1.0

    def of(self, kind: str) -> FloatArray:
        """Give what an action of a kind shares with others. Shape (d,)."""
        return self.kinds.get(kind, self.everybody)


class Taught(NamedTuple):
    """An action that had outcomes: its kind, its unit, the arm that it started with, and the arm as it is.

    ``suspected`` is how far its level lies from its start by what the bank states of distrust, in units.
    """

    kind: str
    unit: float
    start: Arm
    arm: Arm
    suspected: float = 0.0


def pool(actions: Sequence[Taught], *, spreads: Spreads, dim: int, certainty: float | None = None) -> Shared:
    """Find what actions share.

    Parameters
    ----------
    actions
        Those that had outcomes; others say nothing.
    spreads
        How far the shared parts, and the actions' own, may lie from their start.
    dim
        Length of a context vector.
    certainty
        How precisely is known, before, that all of what actions are suspected of is so; None where none is suspected.

    Returns
    -------
    Shared
        Posterior means; all 0 before the first outcome.

    Notes
    -----
    Source: the hierarchical linear model (Gelman et al. 2013, ch. 15; Lindley and Smith 1972), solved kind by kind.
    The spreads are given; :mod:`.scale` says how they follow the data.

    Examples
    --------
    >>> from marketofone.models.bandit.arm import prior_arm, update
    >>> start = prior_arm(1, start=0.0, level=1.0, slope=1.0, noise=1.0)
    >>> taught = update(start, np.array([1.0]), reward=3.0)
    >>> shared = pool([Taught("tip", 1.0, start, taught)], spreads=Spreads((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)), dim=1)
    >>> shared.of("offer").round(2).tolist(), shared.of("tip").round(2).tolist()
    ([0.75], [1.5])
    """
    own = spreads.precision(2, dim=dim)
    said: dict[str, tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = {}
    for kind, unit, start, arm, suspected in actions:
        precision = np.diag(own) - own[:, np.newaxis] * (arm.covariance / unit**2) * own
        pull = own * (arm.mean - start.mean) / unit
        one = (precision, *_beside(precision, pull, suspected=None if certainty is None else suspected))
        said[kind] = one if kind not in said else tuple(map(np.add, said[kind], one))  # type: ignore[assignment]
    total, sums = _before(spreads.precision(0, dim=dim), certainty)
    of_kind, size = np.diag(spreads.precision(1, dim=dim)), sums.size
    solved: dict[str, FloatArray] = {}
    for kind, (precision, across, down, whole) in said.items():
        solved[kind] = both = _solve(of_kind + precision, across)
        total = total + whole[:, :size] - down @ both[:, :size]
        sums = sums + whole[:, size] - down @ both[:, size]
    found = _solve(total, sums)
    if certainty is not None and found[dim] < 0.0:  # it never becomes trust: the rest is what it is where there is none
        found = np.append(_solve(total[:dim, :dim], sums[:dim]), 0.0)
    everybody, distrust = found[:dim], 1.0 if certainty is None else float(found[dim])
    kinds = {kind: everybody + both[:, size] - both[:, :size] @ found for kind, both in sorted(solved.items())}
    return Shared(everybody=everybody, kinds=kinds, distrust=distrust)


def _before(precision: FloatArray, certainty: float | None) -> tuple[FloatArray, FloatArray]:
    """Give what is known before of what actions share, and last of how much distrust is right: that all of it is."""
    if certainty is None:
        return np.diag(precision), np.zeros(precision.size)
    return np.diag(np.append(precision, certainty)), np.append(np.zeros(precision.size), certainty)


def _beside(
    precision: FloatArray, pull: FloatArray, *, suspected: float | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give what an arm says of its kind's part beside what all share, of both the other way round, and of the latter.

    What all share are the weights, and last the share of distrust, which moves the level alone. The last column is what
    is said of their means.
    """
    if suspected is None:
        both = np.column_stack([precision, pull])
        return both, precision, both
    across = np.column_stack([precision, suspected * precision[:, 0], pull])
    return across, np.vstack([precision, suspected * precision[0]]), np.vstack([across, suspected * across[0]])


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    return np.linalg.solve(matrix, right).astype(np.float64)


def to_bytes(shared: Shared) -> bytes:
    """Write shared parts; equal ones give equal bytes."""
    kinds = {name: part.astype("<f8").tobytes() for name, part in sorted(shared.kinds.items())}
    evidence = {name: said.astype("<f4").tobytes() for name, said in sorted(shared.evidence.items())}
    scale, noise = shared.sizes
    form = _Form(shared.everybody.astype("<f8").tobytes(), kinds, scale, evidence, noise, shared.distrust)
    return msgspec.msgpack.encode(form)


def from_bytes(blob: bytes) -> Shared:
    """Read what :func:`to_bytes` wrote, to the bit.

    Raises
    ------
    MalformedDocument
        When the bytes are no shared parts.
    """
    try:
        form = _DECODE(blob)
        everybody = np.frombuffer(form.everybody, dtype="<f8")
        kinds = {name: np.frombuffer(part, dtype="<f8") for name, part in form.kinds.items()}
        evidence = {name: _evidence(said) for name, said in form.evidence.items() if len(said) == _EVIDENCE_BYTES}
        sizes = Sizes(form.scale, form.noise)
        return Shared(everybody=everybody, kinds=kinds, sizes=sizes, evidence=evidence, distrust=form.distrust)
    except (msgspec.DecodeError, ValueError) as error:
        raise MalformedDocument(field="shared", shape=f"{len(blob)} bytes", fix="train the model again") from error


def _evidence(said: bytes) -> Evidence:
    return np.frombuffer(said, dtype="<f4").reshape(GRID.size, NOISES.size)
