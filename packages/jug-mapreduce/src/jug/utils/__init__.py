"""Files, programs and large values as arguments of tasks."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

from jug._former import tell_what_is_gone
from jug.errors import HashError
from jug.hash import hash_one
from jug.task import CachedFunction, Task, TaskGenerator, Tasklet, find_dependencies, value

__all__ = [
    # arguments
    "timed_path",
    "CustomHash",
    "identity",
    "value_after",
    # programs and files
    "jug_execute",
    "cached_glob",
    "sync_move",
]

T = TypeVar("T")
AnyPath = str | os.PathLike[str]


# Arguments


def timed_path(path: AnyPath) -> TimedPath:
    """Return a path as an argument that makes another task when the file has changed.

    The task receives the path.  Path, time of the last change and size are hashed.

    >>> import sys
    >>> value(timed_path(sys.executable)) == sys.executable
    True
    """
    return TimedPath(path)


class TimedPath:
    """A path with the time and size that its file had when the jugfile was read."""

    __slots__ = ("mtime", "path", "size")

    def __init__(self, path: AnyPath) -> None:
        self.path = path
        state = os.stat(path)
        self.mtime = state.st_mtime
        self.size = state.st_size

    def __jug_hash__(self) -> bytes:
        """Return the hash of path, time and size."""
        return hash_one((self.path, self.mtime, self.size))

    def __jug_value__(self) -> AnyPath:
        """Return the path."""
        return self.path

    def __repr__(self) -> str:
        """Show the path."""
        return f"timed_path({self.path!r})"


class CustomHash(Generic[T]):
    """An argument that is hashed by a function that you give, which returns bytes.

    >>> from jug import Task
    >>> def by_first(xs):
    ...     return str(xs[0]).encode()
    >>> one, two = CustomHash([1, 2], by_first), CustomHash([1, 3], by_first)
    >>> Task(max, one).hash() == Task(max, two).hash()
    True
    """

    __slots__ = ("hash_function", "obj")

    def __init__(self, obj: T, hash_function: Callable[[T], bytes]) -> None:
        if not callable(hash_function):
            raise HashError(f"CustomHash needs a function that gives bytes, not {hash_function!r}")
        self.obj = obj
        self.hash_function = hash_function

    def __jug_hash__(self) -> bytes:
        """Return what the function gives."""
        given = self.hash_function(self.obj)
        if not isinstance(given, bytes):
            raise HashError(
                f"the hash function {self.hash_function!r} gave {given!r}: it must give bytes"
            )
        return given

    def __jug_value__(self) -> Any:
        """Return the value of the object."""
        return value(self.obj)

    def __jug_dependencies__(self) -> Iterator[Any]:
        """Yield the tasks in the object."""
        return find_dependencies(self.obj)

    def __repr__(self) -> str:
        """Show the object."""
        return f"CustomHash({self.obj!r}, {self.hash_function!r})"


def _same(x: Any) -> Any:
    return x


def identity(x: T) -> Task[T]:
    """Return a task whose value is `x`, so that a large `x` is hashed once for all its uses.

    >>> from jug import run
    >>> numbers = identity(list(range(1000)))
    >>> run(Task(sum, numbers), jugdir="dict_store")
    499500
    """
    task = Task(_same, x)
    task.name = "identity"
    return task


def value_after(x: Any, after: Any) -> Tasklet:
    """Return `x`, to be used only once all of `after` is done.

    For tasks that leave a file behind, which another one reads:

    >>> from jug import run
    >>> def write_table(name): ...
    >>> table = value_after("table.txt", after=Task(write_table, "table.txt"))
    >>> run(Task(len, table), jugdir="dict_store")
    9
    """
    return Tasklet((x, _Order(after)), _first)


def _first(pair: tuple[Any, None]) -> Any:
    return pair[0]


class _Order:
    """Waits for tasks and loads none of their values."""

    __slots__ = ("after",)

    def __init__(self, after: Any) -> None:
        self.after = after

    def __jug_hash__(self) -> bytes:
        return hash_one(("jug.utils.value_after", self.after))

    def __jug_value__(self) -> None:
        return None

    def __jug_dependencies__(self) -> Iterator[Any]:
        return find_dependencies(self.after)

    def __repr__(self) -> str:
        return f"after({self.after!r})"


# Programs and files


@TaskGenerator
def jug_execute(
    args: Sequence[AnyPath],
    check_exit: bool = True,
    run_after: Any = None,
    return_value: Any = None,
) -> Any:
    """Run a program as a task, whose value is `return_value`.

    An exit status other than 0 is an error, unless `check_exit` is false.  What
    stands in `run_after` only has to be done before.

    >>> from jug import run
    >>> run(jug_execute(["true"], return_value="table.txt"), jugdir="dict_store")
    'table.txt'
    """
    subprocess.run(args, check=check_exit)
    return return_value


def glob_sort(pat: str) -> list[str]:
    """Return the names of the files that match, sorted.

    >>> glob_sort("no such file*")
    []
    """
    return sorted(glob.glob(pat))


def cached_glob(pat: str) -> list[str]:
    """Return a sorted list of the files that match, as it was when it was first asked for.

    Files that appear later change nothing, so the tasks made from it stay the same.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> cached_glob("no such file*")
    []
    """
    return CachedFunction(glob_sort, pat)


def sync_move(src: AnyPath, dst: AnyPath) -> None:
    """Move a file so that under its new name it is there wholly or not at all.

    Its content is made safe against a power cut first.  To another file system
    it is copied, under another name until it is whole.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "partial"), "w") as file:
    ...         _ = file.write("all of it")
    ...     sync_move(file.name, os.path.join(folder, "table.txt"))
    ...     os.listdir(folder)
    ['table.txt']
    """
    _sync(src)
    try:
        os.replace(src, dst)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with written_aside(dst) as partial:
            shutil.copy2(src, partial)
        os.unlink(src)
    else:
        _sync(os.path.dirname(dst) or os.curdir)


@contextmanager
def written_aside(path: AnyPath) -> Iterator[Path]:
    """Give another name in the same folder to write a file under; at the end it gets its own.

    After an error there is no new file under either name.
    """
    partial = Path(path).with_name(f".{Path(path).name}.{uuid4().hex}")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    _sync(partial.parent)


def _sync(path: AnyPath) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


tell_what_is_gone(__name__)
