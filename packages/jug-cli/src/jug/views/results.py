"""A result, looked at without any change of the store, and in short.

What is damaged is removed where a task is about to use it; here it is only said.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from jug import codec
from jug.errors import JugError
from jug.task import Task
from jug.task.short_form import short_form
from jug.tracebacks import describe_exception

__all__ = ["ResultSummary", "read_value", "summary_of"]

_LONGEST_TEXT: Final = 200
_OF_LIBRARIES: Final = ("numpy", "pandas", "polars", "xarray", "torch")
_SIZED: Final = (str, bytes, list, tuple, dict, set, frozenset)


class ResultSummary(NamedTuple):
    """What a result is, in short."""

    type: str
    """Its type, empty if it can't be read."""
    bytes: int
    """How much it takes in the store."""
    length: int | None
    shape: tuple[int, ...] | None
    text: str
    """How it begins, or why it can't be read."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {**self._asdict(), "type": self.type or None}


def read_value(task: Task[Any]) -> Any:
    """Return the result of a task from the store.

    Raises `JugError` if it is not there, or not whole, and what making it raises.
    """
    return task.store.use(task.digest, codec.decode)


def summary_of(task: Task[Any]) -> ResultSummary:
    """Return what the result of a task is, also if it can't be read.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> task = Task(sorted, [3, 1, 2]); _ = task.run()
    >>> summary_of(task)._replace(bytes=0)
    ResultSummary(type='list', bytes=0, length=3, shape=None, text='[1, 2, 3]')
    """
    size = task.store.sizes([task.digest])[0]
    try:
        value = read_value(task)
    except JugError as error:
        return ResultSummary("", size, None, None, str(error))
    except MemoryError as error:  # it is whole, and larger than this machine
        return ResultSummary("", size, None, None, describe_exception(error))
    kind = type(value)
    return ResultSummary(
        _name(kind),
        size,
        len(value) if kind in _SIZED else None,
        _shape(value, kind),
        _beginning(value, kind),
    )


def _name(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _shape(value: Any, kind: type) -> tuple[int, ...] | None:
    if kind.__module__.partition(".")[0] not in _OF_LIBRARIES:
        return None
    shape = getattr(value, "shape", None)
    return tuple(map(int, shape)) if isinstance(shape, tuple) else None


def _beginning(value: Any, kind: type) -> str:
    """Return how the value begins; nothing of the user's is called for that."""
    if kind is str or kind is bytes:
        text = repr(value[: _LONGEST_TEXT + 1])
    elif kind.__module__ == "numpy" and _is_plain(getattr(value, "dtype", None)):
        text = " ".join(repr(value).split())  # which numpy keeps short
    else:
        text = short_form((value,), {})
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _is_plain(dtype: Any) -> bool:
    """Return whether arrays of a dtype hold nothing of the user's; what has none may."""
    return dtype is not None and not dtype.hasobject
