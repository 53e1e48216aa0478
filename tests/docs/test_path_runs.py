"""The path of one event and one decision is walked as the page tells it."""

from __future__ import annotations

from pathlib import Path

from docs import examples

PAGE = Path(__file__).parents[2] / "docs" / "path.md"


def test_every_step_gives_the_values_that_the_page_shows() -> None:
    assert "\n".join(str(difference) for difference in examples.run_python(PAGE)) == ""


def test_every_room_is_on_the_path() -> None:
    rooms = (
        "domain",
        "consent",
        "models",
        "profile",
        "features",
        "audit",
        "store",
        "decide",
        "governance",
        "learn",
        "services",
    )
    text = PAGE.read_text("utf-8")

    assert [room for room in rooms if f"`{room}" not in text and f", `{room}" not in text] == []
