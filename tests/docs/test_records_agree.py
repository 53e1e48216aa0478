"""Records that people keep by hand agree with what they are about: dependencies, choices, words."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
IMPORTED_AS = {
    "sklearn": "scikit-learn",
    "chronos": "chronos-forecasting",
    "charset_normalizer": "charset-normalizer",
    "mt940": "mt-940",
    "python_calamine": "python-calamine",
}
CORE, EXTRAS = PROJECT["project"]["dependencies"], PROJECT["project"]["optional-dependencies"]
WEB = EXTRAS["web"]


def first_cells(page: Path, *, under: str) -> list[str]:
    """Give the first column of the tables below a heading, up to the next heading."""
    section = page.read_text("utf-8").partition(f"# {under}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)
    return [row for row in rows if row not in {"---", "dependency", "word", "#"}]


def names(requirements: list[str]) -> list[str]:
    return sorted(re.split(r"[<>=\[;]", requirement)[0] for requirement in requirements)


def test_every_dependency_has_its_reason() -> None:
    page, groups = DOCS / "dependencies.md", PROJECT["dependency-groups"]

    assert first_cells(page, under="Dependencies, and why each one") == names(CORE)
    assert first_cells(page, under="Only to serve: `marketofone[web]`") == names(WEB)
    assert first_cells(
        page, under="To judge forecasts, and to make them a little better: `marketofone[evaluate]`"
    ) == names(EXTRAS["evaluate"])
    assert first_cells(page, under="Only beside a pretrained forecaster: `marketofone[pretrained]`") == names(
        EXTRAS["pretrained"]
    )
    assert first_cells(page, under="Only beside a peer of recommendation: `marketofone[als]`") == names(EXTRAS["als"])
    assert first_cells(page, under="Only to keep a bank in PostgreSQL: `marketofone[postgres]`") == names(
        EXTRAS["postgres"]
    )
    assert first_cells(page, under="Only to read some formats of statements: `marketofone[statements]`") == names(
        EXTRAS["statements"]
    )
    assert first_cells(page, under="Only for development") == names(groups["dev"])
    assert first_cells(page, under="Only for benchmarks") == names(groups["bench"])


def imported_by(part: str | None = None, *, lazily: bool = False) -> set[str]:
    """Give what a part of the source imports as it is loaded; lazily: what it imports inside functions only.

    The parts are ``web``, ``postgres``, the compiled ``loops``, and all that is needed without an extra.
    """
    found = [_imported_in(path) for path in (ROOT / "src").rglob("*.py") if _part_of(path) == part]
    at_once = {name for names, _ in found for name in names}
    return {name for _, names in found for name in names} - at_once if lazily else at_once


@cache
def _imported_in(path: Path) -> tuple[set[str], set[str]]:
    """Give what a module imports as it is loaded, and what it imports at all."""
    tree = ast.parse(path.read_text("utf-8"))
    return _named(tree.body), _named(ast.walk(tree))


def _part_of(path: Path) -> str | None:
    if path.name in {"loops.py", "loop_sums.py"}:
        return "loops"
    return next((part for part in ("web", "postgres") if part in path.parts), None)


def _named(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return {IMPORTED_AS.get(name, name) for name in found - set(sys.stdlib_module_names) - {"marketofone", ""}}


def test_everything_imported_is_declared_and_only_the_web_postgresql_and_loops_need_their_extra() -> None:
    assert imported_by() - set(names(CORE)) == set()
    assert imported_by("web") - set(names([*CORE, *WEB])) == set()
    assert imported_by("loops") - set(names([*CORE, *EXTRAS["compiled"]])) == set()
    assert imported_by("postgres") - set(names([*CORE, *EXTRAS["postgres"]])) == set()


def test_other_extras_are_imported_only_where_they_are_used() -> None:
    extras = set(names([*EXTRAS["als"], *EXTRAS["evaluate"], *EXTRAS["pretrained"], *EXTRAS["statements"]]))

    assert imported_by(lazily=True) - set(names(CORE)) == extras


def test_every_choice_is_listed_with_its_title() -> None:
    index = (DOCS / "adr" / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+?) \| (\w+) \|$", index, re.MULTILINE)
    files = sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))

    assert [name for _, name, _, _ in listed] == files
    for number, name, title, status in listed:
        text = (DOCS / "adr" / name).read_text("utf-8")
        assert text.startswith(f"# {number}. {title}\n")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Question", "Choice", "Price"], name
        assert status in {"accepted", "overturned"}


def test_a_word_stands_in_the_glossary_once_and_in_its_place() -> None:
    words = first_cells(DOCS / "glossary.md", under="Glossary")

    assert words == sorted(set(words))


def test_every_page_is_reachable_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
        waiting += [
            (page.parent / link).resolve() for link in links if "://" not in link and (page.parent / link).is_file()
        ]

    assert {page.relative_to(ROOT) for page in DOCS.rglob("*.md")} - {
        page.relative_to(ROOT) for page in reached
    } == set()
