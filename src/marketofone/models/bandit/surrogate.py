r"""What early signs say of an acceptance whose value is not reported yet: a surrogate of the value.

What an acceptance is worth is known after months, and days after it there are *signs*: it was taken back, there was a
complaint, a fee. From acceptances of which both are known, of all actions together, follows what signs say:

.. math:: z = s'\beta + \rho_a + \epsilon

where z is how far the value lies from what the catalogue states, in units of that, s are the signs behind a 1, and
:math:`\rho_a` is what the values of one action were beside what its signs said.

A sign is a noisy witness: of four people whom something harms one complains, so whether *one* complained says little,
and a regression over single acceptances would find that signs say little. What many acceptances of one action say
together says a lot. So :math:`\beta` is found for means of :data:`TOGETHER` acceptances of an action. Before anything
is known, it follows from what the bank states, as strong as so many reports.

An acceptance that waits for its value teaches what its signs say, with the noise of that, which is more than that of a
report; when the value comes, it is taken out, and the value comes in. Everything is a sum over acceptances, so their
order does not matter, and one that may not teach any more goes by leaving it out. Which acceptances wait is kept by
their places, so that only what came in is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedDocument
from marketofone.models.bandit import arm as arms
from marketofone.models.bandit.arm import Arm, FloatArray

Place = tuple[int, int]
"""Names the reading of signs: the journal, and its entry."""

TOGETHER = 100.0
"""How many acceptances of one action are read together."""
SPREAD = 0.5
"""Of what is stated: how far the value of one acceptance lies from those of others, as one believes at first."""
LEAST = 0.01
"""Of the variance of a sign: one that is stated never to be seen still says something where it is."""
BESIDE = 0.3
"""Of what is stated: how far the values of one action lie beside what its signs say, before any is reported."""


class Reading(NamedTuple):
    """The signs of one acceptance, each from 0 (not seen) to 1, and the place that names the reading."""

    place: Place
    signs: tuple[float, ...]


class Stated(NamedTuple):
    """What the bank states of signs: a label that changes with what they are, and how large each is on the mean.

    ``helps`` is that after acceptances that are worth what the catalogue states, ``harms`` after those that are worth
    by ``harm`` of it more (less, where below 0). It counts like ``reports`` of each.
    """

    label: str
    helps: tuple[float, ...]
    harms: tuple[float, ...]
    harm: float
    reports: float

    @property
    def sums(self) -> SignSums:
        """What is stated, as if it had been seen of two actions together."""
        seen = np.array([[1.0, *self.helps], [1.0, *self.harms]])
        apart = np.array([0.0, *(np.mean(seen * (1.0 - seen), axis=0)[1:] + LEAST)])
        return SignSums(
            n=0,
            squares=self.reports * (seen.T @ seen + 2.0 * np.diag(apart) / TOGETHER),
            pull=self.reports * self.harm * seen[1],
            total=0.0,
            waiting=frozenset(),
            information=np.zeros((0, 0)),
            cross=np.zeros((0, 0)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SignSums:
    """What is kept of one action, with k signs behind a 1, and d entries of a context.

    ``n`` acceptances whose signs and value are known: ``squares`` (k, k) sums s s', ``pull`` (k) sums s z, and
    ``total`` z z. ``waiting`` names those whose value is not: ``information`` (d, d) sums x x', ``cross`` (d, k) x s'.
    """

    n: int
    squares: FloatArray
    pull: FloatArray
    total: float
    waiting: frozenset[Place]
    information: FloatArray
    cross: FloatArray

    def waits(self, reading: Reading, context: FloatArray) -> SignSums:
        """Give the sums with an acceptance that waits for its value."""
        if reading.place in self.waiting:
            return self
        return self._waiting(reading, context, sign=1.0)

    def valued(self, reading: Reading, context: FloatArray, *, z: float) -> SignSums:
        """Give the sums when the value of an acceptance comes: from here on it waits no more."""
        rest = self._waiting(reading, context, sign=-1.0) if reading.place in self.waiting else self
        s = _behind_one(reading.signs)
        return replace(
            rest,
            n=self.n + 1,
            squares=self.squares + np.outer(s, s),
            pull=self.pull + z * s,
            total=self.total + z * z,
        )

    def _waiting(self, reading: Reading, context: FloatArray, *, sign: float) -> SignSums:
        waiting = self.waiting ^ {reading.place}
        left = float(bool(waiting))  # where none waits, nothing is left, and no rounding either
        x = sign * context
        return replace(
            self,
            waiting=waiting,
            information=left * (self.information + np.outer(x, context)),
            cross=left * (self.cross + np.outer(x, _behind_one(reading.signs))),
        )

    @property
    def together(self) -> tuple[FloatArray, FloatArray]:
        """What acceptances say together: the products of their means, and a part of what each says by itself.

        Shapes (k, k) and (k,). One alone has no mean but itself, so a mean of n counts like n - 1.
        """
        part, seen, value = 1.0 / TOGETHER, self.squares[0] / self.n, self.pull[0] / self.n
        means = (1.0 - part) * (self.n - 1)
        return means * np.outer(seen, seen) + part * self.squares, means * value * seen + part * self.pull


class Index(NamedTuple):
    """What signs say of values, by all actions together: ``beta`` (k), and the variance of one value around that."""

    beta: FloatArray
    variance: float


class Beside(NamedTuple):
    """How far the values of one action lay beside what its signs said, on the mean of ``n``: as it is, and shrunken.

    ``error`` is the standard error of the mean, NaN below two; ``left`` the variance of what is not known of it. In
    units of what the catalogue states.
    """

    n: int
    mean: float
    error: float
    shrunken: float
    left: float


def no_sums(*, dim: int, signs: int) -> SignSums:
    """Give the sums of an action of which no signs were read."""
    k = signs + 1
    return SignSums(
        n=0,
        squares=np.zeros((k, k)),
        pull=np.zeros(k),
        total=0.0,
        waiting=frozenset(),
        information=np.zeros((dim, dim)),
        cross=np.zeros((dim, k)),
    )


def index_of(each: Iterable[SignSums], stated: Stated) -> Index:
    """Find what signs say of values.

    Parameters
    ----------
    each
        The sums of all actions.
    stated
        What is believed before; in units of what the catalogue states.

    Returns
    -------
    Index
        The posterior mean of the coefficients, the first that of the 1, and the variance around them.

    Notes
    -----
    Source: the surrogate index (Athey, Chetty, Imbens and Kang 2019), fitted over means of actions: over single noisy
    signs it would be attenuated (errors in variables; grouping as Wald 1940; over many experiments Bibaut, Chou,
    Ejdemyr and Kallus 2024).

    Examples
    --------
    >>> stated = Stated("", (0.0,), (0.5,), -2.0, 10.0)
    >>> index_of([], stated).beta.round(1).tolist()
    [-0.0, -3.9]
    >>> harmless = no_sums(dim=1, signs=1)
    >>> for place in range(300):
    ...     harmless = harmless.valued(Reading((1, place), (float(place % 2),)), np.ones(1), z=0.0)
    >>> bool(index_of([harmless], stated).beta[1] > -0.5)
    True
    """
    known, prior = [one for one in each if one.n], stated.sums
    n = sum(one.n for one in known)
    said = [one.together for one in known]
    squares = sum((of for of, _ in said), prior.squares)
    pull = sum((of for _, of in said), prior.pull)
    beta = np.linalg.solve(squares, pull).astype(np.float64)
    rates = np.array([1.0, *stated.helps])
    first = SPREAD**2 + float(np.square(beta[1:]) @ (rates * (1.0 - rates))[1:])
    around = sum((_around(one, beta) for one in known), 0.0)
    return Index(beta, (stated.reports * first + around) / (stated.reports + n))


def beside(sums: SignSums, index: Index) -> Beside:
    """Say how far the values of an action lay beside what its signs said.

    Notes
    -----
    Source: the posterior mean of a normal mean (Gelman et al. 2013, section 2.5), around 0 with a spread of
    :data:`BESIDE`. Where an action's effect bypasses its signs, surrogacy is violated; this corrects it, and shows it.
    """
    n = sums.n
    precision = 1.0 / BESIDE**2 + n / index.variance
    if not n:
        return Beside(0, 0.0, float("nan"), 0.0, 1.0 / precision)
    mean = float(sums.pull[0] - sums.squares[0] @ index.beta) / n
    apart = max(_around(sums, index.beta) - n * mean * mean, 0.0)
    error = (apart / (n - 1) / n) ** 0.5 if n > 1 else float("nan")
    return Beside(n, mean, error, n * mean / index.variance / precision, 1.0 / precision)


def imputed(arm: Arm, sums: SignSums, index: Index, *, start: float, stated: float) -> Arm:
    """Give an action's arm as if acceptances that wait for their value were worth what their signs say.

    Parameters
    ----------
    arm
        What reported values taught.
    sums, index
        What is kept of the action, and what signs say.
    start, stated
        The value in the catalogue, and the unit of z, in minor units.

    Notes
    -----
    Each counts as a report with the variance of a report and that around the index. What an action's values may lie
    beside its signs is the same for all of them, so however many wait, their mean is known no better than that.
    """
    unit = arm.noise * arm.noise
    correction, waiting = beside(sums, index), len(sums.waiting)
    variance = unit + stated * stated * (index.variance + waiting * correction.left)
    beta = stated * index.beta
    beta[0] += start + stated * correction.shrunken
    before = np.linalg.inv(arm.covariance)
    covariance = np.linalg.inv(before + sums.information / variance)
    mean = covariance @ (before @ arm.mean + sums.cross @ beta / variance)
    return Arm(
        mean=mean,
        covariance=0.5 * (covariance + covariance.T),
        noise=arm.noise,
        n=arm.n,
        total=arm.total,
        squares=arm.squares,
    )


def _behind_one(signs: tuple[float, ...]) -> FloatArray:
    return np.array([1.0, *signs])


def _around(sums: SignSums, beta: FloatArray) -> float:
    """Sum the squares of what values lay beside what signs say; rounding may leave it a little below 0."""
    return max(float(sums.total - 2.0 * beta @ sums.pull + beta @ sums.squares @ beta), 0.0)


class _Form(msgspec.Struct, frozen=True, array_like=True):
    dim: int
    n: int
    total: float
    waiting: tuple[Place, ...]
    squares: bytes
    pull: bytes
    information: bytes
    cross: bytes


_DECODE = msgpack_decoder(_Form).decode
_DECODE_ARMS = msgpack_decoder(dict[str, bytes]).decode


def to_bytes(sums: SignSums) -> bytes:
    """Write the sums of an action; equal ones give equal bytes."""
    arrays = (sums.squares, sums.pull, sums.information, sums.cross)
    written = (array.astype("<f8").tobytes() for array in arrays)
    form = _Form(len(sums.information), sums.n, sums.total, tuple(sorted(sums.waiting)), *written)
    return msgspec.msgpack.encode(form)


def from_bytes(blob: bytes) -> SignSums:
    """Read what :func:`to_bytes` wrote, to the bit.

    Raises
    ------
    MalformedDocument
        When the bytes are no sums.
    """
    try:
        form = _DECODE(blob)
        k = len(form.pull) // 8
        return SignSums(
            n=form.n,
            squares=_array(form.squares, (k, k)),
            pull=_array(form.pull, (k,)),
            total=form.total,
            waiting=frozenset(form.waiting),
            information=_array(form.information, (form.dim, form.dim)),
            cross=_array(form.cross, (form.dim, k)),
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise MalformedDocument(field="signs", shape=f"{len(blob)} bytes", fix="train the model again") from error


def _array(blob: bytes, shape: tuple[int, ...]) -> FloatArray:
    return np.frombuffer(blob, dtype="<f8").reshape(shape)


@dataclass(frozen=True, slots=True)
class Imputed:
    """The arms of actions of which acceptances wait for their value, with what the signs of these say."""

    arms: Mapping[str, Arm]


def imputed_to_bytes(found: Mapping[str, Arm]) -> bytes:
    """Write arms by the action they are of."""
    return msgspec.msgpack.encode({name: arms.to_bytes(arm) for name, arm in sorted(found.items())})


def imputed_from_bytes(blob: bytes) -> Imputed:
    """Read what :func:`imputed_to_bytes` wrote, to the bit.

    Raises
    ------
    MalformedDocument
        When the bytes are no arms.
    """
    try:
        return Imputed({name: arms.from_bytes(arm) for name, arm in _DECODE_ARMS(blob).items()})
    except msgspec.DecodeError as error:
        raise MalformedDocument(field="imputed", shape=f"{len(blob)} bytes", fix="train the model again") from error
