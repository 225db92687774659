"""A process that looks after workers and runs none of their tasks.

A task may hold the interpreter's lock for hours, or crash its process, and then
nothing inside that process can act for it.  So the supervisor does from outside:
it beats for the leases of its workers for as long as they live and are not
stopped, makes durable what they have written, ends a task that is past its time
limit, replaces a worker that died, and gathers what all of them did.  It goes on with
that also while the store does not answer (`jug.execution.errands`).

A worker shows what it runs in its slot of shared memory, and says all else over a
socket: that it has joined a store, what failed, and at last its summary or its error.  If
it ends with no last message, it has died.  A task that closes files it did not open
closes the socket too: its worker is attended to as before, until it ends.  If the
supervisor dies, its workers die with it (`jug.execution.parent_death`).

A task past its limit is interrupted by its own worker if that is possible
(`jug.execution.time_limit`).  The supervisor waits a little longer and then ends the worker;
the failure is recorded first, so that no other worker starts the task again.

Much may happen to a worker at any time, so the class has many methods, one for each.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import FrameType
from typing import Any, Final

from jug import records
from jug.backends.base import BaseStore, Frame, Kind
from jug.backends.process import Process
from jug.errors import JugError
from jug.execution.connection import SupervisorConnection, take_messages
from jug.execution.deaths import DEADLY
from jug.execution.draining import DRAINING, Drain
from jug.execution.errands import Errands, OpenStore
from jug.execution.failures import log_retry, note_run
from jug.execution.last_output import of_task
from jug.execution.outputs import Outputs
from jug.execution.process_group import Remains
from jug.execution.signals import SIGNALS, handle_signals, heed_children, restore_signals
from jug.execution.slots import NO_TASK, Running, WorkerSlots
from jug.execution.summary import Failure, Summary, merge
from jug.execution.tally import added
from jug.execution.watching import Watch
from jug.execution.worker_process import WorkerProcess
from jug.messages import Log, telling_through, told_to
from jug.progress import Display, Spent
from jug.records import Record, RunState

log = Log("supervisor")

_TICK: Final = 0.5  # seconds between two looks at everything
_SHORT_TICK: Final = 0.02  # the same where something is about to be done
_GRACE: Final = 1.0  # seconds that a task has to notice its own time limit
_LAST_SECONDS: Final = 30.0  # that a worker has to end after its last message
_HURRY: Final = 5.0  # that who reads the output has, once the run is to stop

_SUSPENDING: Final = (signal.SIGTSTP,)
_RESIZING: Final = (signal.SIGWINCH,)

Start = Callable[[SupervisorConnection], int]
"""How to start a worker: returns the pid of a process that uses the connection."""


class Supervisor:
    """Runs a number of workers to their end.

    `start` starts one.  `open_store` gives the store, or a worker does that has joined
    another one, as its jugfile wants it; it is opened only after a worker has died: to tidy
    up after it, and to save the failure of a task that ended its workers.  Unless
    they are to keep going such a failure stops all of them.  `retryable` are the tasks that
    failed before and are tried again; without it, the first worker says which these are.
    `display` shows how far they are, and `drain` has them begin no further task.
    """

    def __init__(
        self,
        start: Start,
        count: int,
        open_store: OpenStore,
        retryable: set[bytes] | None = None,
        display: Display | None = None,
        drain: Drain | None = None,
    ) -> None:
        self._start = start
        self._drain = drain or Drain()
        self._retryable = retryable
        self._has_begun = False
        self._keep_going = False
        self._keep_failed = False
        self._workers: dict[int, WorkerProcess] = {}
        self._remains = Remains()
        self._errands = Errands(open_store)
        self._selector = selectors.DefaultSelector()
        self._outputs = Outputs(self._selector, None if display is None else display.write)
        self._next_look = 0.0
        self._summaries: list[Summary] = []
        self._untallied: dict[str, Spent] = {}
        self._failures: dict[str, Failure] = {}
        self._error: BaseException | None = None
        self._interrupts = 0
        self._interrupted_by = 0
        self._deaths: Counter[bytes] = Counter()
        self._overdue: Counter[bytes] = Counter()
        self.slots = WorkerSlots.for_workers(count)
        self._watch = Watch(display, self.slots)

    def run(self) -> Summary:
        """Return what all workers did together, once the last has ended.

        Raises what made a worker abort, after all others have ended too.
        """
        before = handle_signals(self._interrupt) | handle_signals(self._suspend, _SUSPENDING)
        before |= heed_children()
        before |= handle_signals(self._resize, _RESIZING)
        try:
            with self._telling(), self._drain.heeded(), self._drain.calling(self._begin_no_more):
                self._begin_all()
                while self._is_busy():
                    self._attend()
        finally:
            for worker in self._workers.values():
                worker.kill()
            self._remains.kill()
            restore_signals(before)
            self._outputs.close()
            self._selector.close()
            executed = self._executed()
            self.slots.close()
            self._pass_on_interrupt(before)
        if self._error is not None:
            raise self._error
        failures = list(self._failures.values())
        counts = Counter({name: spent.runs for name, spent in executed.items()})
        summary = merge(self._summaries, counts, failures, self._interrupts > 0)
        self._watch.end(executed, summary)
        return summary

    def _telling(self) -> AbstractContextManager[None]:
        """Wait for no reader meanwhile with what jug tells in this process."""
        target = told_to()
        if target is None:
            return nullcontext()
        return telling_through(partial(self._outputs.tell, target))

    def _pass_on_interrupt(self, before: dict[int, Any]) -> None:
        """Tell whoever handled the signal before: the worker around a run inside a task."""
        handler = before.get(self._interrupted_by)
        if callable(handler) and handler is not signal.default_int_handler:
            handler(self._interrupted_by, None)

    def _is_busy(self) -> bool:
        errands = self._errands and not self._interrupts
        return bool(self._workers or self._remains or errands)

    def _executed(self) -> dict[str, Spent]:
        return added((self.slots.executed(), self._untallied))

    # Signals

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        self._interrupted_by = signum
        self.slots.stop()
        if self._interrupts == 1:
            log.warning("stopping: tasks in progress are given back (again to stop at once)")
        self._outputs.hurry(_HURRY if self._interrupts == 1 else 0.0)
        self._signal_all(signal.SIGTERM if self._interrupts == 1 else signal.SIGKILL)

    def _begin_no_more(self) -> None:
        if not self.slots.is_stopped():
            self.slots.drain()
            log.warning("draining: tasks in progress are finished, and no other begins")

    def _suspend(self, signum: int, frame: FrameType | None) -> None:
        """Stop with all workers, as Ctrl-Z asks, and go on with them."""
        self._watch.pause()
        self._signal_all(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._signal_all(signal.SIGCONT)

    def _resize(self, signum: int, frame: FrameType | None) -> None:
        self._outputs.resize()

    def _signal_all(self, signum: int) -> None:
        for worker in self._workers.values():
            worker.send_signal(signum)

    # Workers come and go

    def _begin_all(self) -> None:
        for slot in range(self.slots.count):
            # One is begun also to be drained, as it says what is left.
            is_stopped = self.slots.is_stopped() and (slot > 0 or not self.slots.is_drained())
            if is_stopped or not self._begin_if_possible(slot):
                return

    def _begin_if_possible(self, slot: int) -> bool:
        """Start a worker; go on without it if the system has no room for a further one."""
        try:
            self._begin(slot)
        except OSError as error:
            message = f"worker {slot + 1} can't be started ({error.strerror}): ask for fewer"
            if self._workers:
                log.error("%s", message)
            else:
                self._abort(JugError(message))
            return False
        return True

    def _begin(self, slot: int) -> None:
        self.slots.reset(slot)
        ours, theirs = socket.socketpair()
        output = self.slots.last_outputs(slot)
        pipes = self._outputs.begin(output)
        # Signals wait until the worker is entered: one that came before would not be passed
        # on to it, or would meet the supervisor's handlers in the forked process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS + DRAINING)
        try:
            with theirs:
                is_first, self._has_begun = not self._has_begun, True
                known = (slot, self._retryable, is_first, None, pipes)
                pid = self._start(SupervisorConnection(theirs, self.slots, *known))
            process = Process.here()._replace(pid=pid, started=Process.start_of(pid))
            worker = self._workers[slot] = WorkerProcess(slot, pid, ours, process, output)
            self._selector.register(ours, selectors.EVENT_READ, partial(self._receive, worker))
        except OSError:
            ours.close()
            raise
        finally:
            for pipe in pipes:
                pipe.leave_to_worker()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _attend(self) -> None:
        is_cut_off = any(worker.is_cut_off for worker in self._workers.values())
        is_short = self._remains or self._errands or is_cut_off
        tick = _SHORT_TICK if is_short else min(_TICK, self._watch.interval)
        for key, _ in self._selector.select(tick):
            key.data()
        self._outputs.attend()
        self._see_who_has_begun()
        now = time.monotonic()
        if now < self._next_look:  # somebody prints, which is no reason to look at all workers
            return
        self._next_look = now + _SHORT_TICK / 2
        for worker in list(self._workers.values()):
            if worker.process.is_gone():
                self._receive_rest(worker)
                self._end(worker)
                continue
            running = self.slots.running(worker.slot)
            worker.beat(now)
            worker.show(running)
            self._check_time(worker, running, now)
        self._remains.attend()
        self._attend_errands()
        self._watch.attend(self._workers, self._executed, self._failures.values())

    def _attend_errands(self) -> None:
        try:
            self._errands.attend()
        except Exception as error:
            self._abort(error)

    def _receive_rest(self, worker: WorkerProcess) -> None:
        """Read all that a worker that is gone has sent: a child of its may keep the socket open."""
        if not worker.is_cut_off:
            worker.connection.setblocking(False)
        while not worker.is_cut_off:
            self._receive(worker)

    def _receive(self, worker: WorkerProcess) -> None:
        self._next_look = 0.0
        is_open = worker.receive()
        self._outputs.take_rest(worker.output)
        for kind, said in take_messages(worker.received):
            self._take_message(worker, kind, said)
        if not is_open:
            worker.is_cut_off = True
            self._selector.unregister(worker.connection)
            worker.connection.close()
            if worker.ends_soon():
                self._end(worker)

    def _take_message(self, worker: WorkerProcess, kind: str, said: Any) -> None:
        if kind == "joined":
            worker.heartbeat, store, worker.worker_id = said[:3]
            self._keep_going, self._keep_failed = said[3:]
            if store is not None:
                self._errands.use(lambda: store.another_view())
        elif kind == "retryable":
            self._retryable = said
        elif kind == "executed":
            self._untallied = added((self._untallied, said))
        elif kind == "standing":
            self._watch.take(said, len(self._workers))
        elif kind == "failed":
            log.error("%s failed:\n%s", said.call, said.traceback.rstrip())
            self._note_failure(said)
        else:
            worker.last_message = said
            worker.ends_by = time.monotonic() + _LAST_SECONDS

    def _end(self, worker: WorkerProcess) -> None:
        if self._workers.get(worker.slot) is not worker:
            return
        del self._workers[worker.slot]  # first, as nobody may signal a process that was waited for
        how = worker.wait()
        self._outputs.end(worker.output)
        self._remains.end(worker.pid)
        if isinstance(worker.last_message, Summary):
            self._summaries.append(worker.last_message)
        elif worker.last_message is not None:
            self._abort(worker.last_message)
        elif not self._interrupts:
            self._replace_dead(worker, how)

    def _abort(self, error: BaseException) -> None:
        self._error = self._error or error
        self.slots.stop()

    def _replace_dead(self, worker: WorkerProcess, how: str) -> None:
        """Log that a worker died, and replace it if that may help."""
        running = worker.killed_for or self.slots.running(worker.slot)
        is_deadly = worker.killed_for is None and self._is_deadly(running)
        self.slots.clear(worker.slot)
        if running.name:  # it had begun, perhaps between two looks
            del self._deaths[NO_TASK]
        if worker.killed_for is not None:
            return self._replace(worker.slot)
        doing = f" while it ran {running.title}" if running.digest != NO_TASK else ""
        log.error("a worker (process %d) %s%s", worker.pid, how, doing)
        if not is_deadly:
            self._note_run(worker, running, RunState.DIED, how)
            self._replace(worker.slot)
        elif running.digest == NO_TASK:
            self._abort(JugError(f"the workers die before their first task: each {how}"))
        else:
            why = f"WorkerDied: {DEADLY} workers died of it, each {how}"
            self._record_failure(worker, running, why, partial(self._give_up, worker.slot, running))

    def _is_deadly(self, running: Running) -> bool:
        """Return whether workers die again and again of a task, or before their first."""
        if running.digest == NO_TASK and running.name:
            return False  # it has done something
        self._see_who_has_begun()
        self._deaths[running.digest] += 1
        if running.digest != NO_TASK:
            self.slots.deaths.show(running.digest, self._deaths[running.digest])
        return self._deaths[running.digest] == DEADLY

    def _give_up(self, slot: int, running: Running) -> None:
        """Go on without a task, which is recorded as failed by now."""
        self.slots.deaths.show(running.digest, 0)
        self._replace(slot)

    def _see_who_has_begun(self) -> None:
        """Forget deaths before a first task if another worker has come further since."""
        for worker in self._workers.values():
            if not worker.has_begun and self.slots.running(worker.slot).name:
                worker.has_begun = True
                del self._deaths[NO_TASK]

    def _replace(self, slot: int) -> None:
        def begin() -> None:
            if not self.slots.is_stopped():
                self._begin_if_possible(slot)

        self._errands.add(lambda store: store.tidy(), begin)

    # Time limits and failures

    def _check_time(self, worker: WorkerProcess, running: Running, now: float) -> None:
        if now > worker.ends_by:
            self._end_late(worker)
        elif running.deadline and now > running.deadline + _GRACE and running != worker.overdue:
            worker.overdue = running
            self._end_overdue(worker, running)

    def _end_late(self, worker: WorkerProcess) -> None:
        log.warning(
            "a worker (process %d) is ended: its threads or exit functions take over %g s",
            worker.pid,
            _LAST_SECONDS,
        )
        worker.ends_by += _LAST_SECONDS
        worker.send_signal(signal.SIGKILL)

    def _end_overdue(self, worker: WorkerProcess, running: Running) -> None:
        """End a task that is past its time limit, and its worker with it."""

        def kill() -> None:
            if self._workers.get(worker.slot) is worker and worker.overdue == running:
                worker.killed_for = running
                worker.send_signal(signal.SIGKILL)

        self._overdue[running.digest] += 1
        attempts_left = running.retries + 1 - self._overdue[running.digest]
        why = f"TaskTimeout: ran longer than its time limit of {running.limit:g} s"
        if attempts_left > 0:
            log_retry(running.title, why, attempts_left)
            self._note_run(worker, running, RunState.RETRIED, why)
            kill()
        else:
            self._record_failure(worker, running, why, kill)

    def _note_run(
        self, worker: WorkerProcess, running: Running, state: RunState, exception: str
    ) -> None:
        """Remember a run that ends here and leaves nothing."""
        if running.digest != NO_TASK:
            record = records.pack(self._ended(worker, running, exception))
            digest = running.digest
            self._errands.add(lambda store: note_run(store, digest, state, record), _nothing)

    def _record_failure(
        self,
        worker: WorkerProcess,
        running: Running,
        exception: str,
        then: Callable[[], None],
    ) -> None:
        """Save that a task has failed, and then do something else."""
        record = records.pack(self._ended(worker, running, exception))
        kind = Kind.KEPT if self._keep_failed else Kind.FAILURE

        def save(store: BaseStore) -> None:
            store.put(Frame(kind, running.digest, record))
            store.flush()

        log.error("%s failed: %s", running.title, exception)
        self._note_failure(Failure(running.name, running.digest.hex(), exception, ""))
        if not self._keep_going:
            self.slots.stop()
        self._errands.add(save, then)

    def _ended(self, worker: WorkerProcess, running: Running, exception: str) -> Record:
        """Return the record of a run that ends now."""
        self._outputs.take_rest(worker.output)
        return Record(
            running.name,
            running.since,
            time.monotonic() - running.began,
            exception=exception,
            worker=worker.worker_id,
            output=of_task(worker.output),
        )

    def _note_failure(self, failure: Failure) -> None:
        self._failures.setdefault(failure.digest, failure)
        if self._retryable is not None:
            self._retryable.discard(bytes.fromhex(failure.digest))


def _nothing() -> None:
    """Do nothing, after an errand that nothing follows."""
