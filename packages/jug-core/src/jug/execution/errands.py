"""What a supervisor has to do in the store, which may not answer for minutes.

Its errands are done by a thread, one after another, while it looks after its workers; what
follows an errand it does itself.  A fork copies only the thread that forks, so workers
are started as what follows: then there is no such thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from jug.backends.base import BaseStore
from jug.errors import StoreError
from jug.messages import Log

log = Log("supervisor")

PATIENCE: Final = 300.0
"""Seconds for which an errand is tried again; a store may have patience of its own."""
_PAUSE: Final = 2.0  # seconds between two tries

OpenStore = Callable[[], AbstractContextManager[BaseStore]]


class Errands:
    """Things to do in the store, in their order."""

    def __init__(self, open_store: OpenStore) -> None:
        self._open_store = open_store
        self._waiting: deque[_Errand] = deque()
        self._current: _Errand | None = None
        self._has_failed = False
        """Whether the store was tried for long enough, and is not asked for anything more."""

    def use(self, open_store: OpenStore) -> None:
        """Do what is added from now on in the store that this opens."""
        self._open_store = open_store

    def __bool__(self) -> bool:
        """Return whether something is still to be done."""
        return bool(self._current or self._waiting)

    def add(self, do: Callable[[BaseStore], None], then: Callable[[], None]) -> None:
        """Do something in the store, and then something else here, in `attend`."""
        self._waiting.append(_Errand(self._open_store, do, then))

    def attend(self, fail: Callable[[BaseException], None]) -> None:
        """Begin the next errand, or do what follows one that is over; `fail` is told its error."""
        if self._current is None and self._waiting:
            self._current = self._waiting.popleft()
            if not self._has_failed:
                self._current.begin()
        elif self._current is not None and not self._current.is_alive():
            over, self._current = self._current, None
            if over.error is not None:
                self._has_failed = True
                fail(over.error)
            try:
                over.then()
            except Exception as error:
                fail(error)


class _Errand(threading.Thread):
    def __init__(
        self, open_store: OpenStore, do: Callable[[BaseStore], None], then: Callable[[], None]
    ) -> None:
        super().__init__(name="jug-errand", daemon=True)
        self.then = then
        self.error: BaseException | None = None
        self._open_store = open_store
        self._do = do
        self._has_told = False

    def begin(self) -> None:
        """Start the thread; where there may be no further one, that is the error."""
        try:
            self.start()
        except RuntimeError as error:
            self.error = error

    def run(self) -> None:
        """Try until the store lets it be done."""
        until = time.monotonic() + PATIENCE
        try:
            while not self._try(until):
                time.sleep(_PAUSE)
        except BaseException as error:
            self.error = error

    def _try(self, until: float) -> bool:
        try:
            with self._open_store() as store:
                self._do(store)
        except StoreError as error:
            if time.monotonic() > until:
                raise
            self._tell(error)
            return False
        return True

    def _tell(self, error: StoreError) -> None:
        if not self._has_told:
            self._has_told = True
            log.warning("%s: trying again, and the workers go on", error)
