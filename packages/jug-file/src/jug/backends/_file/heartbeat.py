"""The heartbeat of a worker, made to run in another process.

It shows others that the worker lives (they watch it by `heartbeat_monitor`): the
worker's own file among the leases is touched several times in a lease time.  And
it makes results safe: a worker syncs its segment only when it writes the next frame, so
what it wrote before a task that takes hours is synced from here, a second later.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from jug.backends._file import worker_file
from jug.backends._file.disk import fault, is_missing, sync
from jug.backends._file.segment import SEGMENT
from jug.backends._file.worker_file import WORKER, look
from jug.backends.process import Process
from jug.messages import Log

__all__ = ["LeaseHeartbeat", "StoreHeartbeat"]

log = Log("store")


class LeaseHeartbeat:
    """The heartbeat of one worker among the leases: touches the worker's own file."""

    def __init__(self, path: str, lease_seconds: float, process: Process) -> None:
        self.path = path
        self.lease_seconds = lease_seconds
        self.process = process
        """The worker's process, to find its file when it had to begin anew under another id."""
        self.interval = min(1.0, lease_seconds / 16)
        """How many seconds may pass between two calls of `beat`."""
        self._due = 0.0
        self._is_failing = False

    def beat(self) -> None:
        """Show that the worker lives, if it is time to.

        A server that does not answer is reported once, and tried again at the
        next beat.
        """
        now = time.monotonic()
        if now < self._due:
            return
        if self._succeeds(os.utime):
            # Half an interval early, as calls come a little late.
            self._due = now + self.lease_seconds / 16 - self.interval / 2

    def show(self, digest: bytes, since: float) -> None:
        """Show which task the worker runs, and since when."""
        self._succeeds(lambda path: worker_file.show(path, digest, since))

    def _succeeds(self, act: Callable[[str], None]) -> bool:
        """Act on the worker's file; return whether that was possible, which is reported if not."""
        try:
            self._act(act)
        except OSError as error:
            self._report(error)
            return False
        self._is_failing = False
        return True

    def _act(self, act: Callable[[str], None]) -> None:
        try:
            act(self.path)
        except OSError as error:
            if not is_missing(error):
                raise
            self._find()

    def _find(self) -> None:
        """Go on with the worker's new file, once it has noticed that it was taken for dead."""
        folder = os.path.dirname(self.path)
        for name in filter(WORKER.fullmatch, os.listdir(folder)):
            sight = look(os.path.join(folder, name))
            if sight is not None and sight.process == self.process:
                self.path = os.path.join(folder, name)

    def _report(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.warning(
                "the heartbeat in %r cannot be written (%s): others may take this worker for dead",
                self.path,
                error.strerror,
            )


class StoreHeartbeat:
    """The heartbeat of one worker on a directory: touches its file and syncs its segment."""

    def __init__(self, lease: LeaseHeartbeat, segments: str) -> None:
        self.lease = lease
        self.segments = segments
        """The folder of the worker's segments."""
        self.interval = lease.interval
        self._worker = ""
        self._number = 0
        self._size = 0
        self._is_failing = False

    def beat(self) -> None:
        """Show that the worker lives, and sync what it has written since the last beat."""
        self.lease.beat()
        self._follow()
        while os.path.exists(self._path(self._number + 1)):
            self._number, self._size = self._number + 1, 0
        path = self._path(self._number)
        try:
            self._sync(path)
        except OSError as error:
            if not is_missing(error):  # else nothing is written yet
                self._report(error, path)
        else:
            self._is_failing = False

    def show(self, digest: bytes, since: float) -> None:
        """Show which task the worker runs, and since when."""
        self.lease.show(digest, since)

    def _follow(self) -> None:
        """Go on with the segments of the worker's new id, if it had to begin anew."""
        worker = os.path.basename(self.lease.path)
        if worker != self._worker:
            self._worker, self._number, self._size = worker, 0, 0

    def _path(self, number: int) -> str:
        return os.path.join(self.segments, f"{self._worker}-{number}{SEGMENT}")

    def _sync(self, path: str) -> None:
        size = os.stat(path).st_size
        if size == self._size:
            return
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            sync(file)
        finally:
            os.close(file)
        self._size = size

    def _report(self, error: OSError, path: str) -> None:
        """Report an error, once.

        The worker gets the error, too, when it syncs: it has what is lost, and
        writes it anew.
        """
        if not self._is_failing:
            self._is_failing = True
            log.warning("%s (the worker tries again)", fault(error, path, "make results safe in"))
