"""Task-based parallel programs in plain Python, with memoisation."""

from typing import TYPE_CHECKING

from jug import _side_by_side

__path__ = _side_by_side.folders_of(__name__)

from jug.collector import importing

with importing():
    from jug.barrier import barrier, bvalue
    from jug.task import (
        CachedFunction,
        Task,
        TaskGenerator,
        Tasklet,
        iteratetask,
        return_tuple,
        value,
    )

if TYPE_CHECKING:
    from jug.backends import dict_store, file_store, redis_store
    from jug.compound import CompoundTask, CompoundTaskGenerator
    from jug.execution.run import run
    from jug.jugfile import init, is_jug_running, set_jugdir

    __version__: str
else:
    from jug import _siblings

    __getattr__ = _siblings.resolve

    def __dir__():
        return sorted({*globals(), *_siblings.resolve("__all__")})


__all__ = [
    # what a jugfile is made of
    "Task",
    "TaskGenerator",
    "Tasklet",
    "iteratetask",
    "return_tuple",
    "CachedFunction",
    "barrier",
    "bvalue",
    # where results are kept, and how to get at them
    "init",
    "set_jugdir",
    "value",
    "run",
    "is_jug_running",
    # from jug-mapreduce, when it is installed
    "CompoundTask",
    "CompoundTaskGenerator",
    # stores: modules of jug-core, jug-file and jug-redis
    "dict_store",
    "file_store",
    "redis_store",
]

if not TYPE_CHECKING:
    _siblings.offer(__all__)
    del __all__  # `resolve` gives those of the distributions that are installed
