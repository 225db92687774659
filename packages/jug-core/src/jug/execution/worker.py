"""The loop of one worker: take a task, run it, save what became of it, and again.

A worker runs what is ready and not held by others.  When there is nothing of
that kind it waits for the store to change, as long as others hold tasks that it
needs.  It ends when all selected tasks are done, when nothing is left that could
be run, or when it is told to stop; and it says which of these it was.

What others do changes its plan.  It is told of that by a reader of its own, at
three moments: after it tried to take a task, after it saved one, and while it
waits.  A result that others removed while it was being used is noticed when the
task that used it is saved: then nothing is saved and the task is done again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any, Final

from jug.backends.base import Changes, Frame, Lease, Outcome
from jug.backends.heartbeat import start_heartbeat
from jug.execution.connection import SupervisorConnection
from jug.execution.failures import failed_before, recorded_failures
from jug.execution.memory import Memory
from jug.execution.one_task import InputMissing, TaskRunner
from jug.execution.plan import DONE, READY, SKIPPED, Plan
from jug.execution.settings import Settings
from jug.execution.summary import Ending, Failure, Summary
from jug.hooks import is_hooked, jug_hook
from jug.jugfile import Jugspace
from jug.task import Task
from jug.task.attempt import failed_attempt
from jug.task.graph import Graph
from jug.tracebacks import describe_exception, own_traceback

log = logging.getLogger("jug.worker")

_LOOK: Final = 1.5  # seconds after which a wait looks at the holders of its own accord


class Worker:
    """One process's share of the work on a jugfile.

    `read` reads the jugfile again, after a barrier has opened.  `start` is the
    place at which to begin, between 0 and 1.  `connection` leads to the supervisor.
    """

    def __init__(
        self,
        jugspace: Jugspace,
        read: Callable[[], Jugspace],
        settings: Settings | None = None,
        start: float = 0.0,
        connection: SupervisorConnection | None = None,
    ) -> None:
        self.jugspace = jugspace
        self.store = jugspace.store
        self.read = read
        self.settings = settings or Settings()
        self.start = start
        self.connection = connection
        self.runner = TaskRunner(self.store, self.settings.debug, connection)
        self.summary = Summary(Ending.DONE)
        self.retryable: set[bytes] = set()
        """Tasks that failed before this run, and are tried again."""
        self.stop: Ending | None = None
        """Set to end the worker after the task in progress."""
        self._has_joined = False

    def run(self) -> Summary:
        """Work until there is nothing left to do; return what was done and why it ended."""
        self._find_retryable()
        with self.store.reader() as self.changes:
            while True:
                self._prepare()
                try:
                    ending = self._work()
                except KeyboardInterrupt:
                    ending = Ending.INTERRUPTED
                if ending is not None:
                    return self._sum_up(ending)
                self.jugspace = self.read()

    def interrupt(self) -> None:
        """End the worker now: the task in progress is given back."""
        if self.stop is not Ending.INTERRUPTED:
            self.stop = Ending.INTERRUPTED
            self.runner.interrupt()

    def outlive_supervisor(self) -> None:
        """End the worker after the task in progress, and keep its lease alive until then."""
        self.stop = Ending.INTERRUPTED
        if self.runner.is_in_task:
            start_heartbeat(self.store)

    # Beginning and ending

    def _find_retryable(self) -> None:
        """Note what failed before this run, as its first worker or its supervisor found it."""
        connection = self.connection
        if connection is None or connection.retryable is None:
            self.retryable = failed_before(self.store)
            if connection is not None:
                connection.send_retryable(self.retryable)
        else:
            self.retryable = set(connection.retryable)

    def _prepare(self) -> None:
        jugspace = self.jugspace
        self.graph = Graph(jugspace.tasks)
        self.memory = Memory(self.graph, self.settings.aggressive_unload)
        self.memory.clear(self.graph.tasks)
        self.store.poll()
        self.changes.take()  # what is there by now is looked up
        self._in_other_stores = {
            number
            for number, task in enumerate(self.graph.tasks)
            if task.own_store is not None and task.own_store is not self.store
        }
        self.plan = Plan(
            self.graph,
            self._find_done(),
            self.store.failures(),
            self.retryable,
            self._selection(),
            self.start,
        )
        self._barrier_tasks = [self.graph.numbers[task.digest] for task in jugspace.barrier_tasks]
        again = sum(digest in self.graph.numbers for digest in self.retryable)
        if again and (self.connection is None or self.connection.is_first):
            tasks = "1 task" if again == 1 else f"{again} tasks"
            log.warning("trying %s again that failed in an earlier run", tasks)

    def _find_done(self) -> list[bool]:
        done = self.store.exists(self.graph.numbers)
        for number in self._in_other_stores:
            done[number] = self.graph.tasks[number].can_load()
        if is_hooked("execute.task-loadable"):
            for task in compress(self.graph.tasks, done):
                jug_hook("execute.task-loadable", (task,))
        return done

    def _selection(self) -> Callable[[int], bool] | None:
        select, others, tasks = self.settings.select, self._in_other_stores, self.graph.tasks
        if select is None:
            return (lambda number: number not in others) if others else None
        return lambda number: number not in others and select(tasks[number].name)

    def _sum_up(self, ending: Ending) -> Summary:
        summary = self.summary
        self.store.flush()
        self.store.tidy()
        summary.ending = ending
        summary.left = self.plan.left
        summary.blocked = self.plan.blocked()
        here = {failure.digest for failure in summary.failures}
        failed = (self.graph.tasks[number] for number in sorted(self.plan.failed))
        elsewhere = (task for task in failed if task.digest.hex() not in here)
        summary.failures_elsewhere = recorded_failures(self.store, elsewhere)
        done = compress(self.graph.names(), map(DONE.__eq__, self.plan.states))
        summary.loaded = Counter(done) - summary.executed
        summary.reason = ending.value
        return summary

    # The loop

    def _work(self) -> Ending | None:
        """Run tasks until nothing is left to run, or return None where a barrier has opened."""
        lease: Lease | None = None
        try:
            while True:
                ending = self._ending_if_told()
                if ending or self._is_barrier_open():
                    return ending
                lease = lease or self._take()
                if lease is not None:
                    taken, lease = lease, None
                    lease = self._run(taken)
                    continue
                if self.plan.candidates():
                    continue
                if self.connection is not None:
                    self.connection.clear_slot()
                ending = self._wait()
                if ending:
                    return ending
        finally:
            if lease is not None:
                self.store.release(lease)

    def _ending_if_told(self) -> Ending | None:
        """Return why to stop, if somebody said so."""
        connection = self.connection
        if self.stop is None and connection is not None and connection.slots.is_stopped():
            self.stop = Ending.STUCK
        return self.stop

    def _is_barrier_open(self) -> bool:
        if not self.jugspace.barrier_tasks:
            return False
        while self._barrier_tasks and self.plan.states[self._barrier_tasks[-1]] == DONE:
            self._barrier_tasks.pop()
        return not self._barrier_tasks

    def _take(self) -> Lease | None:
        """Try to take a task that is ready; return its lease, None if others were quicker."""
        numbers = self.plan.candidates()
        if not numbers:
            return None
        if not self._has_joined:
            self._join()
        tasks = self.graph.tasks
        lease = self.store.acquire([tasks[number].digest for number in numbers])
        self._note(self.changes.take())
        if lease is None:
            for number in numbers:
                if self.store.has(tasks[number].digest):
                    self.plan.finish(number, own=False)
            self.plan.collided(self.store.holders())
            return None
        return lease if self._accept(lease) else None

    def _join(self) -> None:
        """See to it that somebody beats for this worker from its first lease on."""
        self._has_joined = True
        if self.connection is not None:
            self.connection.send_joined(self.store, self.settings.keep_going)
        else:
            start_heartbeat(self.store)

    def _accept(self, lease: Lease) -> bool:
        """Return whether the task is still to be done, as far as is known by now."""
        number = self.graph.numbers[lease.digest]
        if self.plan.states[number] == READY:
            self.plan.took(number)
            return True
        self.store.release(lease)
        return False

    def _note(self, changes: Changes) -> None:
        """Take over what changed."""
        if not changes:
            return
        numbers, failures = self.graph.numbers, self.store.failures()
        self.retryable.difference_update(changes.failed)
        for digest in changes.removed:
            if digest in numbers:
                self.graph.tasks[numbers[digest]].unload()
        for digest in (*changes.removed, *changes.failed, *changes.finished):
            number = numbers.get(digest)
            if number is None:
                continue
            if self.store.has(digest):
                self.plan.finish(number, own=False)
            elif digest not in failures:
                self.plan.reopen(number)
            elif failures[digest] or digest not in self.retryable:
                self.plan.fail(number)

    # One task

    def _run(self, lease: Lease) -> Lease | None:
        """Run one task and save what became of it; return the lease of the next, if any."""
        number = self.graph.numbers[lease.digest]
        task = self.graph.tasks[number]
        if not _may_go_on("execute.task-pre-execute", task):
            self.store.release(lease)
            self.stop = Ending.LIMIT
            return None
        if self.connection is not None:
            self.connection.publish(task)
        log.info("running %s", task.name)
        start = time.time()
        inputs = self.graph.dependencies_of(number)
        try:
            frame, result = self.runner.run(task)
        except InputMissing:
            self.store.release(lease)
            self._reopen(inputs)
            return None
        except KeyboardInterrupt:
            self.store.release(lease)
            raise
        except BaseException as error:
            return self._fail(lease, number, inputs, error, start)
        finally:
            if inputs:
                self.memory.unload(inputs)
        return self._succeed(lease, number, inputs, frame, result)

    def _reopen(self, inputs: Sequence[int]) -> None:
        """Note which of a task's inputs are gone: removed by others, or found damaged here."""
        self._note(self.store.refresh(self.changes))
        for needed in inputs:
            if needed not in self._in_other_stores:
                if not self.store.has(self.graph.tasks[needed].digest):
                    self.plan.reopen(needed)

    def _succeed(
        self, lease: Lease, number: int, inputs: Sequence[int], frame: Frame, result: Any
    ) -> Lease | None:
        plan, tasks = self.plan, self.graph.tasks
        task = tasks[number]
        plan.finish(number)
        candidates = [tasks[next_one].digest for next_one in plan.candidates()]
        try:
            outcome, following = self.store.commit_and_acquire(
                lease, frame, self._own_digests(inputs), candidates
            )
        except BaseException:
            plan.reopen(number)
            raise
        if outcome is Outcome.SAVED:
            self.summary.executed[task.name] += 1
            self.memory.keep(number, result)  # before it is noted that somebody removed it
        self._note(self.changes.take())
        if outcome is Outcome.STALE:
            if not self.store.has(task.digest):
                plan.reopen(number)
        elif not _may_go_on("execute.task-executed1", task):
            self.stop = Ending.LIMIT
        if following is not None and not self._accept(following):
            return None
        return following

    def _fail(
        self, lease: Lease, number: int, inputs: Sequence[int], error: BaseException, start: float
    ) -> Lease | None:
        task = self.graph.tasks[number]
        if self.settings.on_failure is not None:
            self.settings.on_failure(task, error)
        frame = failed_attempt(task, error, start, kept=self.settings.keep_failed)
        outcome = self.store.commit(lease, frame, self._own_digests(inputs))
        self.retryable.discard(task.digest)
        self._note(self.changes.take())
        if outcome is not Outcome.SAVED:
            return None
        self.plan.fail(number)
        failure = Failure(
            task.name, task.digest.hex(), describe_exception(error), own_traceback(error)
        )
        self.summary.failures.append(failure)
        log.error("%s failed:\n%s", task.name, failure.traceback.rstrip())
        if self.connection is not None:
            self.connection.send_failed(failure)
        if not self.settings.keep_going:
            self._stop_all()
        return None

    def _stop_all(self) -> None:
        """Let no worker of this run start a further task."""
        self.stop = Ending.FAILED
        if self.connection is not None:
            self.connection.slots.stop()

    def _own_digests(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the digests of those tasks that are of this store."""
        tasks, others = self.graph.tasks, self._in_other_stores
        return [tasks[number].digest for number in numbers if number not in others]

    # Waiting

    def _wait(self) -> Ending | None:
        """Wait for others; return why to end if there is no reason to wait."""
        self._note(self.store.refresh(self.changes))
        if self.plan.candidates() or self._is_barrier_open():
            return None
        if not self.plan.left:
            return Ending.DONE if not self.jugspace.barrier_tasks else self._ending_when_stuck()
        quiet_since = time.monotonic()
        while self._do_others_work():
            if self.plan.candidates() or self._ending_if_told():
                return None
            if self.connection is not None and self.connection.slots.is_anybody_busy():
                quiet_since = time.monotonic()  # a worker of the same run is nobody else
            left = quiet_since + self.settings.patience - time.monotonic()
            if left <= 0:
                return Ending.WAITED
            changes = self.store.wait(self.changes, min(left, _LOOK))
            if changes:
                quiet_since = time.monotonic()
                self._note(changes)
                if self._is_barrier_open() or not self.plan.left:
                    return None
        # A holder may be gone because it has just finished.
        self._note(self.store.refresh(self.changes))
        if self.plan.candidates() or self._is_barrier_open() or not self.plan.left:
            return None
        return self._ending_when_stuck()

    def _do_others_work(self) -> bool:
        """Look at who holds what; return whether somebody holds what this worker waits for."""
        alive = {digest: holder.alive for digest, holder in self.store.holders().items()}
        self.plan.reconsider(alive)
        for number in self._in_other_stores:
            if self.graph.tasks[number].can_load():
                self.plan.finish(number, own=False)
        numbers, states = self.graph.numbers, self.plan.states
        return bool(self.plan.held) or any(
            is_alive and digest in numbers and states[numbers[digest]] == SKIPPED
            for digest, is_alive in alive.items()
        )

    def _ending_when_stuck(self) -> Ending:
        return Ending.FAILED if self.plan.failed else Ending.STUCK


def _may_go_on(hook: str, task: Task[Any]) -> bool:
    """Call a hook; return whether it lets the worker start further tasks."""
    try:
        jug_hook(hook, (task,))
    except SystemExit:
        return False
    return True
