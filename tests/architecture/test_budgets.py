"""Budgets that keep the tree readable, and rules no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import marketofone

SOURCE = Path(marketofone.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
GATE = SOURCE / "consent" / "gate.py"
LINES_OF_A_FUNCTION = 60
LINES_OF_A_MODULE = 400
NESTING = 5  # blocks within blocks, the function's own body not counted
REACH = 26  # other modules of the house that one module imports
SIMPLE = 0.9  # share of functions with at most five branches


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    first = body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.IfExp, ast.ExceptHandler, ast.match_case, ast.comprehension)


def nesting(node: ast.AST) -> int:
    """Give how deep blocks lie within blocks; ``elif`` lies beside its ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        beside = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, nesting(child) + (isinstance(child, BLOCKS) and not beside))
    return deepest


def branches(function: ast.AST) -> int:
    return sum(isinstance(node, BRANCHES) for node in ast.walk(function))


def reach(tree: ast.Module) -> set[str]:
    """Name the modules of the house that a module imports."""
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("marketofone"):
            named.add(node.module or "")
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names if alias.name.startswith("marketofone")}
    return named


class Measures(NamedTuple):
    """Of a function."""

    name: str
    length: int
    nesting: int
    branches: int


@cache
def measured(path: Path) -> tuple[Measures, ...]:
    """Measure every function of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(Measures(one.name, length(one), nesting(one), branches(one)) for one in functions(tree))


def everywhere() -> list[Measures]:
    return [one for path in MODULES for one in measured(path)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_OF_A_MODULE
    assert [one.name for one in measured(path) if one.length > LINES_OF_A_FUNCTION] == []


def test_most_functions_fit_a_screen() -> None:
    lengths = [one.length for one in everywhere()]
    assert sum(size <= 35 for size in lengths) / len(lengths) >= 0.95


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_reaches_far_and_no_function_nests_deep(path: Path) -> None:
    assert len(reach(ast.parse(path.read_text(encoding="utf-8")))) <= REACH
    assert [one.name for one in measured(path) if one.nesting > NESTING] == []


def test_most_functions_branch_little() -> None:
    each = [one.branches for one in everywhere()]
    assert sum(count <= 5 for count in each) / len(each) >= SIMPLE


SEALED = ("Admitted", "Permit")
"""What only the gate makes."""


def made_outside(text: str) -> list[int]:
    """Give the lines on which code makes a sealed value, or asks something else to make one.

    A module may name the two types where it says what it takes and gives, and where it asks what it was given
    (``isinstance``, ``type(...)`` as a key). Anything else that names them could make one: a call, an alias, a
    subclass, a decoder, ``convert``, ``replace`` with the type, a table of constructors.
    """
    tree = ast.parse(text)
    names = set(SEALED)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.name in SEALED and alias.asname}
    harmless: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = (
                *node.args.posonlyargs,
                *node.args.args,
                *node.args.kwonlyargs,
                node.args.vararg,
                node.args.kwarg,
            )
            said = [one.annotation for one in arguments if one is not None and one.annotation] + [node.returns]
        elif isinstance(node, ast.AnnAssign):
            said = [node.annotation]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            said = list(node.args[1:])
        elif isinstance(node, ast.Dict):
            said = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Assign) and is_type_alias(node.value):
            said = [node.value]
        else:
            continue
        harmless |= {id(inner) for one in said if one is not None for inner in ast.walk(one)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if (getattr(node, "id", None) in names or getattr(node, "attr", None) in names) and id(node) not in harmless
        if isinstance(node, ast.Name | ast.Attribute)
    ]


def is_type_alias(value: ast.expr) -> bool:
    """Tell ``tuple[Admitted, X]`` and ``Admitted | X`` from a value."""
    return isinstance(value, ast.Subscript) and getattr(value.value, "id", "") in ("tuple", "list", "Sequence")


@pytest.mark.parametrize("path", [path for path in MODULES if path != GATE], ids=lambda path: path.name)
def test_only_the_gate_makes_admitted_events_and_permits(path: Path) -> None:
    assert made_outside(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "trick",
    [
        "from marketofone.consent.gate import Permit as Leave\nx = Leave(customer='c')",
        "from marketofone.consent import gate\nx = gate.Admitted(event=e)",
        "from marketofone.consent.gate import Permit\nmake = Permit",
        "import msgspec\nfrom marketofone.consent.gate import Permit\nd = msgspec.json.Decoder(Permit)",
        "import msgspec\nfrom marketofone.consent.gate import Admitted\nx = msgspec.convert({}, type=Admitted)",
        "from marketofone.consent.gate import Permit\nclass Mine(Permit): ...",
        "from marketofone.consent.gate import Permit\nx = object.__new__(Permit)",
        "from marketofone.consent.gate import Admitted\nmakers = [Admitted]",
    ],
)
def test_no_alias_and_no_decoder_fools_that_test(trick: str) -> None:
    assert made_outside(trick)


def test_every_error_is_raised_somewhere_and_drawn_in_the_tree() -> None:
    errors = SOURCE / "domain" / "errors.py"
    tree = ast.parse(errors.read_text(encoding="utf-8"))
    drawing = ast.get_docstring(tree) or ""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    elsewhere = "".join(path.read_text(encoding="utf-8") for path in MODULES if path != errors)
    for node in classes:
        assert node.name in drawing
        if node.name not in bases:
            assert re.search(rf"(raise|return) {node.name}\b", elsewhere), node.name
