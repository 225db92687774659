"""What a run costs beside time: processor time and memory.

To ask the system for them takes half a microsecond each time, which a short task should
not pay.  So they are asked for before a run only if the last run of the same name was
long, or if there was none.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from jug.named_tuple import NamedTuple

LONG: Final = 0.01
"""Seconds from which a run is worth measuring."""

_short: set[str] = set()
"""The names whose last run was short."""


class Measures(NamedTuple):
    """What this process has used so far, with those that it has waited for."""

    cpu: float
    """Seconds of processor time."""
    memory: int
    """The most memory in bytes, 0 if not known."""


NOTHING: Final = Measures(0.0, 0)
UNMEASURED: Final = NOTHING, 0
"""What `after_run` returns for a run that was short."""


def before_run(name: str) -> Measures | None:
    """Return what was used before a run, None if it is likely to be too short to be measured."""
    return None if name in _short else _now()


def after_run(name: str, duration: float, before: Measures | None) -> tuple[Measures, int]:
    """Return what a run has used, and the peak memory of the process; zeros if it was short."""
    if duration < LONG:
        _short.add(name)
        return UNMEASURED
    _short.discard(name)
    now = _now()
    if before is None:
        return NOTHING, now.memory
    return Measures(now.cpu - before.cpu, now.memory - before.memory), now.memory


def _now() -> Measures:
    times = os.times()
    children = times.children_user + times.children_system
    return Measures(time.process_time() + children, peak_memory())


def peak_memory() -> int:
    """Return the most memory in bytes that this process has used so far, 0 if not known."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
