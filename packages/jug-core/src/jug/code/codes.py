"""The code behind tasks, found once for all tasks of one function.

What a task is called with may bring code along: functions, and objects of the project's classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final, Protocol

from jug.code.asking import CONTAINERS, PLAIN, is_one_of, items_of, module_of
from jug.code.fingerprint import Code
from jug.code.modules import is_project
from jug.code.reach import Reach
from jug.code.sources import changes, let_go
from jug.code.things import (
    defaults_in,
    functions_of_tasklet,
    is_callable_kind,
    is_tasklet_kind,
    things_in,
)
from jug.collector import without_collector
from jug.hash.names import function_name

__all__ = ["Call", "all_codes_of", "brings_nothing", "code_of", "codes_of"]

_MOST_LOOKED_AT: Final = 16
"""A longer list of arguments is not looked into."""
_CONTAINERS: Final = frozenset(map(id, CONTAINERS))
_FUNCTIONS: Final = (FunctionType, MethodType, partial, type)
_MOST_FUNCTIONS: Final = 10_000
"""How many functions are remembered by themselves: closures may be as many as tasks."""

_Way = Callable[[Any], Iterable[Any]]

_ways: dict[int, tuple[type, _Way | None]] = {}
"""By the class's id, as its metaclass may have a hash of its own; the class is kept with it."""
_bringing_nothing: set[int] = set()
"""The ids of those classes whose objects neither bring code along nor contain anything."""


class Call(Protocol):
    """As much of a task as is needed here."""

    f: Any
    args: tuple[Any, ...]

    @property
    def kwargs(self) -> dict[str, Any]: ...


def code_of(task: Call) -> Code:
    """Return the code behind a task, as it was when it was first asked for.

    >>> from jug import Task
    >>> code_of(Task(max, 2, 3)).parts
    {}
    """
    codes = _latest[0]
    if codes.as_of != changes():  # nothing of it holds once a module was loaded from new source
        codes = _latest[0] = _Codes()
    last = codes.last
    if last[0] is not task:  # a worker asks more than once in a run
        codes.last = last = task, codes.of_task(task)
    return last[1]


def brings_nothing(task: Call) -> bool:
    """Return whether it is seen at a glance that a task is called with nothing that brings code.

    >>> from jug import Task
    >>> task = Task(max, 2, 3)
    >>> _ = code_of(task)  # which has a look at each argument
    >>> brings_nothing(task), brings_nothing(Task(max, [2, 3]))
    (True, False)
    """
    return _bringing_nothing.issuperset(map(id, map(type, task.args))) and not task.kwargs


class _Codes:
    """The code behind functions, by what it is of; that is kept too, so that its id is its own."""

    def __init__(self) -> None:
        self.as_of = changes()
        self._reach = Reach()
        self._known: dict[tuple[int, ...], tuple[Any, Code]] = {}
        self._functions: dict[int, tuple[Any, Code]] = {}
        self.last: tuple[Call | None, Code] = None, Code.of(None, (), (), ())
        """The task that was last asked about, and its code."""

    def of_task(self, task: Call) -> Code:
        """Return the code behind a task."""
        function = task.f
        if not brings_nothing(task) and (brought := (*_brought(task),)):
            return self.of(function, brought)
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

    def let_go(self) -> None:
        """Let go of all but the code that was found."""
        self._reach = Reach()
        let_go()

    def _find(self, function: Any, brought: tuple[Any, ...]) -> Code:
        try:
            return self._reach.code_of(function, brought)
        except Exception as error:  # objects may be made in any way, and no task may fail of that
            reason = f"it can't be looked at ({type(error).__name__}: {error})"
            return Code.of(None, (), [f"{function_name(function)}: {reason}"], ())


_latest = [_Codes()]


def codes_of(tasks: Iterable[Call]) -> list[Code]:
    """Return the code behind tasks, of those with one function the last.

    What it was found by is let go of then.

    >>> from jug import Task
    >>> len(codes_of([Task(max, 2, 3), Task(max, 3, 4)]))
    1
    """
    with without_collector():
        found = [*map(code_of, {id(task.f): task for task in tasks}.values())]
        _latest[0].let_go()
    return found


def all_codes_of(tasks: Iterable[Call]) -> list[Code]:
    """Return all the code behind tasks, also where it differs by what they are called with.

    >>> from jug import Task
    >>> len(all_codes_of([Task(max, 2, 3), Task(max, 3, key=abs)]))
    1
    """
    with without_collector():
        found = {code.reach: code for code in map(code_of, tasks)}
        _latest[0].let_go()
    return [*found.values()]


def _brought(task: Call) -> Iterator[Any]:
    """Yield functions among the arguments or behind these, and the classes of objects."""
    for argument in (*task.args, *task.kwargs.values()):
        items = items_of(argument, _MOST_LOOKED_AT + 1)
        for one in _looked_at(argument, items):
            bring = _way_to_code(type(one))
            if bring is not None:
                yield from bring(one)
        if items is None and _way_to_code(type(argument)) is None:
            _bringing_nothing.add(id(type(argument)))


def _looked_at(argument: Any, items: list[Any] | None) -> Iterator[Any]:
    """Yield an argument, the items of a short list, and those of short lists in that."""
    yield argument
    for one in items if items is not None and len(items) <= _MOST_LOOKED_AT else ():
        yield one
        if id(type(one)) in _CONTAINERS and len(one) <= _MOST_LOOKED_AT:
            yield from tuple(one.values() if type(one) is dict else one)


def _way_to_code(kind: type) -> _Way | None:
    """Return what gives the code that an object of a class brings along, None if none does."""
    known = _ways.get(id(kind))
    if known is None:
        known = _ways[id(kind)] = kind, _find_way(kind) if is_callable_kind(kind) else None
    return known[1]


def _find_way(kind: type) -> _Way:
    if is_tasklet_kind(kind):
        return _code_of_tasklet
    if is_project(module_of(kind)) and not issubclass(kind, type):
        return lambda thing: (kind,)  # what it holds may be put there by the first of its tasks
    return _itself if issubclass(kind, _FUNCTIONS) else things_in


def _itself(thing: Any) -> Iterable[Any]:
    return (thing,)


def _code_of_tasklet(tasklet: Any) -> Iterator[Any]:
    for function in functions_of_tasklet(tasklet):
        bring = _way_to_code(type(function))
        if bring is not None:
            yield from bring(function)


def _key(thing: Any) -> Any:
    """Return what stands for a function: its code, where all that it closes over is data.

    So it is with its defaults.
    """
    if type(thing) is not FunctionType or vars(thing):
        return thing
    cells = thing.__closure__ or ()
    is_data = all(map(_is_data, cells)) and not [*defaults_in(thing)]
    return thing.__code__ if is_data else thing


def _is_data(cell: Any) -> bool:
    try:
        return is_one_of(type(cell.cell_contents), PLAIN)
    except ValueError:
        return False
