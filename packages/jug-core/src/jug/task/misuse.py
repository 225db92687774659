"""What to say where a task was used as the value that it will have.

`task + 1`, `len(task)` and `task.shape` fail with Python's own errors: a task has no
methods that could say more, since `if task:` must stay true and asking whether an
object has an attribute must stay cheap.  So such an error gets a note when it ends
the reading of a jugfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from opcode import opname
from typing import Final

from jug.errors import JugError
from jug.task.running import Named, advice_on
from jug.task.task import Task
from jug.task.tasklet import Tasklet
from jug.tracebacks import Advice

ADVICE: Final = Advice(
    "a task is not its value: make it an argument of another task, "
    "or go on with jug.bvalue(task), which waits for the value"
)

OF_RUNNING: Final = Advice(
    "a task is not its value: pass it to the task whose function this is as an argument"
)

ON_ATTRIBUTES: Final = Advice(
    "a task has its name to be set and no attributes of yours: keep what you note of tasks in "
    "a dict, as in labels[task] = ..."
)

_WORD: Final = r"\w+"


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
        error.add_note(ON_ATTRIBUTES if _is_assignment(error) else ADVICE)


def note_task_used_in_task(error: BaseException, running: Named, made: Sequence[Named]) -> None:
    """Add a note to such an error that the function of a task raised, which may have made tasks."""
    if any(map(_is_about_a_task, _with_causes(error))):
        if made:
            error.add_note(Advice(advice_on(running, made[0])))
        else:
            error.add_note(ON_ATTRIBUTES if _is_assignment(error) else OF_RUNNING)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _is_assignment(error: BaseException) -> bool:
    """Return whether an attribute was set: by the instruction, since the text may not say it."""
    place = error.__traceback__
    if not isinstance(error, AttributeError) or place is None:
        return False
    while place.tb_next is not None:
        place = place.tb_next
    if place.tb_lasti < 0:
        return False
    return opname[place.tb_frame.f_code.co_code[place.tb_lasti]] == "STORE_ATTR"


def _is_about_a_task(error: BaseException) -> bool:
    if isinstance(error, KeyError):
        return any(isinstance(key, (Task, Tasklet)) for key in error.args)
    if isinstance(error, JugError) or not isinstance(error, (TypeError, AttributeError)):
        return False
    if isinstance(error, AttributeError) and error.obj is not None:
        return isinstance(error.obj, (Task, Tasklet))
    names = {kind.__name__ for kind in (Task, Tasklet, *Task.__subclasses__())}
    return not names.isdisjoint(re.findall(_WORD, str(error)))
