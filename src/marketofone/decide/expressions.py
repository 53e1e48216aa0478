"""Eligibility expressions: sentences an analyst can read, checked when they are loaded, compiled once.

A small part of Python's expression grammar, in three steps:

1. ``parse``: text -> syntax tree; anything that is not on the list below is refused, naming the token.
2. ``check``: every node has one of three types (number, text, truth), every name is known: evaluation cannot fail.
3. ``compile``: the checked tree (never the text) becomes a code object that reads one namespace of plain values.

Allowed: numbers, texts, ``True``, ``False``, names of features and facts, comparisons (also chained), ``and``, ``or``,
``not``, ``+ - * /``, and the functions of :data:`FUNCTIONS`. A value that is not known is NaN and compares as false,
also with ``!=``. What is *hidden* by consent is another matter: an expression that reads it has no answer at all, so
the caller compares ``sources`` with the permit before it believes any value.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from operator import eq, ge, gt, le, lt
from types import CodeType
from typing import Literal, NamedTuple, NoReturn

from msgspec import Struct

from marketofone.domain.errors import BadExpression

Type = Literal["number", "text", "truth"]
Value = float | bool | str
Namespace = dict[str, object]

# name: (type of the arguments, type of the answer, fewest and most arguments)
FUNCTIONS: dict[str, tuple[Type, Type, int, int]] = {
    "holds": ("text", "truth", 1, 1),
    "life": ("text", "number", 1, 1),
    "known": ("number", "truth", 1, 1),
    "abs": ("number", "number", 1, 1),
    "min": ("number", "number", 2, 8),
    "max": ("number", "number", 2, 8),
}
_READS: dict[str, frozenset[str]] = {"holds": frozenset({"transactions"}), "life": frozenset({"life_events"})}
_SYMBOLS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_LONGEST = 1_000
_LARGEST = 1e15  # the largest amount there is
_DEEPEST = 40


class Known(NamedTuple):
    """What an expression may name: its type, and the sources its value comes from."""

    type: Type
    sources: frozenset[str]


class Threshold(NamedTuple):
    """One comparison of a name with a number: ``name symbol bound``. Behind a ``not`` it is turned round.

    The name of ``life("child")`` is ``life:child``.
    """

    name: str
    symbol: str
    bound: float

    def holds(self, value: float) -> bool:
        """Say whether a value passes."""
        return _COMPARE[self.symbol](value, self.bound)


class Expression(Struct, frozen=True, kw_only=True):
    """A checked and compiled expression.

    ``names`` are the features and facts it reads, ``sources`` the data sources behind them and behind its functions,
    ``thresholds`` its comparisons of a name with a number, in the order of the text.
    """

    text: str
    names: frozenset[str]
    sources: frozenset[str]
    thresholds: tuple[Threshold, ...]
    tree: ast.expr
    code: CodeType

    def holds(self, namespace: Namespace) -> bool:
        """Evaluate in a namespace made by :func:`namespace_of`."""
        return bool(eval(self.code, namespace))  # noqa: S307 - a checked tree, without builtins


def parse_expression(text: str, *, field: str, known: Mapping[str, Known]) -> Expression:
    """Read, check and compile an expression.

    Parameters
    ----------
    text
        The expression.
    field
        Where it stands, for the error: ``actions.tea.eligible``.
    known
        The names it may read.

    Raises
    ------
    BadExpression
        Naming the field and the token that is not allowed.

    Examples
    --------
    >>> cups = {"cups": Known(type="number", sources=frozenset({"app"}))}
    >>> expression = parse_expression("1 < cups <= 3", field="tea.eligible", known=cups)
    >>> expression.holds(namespace_of([("cups", 2.0)], {}, holdings={}, days_since={}))
    True
    >>> parse_expression("cups.real", field="tea.eligible", known=cups)
    Traceback (most recent call last):
    marketofone.domain.errors.BadExpression: tea.eligible: 'cups.real' is not allowed; see the head of actions.toml
    """
    checker = _Checker(field=field, known=known)
    if len(text) > _LONGEST:
        checker.refuse(f"text of {len(text)} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        deep = _depth(tree) > _DEEPEST
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        checker.refuse(f"{getattr(error, 'text', None) or text[:60]!r} cannot be read")
    if deep:
        checker.refuse("nested too deeply")
    checked, _ = checker.check(tree, "truth")
    return Expression(
        text=text.strip(),
        names=frozenset(checker.names),
        sources=frozenset(checker.sources),
        thresholds=tuple(checker.thresholds),
        tree=checked,
        code=_compiled(checked),
    )


def compile_trees(trees: list[ast.expr]) -> CodeType:
    """Compile several checked trees into one code object that gives a tuple of their answers."""
    return _compiled(ast.Tuple(elts=list(trees), ctx=ast.Load()))


def answers(code: CodeType, namespace: Namespace) -> tuple[bool, ...]:
    """Evaluate trees that were compiled together."""
    return tuple(eval(code, namespace))  # noqa: S307 - checked trees, without builtins


def namespace_of(
    features: Iterable[tuple[str, float]],
    facts: Mapping[str, Value],
    *,
    holdings: Mapping[str, object],
    days_since: Mapping[str, float],
) -> Namespace:
    """Make the namespace in which expressions are evaluated.

    Parameters
    ----------
    features, facts
        Their values by name; NaN is not known.
    holdings
        The products the person holds.
    days_since
        For each life event, days since it happened.
    """
    namespace: Namespace = dict(features)
    namespace.update(facts)
    namespace.update(_BUILT_IN)
    namespace["holds"] = holdings.__contains__
    namespace["life"] = lambda event: days_since.get(event, math.nan)
    return namespace


class _Checker:
    """Walks a tree once; collects what it reads and gives it back with functions in the place of odd operators."""

    def __init__(self, *, field: str, known: Mapping[str, Known]) -> None:
        self._field = field
        self._known = known
        self._negated = False
        self.names: set[str] = set()
        self.sources: set[str] = set()
        self.thresholds: list[Threshold] = []

    def refuse(self, shape: str) -> NoReturn:
        raise BadExpression(field=self._field, shape=shape, fix="see the head of actions.toml")

    def check(self, node: ast.expr, *wanted: Type) -> tuple[ast.expr, Type]:
        """Give a node as it will be compiled, and its type, which must be one of those wanted."""
        checked, kind = self._checked(node)
        if kind not in wanted:
            self.refuse(f"{ast.unparse(node)[:60]!r} is a {kind} where a {' or a '.join(wanted)} is needed")
        return checked, kind

    def _all(self, nodes: list[ast.expr], wanted: Type) -> list[ast.expr]:
        return [self.check(node, wanted)[0] for node in nodes]

    def _checked(self, node: ast.expr) -> tuple[ast.expr, Type]:
        answer: tuple[ast.expr, Type]
        match node:
            case ast.Constant(value=bool()):
                answer = node, "truth"
            case ast.Constant(value=str()):
                answer = node, "text"
            case ast.Constant(value=int() | float() as value) if abs(value) <= _LARGEST:
                answer = ast.Constant(float(value)), "number"
            case ast.Name():
                answer = self._name(node)
            case ast.BoolOp():
                answer = ast.BoolOp(op=node.op, values=self._all(node.values, "truth")), "truth"
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                answer = self._negation(node)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                answer = self._arithmetic(node), "number"
            case ast.Compare():
                answer = self._comparison(node), "truth"
            case ast.Call(func=ast.Name(id=function), keywords=[]) if function in FUNCTIONS:
                answer = self._call(node, function)
            case _:
                self.refuse(f"{ast.unparse(node)[:60]!r} is not allowed")
        return answer

    def _negation(self, node: ast.UnaryOp) -> tuple[ast.expr, Type]:
        logical = isinstance(node.op, ast.Not)
        self._negated ^= logical
        operand, kind = self.check(node.operand, "truth" if logical else "number")
        self._negated ^= logical
        if isinstance(operand, ast.Constant) and isinstance(operand.value, float):
            return ast.Constant(-operand.value), kind
        return ast.UnaryOp(op=node.op, operand=operand), kind

    def _name(self, node: ast.Name) -> tuple[ast.expr, Type]:
        known = self._known.get(node.id)
        if known is None:
            self.refuse(f"{node.id!r} is no feature and no fact")
        self.names.add(node.id)
        self.sources |= known.sources
        return node, known.type

    def _arithmetic(self, node: ast.BinOp) -> ast.expr:
        left, right = self._all([node.left, node.right], "number")
        if isinstance(node.op, ast.Div):
            return _called("divide", left, right)
        return ast.BinOp(left=left, op=node.op, right=right)

    def _comparison(self, node: ast.Compare) -> ast.expr:
        """Rewrite a chain as pairs: every operand is free of effects, so reading one twice changes nothing."""
        _, kind = self.check(node.left, "number", "text")
        pairs: list[ast.expr] = []
        for operator, (first, second) in zip(node.ops, pairwise([node.left, *node.comparators]), strict=True):
            symbol = _SYMBOLS.get(type(operator))
            if symbol is None:
                self.refuse(f"{ast.unparse(node)[:60]!r} is not allowed")
            left, right = self._all([first, second], kind)
            self._remember(left, symbol, right)
            same = ast.Compare(left=left, ops=[operator], comparators=[right])
            pairs.append(_called("differ", left, right) if symbol == "!=" else same)
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(op=ast.And(), values=pairs)

    def _remember(self, left: ast.expr, symbol: str, right: ast.expr) -> None:
        if isinstance(left, ast.Constant):
            left, symbol, right = right, _MIRRORED[symbol], left
        match left, right:
            case ast.Name(id=name), ast.Constant(value=float() as bound):
                pass
            case ast.Call(func=ast.Name(id="life"), args=[ast.Constant(value=str(event))]), ast.Constant(
                value=float() as bound
            ):
                name = f"life:{event}"
            case _:
                return
        self.thresholds.append(Threshold(name=name, symbol=_OPPOSITE[symbol] if self._negated else symbol, bound=bound))

    def _call(self, node: ast.Call, function: str) -> tuple[ast.expr, Type]:
        of, gives, fewest, most = FUNCTIONS[function]
        if not fewest <= len(node.args) <= most:
            self.refuse(f"{function}() with {len(node.args)} arguments")
        literal = ast.Name if function == "known" else ast.Constant
        if (of == "text" or function == "known") and not isinstance(node.args[0], literal):
            self.refuse(f"{ast.unparse(node)[:60]!r} is not allowed")
        self.sources |= _READS.get(function, frozenset())
        return _called(function, *self._all(node.args, of)), gives


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _compiled(tree: ast.expr) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Expression(body=tree)), "<expression>", "eval")


def _called(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(id=function, ctx=ast.Load()), args=list(arguments), keywords=[])


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _differ(left: Value, right: Value) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return left != right
    return left < right or left > right


def _least(*values: float) -> float:
    return math.nan if any(map(math.isnan, values)) else min(values)


def _greatest(*values: float) -> float:
    return -_least(*(-value for value in values))


_COMPARE: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": _differ}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_BUILT_IN: Namespace = {
    "__builtins__": {},
    "abs": abs,
    "min": _least,
    "max": _greatest,
    "divide": _divide,
    "differ": _differ,
    "known": lambda value: not math.isnan(value),
}
RESERVED: frozenset[str] = frozenset({*_BUILT_IN, *FUNCTIONS})
