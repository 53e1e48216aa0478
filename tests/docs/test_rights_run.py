"""What a customer takes along is shown as it really comes out."""

from __future__ import annotations

from pathlib import Path

from docs import examples

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"


def test_the_page_shows_what_its_example_gives() -> None:
    assert "\n".join(str(difference) for difference in examples.run_python(PAGE)) == ""
