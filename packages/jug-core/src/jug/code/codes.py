"""The code behind tasks, found once for all tasks of one function.

What a task is called with may bring code along: functions, and objects of the project's classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any, Final, Protocol

from jug.code.fingerprint import Code
from jug.code.modules import is_project
from jug.code.reach import Reach
from jug.code.sources import changes
from jug.code.things import is_callable_kind, module_of
from jug.hash.names import function_name
from jug.records import without_collector

__all__ = ["Call", "code_of", "codes_of"]

_MOST_LOOKED_AT: Final = 16
"""A longer list of arguments is not looked into."""
_MOST_FUNCTIONS: Final = 10_000
"""How many functions are remembered by themselves: closures may be as many as tasks."""

_may_bring: dict[type, bool] = {}


class Call(Protocol):
    """As much of a task as is needed here."""

    f: Any
    args: tuple[Any, ...]

    @property
    def kwargs(self) -> dict[str, Any]: ...
    @property
    def has_plain_arguments(self) -> bool: ...


def code_of(task: Call) -> Code:
    """Return the code behind a task, as it was when it was first asked for.

    >>> from jug import Task
    >>> code_of(Task(max, 2, 3)).parts
    {}
    """
    codes = _latest[0]
    if codes.as_of != changes():  # nothing of it holds once a module was loaded from new source
        codes = _latest[0] = _Codes()
    if task.has_plain_arguments:
        return codes.of_function(task.f)
    return codes.of(task.f, (*_brought(task),))


class _Codes:
    """The code behind functions, by what it is of; that is kept too, so that its id is its own."""

    def __init__(self) -> None:
        self.as_of = changes()
        self._reach = Reach()
        self._known: dict[tuple[int, ...], tuple[Any, Code]] = {}
        self._functions: dict[int, tuple[Any, Code]] = {}

    def of_function(self, function: Any) -> Code:
        """Return the code behind a function alone."""
        known = self._functions.get(id(function))
        if known is None:
            if len(self._functions) >= _MOST_FUNCTIONS:
                self._functions.clear()
            known = self._functions[id(function)] = function, self.of(function, ())
        return known[1]

    def of(self, function: Any, brought: tuple[Any, ...]) -> Code:
        """Return the code behind a function, and behind what it is called with."""
        keys = (_key(function), *map(_key, brought))
        ids = tuple(map(id, keys))
        known = self._known.get(ids)
        if known is None:
            with without_collector():  # which would look at the syntax trees again and again
                known = self._known[ids] = keys, self._find(function, brought)
        return known[1]

    def _find(self, function: Any, brought: tuple[Any, ...]) -> Code:
        try:
            return self._reach.code_of(function, brought)
        except Exception as error:  # objects may be made in any way, and no task may fail of that
            reason = f"it can't be looked at ({type(error).__name__}: {error})"
            return Code.of(None, (), [f"{function_name(function)}: {reason}"], ())


_latest = [_Codes()]


def codes_of(tasks: Iterable[Call]) -> list[Code]:
    """Return the code behind tasks, of those with one function the last.

    >>> from jug import Task
    >>> len(codes_of([Task(max, 2, 3), Task(max, 3, 4)]))
    1
    """
    with without_collector():
        return [*map(code_of, {id(task.f): task for task in tasks}.values())]


def _brought(task: Call) -> Iterator[Any]:
    """Yield functions among the arguments, and the classes of objects."""
    for argument in (*task.args, *task.kwargs.values()):
        for one in _items(argument):
            if _may_bring_code(type(one)):
                yield type(one) if is_project(module_of(type(one))) else one


def _may_bring_code(kind: type) -> bool:
    known = _may_bring.get(kind)
    if known is None:
        known = _may_bring[kind] = is_callable_kind(kind)
    return known


def _items(argument: Any) -> Iterable[Any]:
    kind = type(argument)
    if kind not in (list, tuple, dict) or len(argument) > _MOST_LOOKED_AT:
        return (argument,)
    items: Iterable[Any] = argument.values() if kind is dict else argument
    return items


def _key(thing: Any) -> Any:
    """Return what stands for a function: its code, where all that it closes over is data."""
    if type(thing) is not FunctionType or vars(thing):
        return thing
    cells = thing.__closure__ or ()
    return thing.__code__ if all(map(_is_data, cells)) else thing


def _is_data(cell: Any) -> bool:
    try:
        return type(cell.cell_contents) in _DATA
    except ValueError:
        return False


_DATA: Final = frozenset({int, float, complex, str, bytes, bool, type(None)})
