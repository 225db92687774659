"""What failed or was cut short, according to the store, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.errors import StoreError
from jug.execution.connection import SupervisorConnection
from jug.execution.summary import Failure
from jug.messages import Log
from jug.records import RunState
from jug.task import Task
from jug.task.short_form import short_form
from jug.tracebacks import describe_exception, own_traceback

log = Log("worker")

_MOST: Final = 10  # failures of others that are shown


def failed_before(store: BaseStore) -> set[bytes]:
    """Return the tasks that failed by now and may be tried again."""
    store.poll()
    return {digest for digest, kept in store.failures().items() if not kept}


def retryable(store: BaseStore, connection: SupervisorConnection | None) -> set[bytes]:
    """Return what failed before a run, as its supervisor or its first worker found it."""
    if connection is not None and connection.retryable is not None:
        return set(connection.retryable)
    found = failed_before(store)
    if connection is not None:
        connection.send_retryable(found)
    return found


def failure_of(task: Task[Any], error: BaseException) -> Failure:
    """Return that a task has failed just now, and how."""
    return Failure(
        task.name,
        task.digest.hex(),
        describe_exception(error),
        own_traceback(error),
        short_form(task.args, task.kwargs),
    )


def recorded_failures(store: BaseStore, tasks: Iterable[Task[Any]]) -> list[Failure]:
    """Return how the first few of these tasks failed."""

    def found() -> Iterator[Failure]:
        for task in tasks:
            record = store.record(task.digest)
            if record is not None:
                yield Failure(
                    task.name,
                    task.digest.hex(),
                    record.exception,
                    record.traceback,
                    short_form(task.args, task.kwargs),
                )

    return list(islice(found(), _MOST))


def note_run(store: BaseStore, digest: bytes, state: RunState, record: bytes) -> None:
    """Remember a run that left nothing, by its packed record, if that is possible."""
    try:
        store.note(digest, state, record)
    except StoreError as error:
        log.warning("a run that was %s is not in the history: %s", state, error)


def log_retry(call: str, why: str, attempts_left: int) -> None:
    """Log that an attempt failed and is not the last."""
    more = "1 more attempt" if attempts_left == 1 else f"{attempts_left} more attempts"
    log.warning("%s failed (%s): %s", call, why, more)


def log_no_retry(call: str, why: str) -> None:
    """Log that an attempt failed, and that there is no time for another one."""
    log.warning("%s failed (%s): too little time is left to try it again here", call, why)
