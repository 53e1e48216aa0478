"""``features.py`` is read as declarations: nothing in it is ever executed."""

from __future__ import annotations

import keyword
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.features.catalogue import load_catalogue
from marketofone.features.declarations import CONSTRUCTORS, FILE, MAX_CHARACTERS, read_declarations

TEMPLATE = (files("marketofone") / "template" / "features.py").read_text(encoding="utf-8")
IMPORT = "from marketofone.features.declare import count, series, total\n"
SPEND = 'spend = series("spend", kind="transaction.booked", value="outflow_minor")\n'


def test_the_template_means_what_python_would_make_of_it() -> None:
    names: dict[str, object] = {}
    exec(TEMPLATE, names)  # noqa: S102 - ours, and only here

    read = read_declarations(TEMPLATE)

    assert read == {name: names[name] for name in read}
    assert {"FEATURES", "CONTEXT"} <= read.keys()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import sys; sys.exit(0)", "an import of sys"),
        ("open('mark', 'w').write('x')", "a call of `open('mark', 'w').write`"),
        ("open('mark', 'w')", "a call of `open`"),
        ("__import__('sys').exit(0)", "a call of `__import__('sys').exit`"),
        ("x = __import__('sys')", "a call of `__import__`"),
        ("from os import system", "an import of system from os"),
        ("from marketofone.features.declare import re", "an import of re from marketofone.features.declare"),
        ("from marketofone.features.declare import *", "an import of * from marketofone.features.declare"),
        ("from .declare import total", "an ImportFrom"),
        ("if True:\n    pass", "an If"),
        ("def total(): pass", "a FunctionDef"),
        ("class Total: pass", "a ClassDef"),
        ("while True: pass", "a While"),
        ("x = lambda: 0", "a Lambda"),
        ("x = ().__class__", "`().__class__`"),
        ("x = (1, 2)[0]", "a Subscript"),
        ("x = [y for y in (1, 2) if y]", "a ListComp"),
        ("total = 3", "an assignment to anything but a new name"),
        ("series.x = 3", "an assignment to anything but a new name"),
        ("x = total", "`total`, which no line above assigns"),
        ("x = 10 ** 10 ** 10", "a calculation beyond + - * and / by a number"),
        ("x = 'a' * 10_000_000", "a calculation with what is no number"),
        ("x = f'{1:>1000000000}'", "a text made of anything but texts and whole numbers"),
        ("x = 1 / 0", "a calculation beyond + - * and / by a number"),
        ("x = b'bytes'", "a Constant"),
        ("del series", "a Delete"),
        ("x = total('x')", "a call of `total` with other arguments than it takes"),
        ("x = total(**3)", "names of what is no dict"),
        ("x = series('s', kind='no.such')", "a kind of event that does not exist"),
    ],
)
def test_anything_but_a_declaration_is_refused_with_its_line_and_its_name(line: str, names: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        load_catalogue(f"{IMPORT}\n{line}\n")

    assert refused.value.field.startswith("features.py line 3")
    assert refused.value.shape == names


def test_nothing_of_a_hostile_file_happens(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for line in (f"open({str(mark)!r}, 'w').write('x')", f"x = [open({str(mark)!r}, 'w') for y in (1,)]"):
        with pytest.raises(MalformedDocument):
            load_catalogue(f"{TEMPLATE}\n{line}\n")
    assert not mark.exists()


def test_declarations_may_be_spelled_with_loops_and_formatted_words() -> None:
    catalogue = load_catalogue(
        IMPORT + SPEND + "SPANS = (7, 30)\n"
        'OWNED = {"unit": "minor", "owner": "insights"}\n'
        'FEATURES = [total(f"spend_{n}d", spend, window=f"{n}d", title=f"spending in {n} days", **OWNED)'
        " for n in SPANS] + "
        '[*[count("times_7d", spend, window="7d", owner="insights", title="payments")]]\n'
        'CONTEXT = {"spend_7d": 2 * 50_000.0, **{"spend_30d": -1 + 400_001}}\n'
    )

    assert [feature.name for feature in catalogue.features] == ["spend_7d", "spend_30d", "times_7d"]
    assert catalogue.scales == {"spend_7d": 100_000.0, "spend_30d": 400_000}


def test_a_value_of_another_type_than_declared_is_refused() -> None:
    with pytest.raises(MalformedDocument, match="another type"):
        load_catalogue(
            IMPORT + 'named = series(3, kind="app.opened")\n'
            'FEATURES = (count("x", named, window="7d", owner="app", title="visits"),)\nCONTEXT = {"x": 1}\n'
        )


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "-" * 50_000 + "1",
        "x = 1" + " + 1" * 100_000,
        "x = 0x" + "f" * 10_000,
        "x = " + "9" * 10_000,
        "A = (1,) + (1,) * 3",
        "A = (" + "1," * 9_000 + ")\nx = [[1 for i in A] for j in A]",
        "x = " + repr("a" * 20_000),
        "\0",
        "#" * (MAX_CHARACTERS + 1),
    ],
    ids=lambda text: text[:12],
)
def test_a_file_that_asks_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(MalformedDocument):
        read_declarations(text)


PIECES = st.sampled_from(
    [*CONSTRUCTORS, *keyword.kwlist, "x", "(", ")", "[", "]", "{", "}", ",", "=", ".", "*", "1", "'a'", "f'{x}'", "\n"]
)


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_any_text_is_read_or_refused_and_never_anything_else(text: str) -> None:
    field = FILE
    try:
        read_declarations(IMPORT + text)
    except MalformedDocument as refused:
        field = refused.field
    assert field.startswith(FILE)
