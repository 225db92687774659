"""How a task is run."""

from __future__ import annotations

from typing import Final

from jug.errors import TaskError


class RunOptions:
    """How to run a task; nothing of this enters its hash."""

    __slots__ = ("retries", "timeout")

    def __init__(self, retries: int = 0, timeout: float | None = None) -> None:
        if retries < 0 or int(retries) != retries:
            raise TaskError(f"retries must be a whole number from 0 up, not {retries!r}")
        if timeout is not None and not timeout > 0:
            raise TaskError(f"timeout must be a number of seconds above 0, not {timeout!r}")
        self.retries = int(retries)
        self.timeout = timeout


DEFAULTS: Final = RunOptions()
