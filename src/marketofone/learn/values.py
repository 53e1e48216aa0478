"""What an acceptance is worth over 12 months: a prior from the catalogue, moved by what was reported.

Few reports say little, so the mean of the reports is drawn towards the prior, as if the prior had been reported
``strength`` times. Sums are integers: the order of the reports does not matter, and a replay gives the same number.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedDocument, MalformedRequest

PRIOR_STRENGTH = 20
_DECODER = json_decoder(tuple[int, int, int, str])


class ValuePosterior(Struct, frozen=True, kw_only=True):
    """The belief about the value of an acceptance, in minor units over 12 months.

    ``n`` reports summed to ``total_minor``; the prior counts like ``strength`` reports of ``prior_minor``: the variance
    of one acceptance's value over the variance of the actions' means. Source: the normal-normal posterior mean (Gelman
    et al. 2013, section 2.5).

    Examples
    --------
    >>> ValuePosterior(prior_minor=1000, strength=20, n=20, total_minor=0).expected_minor
    500
    """

    prior_minor: int
    strength: int
    n: int = 0
    total_minor: int = 0

    @property
    def expected_minor(self) -> int:
        """The expected value of one acceptance, rounded to whole minor units (halves towards plus infinity)."""
        weight = self.strength + self.n
        return (2 * (self.prior_minor * self.strength + self.total_minor) + weight) // (2 * weight)


def prior_value(value_minor: int, *, strength: int = PRIOR_STRENGTH) -> ValuePosterior:
    """Give the belief before the first report: the value in the catalogue, as strong as ``strength`` reports.

    Raises
    ------
    MalformedRequest
        When the strength is not positive.
    """
    if strength < 1:
        raise MalformedRequest(field="strength", shape="not positive", fix="count the prior as one report or more")
    return ValuePosterior(prior_minor=value_minor, strength=strength)


def learn_value(posterior: ValuePosterior, *, value_minor: int) -> ValuePosterior:
    """Give the belief after one more report.

    Examples
    --------
    >>> learn_value(prior_value(0, strength=1), value_minor=600).expected_minor
    300
    """
    return msgspec.structs.replace(posterior, n=posterior.n + 1, total_minor=posterior.total_minor + value_minor)


def to_bytes(posterior: ValuePosterior) -> bytes:
    """Write a belief; equal beliefs give equal bytes."""
    sums = (posterior.prior_minor, posterior.strength, posterior.n, str(posterior.total_minor))
    return msgspec.json.encode(sums)  # as text: what all report together need not fit into 64 bits


def from_bytes(blob: bytes) -> ValuePosterior:
    """Read a belief written by :func:`to_bytes`.

    Raises
    ------
    MalformedDocument
        When the bytes are no belief.
    """
    try:
        prior, strength, n, total = _DECODER.decode(blob)
        return ValuePosterior(prior_minor=prior, strength=strength, n=n, total_minor=int(total))
    except (msgspec.DecodeError, ValueError) as error:
        raise MalformedDocument(field="value", shape=f"{len(blob)} bytes", fix="rebuild from the journal") from error
