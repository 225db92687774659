"""Tasks that are made of other tasks.

A compound function is called while the jugfile is read and returns a task (or
lists of them, or anything that `jug.value` takes).  The compound task is known
by the call, not by what came out of it: once its result is there the function is
not called any more and its inner tasks are not even made.

Until then the compound task is a task like any other that waits for the inner
ones and takes over their value, under the hash and the name of the call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, NoReturn, ParamSpec, cast

from jug._former import tell_what_is_gone
from jug.errors import TaskError
from jug.hash.names import function_name
from jug.session import is_store_chosen
from jug.task import Task, TaskGenerator, alltasks

__all__ = ["CompoundTask", "CompoundTaskGenerator"]

P = ParamSpec("P")


def CompoundTask(  # noqa: N802
    f: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
) -> Task[Any]:
    """Return a task whose value is that of the tasks that `f(*args, **kwargs)` makes.

    `f` is called at each reading of the jugfile until the result is there, and
    then never again.

    >>> from jug import run
    >>> def hypotenuse(a, b):
    ...     return Task(pow, Task(sum, [Task(pow, a, 2), Task(pow, b, 2)]), 0.5)
    >>> run(CompoundTask(hypotenuse, 3, 4), jugdir="dict_store")
    5.0
    """
    call: Task[Any] = Task(f, *args, **kwargs)
    alltasks.pop()  # what is made below takes its place
    if is_store_chosen() and call.can_load():
        return _Compound(call, _Finished(call.f), call.args, call.kwargs)
    return _Compound(call, _Made(call.f), (call.f(*call.args, **call.kwargs),), {})


class CompoundTaskGenerator(TaskGenerator[P, Any]):
    """A function whose calls make compound tasks.

    >>> from jug import run
    >>> @CompoundTaskGenerator
    ... def spread(xs):
    ...     return Task(max, Task(max, xs), Task(abs, Task(min, xs)))
    >>> run(spread([-7, 2, 5]), jugdir="dict_store")
    7
    """

    def __call__(  # type: ignore[override]  # a compound task needs no decorator's form
        self, /, *args: P.args, **kwargs: P.kwargs
    ) -> Task[Any]:
        """Return the compound task of this call."""
        return CompoundTask(self, *args, **kwargs)


class _Compound(Task[Any]):
    """A task that is known by a call and gets its value in another way."""

    __slots__ = ("call",)

    def __init__(
        self,
        call: Task[Any],
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(f, *args, **kwargs)
        self.options = call.options
        self.call = call
        """The call by which it is known."""

    def compute_digest(self) -> bytes:
        return self.call.digest

    @property
    def hides_tasks(self) -> bool:
        return isinstance(self.f, _Finished)


class _StandIn:
    """Stands in for a compound function where its name is shown or its code looked at."""

    def __init__(self, f: Callable[..., Any]) -> None:
        update_wrapper(cast(Any, self), f)


class _Made(_StandIn):
    def __call__(self, value: Any) -> Any:
        """Return the value of the inner tasks."""
        return value


class _Finished(_StandIn):
    def __call__(self, /, *args: Any, **kwargs: Any) -> NoReturn:
        """Say what to do when a result went away after the jugfile was read."""
        raise TaskError(
            f"the result of compound task {function_name(self)!r} was removed after the jugfile "
            "was read, so its inner tasks were not made: run `jug execute` again"
        )


tell_what_is_gone(__name__)
