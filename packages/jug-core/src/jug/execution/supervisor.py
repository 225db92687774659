"""A process that looks after workers and runs none of their tasks.

A task may hold the interpreter's lock for hours, or crash its process, and then
nothing inside that process can act for it.  So the supervisor does from outside:
it beats for the leases of its workers for as long as they live and are not
stopped, makes durable what they have written, ends a task that is past its time
limit, replaces a worker that died, and gathers what all of them did.  It goes on with
that also while the store does not answer (`jug.execution.errands`).

A worker shows what it runs in its slot of shared memory, and says all else through a
pipe: that it has joined a store, what failed, and at last its summary or its error.  If
it ends with no last message, it has died.  A task that closes files it did not open
closes the pipe too: its worker is attended to as before, until it ends.  If the
supervisor dies, its workers die with it (`jug.execution.parent_death`).

A task past its limit, or a worker that does not end, it ends itself (`jug.execution.overdue`).

Much may happen to a worker at any time, so the class has many methods, one for each.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Final

from jug.backends.process import Process
from jug.errors import JugError
from jug.execution.connection import SupervisorConnection, open_channel, take_messages
from jug.execution.death_toll import DEADLY, DeathToll
from jug.execution.draining import DRAINING, Drain
from jug.execution.ended_runs import EndedRuns
from jug.execution.errands import Errands, OpenStore
from jug.execution.outputs import Outputs
from jug.execution.overdue import Overdue
from jug.execution.process_group import Remains
from jug.execution.signals import (
    SIGNALS,
    SUSPENDING,
    end_at_once,
    handle_signals,
    heed_children,
    restore_signals,
)
from jug.execution.slots import NO_TASK, Running, WorkerSlots
from jug.execution.summary import Summary, merge
from jug.execution.tally import add_to, added
from jug.execution.watching import Watch
from jug.execution.worker_process import WorkerProcess
from jug.messages import Log
from jug.progress import Display, Spent
from jug.records import RunState

log = Log("supervisor")

_TICK: Final = 0.5  # seconds between two looks at everything
_SHORT_TICK: Final = 0.02  # the same where something is about to be done
_HURRY: Final = 5.0  # that who reads the output has, once the run is to stop

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
        self._has_begun = False
        self._workers: dict[int, WorkerProcess] = {}
        self._remains = Remains()
        self._errands = Errands(open_store)
        self._selector = selectors.DefaultSelector()
        self._outputs = Outputs(self._selector, None if display is None else display.write)
        self._next_look = 0.0
        self._summaries: list[Summary] = []
        self._untallied: dict[str, Spent] = {}
        self._error: BaseException | None = None
        self._interrupts = 0
        self._interrupted_by = 0
        self.slots = WorkerSlots.for_workers(count)
        self._deaths = DeathToll(self.slots)
        self._ended = EndedRuns(self._errands, self._outputs, self.slots, retryable)
        self._overdue = Overdue(self._ended, self.slots)
        self._watch = Watch(display, self.slots)

    def run(self) -> Summary:
        """Return what all workers did together, once the last has ended.

        Raises what made a worker abort, after all others have ended too.
        """
        before = handle_signals(self._interrupt) | handle_signals(self._suspend, SUSPENDING)
        before |= heed_children()
        before |= handle_signals(self._resize, _RESIZING)
        try:
            with (
                self._outputs.telling(),
                self._drain.heeded(),
                self._drain.calling(self._begin_no_more),
            ):
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
        failures = list(self._ended.failures.values())
        counts = Counter({name: spent.runs for name, spent in executed.items()})
        summary = merge(self._summaries, counts, failures, self._interrupts > 0)
        self._watch.end(executed, summary)
        return summary

    def _pass_on_interrupt(self, before: dict[int, Any]) -> None:
        """Tell whoever handled the signal before: the worker around a run inside a task."""
        handler = before.get(self._interrupted_by)
        if callable(handler) and handler not in (signal.default_int_handler, end_at_once):
            handler(self._interrupted_by, None)

    def _is_busy(self) -> bool:
        return bool(self._workers or self._remains or (self._errands and not self._interrupts))

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
        ours, theirs = open_channel()
        output = self.slots.last_outputs(slot)
        pipes = self._outputs.begin(output)
        # Signals wait until the worker is entered: one that came before would not be passed
        # on to it, or would meet the supervisor's handlers in the forked process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS + DRAINING + SUSPENDING)
        try:
            with theirs:
                is_first, self._has_begun = not self._has_begun, True
                known = (slot, self._ended.retryable, is_first, None, pipes)
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
        self._deaths.see_who_has_begun(self._workers.values())
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
            self._overdue.check(worker, running, now)
        self._remains.attend()
        self._errands.attend(self._abort)
        self._watch.attend(self._workers, self._executed, self._ended.failures.values())

    def _receive_rest(self, worker: WorkerProcess) -> None:
        """Read all that a worker that is gone has sent: a child of its may keep the pipe open."""
        if not worker.is_cut_off:
            os.set_blocking(worker.connection.fileno(), False)
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
            worker.heartbeat, pickled, worker.worker_id = said[:3]
            self._ended.keep_going, self._ended.keep_failed = said[3:]
            if pickled is not None:
                self._errands.use(partial(pickle.loads, pickled))
        elif kind == "retryable":
            self._ended.retryable = said
        elif kind == "executed":
            add_to(self._untallied, said)
        elif kind == "standing":
            self._watch.take(said, len(self._workers))
        elif kind == "failed":
            log.error("%s failed:\n%s", said.call, said.traceback.rstrip())
            self._ended.note_failure(said)
        else:
            worker.last_message = said
            self._overdue.expect_end(worker)

    def _end(self, worker: WorkerProcess) -> None:
        if self._workers.get(worker.slot) is not worker:
            return
        worker.has_ended = True
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
        self._deaths.see_who_has_begun(self._workers.values())
        is_deadly = worker.killed_for is None and self._deaths.is_deadly(running)
        self.slots.clear(worker.slot)
        if running.name:  # it had begun, perhaps between two looks
            self._deaths.forget_early()
        if worker.killed_for is not None:
            return self._replace(worker.slot)
        doing = f" while it ran {running.title}" if running.digest != NO_TASK else ""
        log.error("a worker (process %d) %s%s", worker.pid, how, doing)
        if not is_deadly:
            self._ended.note(worker, running, RunState.DIED, how)
            self._replace(worker.slot)
        elif running.digest == NO_TASK:
            self._abort(JugError(f"the workers die before their first task: each {how}"))
        else:
            why = f"WorkerDied: {DEADLY} workers died of it, each {how}"
            self._ended.fail(worker, running, why, partial(self._give_up, worker.slot, running))

    def _give_up(self, slot: int, running: Running) -> None:
        """Go on without a task, which is recorded as failed by now."""
        self._deaths.settle(running)
        self._replace(slot)

    def _replace(self, slot: int) -> None:
        def begin() -> None:
            if not self.slots.is_stopped():
                self._begin_if_possible(slot)

        self._errands.add(lambda store: store.tidy(), begin)
