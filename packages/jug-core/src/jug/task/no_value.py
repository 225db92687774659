"""Why a task has no value, and what to do about it."""

from __future__ import annotations

from typing import Any

from jug.errors import ResultFailed, ResultNotFound
from jug.records import Record
from jug.session import is_jug_running
from jug.task.running import advice_for


def not_found(task: Any) -> ResultNotFound:
    """Return the error that says that a task has not run, or that it failed and how."""
    record = task.store.record(task.digest)
    if record is not None:
        return _failed(task, record)
    advice = "run `jug execute`, then ask again"
    if is_jug_running():
        advice = "pass the task itself to other tasks, or wait for it by jug.bvalue(task)"
    return ResultNotFound(
        f"task {task.name!r} has not been computed yet: {advice_for(task, advice)}", task=task
    )


def _failed(task: Any, record: Record) -> ResultFailed:
    why = f" ({record.exception})" if record.exception else ""
    return ResultFailed(
        f"task {task.name!r} failed{why}: `jug show {task.digest.hex()[:12]}` says more, "
        "`jug failures` lists all that failed",
        task=task,
        record=record,
        exception=record.exception,
        traceback=record.traceback,
    )
