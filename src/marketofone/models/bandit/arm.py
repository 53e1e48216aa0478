"""What is believed about one action: a Gaussian over the weights of a linear model of what an outcome says.

``x @ weights`` is the chance of acceptance, or what an acceptance is worth, observed with noise of known size. An
outcome moves the belief by a rank-one update, so a belief is as large after a million outcomes as after none.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedDocument, MalformedRequest

FloatArray: TypeAlias = NDArray[np.float64]

_HEADER = struct.Struct("<4sIQddd")
_MAGIC = b"arm3"
_LOOKED = struct.Struct("<4sIQdddd")
_LOOKED_MAGIC = b"arm4"  # where somebody did not look
_OLDER = struct.Struct("<4sIQdd")
_OLDER_MAGIC = b"arm2"  # of releases that did not keep squares
_FORMS = {_MAGIC: _HEADER, _LOOKED_MAGIC: _LOOKED, _OLDER_MAGIC: _OLDER}


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """The belief about one action. Its arrays cannot be written to; compare two beliefs by their bytes.

    ``mean`` (d) and ``covariance`` (d, d; symmetric to the bit) describe the weights, the intercept first. ``noise`` is
    the standard deviation of one reward around the line, ``n`` the number of outcomes learned from, ``total`` the sum
    of their rewards, and ``squares`` of their squares (NaN where an earlier release did not keep them). Of the outcomes
    so many as ``unseen`` are by people who did not look: a context begins with how many do.
    """

    mean: FloatArray
    covariance: FloatArray
    noise: float
    n: int
    total: float = 0.0
    squares: float = 0.0
    unseen: float = 0.0

    def __post_init__(self) -> None:
        self.mean.setflags(write=False)
        self.covariance.setflags(write=False)


def prior_arm(dim: int, *, start: float, level: float, slope: float, noise: float) -> Arm:
    """Give the belief before the first outcome: everybody answers with ``start``, give or take ``level``.

    Parameters
    ----------
    dim
        Length of the context vector, whose first entry is the intercept's 1.
    start
        Prior mean of the intercept; the other weights start at 0.
    level, slope
        Prior standard deviation of the intercept, and of each other weight, for one unit of context.
    noise
        Standard deviation of one reward around the line.

    Raises
    ------
    MalformedRequest
        When a size is not positive or the start is not finite.

    Examples
    --------
    >>> prior_arm(3, start=0.05, level=0.1, slope=0.02, noise=0.2).mean.tolist()
    [0.05, 0.0, 0.0]
    """
    if dim < 1 or not all(0.0 < size < math.inf for size in (level, slope, noise)) or not math.isfinite(start):
        raise MalformedRequest(field="arm", shape="a size that is not positive", fix="give finite positive sizes")
    mean, spread = np.zeros(dim), np.full(dim, slope)
    mean[0], spread[0] = start, level
    return Arm(mean=mean, covariance=np.diag(spread * spread), noise=noise, n=0)


def update(arm: Arm, context: FloatArray, *, reward: float) -> Arm:
    """Give the belief after one more outcome.

    Parameters
    ----------
    arm
        The belief so far; it is left as it was.
    context
        Shape (d,): the context the action was chosen in.
    reward
        What was observed: 1 when it was accepted and 0 when not, or what an acceptance was worth.

    Raises
    ------
    MalformedRequest
        When the context does not fit the arm, or something is not finite.

    Notes
    -----
    Source: Sherman and Morrison (1950) on the precision of Bayesian linear regression with known noise (Bishop 2006,
    eq. 3.50 and 3.51). The order of outcomes does not matter, up to rounding.

    Examples
    --------
    >>> arm = prior_arm(1, start=0.0, level=1.0, slope=1.0, noise=1.0)
    >>> after = update(arm, np.array([1.0]), reward=1.0)
    >>> after.mean.tolist(), after.covariance.tolist()
    ([0.5], [[0.5]])
    """
    if context.shape != arm.mean.shape:
        raise MalformedRequest(field="context", shape=f"shape {context.shape}", fix=f"give {arm.mean.size} numbers")
    gain = arm.covariance.dot(context)
    variance = arm.noise * arm.noise + max(float(context.dot(gain)), 0.0)
    surprise = (reward - float(context.dot(arm.mean))) / variance
    if not math.isfinite(surprise):
        raise MalformedRequest(field="context", shape="a number that is not finite", fix="leave out what is unknown")
    covariance = gain.reshape(-1, 1).dot(gain.reshape(1, -1))  # one product each: faster so than by broadcasting
    covariance /= variance
    np.subtract(arm.covariance, covariance, out=covariance)
    gain *= surprise
    gain += arm.mean
    return Arm(
        mean=gain,
        covariance=covariance,
        noise=arm.noise,
        n=arm.n + 1,
        total=arm.total + reward,
        squares=arm.squares + reward * reward,
        unseen=arm.unseen + (1.0 - context.item(0)),
    )


def to_bytes(arm: Arm) -> bytes:
    """Write a belief: header, mean, upper triangle, as little-endian float64. Equal beliefs give equal bytes."""
    dim = arm.mean.size
    triangle = arm.covariance[_upper(dim)]
    kept = (dim, arm.n, arm.noise, arm.total, arm.squares)
    header = _LOOKED.pack(_LOOKED_MAGIC, *kept, arm.unseen) if arm.unseen else _HEADER.pack(_MAGIC, *kept)
    return header + arm.mean.astype("<f8").tobytes() + triangle.astype("<f8").tobytes()


@lru_cache(maxsize=64)
def _upper(dim: int) -> tuple[NDArray[np.intp], ...]:
    return np.triu_indices(dim)


def from_bytes(blob: bytes) -> Arm:
    """Read a belief written by :func:`to_bytes`, to the bit.

    Raises
    ------
    MalformedDocument
        When the bytes are no belief.

    Examples
    --------
    >>> from_bytes(to_bytes(prior_arm(2, start=0.1, level=1.0, slope=1.0, noise=0.5))).covariance.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    header = _FORMS.get(blob[:4], _HEADER)
    whole = len(blob) >= header.size
    magic, dim, n, noise, total, *more = header.unpack_from(blob) if whole else (b"", 0, 0, 0.0, 0.0)
    numbers = dim + dim * (dim + 1) // 2
    if magic not in _FORMS or len(blob) != header.size + 8 * numbers:
        raise MalformedDocument(field="arm", shape=f"{len(blob)} bytes", fix="train the model again")
    values = np.frombuffer(blob, dtype="<f8", offset=header.size).astype(np.float64)
    covariance = np.empty((dim, dim))
    upper = _upper(dim)
    covariance[upper] = values[dim:]
    covariance.T[upper] = values[dim:]
    squares = more[0] if more else math.nan
    unseen = more[1] if len(more) > 1 else 0.0
    mean = values[:dim].copy()
    return Arm(mean=mean, covariance=covariance, noise=noise, n=n, total=total, squares=squares, unseen=unseen)
