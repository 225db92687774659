"""Reading the jugfile further as barriers open, for one worker.

What was read first has stopped at a barrier.  Once that is open the jugfile is read again,
from its beginning, and from then on the worker works within the calls of `barrier` and
`bvalue`: the reading stands still meanwhile, and then goes on.  So a worker reads the jugfile
twice at most.

Of what tasks do while a reading stands still the jugfile is to see nothing but their results,
or it would make other tasks in each worker.  Its folder and the like are put back
(`jug.jugfile.under_way`), and so are its random numbers.  Where a task has changed its own
arguments, which the jugfile may still use, the jugfile is read anew.

A jugfile may catch whatever ends a call.  So what ends the worker there, or fails, is kept
and heeded when the reading has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from jug.errors import JugfileError
from jug.execution.job import note_what_is_shared
from jug.execution.random_numbers import Streams, note_generators_there
from jug.execution.summary import Ending
from jug.jugfile import AtBarrier, Jugspace
from jug.messages import Log
from jug.task import Task

__all__ = ["ReadingOn"]

log = Log("worker")

_OFTEN: Final = 16  # barriers at which all objects are looked at

Read = Callable[[AtBarrier], Jugspace]


class ReadingOn:
    """One worker's way through the jugfile.

    `read` reads it again, and calls what it is given at each barrier.  `work` is given what
    was read, and whether it is more of the same reading; it returns why to end, or None
    where a barrier has opened.  Workers that are beside others have copies of the jugfile.
    """

    def __init__(
        self,
        read: Read,
        work: Callable[[Jugspace, bool], Ending | None],
        is_beside_others: bool = False,
    ) -> None:
        self.is_reading = False
        """Whether it is the jugfile that runs, which a signal may cut short."""
        self.given: list[Task[Any]] = []
        """The tasks that were run since with arguments that they may have changed."""
        self._read = read
        self._work = work
        self._streams = Streams(is_beside_others)
        self._is_beside_others = is_beside_others
        self._pauses = 0
        self._is_under_way = False
        self._ending: Ending | None = None
        self._error: BaseException | None = None

    def run(self, jugspace: Jugspace) -> Ending:
        """Work on what was read first, and read on, to the end; return why it is one."""
        ending = self._work_apart(jugspace)
        while ending is None:
            ending = self._work_and_read()
        return ending

    def _work_and_read(self) -> Ending | None:
        self._is_under_way, self.is_reading = False, True
        try:
            jugspace = self._read(self._at_barrier)
        except (JugfileError, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt):
                self._ending = Ending.INTERRUPTED
            elif self._ending is None and self._error is None:
                raise
        finally:
            self.is_reading = False
        if self._error is not None:
            raise self._error
        if self._ending is not None:
            return self._ending
        self._note_what_is_shared()
        return self._work_apart(jugspace)

    def _at_barrier(self, jugspace: Jugspace) -> bool:
        """Work until a barrier is open; return whether the reading can go on."""
        if self._ending is not None or self._error is not None:
            return False
        self.is_reading = False
        self.given.clear()
        try:
            self._note_if_time()
            self._ending = self._work_apart(jugspace)
            return self._ending is None and not _is_any_changed(self.given)
        except BaseException as error:
            self._error = error
            return False
        finally:
            self._is_under_way = self.is_reading = True

    def _work_apart(self, jugspace: Jugspace) -> Ending | None:
        """Work, without that the jugfile notices by its random numbers."""
        is_more = self._is_under_way
        with self._streams.of_tasks(jugspace.names, jugspace.tasks, is_more):
            return self._work(jugspace, is_more)

    def _note_if_time(self) -> None:
        """Look for what is shared at the first barriers, and then ever more seldom."""
        self._pauses += 1
        if self._pauses <= _OFTEN or self._pauses & (self._pauses - 1) == 0:
            self._note_what_is_shared()

    def _note_what_is_shared(self) -> None:
        (note_what_is_shared if self._is_beside_others else note_generators_there)()


def _is_any_changed(tasks: Sequence[Task[Any]]) -> bool:
    """Return whether a task that was run has other arguments now than it had."""
    changed = next(filter(_is_changed, tasks), None)
    if changed is not None:
        log.info("%s has changed its arguments: the jugfile is read again", changed.name)
    return changed is not None


def _is_changed(task: Task[Any]) -> bool:
    try:
        return task.compute_digest() != task.digest
    except Exception:  # it has a hash no more
        return True
