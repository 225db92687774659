"""When runs were and what they took, many at a time: all that some views need of a million runs.

A run with its record has a dozen fields, and to make one takes longer than to read it.
Here are only numbers, in batches: all runs of a batch were of one name and of one worker
and had the same end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jug.records import Run, RunState

__all__ = ["RunTimes", "Times", "run_times"]

Times = tuple[bytes, float, float, float, int]
"""A run's task by its digest, its start in seconds since the epoch, its duration and processor
time in seconds, and the peak memory of its process in bytes; the last two are 0 where they were
not measured."""


class RunTimes(NamedTuple):
    """A batch of runs."""

    name: str
    """The name of their tasks."""
    worker: str
    """The id of the worker that ran them."""
    state: RunState
    """What became of them."""
    times: list[Times]


def run_times(runs: Iterable[Run]) -> Iterator[RunTimes]:
    """Yield what these runs took.

    >>> from jug.records import Record
    >>> run = Run(b"", RunState.FAILED, Record("m.f", start=1.5, duration=0.25, worker="ab"))
    >>> [batch] = run_times([run, run])
    >>> batch.name, batch.worker, batch.state.value, batch.times
    ('m.f', 'ab', 'failed', [(b'', 1.5, 0.25, 0.0, 0), (b'', 1.5, 0.25, 0.0, 0)])
    """
    batches: defaultdict[tuple[str, str, RunState], list[Times]] = defaultdict(list)
    for digest, state, record in runs:
        batches[record.name, record.worker, state].append(
            (digest, record.start, record.duration, record.cpu, record.memory)
        )
    return (RunTimes(*key, times) for key, times in batches.items())
