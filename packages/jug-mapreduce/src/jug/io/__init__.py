"""Results as files for people and other programs, and as tables."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, BinaryIO, Final

from jug._former import tell_what_is_gone
from jug.errors import DistributionMissing, OptionError
from jug.hash import hash_one
from jug.tables import table
from jug.task import Task, describe, find_dependencies
from jug.utils import AnyPath, written_aside

__all__ = ["NoLoad", "print_task_summary_table", "write_metadata", "write_task_out"]


class NoLoad:
    """A task as an argument that reaches the function as itself, not as its value.

    It has run by then.  What can be done with the task (`name`, `value()`, `load()`,
    `unload()` …) can be done with this; `t`, or `base`, is the task.

    >>> from jug import run
    >>> def name_of(task):
    ...     return task.name
    >>> run(Task(name_of, NoLoad(Task(max, 2, 3))), jugdir="dict_store")
    'builtins.max'
    """

    __slots__ = ("t",)

    def __init__(self, base: Any) -> None:
        self.t = base

    @property
    def base(self) -> Any:
        """The task."""
        return self.t

    def __getattr__(self, name: str) -> Any:
        """Return what the task has under this name."""
        return getattr(object.__getattribute__(self, "t"), name)

    def __jug_hash__(self) -> bytes:
        """Return another hash than that of the task, which would be passed as its value."""
        return hash_one(("jug.io.NoLoad", self.t))

    def __jug_value__(self) -> NoLoad:
        """Return itself."""
        return self

    def __jug_dependencies__(self) -> Iterator[Any]:
        """Yield the tasks that have to run before."""
        return find_dependencies(self.t)

    def __repr__(self) -> str:
        """Show the task."""
        return f"NoLoad({self.t!r})"


# Files


def write_task_out(
    result: Any,
    oname: AnyPath,
    metadata_fname: AnyPath | None = None,
    metadata_format: str = "yaml",
) -> Task[None]:
    """Return a task that writes a result to a file: an array as .npy, all else as a pickle.

    With `metadata_fname` another file says, in yaml or json, what the result was
    made from.

    >>> from jug import run
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "largest.pickle")
    ...     run(write_task_out(Task(max, 2, 3), path), jugdir="dict_store")
    ...     pickle.loads(path.read_bytes())
    3
    """
    if metadata_fname is not None:
        _format(metadata_format)
    return Task(_do_write_task_out, result, NoLoad(result), oname, metadata_fname, metadata_format)


def write_metadata(
    result: Any, metadata_fname: AnyPath, metadata_format: str = "yaml"
) -> Task[None]:
    """Return a task that writes to a file what a result was made from, as `describe` says it.

    >>> from jug import run
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "largest.json")
    ...     run(write_metadata(Task(max, 2, 3), path, "json"), jugdir="dict_store")
    ...     json.loads(path.read_text())["args"]
    [2, 3]
    """
    _format(metadata_format)
    return Task(_do_write_task_out, result, NoLoad(result), None, metadata_fname, metadata_format)


# Results are found again by the name of this function and by its arguments.
def _do_write_task_out(
    result: Any,
    unloaded: NoLoad,
    oname: AnyPath | None,
    metadata_fname: AnyPath | None,
    metadata_format: str,
) -> None:
    if oname is not None:
        _write(oname, lambda file: _dump(result, file))
    if metadata_fname is not None:
        text = _format(metadata_format)(_plain(unloaded.t, {}))
        _write(metadata_fname, lambda file: file.write(text.encode()))


def _dump(result: Any, file: BinaryIO) -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(result, numpy.ndarray):
        numpy.save(file, result)
    else:
        pickle.dump(result, file)


def _write(name: AnyPath, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file that is there wholly or not at all."""
    path = Path(name)
    if not path.parent.is_dir():
        raise OptionError(
            f"there is no folder {str(path.parent)!r} to write {path.name!r} in: make it first",
            path=str(path),
        )
    with written_aside(path) as partial, open(partial, "xb") as file:
        write(file)


# Metadata


def _format(name: str) -> Callable[[Any], str]:
    """Return the function that writes a format."""
    if name not in _FORMATS:
        raise OptionError(f"metadata_format must be 'yaml' or 'json', not {name!r}", name=name)
    return _FORMATS[name]()


def _json() -> Callable[[Any], str]:
    return lambda described: json.dumps(described, indent=2) + "\n"


def _yaml() -> Callable[[Any], str]:
    try:
        import yaml
    except ImportError:
        raise DistributionMissing(
            "metadata in yaml needs pyyaml, which is not installed: "
            "pip install 'jug-mapreduce[yaml]', or use metadata_format='json'",
            module="yaml",
            distribution="jug-mapreduce[yaml]",
        ) from None
    return lambda described: str(yaml.safe_dump(described, sort_keys=False))


_FORMATS: Final = {"yaml": _yaml, "json": _json}


def _plain(x: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    """Return what `x` was made from in types that every format knows."""
    if x is None or isinstance(x, bool):
        return x
    if type(x).__module__ == "numpy" and type(x).__name__ in ("bool", "bool_"):
        return bool(x)
    if isinstance(x, str):
        return str.__str__(x)  # of a class of its own it is none that yaml knows
    if isinstance(x, Integral):
        return int(x)
    if isinstance(x, Real):
        return float(x)
    if id(x) not in done:  # tasks that many others need are described once
        done[id(x)] = (x, _plain_object(x, done))
    return done[id(x)][1]


def _plain_object(x: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    if isinstance(x, Mapping):
        return {_plain_key(key): _plain(item, done) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(item, done) for item in x]
    described = describe(x)
    if described is not x:
        return _plain(described, done)
    if hasattr(x, "__jug_dependencies__"):
        return [_plain(task, done) for task in x.__jug_dependencies__()]
    return repr(x)


def _plain_key(key: Any) -> str | int:
    return str.__str__(key) if isinstance(key, str) else key if type(key) is int else str(key)


# Tables


def print_task_summary_table(options: Any, groups: Sequence[tuple[str, Mapping[str, int]]]) -> None:
    """Print a table of counts by task name, one column for each group.

    `options.print_out` is the function that prints it, `print` if there is none;
    with `options.short` each group takes one line.

    >>> print_task_summary_table(None, [("Done", {"primes.is_prime": 3}), ("Left", {})])
    Done  Left  Task name
    ---------------------------
       3     0  primes.is_prime
    ...........................
       3     0  Total
    """
    show = getattr(options, "print_out", print)
    for line in _brief(groups) if getattr(options, "short", False) else _table(groups):
        show(line)


def _brief(groups: Sequence[tuple[str, Mapping[str, int]]]) -> Iterator[str]:
    totals = {title: sum(counts.values()) for title, counts in groups}
    for title, total in totals.items():
        yield f"{title}:  {total} tasks"
    yield f"** Total: {sum(totals.values())} tasks."


def _table(groups: Sequence[tuple[str, Mapping[str, int]]]) -> Iterator[str]:
    names = {name for _, counts in groups for name in counts}
    rows = {name: [counts.get(name, 0) for _, counts in groups] for name in names}
    yield from table([title for title, _ in groups], rows).splitlines()


tell_what_is_gone(__name__)
