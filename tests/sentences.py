"""Every sentence the sources give to an error of this house, read from their syntax trees; a slot is `SLOT`.

Followed are: f-strings, `if`/`or` inside them, names that the same function or module sets, texts that callers pass in,
functions that return sentences, and lists that are joined. What cannot be followed is reported as such.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

from caretaker.domain import errors
from tooling.steps import ROOT

SLOT = "\0"
MESSAGE_AT = {"Problem": 2, "HTTPException": 1}
"""Where the sentence stands among the arguments; first elsewhere."""
SAYING = {"add": 2, "say": 1, "_say": 1}
"""The same for the catalogue, which collects what is wrong with a file."""
KINDS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.CaretakerError)
} | {"Problem", "HTTPException", "SignInNeeded"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = tuple[ast.Module, Function | None]


@dataclass(frozen=True)
class Sources:
    """Parsed sources; also those written by a test."""

    texts: dict[str, str]
    opaque: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *folders: str) -> Sources:
        files = sorted(file for folder in folders for file in (Path(ROOT) / folder).rglob("*.py"))
        return cls({str(file.relative_to(ROOT)): file.read_text("utf-8") for file in files})

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(text) for name, text in self.texts.items()}

    @cached_property
    def functions(self) -> dict[str, list[tuple[ast.Module, Function]]]:
        found: dict[str, list[tuple[ast.Module, Function]]] = {}
        for tree in self.trees.values():
            for node in ast.walk(tree):
                if isinstance(node, Function):
                    found.setdefault(node.name, []).append((tree, node))
        return found

    @cached_property
    def calls(self) -> dict[str, list[tuple[Scope, ast.Call]]]:
        found: dict[str, list[tuple[Scope, ast.Call]]] = {}
        for tree in self.trees.values():
            for function, node in _walk(tree):
                if isinstance(node, ast.Call):
                    found.setdefault(_name(node.func), []).append(((tree, function), node))
        return found

    def sentences(self, leave_out: Container[str] = ()) -> dict[str, str]:
        """sentence -> where it is raised, without these kinds and files. What could not be followed is left in `opaque`."""
        files = {id(tree): name for name, tree in self.trees.items()}
        found: dict[str, str] = {}
        for kind in sorted(KINDS | set(SAYING)):
            for scope, call in self.calls.get(kind, []):
                if kind in leave_out or files[id(scope[0])] in leave_out:
                    continue
                if kind in SAYING and not files[id(scope[0])].startswith("caretaker/catalog/"):
                    continue
                where = f"{files[id(scope[0])]}:{call.lineno}"
                for argument in call.args[(MESSAGE_AT | SAYING).get(kind, 0) :][:1]:
                    told = self._texts(argument, scope, 0, whole=True)
                    if told is None:
                        self.opaque.append(f"{files[id(scope[0])]}: {kind}({ast.unparse(argument)})")
                    for sentence in told or ():
                        found.setdefault(sentence, where)
                    for part in self._passed(argument, scope):
                        found.setdefault(part, where)
        found.pop("", None)
        return found

    def _texts(self, node: ast.expr, scope: Scope, depth: int, *, whole: bool = False) -> set[str] | None:
        """What the expression may say. None: it cannot be followed."""
        if depth > 6:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr(values=parts):
                return _every(self._texts(part, scope, depth + 1) or {SLOT} for part in parts)
            case ast.FormattedValue(value=inside, conversion=-1, format_spec=None):
                return self._inside(inside, scope, depth + 1)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                sides = [self._texts(part, scope, depth + 1) for part in (left, right)]
                return _every(side or {SLOT} for side in sides) if any(sides) else None
            case ast.IfExp(body=one, orelse=other) | ast.BoolOp(op=ast.Or(), values=[one, other]):
                return (self._texts(one, scope, depth + 1) or {SLOT}) | (self._texts(other, scope, depth + 1) or {SLOT})
            case ast.Attribute(attr="message") if whole:
                return set()  # another error's sentence, found where that is raised
            case ast.Call(func=ast.Name(id="say")):
                return set()  # the command line's own words, in the terminal's language already
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant()), args=[ast.Name(id=name)]) if whole:
                return self._appended(name, scope, depth + 1)
            case ast.Name(id=name):
                return self._named(name, scope, depth + 1, whole=whole)
            case ast.Call(func=called) if whole:
                return self._returned(_name(called), depth + 1)
        return None

    def _inside(self, node: ast.expr, scope: Scope, depth: int) -> set[str]:
        """A slot: alternatives that are texts themselves are spelled out, a value stays a slot."""
        match node:
            case ast.IfExp() | ast.BoolOp(op=ast.Or()):
                return self._texts(node, scope, depth) or {SLOT}
            case ast.Name(id=name):
                found = self._set(name, scope)
                if found and all(
                    isinstance(one, ast.Constant | ast.JoinedStr | ast.IfExp | ast.BinOp) for one in found
                ):
                    return set().union(*(self._texts(one, scope, depth) or {SLOT} for one in found))
        return {SLOT}

    def _set(self, name: str, scope: Scope) -> list[ast.expr]:
        """What the name is set to in this function, else in this module."""
        for place in (scope[1], scope[0]):
            nodes = list(ast.walk(place)) if isinstance(place, Function) else list(place.body) if place else []
            found = [value for node in nodes for target, value in _assigned(node) if target == name]
            if found:
                return found
        return []

    def _named(self, name: str, scope: Scope, depth: int, *, whole: bool) -> set[str] | None:
        if scope[1] is not None and name in _parameters(scope[1]):
            return set(self._given(scope[1], name)) if whole else {SLOT}
        told = [self._texts(one, scope, depth, whole=whole) for one in self._set(name, scope)]
        known = [one for one in told if one is not None]
        return set().union(*known) if known and len(known) == len(told) else None

    def _passed(self, node: ast.expr, scope: Scope) -> Iterator[str]:
        """Texts that callers hand to a bare parameter in a slot: pieces of a sentence, said in Chinese by themselves."""
        if scope[1] is None:
            return
        for inside in ast.walk(node):
            match inside:
                case ast.FormattedValue(value=ast.Name(id=name), conversion=-1) if name in _parameters(scope[1]):
                    yield from self._given(scope[1], name)

    def _given(self, function: Function, parameter: str) -> Iterator[str]:
        place = [name for name in _parameters(function) if name not in ("self", "cls")].index(parameter)
        for scope, call in self.calls.get(function.name, []):
            if not self._meant(function, call):
                continue
            named = [one.value for one in call.keywords if one.arg == parameter]
            for argument in named or call.args[place : place + 1]:
                if isinstance(argument, ast.Constant | ast.JoinedStr | ast.IfExp):
                    yield from self._texts(argument, scope, 1) or ()

    def _meant(self, function: Function, call: ast.Call) -> bool:
        """`x.get(…)` may be anybody's `get`; a bare name, our own `self.…` or a name that stands once is this one."""
        match call.func:
            case ast.Name() | ast.Attribute(value=ast.Name(id="self")):
                return True
        return len(self.functions[function.name]) == 1

    def _returned(self, name: str, depth: int) -> set[str] | None:
        found: set[str] = set()
        for tree, function in self.functions.get(name, []):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    found |= self._texts(node.value, (tree, function), depth) or set()
        return found or None

    def _appended(self, name: str, scope: Scope, depth: int) -> set[str] | None:
        found: set[str] = set()
        for node in ast.walk(scope[1] or scope[0]):
            match node:
                case ast.Call(func=ast.Attribute(attr="append", value=ast.Name(id=to)), args=[told]) if to == name:
                    found |= self._texts(told, scope, depth, whole=True) or set()
        return found or None


def _walk(tree: ast.Module) -> Iterator[tuple[Function | None, ast.AST]]:
    """Every node with the function it stands in."""
    left: list[tuple[Function | None, ast.AST]] = [(None, tree)]
    while left:
        function, node = left.pop()
        yield function, node
        inner = node if isinstance(node, Function) else function
        left.extend((inner, child) for child in ast.iter_child_nodes(node))


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.NamedExpr(target=ast.Name(id=name), value=value)
        ):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value


def _parameters(function: Function) -> list[str]:
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _every(parts: Iterator[set[str]]) -> set[str]:
    return {"".join(one) for one in product(*parts)}
