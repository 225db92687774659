"""The loop of one worker: take a task, run it, save what became of it, and again.

A worker runs what is ready and not held by others.  When there is nothing of
that kind it waits for the store to change, as long as others hold tasks that it
needs.  It ends when all selected tasks are done, when nothing is left that could
be run, or when it is told to stop; and it says which of these it was.

A result that others removed while it was being used is noticed when the task
that used it is saved: then nothing is saved and the task is done again.  Values
of other tasks are read afresh for each task, so that a function which changes
its arguments can't spoil another's; only numbers and short strings stay in memory.
"""

from __future__ import annotations

import logging
import time
from binascii import hexlify
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from jug import attempt
from jug._arguments import ATOMS
from jug._task import Task
from jug.backends.base import Changes, Frame, Lease, Outcome
from jug.errors import DamagedResult, ResultNotFound
from jug.failures import failed_before, recorded_failures, say_tried_again
from jug.graph import Graph
from jug.heart import keep_beating
from jug.hooks import is_hooked, jug_hook
from jug.jugfile import Jugspace
from jug.plan import DONE, READY, SKIPPED, Plan
from jug.summary import Ending, Failure, Summary
from jug.timelimit import time_limit

if TYPE_CHECKING:
    from jug.supervisor import Link

log = logging.getLogger("jug.worker")

_SHORT: Final = 256  # characters up to which a string is kept in memory
_LOOK: Final = 1.5  # seconds after which a wait looks at the holders of its own accord


@dataclass(slots=True)
class Settings:
    """How a worker behaves."""

    keep_going: bool = False
    """Whether to run what does not depend on it after a task failed."""
    keep_failed: bool = False
    """Whether failed tasks are not to be tried again by later workers either."""
    aggressive_unload: bool = False
    """Whether to keep no value in memory at all."""
    debug: bool = False
    """Whether to check that no function changes its arguments."""
    patience: float = 1800.0
    """How many seconds to wait for others without any change."""
    select: Callable[[str], bool] | None = None
    """Which tasks to run, by name; None for all."""
    on_failure: Callable[[Task[Any], BaseException], None] | None = None
    """Called where a task failed, while its exception is being handled."""


class Worker:
    """One process's share of the work on a jugfile.

    `read` reads the jugfile again, after a barrier has opened.  `start` is the
    place at which to begin, between 0 and 1.  `link` connects to the supervisor.
    """

    def __init__(
        self,
        jugspace: Jugspace,
        read: Callable[[], Jugspace],
        settings: Settings | None = None,
        start: float = 0.0,
        link: Link | None = None,
    ) -> None:
        self.jugspace = jugspace
        self.store = jugspace.store
        self.read = read
        self.settings = settings or Settings()
        self.start = start
        self.link = link
        self.summary = Summary(Ending.DONE)
        self.forgiven: set[bytes] = set()
        """Tasks that failed before this run, and are tried again."""
        self.stop: Ending | None = None
        """Set to have the worker end after the task in progress."""
        self.is_in_task = False
        """Whether a task's function is being run, which a signal may cut short."""
        self._has_joined = False

    def run(self) -> Summary:
        """Work until there is nothing left to do; return what was done and why it ended."""
        self._forgive()
        while True:
            self._prepare()
            try:
                ending = self._work()
            except KeyboardInterrupt:
                ending = Ending.INTERRUPTED
            if ending is not None:
                return self._sum_up(ending)
            self.jugspace = self.read()

    # Beginning and ending

    def _forgive(self) -> None:
        """Note what failed before this run, as its first worker or its supervisor found it."""
        link = self.link
        if link is None or link.forgiven is None:
            self.forgiven = failed_before(self.store)
            if link is not None:
                link.forgives(self.forgiven)
        else:
            self.forgiven = set(link.forgiven)

    def _prepare(self) -> None:
        jugspace = self.jugspace
        self.graph = Graph(jugspace.tasks)
        self.store.refresh()
        self._foreign = self._find_foreign()
        self.plan = Plan(
            self.graph,
            self._find_done(),
            self.store.failures(),
            self.forgiven,
            self._selection(),
            self.start,
        )
        self._awaited = [self.graph.numbers[task.digest] for task in jugspace.awaited]
        again = sum(digest in self.graph.numbers for digest in self.forgiven)
        if again and (self.link is None or self.link.is_first):
            tasks = "1 task" if again == 1 else f"{again} tasks"
            log.warning("trying %s again that failed in an earlier run", tasks)

    def _find_foreign(self) -> set[int]:
        """Return the tasks that belong to another store: they are used, but not run."""
        return {
            number
            for number, task in enumerate(self.graph.tasks)
            if task._store is not None and task._store is not self.store
        }

    def _find_done(self) -> list[bool]:
        done = self.store.exists(self.graph.numbers)
        for number in self._foreign:
            done[number] = self.graph.tasks[number].can_load()
        if is_hooked("execute.task-loadable"):
            for task, is_done in zip(self.graph.tasks, done, strict=True):
                if is_done:
                    jug_hook("execute.task-loadable", (task,))
        return done

    def _selection(self) -> Callable[[int], bool] | None:
        select, foreign, tasks = self.settings.select, self._foreign, self.graph.tasks
        if select is None:
            return (lambda number: number not in foreign) if foreign else None
        return lambda number: number not in foreign and select(tasks[number].name)

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
                ending = self._told_to_stop()
                if ending or self._is_barrier_open():
                    return ending
                lease = lease or self._take()
                if lease is not None:
                    taken, lease = lease, None
                    lease = self._run(taken)
                    continue
                if self.link is not None:
                    self.link.board.clear(self.link.slot)
                ending = self._wait()
                if ending:
                    return ending
        finally:
            if lease is not None:
                self.store.release(lease)

    def _told_to_stop(self) -> Ending | None:
        if self.stop is None and self.link is not None and self.link.board.is_stopped():
            self.stop = Ending.STUCK
        return self.stop

    def _is_barrier_open(self) -> bool:
        if not self.jugspace.awaited:
            return False
        while self._awaited and self.plan.states[self._awaited[-1]] == DONE:
            self._awaited.pop()
        return not self._awaited

    def _take(self) -> Lease | None:
        """Return a lease of a task that is ready, None if others hold all that are."""
        plan, tasks = self.plan, self.graph.tasks
        if not self._has_joined and plan.candidates():
            self._join()
        while numbers := plan.candidates():
            lease = self.store.acquire([tasks[number].digest for number in numbers])
            self._note(self.store.drain())
            if lease is None:
                plan.collided(self.store.holders())
            elif self._accept(lease):
                return lease
        return None

    def _join(self) -> None:
        """Have somebody beat for this worker from its first lease on."""
        self._has_joined = True
        if self.link is not None:
            self.link.joined(self.store, self.settings.keep_going)
        else:
            keep_beating(self.store)

    def _accept(self, lease: Lease) -> bool:
        """Return whether the task is still to be done, as far as is known by now."""
        number = self.graph.numbers[lease.digest]
        if self.plan.states[number] == READY:
            self.plan.took(number)
            return True
        self.store.release(lease)
        return False

    def _note(self, changes: Changes) -> None:
        """Take over what others did."""
        if not changes:
            return
        numbers, failures = self.graph.numbers, self.store.failures()
        self.forgiven.difference_update(changes.failed)
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
            elif failures[digest] or digest not in self.forgiven:
                self.plan.fail(number)

    # One task

    def _run(self, lease: Lease) -> Lease | None:
        """Run one task and save what became of it; return the lease of the next, if any."""
        number = self.graph.numbers[lease.digest]
        task = self.graph.tasks[number]
        try:
            jug_hook("execute.task-pre-execute", (task,))
        except SystemExit:
            self.store.release(lease)
            self.stop = Ending.LIMIT
            return None
        if self.link is not None:
            self.link.board.post(self.link.slot, task)
        log.info("running %s", task.name)
        start = time.time()
        inputs = self.graph.dependencies_of(number)
        try:
            frame, result = self._attempt(task)
        except _InputMissing:
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
                self._unload(inputs)
        return self._succeed(lease, number, inputs, frame, result)

    def _reopen(self, inputs: Sequence[int]) -> None:
        """Note which of a task's inputs are gone: removed by others, or found damaged here."""
        self._note(self.store.refresh())
        for needed in inputs:
            if needed not in self._foreign and not self.store.has(self.graph.tasks[needed].digest):
                self.plan.reopen(needed)

    def _attempt(self, task: Task[Any]) -> tuple[Frame, Any]:
        """Run the task, again and again as far as its retries go."""
        for attempts_left in range(task.options.retries, -1, -1):
            arguments = self._load_arguments(task)
            try:
                return self._run_once(task, arguments)
            except Exception as error:
                if not attempts_left:
                    raise
                say_tried_again(task.name, attempt.describe_exception(error), attempts_left)
        raise AssertionError("the last attempt returns or raises")

    def _run_once(self, task: Task[Any], arguments: attempt.Arguments) -> tuple[Frame, Any]:
        self.is_in_task = True
        try:
            if self.stop is Ending.INTERRUPTED:  # while the arguments were loaded
                raise KeyboardInterrupt
            if task.options.timeout is None:
                return attempt.run(task, arguments, self.settings.debug)
            return self._run_limited(task, arguments)
        finally:
            self.is_in_task = False

    def _run_limited(self, task: Task[Any], arguments: attempt.Arguments) -> tuple[Frame, Any]:
        self._set_deadline(task.options.timeout)
        try:
            with time_limit(task):
                return attempt.run(task, arguments, self.settings.debug)
        finally:
            self._set_deadline(None)

    def _set_deadline(self, seconds: float | None) -> None:
        if self.link is not None:
            self.link.board.set_deadline(self.link.slot, seconds)

    def _load_arguments(self, task: Task[Any]) -> attempt.Arguments:
        try:
            return attempt.load_arguments(task)
        except (ResultNotFound, DamagedResult):
            self.store.learn()
            if all(dependency.can_load() for dependency in task.dependencies()):
                raise
            raise _InputMissing from None

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
        self._note(self.store.drain())
        if outcome is Outcome.STALE:
            plan.reopen(number)
        else:
            self._keep(number, result)
            if outcome is Outcome.SAVED:
                self.summary.executed[task.name] += 1
            self._announce(task)
        if following is not None and not self._accept(following):
            return None
        return following

    def _announce(self, task: Task[Any]) -> None:
        try:
            jug_hook("execute.task-executed1", (task,))
        except SystemExit:
            self.stop = Ending.LIMIT

    def _fail(
        self, lease: Lease, number: int, inputs: Sequence[int], error: BaseException, start: float
    ) -> Lease | None:
        task = self.graph.tasks[number]
        if self.settings.on_failure is not None:
            self.settings.on_failure(task, error)
        frame = attempt.failure(task, error, start, kept=self.settings.keep_failed)
        outcome = self.store.commit(lease, frame, self._own_digests(inputs))
        self.forgiven.discard(task.digest)
        self._note(self.store.drain())
        if outcome is not Outcome.SAVED:
            return None
        self.plan.fail(number)
        failure = Failure(
            task.name,
            hexlify(task.digest).decode(),
            attempt.describe_exception(error),
            attempt.own_traceback(error),
        )
        self.summary.failures.append(failure)
        log.error("%s failed:\n%s", task.name, failure.traceback.rstrip())
        if self.link is not None:
            self.link.failed(failure)
        if not self.settings.keep_going:
            self._stop_all()
        return None

    def _stop_all(self) -> None:
        """Have no worker of this run start a further task."""
        self.stop = Ending.FAILED
        if self.link is not None:
            self.link.board.stop()

    def _own_digests(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the digests of those tasks that are of this store."""
        tasks, foreign = self.graph.tasks, self._foreign
        return [tasks[number].digest for number in numbers if number not in foreign]

    # Memory

    def _keep(self, number: int, result: Any) -> None:
        """Keep the value of a task that others will use soon, if it is small and can't change."""
        if self._is_small(result) and self.graph.count_dependants(number):
            self.graph.tasks[number]._value = result

    def _unload(self, inputs: Sequence[int]) -> None:
        plan = self.plan
        for needed in inputs:
            task = self.graph.tasks[needed]
            if not self._is_small(task._value) or plan.is_used_up(needed):
                task.unload()

    def _is_small(self, value: Any) -> bool:
        if self.settings.aggressive_unload or type(value) not in ATOMS:
            return False
        return type(value) not in (str, bytes) or len(value) <= _SHORT

    # Waiting

    def _wait(self) -> Ending | None:
        """Wait for others; return why to end if there is no reason to wait."""
        self._note(self.store.refresh())
        if self.plan.candidates() or self._is_barrier_open():
            return None
        if not self.plan.left:
            return Ending.DONE if not self.jugspace.awaited else self._without_hope()
        quiet_since = time.monotonic()
        while self._others_work():
            if self.plan.candidates() or self._told_to_stop():
                return None
            if self.link is not None and self.link.board.is_anybody_busy():
                quiet_since = time.monotonic()  # a worker of the same run is nobody else
            left = quiet_since + self.settings.patience - time.monotonic()
            if left <= 0:
                return Ending.WAITED
            changes = self.store.wait(min(left, _LOOK))
            if changes:
                quiet_since = time.monotonic()
                self._note(changes)
                if self._is_barrier_open() or not self.plan.left:
                    return None
        self._note(self.store.refresh())  # a holder may be gone because it has just finished
        if self.plan.candidates() or self._is_barrier_open() or not self.plan.left:
            return None
        return self._without_hope()

    def _others_work(self) -> bool:
        """Look at who holds what; return whether somebody holds what this worker waits for."""
        alive = {digest: holder.alive for digest, holder in self.store.holders().items()}
        self.plan.reconsider(alive)
        for number in self._foreign:
            if self.graph.tasks[number].can_load():
                self.plan.finish(number, own=False)
        numbers, states = self.graph.numbers, self.plan.states
        return bool(self.plan.held) or any(
            is_alive and digest in numbers and states[numbers[digest]] == SKIPPED
            for digest, is_alive in alive.items()
        )

    def _without_hope(self) -> Ending:
        return Ending.FAILED if self.plan.failed else Ending.STUCK


class _InputMissing(Exception):
    """Raised when a result that a task needs is not there any more."""
