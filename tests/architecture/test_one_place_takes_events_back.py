"""The event that takes another back is made in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import marketofone

SOURCE = Path(marketofone.__file__).parent


def test_only_the_events_themselves_make_one_that_takes_another_back() -> None:
    makers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "EventRemoved(" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EventRemoved"
    }

    assert makers == {"domain/event.py"}
