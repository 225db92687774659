"""What to say where a task was used as the value that it will have.

`task + 1`, `len(task)` and `task.shape` fail with Python's own errors: a task has no
methods that could say more, since `if task:` must stay true and asking whether an
object has an attribute must stay cheap.  So such an error gets a note when it ends
the reading of a jugfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jug.errors import JugError
from jug.task.task import Task
from jug.task.tasklet import Tasklet

ADVICE: Final = (
    "a task is not its value: make it an argument of another task, "
    "or go on with jug.bvalue(task), which waits for the value"
)

_WORD: Final = re.compile(r"\w+")


def note_task_used_as_value(error: BaseException) -> None:
    """Add a note to an error that says that a task can't do what its value could.

    >>> try:
    ...     Task(abs, -1) + 1
    ... except TypeError as error:
    ...     note_task_used_as_value(error)
    ...     print(error.__notes__[0])
    a task is not its value: make it an argument of another task, or ...
    """
    if any(map(_is_about_a_task, _with_causes(error))):
        error.add_note(ADVICE)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _is_about_a_task(error: BaseException) -> bool:
    if isinstance(error, JugError) or not isinstance(error, (TypeError, AttributeError)):
        return False
    if isinstance(error, AttributeError) and error.obj is not None:
        return isinstance(error.obj, (Task, Tasklet))
    names = {kind.__name__ for kind in (Task, Tasklet, *Task.__subclasses__())}
    return not names.isdisjoint(_WORD.findall(str(error)))
