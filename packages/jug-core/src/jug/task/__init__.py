"""Tasks: calls that are made once, by whichever worker comes first.

Task(f, *args)      a call of f
TaskGenerator(f)    a function whose calls make tasks
task[i]             a part of a task's result (a `Tasklet`)
value(x)            x with the tasks in it replaced by their values
"""

from __future__ import annotations

import jug._side_by_side  # noqa: F401  must be first, see there
from jug._former import tell_what_is_gone
from jug.task.arguments import find_dependencies
from jug.task.describe import describe, topological_sort
from jug.task.generator import TaskGenerator, iteratetask, return_tuple
from jug.task.made import alltasks
from jug.task.task import Task, recursive_dependencies
from jug.task.tasklet import Tasklet
from jug.task.values import CachedFunction, value

__all__ = [
    # what a jugfile is made of
    "Task",
    "TaskGenerator",
    "Tasklet",
    "iteratetask",
    "return_tuple",
    "CachedFunction",
    "value",
    # what is known of tasks
    "alltasks",
    "describe",
    "find_dependencies",
    "recursive_dependencies",
    "topological_sort",
]


tell_what_is_gone(__name__)
