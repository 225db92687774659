"""The task whose function runs just now, and what to say where it works with other tasks.

No worker runs a task that is made there, and nobody waits for one.
"""

from __future__ import annotations

from collections.abc import Container
from threading import get_ident
from typing import Any, Final, Protocol

from jug.task.made import alltasks

__all__ = ["advice_for", "advice_on", "running", "running_here", "running_name"]


class Named(Protocol):
    """As much of a task as has to be known of it."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> bytes: ...


running: Final[list[tuple[Named, int, int]]] = []
"""The tasks whose functions run, each with how many tasks there were, and in which thread.

Of those in one thread the innermost is the last.
"""


def running_name() -> str:
    """Return the name of the task whose function runs just now, empty if none does."""
    return running[-1][0].name if running else ""


def running_here(digests: Container[bytes]) -> Named | None:
    """Return the one of these tasks whose function this thread is in, if any."""
    here = get_ident()
    return next((t for t, _, thread in running if thread == here and t.digest in digests), None)


def advice_for(task: Any, otherwise: str) -> str:
    """Return what to do about a task that has no value; `otherwise` where no function runs."""
    if not running:
        return otherwise
    outer, count, _ = running[-1]
    if any(one is task for one in alltasks[count:]):
        return advice_on(outer, task)
    return f"pass it to task {outer.name} as an argument, of which the function gets the value"


def advice_on(outer: Named, made: Named) -> str:
    """Return what to do about a task that another one made while it ran."""
    function = made.name.rpartition(".")[2]
    return (
        f"task {outer.name} made task {made.name} while it ran, which no worker runs: "
        f"call the plain function, {function}.f(...), or make the task in the jugfile"
    )
