"""A page that is made anew when somebody asks for it and it is too old.

A store is for one thread, so one thread makes the pages, the one that calls `keep_making`,
and those that answer browsers wait for it.  All who ask meanwhile get the same page, and it is
kept for a while that grows with the processor time that it took to make: looking at the work
takes a small part of one core, however many look and however large the work is.  A store that
was long in answering is asked again as soon as any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition
from typing import Final

from jug.errors import JugError
from jug.report.findings import Findings
from jug.report.page import page

__all__ = ["LivePage", "Unavailable"]

_KEPT: Final = 2.0
"""Seconds for which a page is kept at least."""
_GLANCE: Final = 0.5
"""Seconds after which a Ctrl-C is heard that comes just as a wait begins."""
_SHARE: Final = 0.1  # of a core may go into making pages
_PATIENCE: Final = 120.0
"""Seconds after which one who asks gets none."""


class Unavailable(Exception):
    """Raised when there is no page, with the reason."""


class LivePage:
    """The last page, for any number of threads."""

    def __init__(self, look: Callable[[], Findings], kept: float = _KEPT) -> None:
        self._look = look
        self._least = kept
        self._changed = Condition()
        self._page = b""
        self._trouble = ""
        self._made = float("-inf")
        self._kept = kept
        self._is_wanted = False
        self._is_closed = False

    def get(self) -> bytes:
        """Return a page that is not too old, made for that if need be.

        Raises `Unavailable` if it can't be made.
        """
        with self._changed:
            if time.monotonic() - self._made > self._kept:
                asked = time.monotonic()
                self._is_wanted = True
                self._changed.notify_all()
                if not self._changed.wait_for(
                    lambda: self._made >= asked or self._is_closed, _PATIENCE
                ):
                    raise Unavailable(f"the store has not answered for {_PATIENCE:g} seconds")
            if self._trouble or self._is_closed or not self._page:
                raise Unavailable(self._trouble or "jug webstatus has ended")
            return self._page

    def keep_making(self) -> None:
        """Make a page whenever one is wanted, until `close` is called."""
        while True:
            with self._changed:
                while not (self._is_wanted or self._is_closed):
                    self._changed.wait(_GLANCE)
                if self._is_closed:
                    return
            self._make()

    def _make(self) -> None:
        began = time.thread_time()
        made, trouble = b"", ""
        try:
            made = page(self._look(), refresh=max(_KEPT, self._kept)).encode(
                "utf-8", "backslashreplace"
            )
        except JugError as error:  # such as a server that can't be reached just now
            trouble = str(error)
        with self._changed:
            self._page, self._trouble, self._made = made, trouble, time.monotonic()
            self._is_wanted = False  # who asked meanwhile gets this one
            self._kept = max(self._least, (time.thread_time() - began) / _SHARE)
            self._changed.notify_all()

    def close(self) -> None:
        """Make no more pages; nobody waits for one any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
