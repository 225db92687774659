"""What failed before or elsewhere, as a store tells, and what is tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from jug._task import Task
from jug.backends.base import BaseStore
from jug.summary import Failure

log = logging.getLogger("jug.worker")

_TOLD: Final = 10  # failures of others that are told of


def failed_before(store: BaseStore) -> set[bytes]:
    """Return the tasks that failed by now and may be tried again."""
    store.refresh()
    return {digest for digest, kept in store.failures().items() if not kept}


def recorded_failures(store: BaseStore, tasks: Iterable[Task[Any]]) -> list[Failure]:
    """Return how the first few of these tasks failed."""

    def found() -> Iterator[Failure]:
        for task in tasks:
            record = store.record(task.digest)
            if record is not None:
                yield Failure(task.name, task.digest.hex(), record.exception, record.traceback)

    return list(islice(found(), _TOLD))


def say_tried_again(name: str, why: str, attempts_left: int) -> None:
    """Say that an attempt failed and is not the last."""
    more = "1 more attempt" if attempts_left == 1 else f"{attempts_left} more attempts"
    log.warning("%s failed (%s): %s", name, why, more)
