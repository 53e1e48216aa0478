"""Each bug that is planted on purpose still has its place in the sources."""

from __future__ import annotations

import pytest
from mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_the_sources_hold_the_place_of_a_planted_bug_once(mutant: Mutant) -> None:
    text = (ROOT / "src" / "marketofone" / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.right) == 1
