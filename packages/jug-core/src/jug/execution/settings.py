"""How a worker behaves, and how many one run may have."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jug.errors import OptionError
from jug.execution.capacity import Capacity
from jug.execution.end_time import EndTime
from jug.named_tuple import NamedTuple
from jug.task import Task

if TYPE_CHECKING:
    from jug.selection import Selection

_MOST: Final = 256  # workers, where there are few cores
_MOST_PER_CORE: Final = 16


def check_workers(count: int) -> None:
    """Refuse a number of workers that a machine would not stand."""
    most = max(_MOST, _MOST_PER_CORE * (os.cpu_count() or 1))
    if not 1 <= count <= most:
        raise OptionError(f"the number of workers must be from 1 to {most}, not {count}")


class Settings(NamedTuple):
    """How a worker behaves."""

    keep_going: bool = False
    """Whether to run what does not depend on it after a task failed."""
    keep_failed: bool = False
    """Whether failed tasks are not to be tried again by later workers either."""
    aggressive_unload: bool = False
    """Whether to keep no value in memory at all."""
    debug: bool = False
    """Whether to check that no function changes its arguments."""
    patience: float = 1800.0
    """How many seconds to wait for others without any change."""
    select: Selection | None = None
    """Which tasks to run; None for all."""
    strict_code: bool = False
    """Whether to end where a result came from older code, and is not accepted."""
    capture: bool = False
    """Whether the record of each task has its output, not that of a failure alone."""
    end: EndTime | None = None
    """When the worker must end, None if it may take any time."""
    capacity: Capacity = Capacity()
    """How much of its machine the command may use, as far as it was said."""
    short: bool = False
    """Whether the jugfile wants less to be told at the end."""
    on_failure: Callable[[Task[Any], BaseException], None] | None = None
    """Called where a task failed, while its exception is being handled."""
