"""What in a value cannot be stored.

pickle says that there is a lambda, but not where.  Once it has failed, the value
is searched, the parts of what fails first: to blame is what fails while no part
of it does.  That takes time, but only for a value that is lost anyway, and leads
to the very thing: ``result['model'].callback``.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from reprlib import repr as short_repr
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from jug.errors import EncodeError
from jug.tracebacks import text_of

_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)


def explain(value: Any, error: Exception, dump: Callable[[Any], object]) -> EncodeError:
    """Return an error that says what in `value` made `dump` fail with `error`."""
    fault = _search(_Suspect("result", value, error), dump)
    kind, complaint = _kind(fault.value), _complaint(fault.error)
    return EncodeError(f"{fault.path} of type {kind!r} {complaint}", path=fault.path)


@dataclass
class _Suspect:
    """Something that fails, and how it is reached."""

    path: str
    value: Any
    error: Exception
    excused: bool = False
    """Whether a part of it fails."""

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Yield what may be to blame in its place; nesting as such has no such part."""
        is_task = hasattr(type(self.value), "__jug_dependencies__")
        is_whole = is_task or isinstance(self.error, RecursionError)
        return iter(()) if is_whole else _parts(self.value)


def _search(root: _Suspect, dump: Callable[[Any], object]) -> _Suspect:
    """Return the first suspect of which no part fails."""
    seen = {id(root.value): root.value}
    line = [(root, root.parts())]
    while line:
        suspect, parts = line[-1]
        for step, part in parts:
            failure = _failure(part, dump)
            suspect.excused |= failure is not None
            if failure is not None and id(part) not in seen:
                seen[id(part)] = part
                deeper = _Suspect(suspect.path + step, part, failure)
                line.append((deeper, deeper.parts()))
                break
        else:
            if not suspect.excused:
                return suspect
            line.pop()
    return root


def _failure(part: Any, dump: Callable[[Any], object]) -> Exception | None:
    try:
        dump(part)
    except Exception as error:
        return error
    return None


def _kind(value: Any) -> str:
    if isinstance(value, _FUNCTIONS):
        return f"function {value.__name__}"
    return f"class {value.__name__}" if isinstance(value, type) else type(value).__qualname__


def _complaint(error: Exception) -> str:
    if isinstance(error, EncodeError):
        return f"cannot be stored: {error}"
    if isinstance(error, RecursionError):
        return "cannot be stored: it is nested too deeply for pickle; return it flatter"
    return (
        f"cannot be pickled ({type(error).__name__}: {text_of(error)}): "
        "return plain data in its place, or what is defined at the top level of a module"
    )


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what pickle would write of a value, and how each part is reached."""
    if type(value) is dict:
        yield from _pairs(value.items())
    elif type(value) in (list, tuple):
        yield from _items(value)
    elif type(value) in (set, frozenset):
        yield from (("<element>", element) for element in value)
    else:
        yield from _reduced_parts(value)


def _items(items: Any) -> Iterator[tuple[str, Any]]:
    return ((f"[{number}]", item) for number, item in enumerate(items))


def _pairs(pairs: Any) -> Iterator[tuple[str, Any]]:
    for key, value in pairs:
        yield f"<key {short_repr(key)}>", key
        yield f"[{short_repr(key)}]", value


def _reduced_parts(value: Any) -> Iterator[tuple[str, Any]]:
    reduced = _reduced(value)
    if not isinstance(reduced, tuple):
        return
    _, arguments, state, items, pairs, *_ = (*reduced, None, None, None)
    yield from _state_parts(state)
    yield from _items(items or ())
    yield from _pairs(pairs or ())
    for number, argument in enumerate(arguments):
        if argument is not type(value):
            yield f"<argument {number}>", argument


def _reduced(value: Any) -> Any:
    """Return what pickle would ask a value for, None if that is what fails."""
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        return reduce(value) if reduce else value.__reduce_ex__(5)
    except Exception:
        return None


def _state_parts(state: Any) -> Iterator[tuple[str, Any]]:
    # By pickle's convention a pair is the state of __dict__ and that of the slots.
    halves = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    if all(half is None or isinstance(half, dict) for half in halves):
        for half in filter(None, halves):
            yield from ((f".{name}", part) for name, part in dict(half).items())
    else:
        yield "<state>", state
