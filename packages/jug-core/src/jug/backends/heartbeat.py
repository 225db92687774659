"""Who beats for the workers of a process that no supervisor looks after.

A plain script may lock a task and compute for hours, perhaps in C and with the
interpreter's lock held, so no thread of its own could beat for it.  The first lock
therefore starts a small process that does nothing else.  It ends with the
script, and is silent while the script is stopped.

Each store object is a worker of its own, also where two of them open one store.  So
each has a heartbeat of its own until it is closed; the one process gives them all, and
reads from its standard input where to begin and where to end.

    python -P -c "from jug.backends.heartbeat import main; main()"
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from jug.backends.base import BaseStore, Heartbeat
from jug.backends.process import Process

if TYPE_CHECKING:
    from threading import Event


def start_heartbeat(store: BaseStore) -> None:
    """Beat for a store's leases from now on, until it is closed or this process ends."""
    global _beating
    heartbeat = store.heartbeat()
    if heartbeat is None:
        return
    if _beating is None or not _beating.is_ours():
        _beating = _Beating()
    _beating.start(store, heartbeat)


def stop_heartbeat(store: BaseStore) -> None:
    """Beat no more for a store: it is being closed."""
    if _beating is not None and _beating.is_ours():
        _beating.stop(store)


class _Beating:
    """The process that beats for this one, and the stores that it beats for."""

    def __init__(self) -> None:
        import subprocess

        self._owner = os.getpid()
        self._numbers: WeakKeyDictionary[BaseStore, int] = WeakKeyDictionary()
        self._started = 0
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from jug.backends.heartbeat import main; main()"],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the worker, which may go on after it
        )
        self._send(Process.here())
        atexit.register(self._end)

    def is_ours(self) -> bool:
        """Return whether it was started by this process, not before a fork, and still runs."""
        return self._owner == os.getpid() and self._process.poll() is None

    def start(self, store: BaseStore, heartbeat: Heartbeat) -> None:
        if store not in self._numbers:
            self._started += 1
            self._numbers[store] = self._started
            self._send((self._started, heartbeat))

    def stop(self, store: BaseStore) -> None:
        number = self._numbers.pop(store, None)
        if number is not None:
            self._send((number, None))

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # somebody has killed it just now
            self._process.stdin.write(pickle.dumps(message))
            self._process.stdin.flush()

    def _end(self) -> None:
        if self.is_ours():
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()


_beating: _Beating | None = None


def main() -> None:
    """Beat for the process that started this one, until it closes its end of the pipe."""
    from threading import Event, Thread

    worker: Process = pickle.load(sys.stdin.buffer)
    ends: dict[int, Event] = {}
    with suppress(EOFError):
        while True:
            number, heartbeat = pickle.load(sys.stdin.buffer)
            if heartbeat is None:
                ends.pop(number).set()
            else:
                ends[number] = Event()
                beating: tuple[Any, ...] = (worker, heartbeat, ends[number])
                Thread(target=_beat_for, args=beating, daemon=True).start()


def _beat_for(worker: Process, heartbeat: Heartbeat, end: Event) -> None:
    """Beat until the end; end this process if the worker is not its parent any more."""
    while not end.wait(heartbeat.interval):
        if os.getppid() != worker.pid:
            os._exit(0)  # a process that the worker forked may keep the pipe open
        if not worker.is_stopped():
            heartbeat.beat()
