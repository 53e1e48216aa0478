"""Small bugs planted in gate and ledger one by one: which of them do the checks of consent find?

Each mutant is one comparison, one word of logic, one number or one sign that is another. It is killed when a short or a
random history opens something else than the model does (``gate_histories.py``), or when a law of ``tests/consent``
or of licences fails. ``python tests/model/gate_mutants.py`` tells those that survive.
"""

from __future__ import annotations

import argparse
import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FILES = ("consent/gate.py", "consent/ledger.py", "consent/narrowing.py")
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


_MODEL = ("tests/model/gate_histories.py", "--length", "3", "--random", "200", "--at-once", "1")
_LICENCES = ("tests/faults/test_no_grant_widens_a_licence.py", "tests/importers/test_licences_come_with_the_data.py")
_LENT = (
    "tests/faults/test_a_delegate_acts_only_as_far_as_they_may.py",
    "tests/faults/test_who_is_under_age_is_sold_nothing.py",
)
_TESTS = ("tests/consent", *_LICENCES, *_LENT, "tests/faults/test_a_check_says_what_holds_now.py")
_LAWS = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", *_TESTS)


class Mutant(NamedTuple):
    """One bug: where it stands, and the file with it."""

    file: str
    line: int
    what: str
    text: str


def mutants(file: str) -> Iterator[Mutant]:
    """Give every mutant of a file; docstrings, messages and the flags of its classes are left alone.

    That values are frozen is a test of its own (``tests/architecture/test_values_are_frozen.py``).
    """
    tree = ast.parse((ROOT / "src" / "marketofone" / file).read_text(encoding="utf-8"))
    flags = {id(flag.value) for one in ast.walk(tree) if isinstance(one, ast.ClassDef) for flag in one.keywords}
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in flags:
            continue
        for number in range(_ways(node)):
            other = copy.deepcopy(tree)
            changed = next(one for at, one in enumerate(ast.walk(other)) if at == place)
            what = _change(changed, number)
            yield Mutant(file, getattr(node, "lineno", 0), what, ast.unparse(other))


def _ways(node: ast.AST) -> int:
    match node:
        case ast.Compare():
            return len(node.ops)
        case ast.Constant(value=value):
            return isinstance(value, int)  # a truth value is one, too
        case (
            ast.BoolOp()
            | ast.IfExp()
            | ast.UnaryOp(op=ast.Not())
            | ast.BinOp(op=ast.Add() | ast.Sub())
            | ast.Call(func=ast.Name(id="any" | "all" | "max" | "min"))
        ):
            return 1
        case _:
            return 0


def _change(node: ast.AST, number: int) -> str:
    before = ast.unparse(node)
    match node:
        case ast.Compare():
            node.ops[number] = _COMPARED[type(node.ops[number])]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.IfExp():
            node.body, node.orelse = node.orelse, node.body
        case ast.Constant(value=bool() as said):
            node.value = not said
        case ast.Constant(value=int() as told):
            node.value = told + 1
        case ast.UnaryOp():
            node.op = ast.UAdd()
            node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
        case ast.BinOp():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        case ast.Call(func=ast.Name() as called):
            called.id = {"any": "all", "all": "any", "max": "min", "min": "max"}[called.id]
    return f"{before} -> {ast.unparse(node)}"


def survives(mutant: Mutant) -> bool:
    """Run the checks with one mutant: few histories first, then many, and the laws where the model finds nothing."""
    return not _found_at_once(mutant) and not _found_by_laws(mutant)


def _found_at_once(mutant: Mutant) -> bool:
    name = f"marketofone.{mutant.file.removesuffix('.py').replace('/', '.')}"
    command = [sys.executable, str(Path(__file__).with_name("gate_mutant_child.py")), name]
    return not _passes(command, sources=ROOT / "src", told=mutant.text)


def _found_by_laws(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "src"
        shutil.copytree(ROOT / "src", copied, ignore=shutil.ignore_patterns("__pycache__"))
        (copied / "marketofone" / mutant.file).write_text(mutant.text, encoding="utf-8")
        return not all(_passes([sys.executable, *checks], sources=copied) for checks in (_MODEL, _LAWS))


def _passes(command: Sequence[str], *, sources: Path, told: str = "") -> bool:
    environment = {"PYTHONPATH": str(sources), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=told, text=True, capture_output=True, check=False, timeout=600
        )
    except subprocess.TimeoutExpired:  # it goes on for ever
        return False
    return done.returncode == 0


def main() -> None:
    """Try every mutant; fails when the product as it is does not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=2)
    asked = parser.parse_args()
    whole = [one for file in FILES for one in mutants(file)]
    as_it_is = Mutant(FILES[0], 0, "nothing", (ROOT / "src" / "marketofone" / FILES[0]).read_text(encoding="utf-8"))
    if not survives(as_it_is):
        sys.exit("the checks fail without any mutant")
    with ThreadPoolExecutor(asked.at_once) as pool:
        left = 0
        for mutant, lives in zip(whole, pool.map(survives, whole), strict=True):
            left += lives
            if lives:
                print(f"survives: {mutant.file}:{mutant.line}: {mutant.what}", flush=True)  # noqa: T201
    print(f"{len(whole)} mutants, {len(whole) - left} killed")  # noqa: T201


if __name__ == "__main__":
    main()
