"""A process that looks after workers and runs none of their code.

A task may hold the interpreter's lock for hours, or crash its process, and then
nothing inside that process can act for it.  So the supervisor does from outside:
it beats for the leases of its workers for as long as they live and are not
stopped, makes durable what they have written, ends a task that is past its time
limit, replaces a worker that died, and gathers what all of them did.

A worker says what it runs on a `Board` of shared memory, and all else over a
socket: that it has joined a store, and at last its summary or its error.  If the
socket closes with nothing said, the worker has died.  If the supervisor dies, the
workers are told by a signal on the same socket; they finish their task and end.

A task past its limit is interrupted by its own worker if that is possible
(`jug.timelimit`).  The supervisor waits a little longer and then ends the worker;
the failure is recorded first, so that no other worker starts the task again.
"""

from __future__ import annotations

import logging
import os
import pickle
import selectors
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from struct import Struct
from types import FrameType
from typing import Any, Final

from jug import records
from jug.backends.base import BaseStore, Frame, Kind, Pulse
from jug.backends.process import Process
from jug.board import NO_TASK, Board, Posted
from jug.errors import JugError
from jug.failures import say_tried_again
from jug.records import Record
from jug.summary import Failure, Summary, merge

log = logging.getLogger("jug.supervisor")

_TICK: Final = 0.5  # seconds between two looks at everything
_GRACE: Final = 1.0  # seconds that a task has to notice its own time limit
_DEADLY: Final = 5  # workers that a task, or reading the jugfile, may cost: chance takes some
_LENGTH: Final = Struct("<Q")

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Those that stop a run cleanly, unless whoever started it has them ignored."""


class Link:
    """A worker's end of the connection to its supervisor.

    `forgiven` is what failed before this run and is to be tried again, None if no
    worker has looked yet; `is_first` says whether the worker speaks for all of them.
    """

    def __init__(
        self,
        connection: socket.socket,
        board: Board,
        slot: int,
        of_supervisor: Sequence[socket.socket] = (),
        forgiven: set[bytes] | None = None,
        is_first: bool = True,
    ) -> None:
        self.connection = connection
        self.board = board
        self.slot = slot
        self.forgiven = forgiven
        self.is_first = is_first
        self._of_supervisor = of_supervisor

    def was_forked(self) -> None:
        """Close the copies of the supervisor's ends, or its death would go unnoticed."""
        for connection in self._of_supervisor:
            connection.close()

    def joined(self, store: BaseStore, keep_going: bool) -> None:
        """Have the supervisor beat for this worker's leases in the store.

        Also tell it whether workers keep going after a failure: the jugfile may say so,
        and the supervisor need not have read that.
        """
        self._send(("joined", (store.pulse(), keep_going)))

    def forgives(self, failed_before: set[bytes]) -> None:
        """Say what failed before this run, for workers that come later."""
        self._send(("forgives", failed_before))

    def failed(self, failure: Failure) -> None:
        """Say that a task failed, so that no worker of this run tries it again."""
        self._send(("failed", failure))

    def finished(self, summary: Summary) -> None:
        """Say what was done, as the last word."""
        self.board.clear(self.slot)
        self._send(("finished", summary))

    def broke(self, error: BaseException) -> None:
        """Say why the worker can't go on, as the last word."""
        self._send(("broke", error))

    def _send(self, message: tuple[str, Any]) -> None:
        data = pickle.dumps(message)
        self.connection.sendall(_LENGTH.pack(len(data)) + data)

    def on_death(self, act: Callable[[], None]) -> None:
        """Have a function called, between two steps of the program, if the supervisor dies."""
        import fcntl  # not on Windows

        def act_if_dead(signum: int, frame: FrameType | None) -> None:
            with suppress(BlockingIOError):  # it lives: the signal was for room to write
                if self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    act()

        signal.signal(signal.SIGIO, act_if_dead)
        descriptor = self.connection.fileno()
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)


Start = Callable[[Link], int]
"""How to start a worker: returns the pid of a process that uses the link."""


@dataclass(slots=True)
class _Charge:
    """One worker, as its supervisor knows it."""

    slot: int
    pid: int
    connection: socket.socket
    process: Process
    pulse: Pulse | None = None
    next_beat: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    last_word: Any = None
    killed_for: Posted | None = None


class Supervisor:
    """Runs a number of workers to their end.

    `start` starts one.  `open_store` gives the store, and is called only after a
    worker has died: to tidy up after it, and to save the failure of a task that ended
    its workers.  Unless they are to keep going such a failure stops all of them.
    `forgiven` are the tasks that failed before and are tried again; without it, the
    first worker says which these are.
    """

    def __init__(
        self,
        start: Start,
        count: int,
        open_store: Callable[[], AbstractContextManager[BaseStore]],
        forgiven: set[bytes] | None = None,
    ) -> None:
        self._start = start
        self._forgiven = forgiven
        self._has_begun = False
        self._keep_going = False
        self._count = count
        self._open_store = open_store
        self._charges: dict[int, _Charge] = {}
        self._selector = selectors.DefaultSelector()
        self._summaries: list[Summary] = []
        self._failures: list[Failure] = []
        self._error: BaseException | None = None
        self._interrupts = 0
        self._deaths: Counter[bytes] = Counter()
        self._overdue: Counter[bytes] = Counter()
        self.board = Board.for_workers(count)

    def run(self) -> Summary:
        """Return what all workers did together, once the last has ended.

        Raises what made a worker give up, after all others have ended too.
        """
        before = handle_signals(self._interrupt)
        try:
            for slot in range(self._count):
                self._begin(slot)
            while self._charges:
                self._attend()
        finally:
            for charge in self._charges.values():
                os.kill(charge.pid, signal.SIGKILL)
                os.waitpid(charge.pid, 0)
            for signum, handler in before.items():
                signal.signal(signum, handler)
            self._selector.close()
            self.board.close()
        if self._error is not None:
            raise self._error
        return merge(self._summaries, self._failures, self._interrupts > 0)

    # Signals

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        self.board.stop()
        if self._interrupts == 1:
            log.warning("stopping: tasks in progress are given back (again to stop at once)")
        deadly = signal.SIGTERM if self._interrupts == 1 else signal.SIGKILL
        for charge in self._charges.values():
            os.kill(charge.pid, deadly)

    # Workers come and go

    def _begin(self, slot: int) -> None:
        ours, theirs = socket.socketpair()
        self.board.clear(slot)
        # A signal between the start and the entry would not reach the worker, or find
        # the supervisor's handlers in it: it waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            with theirs:
                ends = [ours, *(charge.connection for charge in self._charges.values())]
                is_first, self._has_begun = not self._has_begun, True
                link = Link(theirs, self.board, slot, ends, self._forgiven, is_first)
                pid = self._start(link)
            process = Process.here()._replace(pid=pid, started=Process.start_of(pid))
            self._charges[slot] = _Charge(slot, pid, ours, process)
            self._selector.register(ours, selectors.EVENT_READ, slot)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _attend(self) -> None:
        for key, _ in self._selector.select(_TICK):
            self._receive(self._charges[key.data])
        now = time.monotonic()
        for charge in list(self._charges.values()):
            if charge.process.is_gone():
                self._receive_rest(charge)
                continue
            self._beat(charge, now)
            self._watch_time(charge, now)

    def _receive_rest(self, charge: _Charge) -> None:
        """Hear to its end a worker that is gone, though a child of its own may keep the socket."""
        charge.connection.setblocking(False)
        while self._charges.get(charge.slot) is charge:
            self._receive(charge)

    def _receive(self, charge: _Charge) -> None:
        try:
            data = charge.connection.recv(1 << 16)
        except (ConnectionResetError, BlockingIOError):
            data = b""
        charge.received += data
        while len(charge.received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(charge.received)
            end = _LENGTH.size + length
            if len(charge.received) < end:
                break
            self._hear(charge, *pickle.loads(charge.received[_LENGTH.size : end]))
            del charge.received[:end]
        if not data:
            self._end(charge)

    def _hear(self, charge: _Charge, word: str, said: Any) -> None:
        if word == "joined":
            charge.pulse, self._keep_going = said
            del self._deaths[NO_TASK]
        elif word == "forgives":
            self._forgiven = said
        elif word == "failed":
            self._note_failure(said)
        else:
            charge.last_word = said

    def _end(self, charge: _Charge) -> None:
        self._selector.unregister(charge.connection)
        charge.connection.close()
        del self._charges[charge.slot]  # first, as nobody may signal a process that was waited for
        _, status = os.waitpid(charge.pid, 0)
        if isinstance(charge.last_word, Summary):
            self._summaries.append(charge.last_word)
        elif charge.last_word is not None:
            self._give_up(charge.last_word)
        elif not self._interrupts:
            self._mourn(charge, os.waitstatus_to_exitcode(status))

    def _give_up(self, error: BaseException) -> None:
        self._error = self._error or error
        self.board.stop()

    def _mourn(self, charge: _Charge, code: int) -> None:
        """Say that a worker died, and replace it if that may help."""
        posted = charge.killed_for or self.board.posted(charge.slot)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        running = f" while it ran {posted.name}" if posted.digest != NO_TASK else ""
        if charge.killed_for is None:
            log.error("a worker (process %d) %s%s", charge.pid, how, running)
            if posted.digest != NO_TASK or charge.pulse is None:
                self._deaths[posted.digest] += 1
            if self._deaths[posted.digest] == _DEADLY:
                if posted.digest == NO_TASK:
                    return self._give_up(
                        JugError(f"the workers die before their first task: each {how}")
                    )
                self._record_failure(
                    posted, f"WorkerDied: {_DEADLY} workers died of it, each {how}"
                )
        with self._open_store() as store:
            store.tidy()
        if not self.board.is_stopped():
            self._begin(charge.slot)

    # Heartbeat and time limits

    def _beat(self, charge: _Charge, now: float) -> None:
        if charge.pulse is not None and now >= charge.next_beat:
            charge.next_beat = now + charge.pulse.interval
            if not charge.process.is_stopped() and not charge.process.is_gone():
                charge.pulse.beat()

    def _watch_time(self, charge: _Charge, now: float) -> None:
        posted = self.board.posted(charge.slot)
        if not posted.deadline or now < posted.deadline + _GRACE or charge.killed_for:
            return
        charge.killed_for = posted
        self._overdue[posted.digest] += 1
        attempts_left = posted.retries + 1 - self._overdue[posted.digest]
        why = f"TaskTimeout: ran longer than its time limit of {posted.limit:g} s"
        if attempts_left > 0:
            say_tried_again(posted.name, why, attempts_left)
        else:
            self._record_failure(posted, why)
        os.kill(charge.pid, signal.SIGKILL)

    def _record_failure(self, posted: Posted, exception: str) -> None:
        record = Record(posted.name, time.time(), exception=exception)
        log.error("%s failed: %s", posted.name, exception)
        with self._open_store() as store:
            store.put(Frame(Kind.FAILURE, posted.digest, records.pack(record)))
            store.flush()
        self._note_failure(Failure(posted.name, posted.digest.hex(), exception, ""))
        if not self._keep_going:
            self.board.stop()

    def _note_failure(self, failure: Failure) -> None:
        self._failures.append(failure)
        if self._forgiven is not None:
            self._forgiven.discard(bytes.fromhex(failure.digest))


def handle_signals(act: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Have these signals handled, as far as this thread may; return the handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        signum: signal.signal(signum, act)
        for signum in SIGNALS
        if signal.getsignal(signum) != signal.SIG_IGN
    }
