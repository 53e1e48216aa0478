"""A stated slice of the attacks on the readers of files: each format, damaged in the same ways every time.

``make campaign`` attacks with other seeds, as long as one likes.
"""

from __future__ import annotations

import pytest

from file_attacks import TARGETS, attack

pytestmark = pytest.mark.fuzz

FILES = 400


@pytest.mark.parametrize("name", TARGETS)
def test_no_damage_crashes_a_reader_or_loses_a_row_unsaid(name: str) -> None:
    attacks = [attack(name, seed) for seed in range(FILES)]
    assert [one.wrong for one in attacks if one.wrong][:1] == []
    assert sum(one.read for one in attacks) > FILES / 20  # else only refusals would be tested
