"""Noticing that a run is about to do again what was done before, under other hashes."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Final

from jug.hash.names import task_names
from jug.jugfile import Jugspace
from jug.messages import Log

log = Log("worker")

_LOOKED_AT: Final = 1000  # results whose names are read


def warn_of_other_hashes(jugspace: Jugspace) -> None:
    """Warn if all tasks to run have the names of results that none of the tasks has.

    Perhaps their arguments were changed.  Else an argument has another hash each time
    the jugfile is read, and the user would wait for the same results again and again.
    """
    store = jugspace.store
    store.poll()
    tasks = {task.digest: task for task in jugspace.tasks}
    missing = [task for digest, task in tasks.items() if not store.has(digest)]
    others = [digest for digest in store.digests() if digest not in tasks] if missing else []
    if len(others) < len(missing) or not missing:
        return
    names = Counter(task_names(missing))
    known = {record.name for record in store.records([*islice(others, _LOOKED_AT)]) if record}
    if names.keys() <= known:
        log.warning(
            "results of other tasks with the same names as the %s to run are there, under other "
            "hashes: unless you changed arguments or a version, `jug check --hashes` names the one "
            "whose hash is another each time",
            "task" if len(missing) == 1 else f"{len(missing)} tasks",
        )
