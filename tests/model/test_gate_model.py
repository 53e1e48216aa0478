"""The gate opens what the simplest model of it opens: the slice that CI runs.

Every history of up to three sayings, and some hundred long random ones. ``gate_histories.py`` runs millions, and
``gate_mutants.py`` says which bugs of gate and ledger this slice finds.
"""

from __future__ import annotations

import pytest
from gate_histories import ALPHABET, BANK, POLICY, at_random, compared, every
from gate_model import Saying, Scope, may_use

from marketofone.consent.ledger import NEVER_ASKED
from marketofone.domain.event import SOURCES


@pytest.mark.parametrize("first", range(len(ALPHABET)))
def test_every_history_of_a_few_sayings_opens_what_the_model_opens(first: int) -> None:
    done, differs = every(first, 3)

    assert differs == []
    assert done == 1 + len(ALPHABET) + len(ALPHABET) ** 2


@pytest.mark.parametrize("seed", range(4))
def test_long_random_histories_open_what_the_model_opens(seed: int) -> None:
    assert at_random(seed, 50)[1] == []


def test_what_differs_is_told() -> None:
    said_nothing = NEVER_ASKED
    everything = Saying("grant", tuple(BANK), ("transactions", "app"), ("app", "mail"), 0, 9, version=1)

    assert "a permit for care" in compared(((everything,),), said_nothing)


def test_words_of_the_model_are_those_of_the_product() -> None:
    assert set(POLICY.sources) <= set(SOURCES)
    assert may_use(BANK, ((),), Scope("protection", "protection", "app"), now=0)
