"""Lambdas by their source, where nothing else distinguishes them.

The syntax tree is used, so that neither spaces nor comments nor line breaks
count.  Several lambdas may begin on one line; the columns that Python keeps for
tracebacks show which of them is meant.  A file may have been edited since it was
imported, so its lambdas are compiled again, and the one that is meant must be the
same code as then.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Generator, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from jug.errors import HashError
from jug.hash.framing import sealed, text
from jug.hash.functions import Lambda, stable_module, surroundings

_Place = tuple[int, int]

_OF_CODE: Final = (
    "co_firstlineno",
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
)


def by_source(wrapped: Lambda) -> Generator[Any, bytes, bytes]:
    """Encode a lambda by its module, its syntax and its surroundings."""
    f = wrapped.f
    syntax = _plain(_find(f.__code__, f.__globals__))
    return sealed(
        b"L",
        [text(stable_module(f.__module__)), (yield syntax), (yield surroundings(f))],
    )


def _find(code: CodeType, globals_: dict[str, Any]) -> ast.Lambda:
    for check in (False, True):
        if check:
            linecache.checkcache(code.co_filename)
        source = "".join(linecache.getlines(code.co_filename, globals_))
        node = _in_place_of(code, source)
        if node is not None and _is_source_of(code, node, source):
            return node
    raise HashError(
        f"the source of the lambda at line {code.co_firstlineno} of {code.co_filename!r} cannot"
        " be read, was changed since, or can't be told from others in that line:"
        " make it a function with def"
    )


def _in_place_of(code: CodeType, source: str) -> ast.Lambda | None:
    """Return the lambda in the source that is where this code says that it came from."""
    found = [node for node in _lambdas_in(source) if node.lineno == code.co_firstlineno]
    if len(found) > 1:
        extents = list(positions(code))
        if extents:
            found = enclosing(found, extents)
        else:  # Python 3.12.1 keeps none of one that returns a constant
            found = [node for node in found if _is_same(code, _compiled(node))]
    return found[0] if found else None


def _compiled(node: ast.Lambda) -> CodeType:
    """Return the code of a lambda that has no surroundings."""
    constants = compile(ast.Expression(node), "<lambda>", "eval").co_consts
    (code,) = (constant for constant in constants if isinstance(constant, CodeType))
    return code


@lru_cache(maxsize=16)
def _lambdas_in(source: str) -> list[ast.Lambda]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # the file is being edited
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]


def _is_source_of(code: CodeType, node: ast.Lambda, source: str) -> bool:
    """Return whether the lambda in the source, compiled again, is the same code."""
    return any(
        _is_same(code, other) and _in_place_of(other, source) is node for other in _codes_in(source)
    )


@lru_cache(maxsize=16)
def _codes_in(source: str) -> list[CodeType]:
    """Return the code of all lambdas."""
    found = [compile(source, "<lambdas>", "exec", dont_inherit=True)]
    for code in found:  # which grows
        found += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code for code in found if code.co_name == "<lambda>"]


def _is_same(one: CodeType, other: CodeType) -> bool:
    return (
        all(getattr(one, name) == getattr(other, name) for name in _OF_CODE)
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_is_same_constant, one.co_consts, other.co_consts))
    )


def _is_same_constant(one: Any, other: Any) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _is_same(one, other)
    return type(one) is type(other) and repr(one) == repr(other)


def positions(code: CodeType) -> Iterator[tuple[_Place, _Place]]:
    """Yield where the source of each instruction begins and ends, if Python kept it."""
    for line, end_line, column, end_column in code.co_positions():
        if line and end_line and end_column:  # what Python adds of itself has no extent
            yield (line, column or 0), (end_line, end_column)


def enclosing(lambdas: list[ast.Lambda], extents: list[tuple[_Place, _Place]]) -> list[ast.Lambda]:
    """Return the lambdas in whose bodies all of it lies, the smallest first."""
    if not extents:
        return []
    begin, end = min(first for first, _ in extents), max(last for _, last in extents)
    around = [node for node in lambdas if _begin(node) <= begin and end <= _end(node)]
    return sorted(around, key=_begin, reverse=True)


def _begin(node: ast.Lambda) -> _Place:
    return node.body.lineno, node.body.col_offset


def _end(node: ast.Lambda) -> _Place:
    return node.body.end_lineno or 0, node.body.end_col_offset or 0


def _plain(node: Any) -> Any:
    """Return a syntax tree as tuples, without positions and empty fields."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = {
        name: _plain(field)
        for name, field in ast.iter_fields(node)
        if field is not None and field != [] and name not in ("ctx", "kind")
    }
    return (type(node).__name__, fields)
