"""The heartbeat of a worker on a directory, made to run in another process."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field

from jug.backends._disk import fault, is_gone, sync
from jug.backends._heartbeat import FilePulse
from jug.backends._segments import SEGMENT

log = logging.getLogger("jug.store")


@dataclass
class StorePulse:
    """Shows that the worker lives, and syncs its segment while a long task keeps it busy.

    A worker syncs by itself when it writes; what it wrote before a task that takes
    hours is synced from here, a second later.
    """

    lease: FilePulse
    segments: str
    """The folder of the worker's segments."""
    interval: float = field(init=False)
    _worker: str = field(default="", repr=False)
    _number: int = field(default=0, repr=False)
    _size: int = field(default=0, repr=False)
    _is_failing: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        self.interval = min(1.0, self.lease.interval)

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
            if not is_gone(error):  # else nothing is written yet
                self._report(error, path)
        else:
            self._is_failing = False

    def _follow(self) -> None:
        """Turn to the segments of the worker's new id, if it had to begin anew."""
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
        """Tell of an error, once.

        The system tells the worker, too, when it syncs: it has what is lost, and
        writes it anew.
        """
        if not self._is_failing:
            self._is_failing = True
            log.warning("%s (the worker tries again)", fault(error, path, "make results safe in"))
