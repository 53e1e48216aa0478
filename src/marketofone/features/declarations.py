"""Reads a bank's ``features.py`` as declarations, and never runs it.

The file looks like Python, and an editor and a type checker read it as such. Here it is only a tree of syntax: imports
from ``marketofone.features.declare``, assignments, and calls of what was imported with plain values. Everything else is
refused with its line, so an auditor can verify and replay a stranger's bank without running a word of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from marketofone.domain.errors import MalformedDocument
from marketofone.features import declare

FILE = "features.py"
MODULE = "marketofone.features.declare"
CONSTRUCTORS: Mapping[str, Callable[..., object]] = {
    name: getattr(declare, name)
    for name in (
        *("active", "age", "count", "days", "distinct", "habit_ratio", "last", "mean", "series", "share", "since"),
        *("regular_total", "regular_trend", "total", "trend"),
    )
}
MAX_CHARACTERS = 1_000_000
MAX_STEPS = 200_000
"""Values a file may make: with comprehensions a few lines could otherwise ask for any number of them."""
_MAX_SIZE = 10_000  # of one text or list
_MAX_NUMBER = 2**63
_NOT_CALCULATED = object()
_WRITE = f"write imports from {MODULE}, assignments, and calls of what was imported"


def read_declarations(text: str) -> Mapping[str, object]:
    """Read every name the file assigns, with its value.

    Raises
    ------
    MalformedDocument
        When it holds anything but declarations; it names the line and what stands there.

    Examples
    --------
    >>> read_declarations("LIMIT = 3; BOTH = (LIMIT, 'x')")["BOTH"]
    (3, 'x')
    """
    if len(text) > MAX_CHARACTERS:
        raise MalformedDocument(field=FILE, shape=f"{len(text)} characters", fix=f"write {MAX_CHARACTERS} at most")
    try:
        tree = ast.parse(text, FILE)
        reading = _Reading()
        for statement in tree.body:
            reading.obey(statement)
    except SyntaxError as error:
        raise MalformedDocument(
            field=f"{FILE} line {error.lineno}", shape="no Python", fix=f"{error.msg}; {_WRITE}"
        ) from error
    except (RecursionError, MemoryError, ValueError) as error:  # ValueError: a null character
        raise MalformedDocument(field=FILE, shape="too deep, or no text", fix=_WRITE) from error
    return reading.names


class _Reading:
    """The names read so far, and how much may still be made."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.imported: dict[str, Callable[..., object]] = {}
        self._steps = MAX_STEPS

    def obey(self, statement: ast.stmt) -> None:
        match statement:
            case ast.ImportFrom(module=module, names=names, level=0):
                self._import(statement, module=module, names=names)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, self.value(value))
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._assign(target, self.value(value))
            case ast.Expr(value=ast.Constant(value=str())):
                pass  # a docstring
            case _:
                raise _refused(statement, _words(statement))

    def _import(self, statement: ast.stmt, *, module: str | None, names: Iterable[ast.alias]) -> None:
        if module == "__future__":
            return
        for alias in names:
            if module != MODULE or alias.name not in CONSTRUCTORS:
                raise MalformedDocument(
                    field=_line(statement),
                    shape=f"an import of {alias.name} from {module}",
                    fix=f"import from {MODULE} only: {', '.join(CONSTRUCTORS)}",
                )
            self.imported[alias.asname or alias.name] = CONSTRUCTORS[alias.name]

    def _assign(self, target: ast.expr, value: object) -> None:
        if not isinstance(target, ast.Name) or target.id in self.imported:
            raise _refused(target, "an assignment to anything but a new name")
        self.names[target.id] = value

    def value(self, node: ast.expr) -> object:
        self._steps -= 1
        if self._steps < 0:
            raise _refused(node, f"more than {MAX_STEPS} values")
        read = self._calculated(node)
        if read is _NOT_CALCULATED:
            read = self._declared(node)
        return read

    def _calculated(self, node: ast.expr) -> object:
        """Give the value of a constant or of what is calculated from others."""
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                read = _bounded(node, value)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                number = _number(operand, self.value(operand))
                read = -number if isinstance(sign, ast.USub) else number
            case ast.BinOp(left=left, op=operator, right=right):
                read = _combined(node, operator, self.value(left), self.value(right))
            case ast.JoinedStr(values=parts):
                read = _bounded(node, "".join(self._part(part) for part in parts))
            case _:
                read = _NOT_CALCULATED
        return read

    def _declared(self, node: ast.expr) -> object:
        """Give the value of a name, of something that holds others, or of a call."""
        match node:
            case ast.Name(id=name):
                read = self._named(node, name)
            case ast.Tuple(elts=items):
                read = tuple(self._items(items))
            case ast.List(elts=items):
                read = self._items(items)
            case ast.Dict():
                read = self._dict(node)
            case ast.Call(func=ast.Name(id=name)):
                read = self._call(node, name)
            case ast.ListComp(elt=made, generators=[ast.comprehension(ifs=[], is_async=0) as loop]):
                read = self._comprehension(made, loop)
            case _:
                raise _refused(node, _words(node))
        return read

    def _named(self, node: ast.expr, name: str) -> object:
        if name not in self.names:
            raise _refused(node, f"`{name}`, which no line above assigns")
        return self.names[name]

    def _items(self, nodes: Iterable[ast.expr]) -> list[object]:
        items: list[object] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items.extend(_listed(node, self.value(node.value)))
            else:
                items.append(self.value(node))
        return items

    def _dict(self, node: ast.Dict) -> dict[str, object]:
        read: dict[str, object] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                read.update(_mapping(value, self.value(value)))
            else:
                read[_key(key, self.value(key))] = self.value(value)
        return read

    def _call(self, node: ast.Call, name: str) -> object:
        if name not in self.imported:
            raise _refused(node, f"a call of `{name}`")
        named: dict[str, object] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                named.update(_mapping(keyword.value, self.value(keyword.value)))
            else:
                named[keyword.arg] = self.value(keyword.value)
        try:
            return self.imported[name](*self._items(node.args), **named)
        except MalformedDocument as error:
            field = f"{_line(node)}: {error.field.removeprefix(FILE + ': ')}"
            raise MalformedDocument(field=field, shape=error.shape, fix=error.fix) from error
        except (TypeError, AttributeError) as error:
            raise MalformedDocument(
                field=_line(node), shape=f"a call of `{name}` with other arguments than it takes", fix=str(error)
            ) from error

    def _part(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                value = self.value(inner)
                if isinstance(value, str | int):
                    return str(value)
        raise _refused(node, "a text made of anything but texts and whole numbers")

    def _comprehension(self, made: ast.expr, loop: ast.comprehension) -> list[object]:
        if not isinstance(loop.target, ast.Name) or loop.target.id in self.names:
            raise _refused(loop.target, "a comprehension over anything but one new name")
        read = []
        for item in _listed(loop.iter, self.value(loop.iter)):
            self._assign(loop.target, item)
            read.append(self.value(made))
        self.names.pop(loop.target.id, None)
        return read


def _combined(node: ast.expr, operator: ast.operator, left: object, right: object) -> object:
    """Add texts or lists, or calculate with numbers; nothing grows beyond a bound."""
    joined: object = None
    if isinstance(operator, ast.Add):
        match left, right:
            case (str(), str()) | (tuple(), tuple()) | (list(), list()):
                joined = left + right  # type: ignore[operator]
    if joined is None:
        joined = _calculation(node, operator, _number(node, left), _number(node, right))
    return _bounded(node, joined)


def _calculation(node: ast.expr, operator: ast.operator, left: float, right: float) -> float:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() if right:
            return left / right
    raise _refused(node, "a calculation beyond + - * and / by a number")


def _bounded(node: ast.expr, value: object) -> object:
    small = len(value) <= _MAX_SIZE if isinstance(value, str | tuple | list) else True
    if isinstance(value, int | float):
        small = -_MAX_NUMBER < value < _MAX_NUMBER
    if not small:
        raise _refused(node, "a text, list or number beyond any use")
    return value


def _number(node: ast.expr, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(node, "a calculation with what is no number")
    return value


def _listed(node: ast.expr, value: object) -> Iterable[object]:
    if not isinstance(value, tuple | list | dict):
        raise _refused(node, "items of what is no list")
    return value


def _mapping(node: ast.expr, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _refused(node, "names of what is no dict")
    return value


def _key(node: ast.expr, value: object) -> str:
    if not isinstance(value, str):
        raise _refused(node, "a key that is no text")
    return value


def _words(node: ast.AST) -> str:
    """Name a construct as the file spells it: ``if``, ``a call of `x.y```."""
    match node:
        case ast.Import(names=names):
            return f"an import of {', '.join(alias.name for alias in names)}"
        case ast.Expr(value=value):
            return _words(value)
        case ast.Call(func=function):
            return f"a call of `{ast.unparse(function)[:80]}`"
        case ast.Attribute():
            return f"`{ast.unparse(node)[:80]}`"
    kind = type(node).__name__
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _refused(node: ast.stmt | ast.expr, shape: str) -> MalformedDocument:
    return MalformedDocument(field=_line(node), shape=shape, fix=_WRITE)


def _line(node: ast.stmt | ast.expr) -> str:
    return f"{FILE} line {node.lineno}"
