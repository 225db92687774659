"""Tasks described as plain data: what a result was made from."""

from __future__ import annotations

import time
from collections.abc import MutableSequence
from operator import attrgetter
from typing import Any

from jug.task.arguments import dependencies_first, find_dependencies
from jug.task.task import Task
from jug.task.tasklet import Tasklet


def describe(t: Any) -> Any:
    """Return nested dicts and lists that describe how a value came about.

    A task becomes a dict with `name`, `args` and `kwargs` (where there are any), and
    `meta`: when it was `computed` and that it is `completed`, if it is.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> describe(Task(max, 2, [3]))
    {'name': 'builtins.max', 'args': [2, [3]], 'meta': {'completed': False}}
    """
    done: dict[int, Any] = {}
    for one, _ in dependencies_first([t], _tasks_in, id, done):
        done[id(one)] = _one(one, done)
    return done[id(t)]


def _tasks_in(one: Any) -> list[Any]:
    if isinstance(one, Task):
        return list(one.dependencies())
    return list(find_dependencies(one.base if isinstance(one, Tasklet) else one))


def _one(x: Any, done: dict[int, Any]) -> Any:
    if id(x) in done:
        return done[id(x)]
    if isinstance(x, Task):
        return _task(x, done)
    if isinstance(x, Tasklet):
        return {"name": "tasklet", "operation": repr(x.f), "base": _one(x.base, done)}
    if isinstance(x, dict):
        return {key: _one(item, done) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [_one(item, done) for item in x]
    return x


def _task(task: Task[Any], done: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"name": task.name}
    if task.args:
        described["args"] = [_one(argument, done) for argument in task.args]
    if task.kwargs:
        described["kwargs"] = {key: _one(argument, done) for key, argument in task.kwargs.items()}
    described["meta"] = _meta(task)
    return described


def _meta(task: Task[Any]) -> dict[str, Any]:
    task.store.poll()
    if not task.store.has(task.digest):
        return {"completed": False}
    record = task.store.record(task.digest)
    meta: dict[str, Any] = {"completed": True}
    if record is not None and record.start:
        when = time.gmtime(record.start + record.duration)
        meta["computed"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", when)
    return meta


def topological_sort(tasks: MutableSequence[Task[Any]]) -> None:
    """Sort the tasks in place, so that each stands behind what it depends on.

    >>> first = Task(max, 2, 3); second = Task(sum, [first]); tasks = [second, first]
    >>> topological_sort(tasks); tasks == [first, second]
    True
    """
    place: dict[bytes, int] = {}
    for task, _ in dependencies_first(tasks, Task.dependencies, attrgetter("digest"), place):
        place[task.digest] = len(place)
    tasks[:] = sorted(tasks, key=lambda task: place[task.digest])
