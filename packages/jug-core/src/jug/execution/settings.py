"""How a worker behaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jug.selection import Selection
from jug.task import Task


@dataclass(slots=True)
class Settings:
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
    """Which tasks to run, by name; None for all."""
    on_failure: Callable[[Task[Any], BaseException], None] | None = None
    """Called where a task failed, while its exception is being handled."""
