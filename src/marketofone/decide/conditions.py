"""Many conditions at once: what they compare is looked up once, however many of them ask for it.

1. *Atoms*. A comparison of a feature with a number is one place in an array of values, and all of one kind are compared
   in one stroke. Every other atom (what somebody holds, a text, arithmetic) is evaluated as its expression says. Atoms
   that are alike are one.
2. *Nodes*. ``and`` is the least of its parts, ``or`` the same of what it denies, ``not`` turns a part round. All nodes
   of one depth are answered together.

The answers are those of the expressions, one by one: comparisons with NaN are false here as there. Who sees something
else is answered beside: a column each.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import CodeType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.expressions import Expression, Namespace, answers, compile_trees

Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.intp]
_KINDS: tuple[tuple[type[ast.cmpop], type[ast.cmpop], np.ufunc], ...] = (
    (ast.Lt, ast.Gt, np.less),
    (ast.LtE, ast.GtE, np.less_equal),
    (ast.Gt, ast.Lt, np.greater),
    (ast.GtE, ast.LtE, np.greater_equal),
    (ast.Eq, ast.Eq, np.equal),
)
"""Comparisons, what each is when its sides are exchanged, and what numpy calls it."""


class _Part(NamedTuple):
    """What a condition is made of: an atom (of depth -1) by its kind, or a node; ``turned`` says that it is denied."""

    depth: int
    kind: int
    number: int
    turned: bool = False


class _Compared(NamedTuple):
    """Comparisons of one kind: places of values (m,), and the numbers they are compared with (m, 1)."""

    by: np.ufunc
    places: Rows
    bounds: NDArray[np.float64]


class _Level(NamedTuple):
    """Nodes of one depth: their parts one after the other (p,), those turned round (p, 1), and where each begins."""

    parts: Rows
    turned: Flags
    starts: Rows


class Conditions(NamedTuple):
    """Conditions compiled together; :meth:`held` answers all of them.

    Examples
    --------
    >>> from marketofone.decide.expressions import Known, namespace_of, parse_expression
    >>> cups = {"cups": Known(type="number", sources=frozenset())}
    >>> each = [parse_expression(text, field="tea", known=cups) for text in ("cups > 1", "not cups > 1 or cups > 5")]
    >>> namespace = namespace_of([("cups", 2.0)], {}, holdings={}, days_since={})
    >>> conditions_of(each, places={"cups": 0}).held(np.array([[2.0], [6.0]]), [namespace, namespace]).tolist()
    [[True, False], [True, True]]
    """

    compared: tuple[_Compared, ...]
    others: CodeType | None
    reads: tuple[tuple[str, int], ...]
    levels: tuple[_Level, ...]
    roots: Rows
    turned: Flags

    def held(self, values: NDArray[np.float64], namespaces: Sequence[Namespace]) -> Flags:
        """Say which hold, for each who sees something.

        Parameters
        ----------
        values
            The features, as ``places`` numbers them; shape (v, n).
        namespaces
            Everything else, by name, and those features that ``reads`` names; see :func:`.expressions.namespace_of`.

        Returns
        -------
        array
            Shape (v, k), one answer a condition.
        """
        seen = values.T  # short rows: ``take`` copies them many times as fast as an index does
        found = [by(seen.take(places, axis=0), bounds) for by, places, bounds in self.compared]
        if self.others is not None:
            each = [answers(self.others, namespace) for namespace in namespaces]
            found.append(np.array(each, dtype=np.bool_).reshape(len(each), -1).T)
        known = np.concatenate(found) if found else np.empty((0, len(values)), dtype=np.bool_)
        for parts, turned, starts in self.levels:
            known = np.concatenate((known, np.logical_and.reduceat(known.take(parts, axis=0) ^ turned, starts)))
        held: Flags = (known.take(self.roots, axis=0) ^ self.turned).T
        return held


def conditions_of(expressions: Sequence[Expression], *, places: Mapping[str, int]) -> Conditions:
    """Compile conditions together. ``places`` says where in an array the value of a feature stands."""
    return _Compiler(places).conditions([expression.tree for expression in expressions])


class _Compiler:
    """Walks through the trees of conditions; atoms and nodes that are alike get one number."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places
        self._compared: list[dict[tuple[int, float], int]] = [{} for _ in _KINDS]
        self._others: dict[str, tuple[int, ast.expr]] = {}
        self._nodes: list[dict[tuple[_Part, ...], int]] = []

    def conditions(self, trees: Sequence[ast.expr]) -> Conditions:
        roots = [self._read(tree) for tree in trees]
        sizes = [*map(len, self._compared), len(self._others), *map(len, self._nodes)]
        starts = [0, *accumulate(sizes)]
        atoms = len(_KINDS) + 1

        def numbered(named: Sequence[_Part]) -> tuple[Rows, Flags]:
            numbers = [starts[one.kind if one.depth < 0 else atoms + one.depth] + one.number for one in named]
            return np.array(numbers, dtype=np.intp), np.array([one.turned for one in named], dtype=np.bool_).reshape(
                -1, 1
            )

        levels = []
        for nodes in self._nodes:
            lengths = [len(parts) for parts in nodes]
            flat = numbered([part for parts in nodes for part in parts])
            levels.append(_Level(*flat, starts=np.array([0, *lengths[:-1]], dtype=np.intp).cumsum()))
        compared = [
            _Compared(by, np.array([at for at, _ in of], dtype=np.intp), np.array([[bound] for _, bound in of]))
            for (_, _, by), of in zip(_KINDS, self._compared, strict=True)
            if of
        ]
        others = compile_trees([node for _, node in self._others.values()]) if self._others else None
        named = () if others is None else others.co_names
        reads = tuple((name, self._places[name]) for name in named if name in self._places)
        return Conditions(tuple(compared), others, reads, tuple(levels), *numbered(roots))

    def _read(self, node: ast.expr) -> _Part:
        match node:
            case ast.BoolOp(op=operator, values=values):
                either = isinstance(operator, ast.Or)
                parts = tuple(_denied(part) if either else part for part in map(self._read, values))
                depth = 1 + max(part.depth for part in parts)
                while len(self._nodes) <= depth:
                    self._nodes.append({})
                known = self._nodes[depth]
                return _Part(depth, 0, known.setdefault(parts, len(known)), turned=either)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _denied(self._read(operand))
            case _:
                return self._compared_with(node) or _Part(-1, len(_KINDS), self._number_of(node))

    def _compared_with(self, node: ast.expr) -> _Part | None:
        """Give the comparison of a feature with a number, whichever stands first; None where it is something else."""
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                turned = isinstance(left, ast.Constant)
                name, bound = (right, left) if turned else (left, right)
            case _:
                return None
        if not (isinstance(name, ast.Name) and isinstance(bound, ast.Constant) and isinstance(bound.value, float)):
            return None
        kind = next(
            (at for at, (of, back, _) in enumerate(_KINDS) if isinstance(operator, back if turned else of)), None
        )
        if kind is None or name.id not in self._places:
            return None
        known = self._compared[kind]
        return _Part(-1, kind, known.setdefault((self._places[name.id], bound.value), len(known)))

    def _number_of(self, node: ast.expr) -> int:
        return self._others.setdefault(ast.dump(node), (len(self._others), node))[0]


def _denied(part: _Part) -> _Part:
    return part._replace(turned=not part.turned)
