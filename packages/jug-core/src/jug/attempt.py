"""One attempt at running a task, and the frame that it leaves behind."""

from __future__ import annotations

import os
import sys
import time
from functools import lru_cache
from hashlib import blake2b
from itertools import dropwhile
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from jug import codec, records
from jug._arguments import value
from jug.backends.base import Frame, Kind
from jug.errors import EncodeError, JugError, TaskError
from jug.records import Record

if TYPE_CHECKING:
    from traceback import FrameSummary

    from jug._task import Task

_LONG: Final = 0.01  # seconds from which a run is worth measuring its memory


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def load_arguments(task: Task[Any]) -> Arguments:
    """Return the arguments with every task in them replaced by its value."""
    if task.has_plain_arguments:
        return task.args, {}
    return value(task.args), value(task.kwargs)


def run(task: Task[Any], arguments: Arguments, debug_mode: bool = False) -> tuple[Frame, Any]:
    """Call the task's function; return the frame to save, and the value.

    Whatever the function raises comes through.
    """
    args, kwargs = arguments
    start = time.time()
    began = time.perf_counter()
    result = task.f(*args, **kwargs)
    duration = time.perf_counter() - began
    if debug_mode:
        _check_unchanged(task)
    try:
        payload = codec.encode(result)
    except EncodeError as error:
        raise EncodeError(f"the result of task {task.name!r} can't be saved: {error}") from None
    memory = peak_memory() if duration > _LONG else 0
    size = sum(map(len, payload))
    record = Record(task.name, start, duration, size, memory, code_fingerprint(task.f))
    return Frame(Kind.RESULT, task.digest, records.pack(record), payload), result


def failure(task: Task[Any], error: BaseException, start: float, kept: bool = False) -> Frame:
    """Return the frame that says that the task failed, and how."""
    record = Record(
        task.name,
        start,
        max(0.0, time.time() - start),
        code=code_fingerprint(task.f),
        exception=describe_exception(error),
        traceback=own_traceback(error),
    )
    return Frame(Kind.KEPT if kept else Kind.FAILURE, task.digest, records.pack(record))


def describe_exception(error: BaseException) -> str:
    """Return type and message on one line.

    >>> describe_exception(ValueError("no such thing"))
    'ValueError: no such thing'
    """
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    message = " ".join(str(error).split())
    return f"{module}{kind.__qualname__}" + (f": {message}" if message else "")


def own_traceback(error: BaseException) -> str:
    """Return the traceback without the frames at its start that are jug's own.

    An error that jug itself names is shown without any of jug's frames.
    """
    import traceback

    told = traceback.TracebackException.from_exception(error)
    frames = list(dropwhile(_is_jugs, told.stack))
    if isinstance(error, JugError):
        frames = [frame for frame in frames if not _is_jugs(frame)]
    told.stack = traceback.StackSummary.from_list(frames)
    return "".join(told.format())


def _is_jugs(frame: FrameSummary) -> bool:
    import jug

    return any(frame.filename.startswith(os.path.join(folder, "")) for folder in jug.__path__)


def peak_memory() -> int:
    """Return the most memory in bytes that this process has used so far, 0 if not known."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def code_fingerprint(f: Any) -> str:
    """Return 16 hex digits that change when the function's code does, or "" if it has none.

    Comments and line numbers do not count.  Another Python may give another.
    """
    if type(f) is not FunctionType:
        f = getattr(f, "__func__", None) or getattr(f, "__wrapped__", None)
    return _fingerprint(f) if isinstance(f, FunctionType) else ""


@lru_cache(maxsize=4096)  # by the function: a code object is slow to look up
def _fingerprint(f: FunctionType) -> str:
    state = blake2b(digest_size=8)
    stack = [f.__code__]
    while stack:
        one = stack.pop()
        plain = [c for c in one.co_consts if not isinstance(c, (CodeType, frozenset))]
        state.update(one.co_code)
        state.update(repr((one.co_names, one.co_varnames, plain)).encode())
        stack += [c for c in one.co_consts if isinstance(c, CodeType)]
    return state.hexdigest()


def _check_unchanged(task: Task[Any]) -> None:
    if task._compute_digest() != task.digest:
        raise TaskError(
            f"task {task.name!r} changed its own arguments: work on a copy of them", task=task
        )
