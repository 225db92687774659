"""One attempt at running a task, and the frame that it leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from jug import codec, records
from jug.backends.frames import Frame, Kind
from jug.code.codes import code_of
from jug.code.sources import notice_imports
from jug.errors import EncodeError, TaskError
from jug.messages import Log
from jug.records import Buffer, Record
from jug.task import forks
from jug.task.arguments import find_dependencies, value_of
from jug.task.made import alltasks
from jug.task.measures import LONG, UNMEASURED, after_run, before_run
from jug.task.running import advice_for, advice_on, running
from jug.task.short_form import short_form
from jug.task.together import load_together
from jug.tracebacks import describe_exception, own_traceback

log = Log("worker")

_warned: set[Any] = set()
"""Functions whose tasks made tasks, which was told."""


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Call(Protocol):
    """As much of a task as an attempt needs."""

    f: Callable[..., Any]
    args: tuple[Any, ...]

    @property
    def kwargs(self) -> dict[str, Any]: ...
    @property
    def has_plain_arguments(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    def compute_digest(self) -> bytes: ...


def load_arguments(task: Call) -> Arguments:
    """Return the arguments with every task in them replaced by its value."""
    if task.has_plain_arguments:
        return task.args, {}
    with forks.ended_here():
        load_together(*task.args, *task.kwargs.values())
        return value_of(task.args), value_of(task.kwargs)


def attempt(
    task: Call,
    arguments: Arguments,
    debug_mode: bool = False,
    number: int = 0,
    printed: Callable[[float], str] = lambda seconds: "",
) -> tuple[Frame, Any]:
    """Call the task's function; return the frame to save, and the value.

    `number` says which attempt it is, from 1; `printed` returns what the record keeps of its
    output, by the seconds that it took.  Whatever the function raises comes through.
    """
    args, kwargs = arguments
    count = len(alltasks)
    args_before = _steady_digest(task) if debug_mode else None
    name = task.name
    code = code_of(task).text
    before = before_run(name)
    start = time.time()
    began = time.perf_counter()
    this, forked = (task, count, threading.get_ident()), forks.count()
    running.append(this)
    try:
        result = task.f(*args, **kwargs)
        duration = time.perf_counter() - began
        payload = _encoded(task, result)
    finally:
        forks.end_if_forked(forked)
        running.remove(this)  # which in another thread another one may have followed
    if len(alltasks) > count and threading.active_count() == 1:  # else others may make tasks
        _warn_of_tasks(task, alltasks[count:])
    if args_before is not None:
        _check_unchanged(task, args_before)
    if notice_imports():
        code = code_of(task).text
    size = sum(map(len, payload))
    is_short = duration < LONG
    used, memory = UNMEASURED if is_short and before is None else after_run(name, duration, before)
    output = printed(duration)
    if is_short and not output:
        packed = records.pack_short(name, start, duration, size, 0, code)
        return Frame(Kind.RESULT, task.digest, packed, payload), result
    record = Record(name, start, duration, size, memory, code, output=output)
    if not is_short:
        record = record._replace(
            arguments=short_form(task.args, task.kwargs),
            cpu=used.cpu,
            growth=used.memory,
            attempt=number,
        )
    return Frame(Kind.RESULT, task.digest, records.pack(record), payload), result


def _encoded(task: Call, result: Any) -> Sequence[Buffer]:
    try:
        return codec.encode(result)
    except EncodeError as error:
        held = next(find_dependencies(result), None)
        why = error if held is None else advice_for(held, str(error))
        raise EncodeError(f"the result of task {task.name!r} can't be saved: {why}") from None


def failed_attempt(
    task: Call,
    error: BaseException,
    start: float,
    kept: bool = False,
    number: int = 0,
    output: str = "",
) -> Frame:
    """Return the frame that says that the task failed, and how."""
    record = ended_run(task, start, number, output)._replace(
        exception=describe_exception(error), traceback=own_traceback(error)
    )
    return Frame(Kind.KEPT if kept else Kind.FAILURE, task.digest, records.pack(record))


def ended_run(task: Call, start: float, number: int = 0, output: str = "") -> Record:
    """Return the record of a run that began then and ends now, whatever became of it."""
    return Record(
        task.name,
        start,
        max(0.0, time.time() - start),
        code=code_of(task).text,
        arguments=short_form(task.args, task.kwargs),
        attempt=number,
        output=output,
    )


def _warn_of_tasks(task: Call, made: list[Any]) -> None:
    """Warn of tasks that a task made while it ran and that it did not run itself."""
    left = [one for one in made if not (one.is_loaded() or one.store.has(one.digest))]
    if left and task.f not in _warned:
        _warned.add(task.f)
        log.warning("%s", advice_on(task, left[0]))


def _steady_digest(task: Call) -> tuple[bytes, set[str]]:
    from jug.hash.steady import steady_digest  # for debugging alone

    return steady_digest((task.args, task.kwargs))


def _check_unchanged(task: Call, before: tuple[bytes, set[str]]) -> None:
    if task.compute_digest() == task.digest:
        return
    after = _steady_digest(task)
    if after != before or not after[1]:
        raise TaskError(
            f"task {task.name!r} changed its own arguments: work on a copy of them", task=task
        )
    log.warning(
        "the arguments of task %s have another hash now: it changed them, or an object of %s keeps"
        " what it has computed",
        task.name,
        " or ".join(sorted(after[1])),
    )
