"""How a task is run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from jug.errors import OptionError, TaskError
from jug.moments import span


class RunOptions:
    """How to run a task; nothing of this enters its hash."""

    __slots__ = ("retries", "runtime", "timeout")

    def __init__(
        self, retries: int = 0, timeout: float | None = None, runtime: float | str | None = None
    ) -> None:
        if not _is_number(retries) or retries < 0 or int(retries) != retries:
            raise TaskError(f"retries must be a whole number from 0 up, not {retries!r}")
        if timeout is not None and not (_is_number(timeout) and timeout > 0):
            raise TaskError(f"timeout must be a number of seconds above 0, not {timeout!r}")
        self.retries: int = int(retries)
        self.timeout: float | None = timeout
        self.runtime: float | None = None if runtime is None else _runtime(runtime)

    @property
    def says_something(self) -> bool:
        """Whether they are others than those that nobody gave."""
        return bool(self.retries) or self.timeout is not None or self.runtime is not None


def _runtime(given: float | str) -> float:
    try:
        return span(given)
    except ValueError as error:
        raise TaskError(f"runtime {error}, or a number of seconds, not {given!r}") from None


def _is_number(given: object) -> bool:
    return hasattr(type(given), "__float__")


def check_names(options: Iterable[str]) -> None:
    """Refuse what is no option of how to run a task."""
    for name in options:
        if name not in RunOptions.__slots__:
            from difflib import get_close_matches

            near = get_close_matches(name, RunOptions.__slots__, n=1)
            meant = f": is {near[0]!r} meant?" if near else ""
            *first, last = RunOptions.__slots__
            known = f"{', '.join(first)} and {last}"
            raise OptionError(f"TaskGenerator has no option {name!r}, only {known}{meant}")


DEFAULTS: Final = RunOptions()
