"""Fit an affinity of many products at the highest order, and print the digest of its bytes."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from marketofone.models.recommend import Regularisation, fit_affinity, to_bytes

PRODUCTS, PEOPLE = 150, 400


def main() -> None:
    rng = np.random.default_rng(7)
    people = [frozenset(f"p{n}" for n in np.flatnonzero(rng.random(PRODUCTS) < 0.15)) for _ in range(PEOPLE)]
    affinity = fit_affinity(people, regularisation=Regularisation(shrink=20.0, strength=2.0, order=8))
    print(sha256(to_bytes(affinity)).hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
