"""Running one task in a worker: its arguments, its attempts, its time limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jug.backends.base import BaseStore, Frame
from jug.errors import DamagedResult, ResultNotFound
from jug.execution.connection import SupervisorConnection
from jug.execution.failures import log_no_retry, log_retry, note_run
from jug.execution.memory import forget_changeable
from jug.execution.process_group import end_started_since, now
from jug.execution.room import Room
from jug.execution.settings import Settings
from jug.execution.task_output import TaskOutput
from jug.execution.time_limit import alarm_now, put_alarm_back, time_limit
from jug.records import RunState
from jug.task import Task, alltasks
from jug.task.attempt import Arguments, attempt, failed_attempt, load_arguments
from jug.task.misuse import note_task_used_in_task
from jug.task.short_form import call_form
from jug.tracebacks import describe_exception

if TYPE_CHECKING:
    from jug.execution.budget import Budget


class InputMissing(Exception):
    """Raised when a result that a task needs is not there any more."""


class TooLate(Exception):
    """Raised when a task has failed and there is no time to try it again."""


class TaskRunner:
    """Runs the tasks of one worker, one at a time."""

    def __init__(
        self,
        store: BaseStore,
        settings: Settings,
        connection: SupervisorConnection | None,
        room: Room,
    ) -> None:
        self.is_in_task = False
        """Whether a task's function is being run, which a signal may cut short."""
        self.attempt = 0
        """Which attempt at the task is being made, or was made last."""
        self.start = 0.0
        """When that began, in seconds since the epoch."""
        self.budget: Budget | None = None
        """What time there is for further attempts, None for any."""
        self._store = store
        self._debug = settings.debug
        self._connection = connection
        self._room = room
        self._is_interrupted = False
        self._output = TaskOutput() if connection is None else connection.output
        self._output.keeps_all = settings.capture

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the task that is being run, or before the next begins."""
        self._is_interrupted = True
        if self.is_in_task:
            raise KeyboardInterrupt

    def run(self, task: Task[Any]) -> tuple[Frame, Any]:
        """Run the task, again and again as far as its retries go; return its frame and value.

        Raises what the last attempt raised, `InputMissing` or `TooLate`.
        """
        if self._room.is_counted:
            with self._room.entered():
                return self._run(task)
        return self._run(task)

    def _run(self, task: Task[Any]) -> tuple[Frame, Any]:
        self.attempt = 0
        for attempts_left in range(task.options.retries, -1, -1):
            self.attempt += 1
            self.start = time.time()
            self._output.begin()
            arguments = self._load_arguments(task)
            try:
                return self._attempt(task, arguments)
            except Exception as error:
                if not attempts_left:
                    raise
                self._note_retry(task, error)
                if not self._is_time_for_another(task):
                    log_no_retry(call_form(task), describe_exception(error))
                    raise TooLate from None
                log_retry(call_form(task), describe_exception(error), attempts_left)
                forget_changeable(task.dependencies())
        raise AssertionError("the last attempt returns or raises")

    def _note_retry(self, task: Task[Any], error: Exception) -> None:
        printed = self.output_of_failure()
        frame = failed_attempt(task, error, self.start, number=self.attempt, output=printed)
        note_run(self._store, task.digest, RunState.RETRIED, frame.record)

    def _is_time_for_another(self, task: Task[Any]) -> bool:
        budget = self.budget
        if budget is None:
            return True
        budget.note_cut_off(task.name, budget.now() - self.start)
        return budget.is_time_for(task)

    def output_of_failure(self) -> str:
        """Return the last that the task has printed, which has failed just now."""
        return self._output.of_failure()

    def _load_arguments(self, task: Task[Any]) -> Arguments:
        try:
            return load_arguments(task)
        except (ResultNotFound, DamagedResult):
            self._store.look_again()
            if all(dependency.can_load() for dependency in task.dependencies()):
                raise
            raise InputMissing from None

    def _attempt(self, task: Task[Any], arguments: Arguments) -> tuple[Frame, Any]:
        self.is_in_task = True
        count = len(alltasks)
        try:
            if self._is_interrupted:  # while the arguments were loaded
                raise KeyboardInterrupt
            alarm = alarm_now()
            try:
                if task.options.timeout is not None:
                    return self._limited_attempt(task, arguments, task.options.timeout)
                return attempt(task, arguments, self._debug, self.attempt, self._output.of_success)
            finally:
                put_alarm_back(alarm)
        except (AttributeError, KeyError, TypeError) as error:
            note_task_used_in_task(error, task, alltasks[count:])
            raise
        finally:
            self.is_in_task = False

    def _limited_attempt(
        self, task: Task[Any], arguments: Arguments, limit: float
    ) -> tuple[Frame, Any]:
        begin = now()
        try:
            return self._attempt_in_time(task, arguments, limit)
        except BaseException:
            if begin.is_past(limit):
                end_started_since(begin)
            raise

    def _attempt_in_time(
        self, task: Task[Any], arguments: Arguments, limit: float
    ) -> tuple[Frame, Any]:
        self._set_deadline(limit)
        try:
            with time_limit(task):
                return attempt(task, arguments, self._debug, self.attempt, self._output.of_success)
        finally:
            self._set_deadline(None)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._connection is not None:
            self._connection.set_deadline(seconds)
