"""What the runs of a store say of some tasks of a jugfile.

The runs of other jugfiles in the same store do not count, but for those of the same tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jug.backends.base import BaseStore
from jug.records import Run, RunState
from jug.task.graph import Graph
from jug.task.short_form import arguments_in
from jug.views.earlier import Arguments, EarlierRuns, arguments_of
from jug.views.forecast import Durations
from jug.views.jugfiles import is_same_jugfile
from jug.views.places import Places

__all__ = ["Past"]

_SUCCESSES = (RunState.FINISHED, RunState.DISCARDED)
_SEEN = (RunState.DIED, RunState.FAILED)


class Past:
    """The last run of each of some tasks, and the earlier runs of their names."""

    def __init__(self, store: BaseStore, graph: Graph, numbers: Iterable[int]) -> None:
        self._workers = store.workers()
        self.places = Places(self._workers)
        self.durations = Durations()
        self._graph = graph
        self._jugfile = store.jugfile
        self._is_ours: dict[str, bool] = {}
        self._last: dict[bytes, Run] = {}
        self._names = {name: _RunsOfName() for name in _names(graph, numbers)}
        for run in store.each_run() if self._names else ():
            self._add(run)

    def _add(self, run: Run) -> None:
        record = run.record
        is_made = run.digest in self._graph.numbers
        if is_made:
            known = self._last.get(run.digest)
            if known is None or _is_later(run, known):
                self._last[run.digest] = run
        elif not self._is_of_jugfile(record.worker):
            return
        if run.state in _SUCCESSES and not record.source:
            self.durations.add(record.name, record.duration)
        of_name = self._names.get(record.name)
        if of_name is not None:
            (of_name.made if is_made else of_name.gone).append(run)

    def _is_of_jugfile(self, worker: str) -> bool:
        if worker not in self._is_ours:
            known = self._workers.get(worker)
            theirs = known.jugfile if known else ""
            self._is_ours[worker] = not theirs or is_same_jugfile(theirs, self._jugfile)
        return self._is_ours[worker]

    def last(self, digest: bytes) -> Run | None:
        """Return the last run of a task."""
        return self._last.get(digest)

    def is_replaced(self, name: str) -> bool:
        """Return whether tasks of this name ran that the jugfile makes no more."""
        return bool(self._names[name].gone)

    def earlier(self, name: str) -> EarlierRuns:
        """Return the runs of a name: of tasks that are made no more, if there are any."""
        runs = self._names[name]
        if runs.arranged is None:
            known = ((self._arguments(run), run) for run in runs.gone or runs.made)
            runs.arranged = EarlierRuns(known)
        return runs.arranged

    def _arguments(self, run: Run) -> Arguments | None:
        number = self._graph.numbers.get(run.digest)
        if number is not None:
            return arguments_of(self._graph.tasks[number])
        return arguments_in(run.record.arguments) if run.record.arguments else None


@dataclass(slots=True)
class _RunsOfName:
    gone: list[Run] = field(default_factory=list)
    """Those of tasks that the jugfile makes no more."""
    made: list[Run] = field(default_factory=list)
    """Those of tasks that it still makes."""
    arranged: EarlierRuns | None = None


def _is_later(run: Run, known: Run) -> bool:
    """Return whether a run is to be told rather than another one of its task.

    Of a worker that died two may tell of the same run, who was beside it and who came after it:
    the one knows what happened, the other only that it was lost.
    """
    if run.record.worker == known.record.worker:
        if run.state is RunState.LOST and known.state in _SEEN:
            return False
        if known.state is RunState.LOST and run.state in _SEEN:
            return True
    return known.record.end <= run.record.end


def _names(graph: Graph, numbers: Iterable[int]) -> set[str]:
    names = list(graph.names())
    return {names[number] for number in numbers}
