"""Who beats for a worker that no supervisor looks after.

A plain script may lock a task and compute for hours, perhaps in C and with the
interpreter's lock held, so no thread of its own could beat for it.  The first lock
therefore starts a small process that does nothing else.  It ends with its
worker, and is silent while the worker is stopped.

    python -P -c "from jug.backends.heartbeat import main; main()"

reads a pickled process and `Heartbeat` from its standard input.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO

from jug.backends.base import BaseStore, Heartbeat
from jug.backends.process import Process

if TYPE_CHECKING:
    import subprocess

_processes: dict[tuple[int, str], subprocess.Popen[bytes]] = {}
"""By the process that started it and the store that it beats in."""


def start_heartbeat(store: BaseStore) -> None:
    """Beat for this process's leases in the store from now on, until it ends."""
    key = (os.getpid(), store.url)
    if key in _processes:
        return
    heartbeat = store.heartbeat()
    if heartbeat is None:
        return
    import subprocess

    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from jug.backends.heartbeat import main; main()"],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the worker, which may go on after it
    )
    assert process.stdin is not None
    pickle.dump((Process.here(), heartbeat), process.stdin)
    process.stdin.flush()
    _processes[key] = process
    atexit.register(_stop, key)


def _stop(key: tuple[int, str]) -> None:
    if key[0] == os.getpid() and (process := _processes.pop(key, None)):
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def beat_for(process: Process, heartbeat: Heartbeat, until: BinaryIO) -> None:
    """Beat until the worker closes its end of the pipe or is not our parent any more."""
    closed = threading.Event()

    def read() -> None:
        os.read(until.fileno(), 1)
        closed.set()

    threading.Thread(target=read, daemon=True).start()
    parent = os.getppid()
    while not closed.wait(heartbeat.interval) and os.getppid() == parent:
        if not process.is_stopped():
            heartbeat.beat()


def main() -> None:
    """Beat for the process that started this one."""
    worker, heartbeat = pickle.load(sys.stdin.buffer)
    beat_for(worker, heartbeat, sys.stdin.buffer)
