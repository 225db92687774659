"""The loop of one worker: take a task, run it, save what became of it, and again.

A worker runs what is ready and not held by others.  When there is nothing of that kind
it waits for others (`jug.execution.waiting`).  It ends when all selected tasks are done, when
nothing is left that could be run, when nothing that is left fits into the time that it has,
or when it is to stop; and it says which of these it was.

What others do changes its plan.  It learns of that by its own reader of the store,
at three moments: after it tried to take a task, after it saved one, and while it
waits.  A result that others removed while it was being used is noticed when the
task that used it is saved: then nothing is saved and the task is done again.

All steps act on what the worker knows of its tasks and its lease: so it has many methods.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jug import records
from jug.backends.base import Frame, Lease, Outcome
from jug.code import notice_growth, remember
from jug.code.sources import changes
from jug.execution.agenda import Agenda
from jug.execution.code_keeper import CodeKeeper
from jug.execution.connection import SupervisorConnection
from jug.execution.failures import failure_of, note_run, retryable
from jug.execution.memory import forget_changeable
from jug.execution.one_task import InputMissing, TaskRunner, TooLate
from jug.execution.reading_on import Read, ReadingOn
from jug.execution.reporting import reporter_to
from jug.execution.room import Room
from jug.execution.settings import Settings
from jug.execution.short_tasks import LONGEST
from jug.execution.stale_results import told_of_stale_results
from jug.execution.summary import Ending, Summary
from jug.execution.taking import Taking
from jug.execution.task_hooks import may_go_on
from jug.execution.waiting import Waiting
from jug.hooks import is_hooked
from jug.jugfile import Jugspace
from jug.messages import Log
from jug.progress import Display
from jug.records import RunState
from jug.task import Task
from jug.task.attempt import ended_run, failed_attempt
from jug.task.namesakes import warn_of_namesakes
from jug.wording import counted

if TYPE_CHECKING:
    from jug.execution.budget import Budget

log = Log("worker")

_BEFORE: Final = "execute.task-pre-execute"
_AFTER: Final = "execute.task-executed1"


class Worker:
    """One process's share of the work on a jugfile.

    `read` reads the jugfile again, after a barrier has opened, and calls what it is given at
    each further one.  `connection` leads to the supervisor; a worker without one draws how far
    the tasks are by `display`.
    """

    def __init__(
        self,
        jugspace: Jugspace,
        read: Read,
        settings: Settings | None = None,
        connection: SupervisorConnection | None = None,
        display: Display | None = None,
    ) -> None:
        self.jugspace = jugspace
        self.store = jugspace.store
        self.reading = ReadingOn(
            read, self._work_on, connection is not None and connection.slots.count > 1
        )
        self.settings = settings or Settings()
        self.connection = connection
        self.display = display
        self.room = Room(self.settings.capacity, connection)
        self.runner = TaskRunner(self.store, self.settings, connection, self.room)
        self.summary = Summary(Ending.DONE)
        self.agenda: Agenda
        self.budget: Budget | None = None
        self.retryable: set[bytes] = set()
        """Tasks that failed before this run, and are tried again."""
        self.stop: Ending | None = None
        """Set to end the worker after the task in progress."""
        self._namesakes: set[str] = set()
        """The names of functions of which it was told that there are two."""
        self._following: Lease | None = None
        """The lease of the next task, taken as the last one was saved."""
        self._code = CodeKeeper(self.store)

    def run(self) -> Summary:
        """Work until there is nothing left to do; return what was done and why it ended."""
        self.retryable = retryable(self.store, self.connection)
        if self.settings.end is not None:
            from jug.execution.budget import Budget

            known = None if self.connection is None else self.connection.known_runs
            self.budget = self.runner.budget = Budget(self.settings.end, self.store, known)
        with self.store.reader() as self.news:
            self.reporter = reporter_to(self.connection, self.display, self.store, self.news)
            self.waiting = Waiting(
                self.store, self.news, self.settings.patience, self.connection, self.reporter,
                self._ending_of_wait,
            )  # fmt: skip
            self.taking = Taking(
                self.store, self.news, self.settings, self.connection, self.waiting.notice
            )
            return self._sum_up(self.reading.run(self.jugspace))

    def _work_on(self, jugspace: Jugspace, is_more: bool) -> Ending | None:
        """Work on what was read, `is_more` if of the same reading, until a barrier has opened."""
        self.jugspace = jugspace
        self._prepare(is_more)
        try:
            return self._work()
        except KeyboardInterrupt:
            return Ending.INTERRUPTED

    def interrupt(self) -> None:
        """End the worker now: the task in progress is given back."""
        if self.stop is not Ending.INTERRUPTED:
            self.stop = Ending.INTERRUPTED
            self.store.hurry()
            self.runner.interrupt()
            if self.reading.is_reading:
                raise KeyboardInterrupt

    # Beginning and ending

    def _prepare(self, is_more: bool) -> None:
        self.store.poll()
        if is_more and self.agenda.can_read_on(self.jugspace):
            notice_growth(self.jugspace.names["__name__"])
            self.taking.note_changes(self.agenda)
            self.agenda.read_on(self.jugspace)
        else:
            remember()
            changes = self.news.take()  # what is done by now is looked up
            self.retryable.difference_update(changes.failed)
            self.agenda = Agenda(
                self.jugspace, self.settings, self.retryable, self.budget, self.room
            )
            self.store.offers = self.room.capacity.in_full().offers
        if self._speaks_for_all():
            warn_of_namesakes(self.agenda.graph.namesakes, self._namesakes)
        self._heed_stale_results()
        again = self.agenda.count_tried_again()
        if again and self.stop is not Ending.STALE and self._speaks_for_all():
            failed = counted(again, "task")
            log.warning("trying %s again that failed in an earlier run", failed)
        self._tell_loadable()
        self.reporter.begin(self.agenda)

    def _speaks_for_all(self) -> bool:
        return self.connection is None or self.connection.is_first

    def _heed_stale_results(self) -> None:
        """Say once that there are some, or end for them."""
        is_strict = self.settings.strict_code
        if self.summary.stale or not (is_strict or self._speaks_for_all()):
            return
        self.summary.stale = stale = told_of_stale_results(self.agenda)
        if stale and is_strict:
            self.stop = self.stop or Ending.STALE
        elif stale:
            log.warning("%s, used all the same: `jug stale` shows what changed", stale)

    def _tell_loadable(self) -> None:
        hook = "execute.task-loadable"
        if is_hooked(hook) and not all(may_go_on(hook, task) for task in self.agenda.done_tasks()):
            self.stop = Ending.LIMIT

    def _sum_up(self, ending: Ending) -> Summary:
        self.store.flush()
        self.store.tidy()
        if ending.status == 0 and self.agenda.plan.left:  # the last of several counts for all
            self.store.poll()
            self.taking.note_changes(self.agenda)
        self.summary.ending, self.summary.short = ending, self.settings.short
        self.agenda.sum_up(self.summary)
        self.reporter.end(self.agenda)
        if self.summary.loaded:
            self.store.note_jugfile()
        return self.summary

    # The loop

    def _work(self) -> Ending | None:
        """Run tasks until nothing is left to run, or return None where a barrier has opened."""
        try:
            while True:
                ending = self._ending_if_told()
                if ending or self.agenda.is_barrier_open():
                    return ending
                self.reporter.look(self.agenda)
                self.taking.take_turns_if_time(self.agenda, self._following)
                if self._following is None and self._run_short_ones():
                    continue
                lease = self._following or self.taking.one(self.agenda)
                if lease is not None:
                    self._following = None
                    self._run(lease)
                    continue
                if self.agenda.candidates():
                    continue
                self.reporter.clear()
                ending = self.waiting.wait(self.agenda)
                if ending:
                    return ending
        finally:
            if self._following is not None:
                self.store.release(self._following)
                self._following = None

    def _ending_if_told(self) -> Ending | None:
        """Return why to stop, if somebody said so."""
        connection = self.connection
        if self.stop is None and connection is not None and connection.slots.is_stopped():
            self.stop = Ending.DRAINED if connection.slots.is_drained() else Ending.STUCK
        return self.stop

    def _ending_of_wait(self) -> Ending | None:
        """Return why not to wait on, if somebody said so."""
        if self.room.is_counted:
            self.taking.join()  # so others see what is here, and wait for what this one may run
        if not may_go_on("execute.waiting"):
            self.stop = self.stop or Ending.LIMIT
        return self._ending_if_told()

    def _run_short_ones(self) -> bool:
        """Run several short tasks that were taken together; return whether any were taken."""
        candidates = self.taking.short_ones(self.agenda)
        if not candidates:
            return False
        try:
            leases = self.taking.several(self.agenda, candidates)
            until = time.monotonic() + LONGEST
            for lease in leases:
                if self._ending_if_told() or time.monotonic() > until:
                    break
                if not self.store.begin(lease):
                    break
                if self.agenda.accept(lease.digest):
                    self._run(lease)
        finally:
            self.store.end_several()
        return bool(leases)

    # One task

    def _run(self, lease: Lease) -> None:
        """Run one task and save what became of it."""
        graph = self.agenda.graph
        number = graph.numbers[lease.digest]
        task = graph.tasks[number]
        is_plain = task.has_plain_arguments
        if not self._may_begin(task, lease):
            return
        as_of = changes()
        self.reporter.publish(task)
        log.info("running %s", task.name)
        inputs: Sequence[int] = () if is_plain else graph.dependencies_of(number)
        if not is_plain:
            self.reading.given.append(task)
        try:
            frame, result = self._run_apart(task, inputs) if inputs else self.runner.run(task)
        except InputMissing:
            self.store.release(lease)
            self.store.poll()
            self.taking.note_changes(self.agenda)
            self.agenda.reopen_missing(inputs)
        except TooLate:
            self.store.release(lease)
            self.agenda.plan.put_off([number])
        except BaseException as error:
            if self._is_interruption(error):
                self._note(task, RunState.GIVEN_BACK)
                self.store.release(lease)
                raise KeyboardInterrupt from None
            self._fail(lease, number, inputs, error)
        else:
            if changes() != as_of:  # it has imported what was edited
                self._keep_code(task, lease)
            self._succeed(lease, number, inputs, frame, result)

    def _may_begin(self, task: Task[Any], lease: Lease) -> bool:
        """Return whether a task may be run, whose code is in the store then."""
        try:
            may_go = not is_hooked(_BEFORE) or may_go_on(_BEFORE, task)
        except BaseException:
            self.store.release(lease)
            raise
        if may_go:
            self._keep_code(task, lease)
        else:
            self.store.release(lease)
            self.stop = Ending.LIMIT
        return may_go

    def _run_apart(self, task: Task[Any], inputs: Sequence[int]) -> tuple[Frame, Any]:
        """Run a task on values of its own."""
        memory, given = self.agenda.memory, [*task.dependencies()]
        held = memory.take_aside(given)
        try:
            return self.runner.run(task)
        finally:
            memory.unload(inputs)
            forget_changeable(given)
            memory.put_back(held)

    def _keep_code(self, task: Task[Any], lease: Lease) -> None:
        try:
            self._code.keep(task, self.jugspace.tasks)
        except BaseException:
            self.store.release(lease)
            raise

    def _is_interruption(self, error: BaseException) -> bool:
        """Return whether a task was cut short, whatever user code has made of that."""
        # Not by `isinstance`, which would ask the exception's own attributes.
        return issubclass(type(error), KeyboardInterrupt) or self.stop is Ending.INTERRUPTED

    def _succeed(
        self, lease: Lease, number: int, inputs: Sequence[int], frame: Frame, result: Any
    ) -> None:
        agenda, plan = self.agenda, self.agenda.plan
        task = agenda.graph.tasks[number]
        name = task.name
        plan.finish(number)
        if self.budget is not None:
            self.budget.note(name, self.budget.now() - self.runner.start)
        self.taking.short.note(name, time.time() - self.runner.start)
        try:
            made_from = agenda.own_digests(inputs) if inputs else ()
            if lease.is_one_of_several:
                outcome = self.store.save(lease, frame, made_from)
            else:
                candidates = self.taking.next_candidates(agenda)
                outcome, self._following = self.store.commit_and_acquire(
                    lease, frame, made_from, candidates
                )
        except BaseException:
            plan.reopen(number)
            raise
        if outcome is Outcome.SAVED:
            self.summary.executed[name] += 1
            self.reporter.count_executed(name)
            agenda.memory.keep(number, result)  # before it is noted that somebody removed it
            self.news.pass_over(task.digest)
        self.taking.note_changes(agenda)
        if outcome is not Outcome.SAVED:
            self.reporter.count_none()
            state = RunState.OUTDATED if outcome is Outcome.STALE else RunState.DISCARDED
            note_run(self.store, task.digest, state, frame.record)
        if outcome is Outcome.STALE:
            if not self.store.has(task.digest):
                plan.reopen(number)
        elif is_hooked(_AFTER) and not may_go_on(_AFTER, task):
            self.stop = Ending.LIMIT
        if self._following is not None:
            self._following = self.taking.accepted(agenda, self._following)

    def _fail(self, lease: Lease, number: int, inputs: Sequence[int], error: BaseException) -> None:
        task = self.agenda.graph.tasks[number]
        if self.settings.on_failure is not None:
            self.settings.on_failure(task, error)
        kept, runner = self.settings.keep_failed, self.runner
        printed = runner.output_of_failure()
        frame = failed_attempt(task, error, runner.start, kept, runner.attempt, printed)
        outcome = self.store.commit(lease, frame, self.agenda.own_digests(inputs))
        self.retryable.discard(task.digest)
        self.taking.note_changes(self.agenda)
        if outcome is not Outcome.SAVED:
            return
        self.agenda.plan.fail(number)
        failure = failure_of(task, error)
        self.summary.failures.append(failure)
        if self.connection is None:
            log.error("%s failed:\n%s", failure.call, failure.traceback.rstrip())
        else:  # the supervisor tells of it, whatever the task has done to this process's output
            self.connection.send_failed(failure)
        if not self.settings.keep_going:
            self._stop_all()

    def _note(self, task: Task[Any], state: RunState) -> None:
        """Remember that the task in progress ends in this way."""
        runner = self.runner
        record = ended_run(task, runner.start, runner.attempt, runner.output_of_failure())
        note_run(self.store, task.digest, state, records.pack(record))

    def _stop_all(self) -> None:
        """Let no worker of this run start a further task."""
        self.stop = Ending.FAILED
        if self.connection is not None:
            self.connection.slots.stop()
