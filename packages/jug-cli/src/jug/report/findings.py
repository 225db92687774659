"""All that the page tells, gathered once: what `status`, `timings`, `failures` and `workers` tell.

Nothing here is counted anew that a command counts as well, so the page says what they say.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jug.backends.base import BaseStore
from jug.backends.worker_record import WorkerRecord
from jug.code import Comparison, find_stale, find_unseen
from jug.collector import without_collector
from jug.jugfile import Jugspace
from jug.progress import Snapshot
from jug.progress.outside import Onlooker
from jug.report.timeline import Kinds, Timeline, kinds_of, timeline
from jug.status import GraphSight, Status
from jug.task.graph import Graph
from jug.views.critical_path import CriticalPath, critical_path
from jug.views.failures import FailureGroup, failure_groups
from jug.views.folded import FoldedGraph, folded
from jug.views.jugfiles import is_same_jugfile
from jug.views.machines import Machine, Version, machines, versions
from jug.views.out_of_reach import OutOfReach, out_of_reach
from jug.views.timings import Timings, timings
from jug.views.workforce import Workforce, workforce

__all__ = ["Findings", "Subject", "find"]


class Subject(NamedTuple):
    """What the page is about."""

    jugfile: str
    jugdir: str
    trouble: str = ""
    """Why the jugfile could not be read, empty if it was."""
    traceback: str = ""
    """What it raised, and where."""
    changed: Sequence[str] = ()
    """Its files that were edited since they were read."""


@dataclass(frozen=True)
class Findings:
    """What is known of a jugfile's tasks and workers at one moment."""

    subject: Subject
    moment: float
    """When that was, in seconds since the epoch."""
    at_barrier: bool
    graph: Graph
    names: FoldedGraph
    status: Status
    snapshot: Snapshot
    timings: Timings
    path: CriticalPath
    kinds: Kinds
    timeline: Timeline | None
    failures: list[FailureGroup]
    code: Comparison
    """The results beside the code of now, empty where none came from older code."""
    unseen: dict[str, tuple[str, ...]]
    """By name what can't be seen of the code of now."""
    workforce: Workforce
    machines: list[Machine]
    versions: list[Version]
    out_of_reach: list[OutOfReach]

    @property
    def title(self) -> str:
        """The name of the jugfile."""
        return os.path.basename(self.subject.jugfile)


def find(jugspace: Jugspace, subject: Subject, graph: Graph | None = None) -> Findings:
    """Return what is known of the tasks of a jugfile now, after a poll of its store.

    >>> from jug import Task, set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> task = Task(abs, -1); _ = task.run()
    >>> known = find(Jugspace(store, [task]), Subject("work/primes.py", store.url))
    >>> known.title, known.snapshot.done, [one.name for one in known.timings.names]
    ('primes.py', 1, ['builtins.abs'])
    """
    with without_collector():  # there may be a million tasks, which stay
        return _find(jugspace, subject, graph or Graph(jugspace.tasks))


def _find(jugspace: Jugspace, subject: Subject, graph: Graph) -> Findings:
    store = jugspace.store
    seen = GraphSight(store, graph)
    status, snapshot = Onlooker(store, graph.tasks).look(seen)
    names, undone = seen.names, seen.undone
    del seen  # all else that it has of each task
    found = timings(store, graph, range(len(graph)))
    kinds = kinds_of(found, names)
    own = _own_workers(store, found)
    return Findings(
        subject,
        time.time(),
        bool(jugspace.barrier_tasks),
        graph,
        folded(graph, names),
        status,
        snapshot,
        found,
        critical_path(graph, found.durations, found.means()),
        kinds,
        timeline(found, kinds),
        failure_groups(jugspace, undone),
        Comparison() if subject.trouble else find_stale(graph.tasks, store),
        {} if subject.trouble else find_unseen(graph.tasks),
        workforce(jugspace),
        machines(own),
        versions(own),
        out_of_reach(store, undone),
    )


def _own_workers(store: BaseStore, found: Timings) -> list[WorkerRecord]:
    """Return the workers of the jugfile, and those that ran any of its tasks."""
    workers = store.workers()
    ran = {times.place.worker for times in found.workers}
    theirs = {worker.jugfile for worker in workers.values()}
    is_ours = {path: not path or is_same_jugfile(path, store.jugfile) for path in theirs}
    return [one for one in workers.values() if one.id in ran or is_ours[one.jugfile]]
