"""Reference pages say what the code says, and leave nothing out."""

from __future__ import annotations

import pytest

from docs import generate
from marketofone.cli import main
from marketofone.domain.event import KINDS
from marketofone.web.api.operations import OPERATIONS

TELLING = {"--customers", "--days", "--seed", "--port", "--level", "--grant"}  # name, range and default say it


def page(name: str) -> str:
    return (generate.DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", generate.GENERATED)
def test_a_generated_page_is_as_the_code_has_it(name: str) -> None:
    if page(name) != generate.GENERATED[name]():
        pytest.fail(f"docs/{name} is not what the code says: run `make docs`")


def test_every_command_is_documented() -> None:
    text = page("commands.md")

    missing = [
        " ".join(path) for path, _ in generate.walk(main, ("marketofone",)) if f"## {' '.join(path)}\n" not in text
    ]

    assert missing == []


def test_every_option_says_what_it_is_for() -> None:
    silent = {
        option.opts[0]
        for _, command in generate.walk(main, ("marketofone",))
        for option in command.params
        if option.param_type_name == "option" and not getattr(option, "help", None)
    }

    assert silent <= TELLING


def test_every_error_is_documented() -> None:
    text = page("errors.md")

    assert [kind.__name__ for kind in generate.error_classes() if f"| {kind.__name__} |" not in text] == []


def test_every_kind_of_event_and_every_operation_is_documented() -> None:
    assert [kind for kind in KINDS if f"## {kind}\n" not in page("events.md")] == []
    assert [one.path for one in OPERATIONS if f"## {one.method} {one.path}\n" not in page("api.md")] == []
