"""When runs were and what they took, many at a time: all that some views need of a million runs.

A run with its record has a dozen fields, and to make one takes longer than to read it.
Here are only numbers, in batches: all runs of a batch were of one name and of one worker
and had the same end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from struct import Struct
from struct import error as StructError
from typing import Any, Final, NamedTuple

from jug.record_layout import DECISIVE
from jug.records import FIELD, FIRST, MEASURES_TAG, TEXTS, Run, RunState

__all__ = ["RunTimes", "Times", "brief_if_sound", "run_times"]

_CPU: Final = Struct("<d")

Times = tuple[bytes, float, float, float, int]
"""A run's task by its digest, its start, duration, processor time and memory."""


class RunTimes(NamedTuple):
    """A batch of runs: what they have in common, and one item for each."""

    name: str
    """The name of their tasks."""
    worker: str
    """The id of the worker that ran them."""
    state: RunState
    """What became of them."""
    digests: Sequence[bytes]
    """Their tasks."""
    starts: Sequence[float]
    """When they began, in seconds since the epoch."""
    durations: Sequence[float]
    """How long they took, in seconds."""
    cpus: Sequence[float]
    """Their processor time in seconds, 0 where it was not measured."""
    memories: Sequence[int]
    """The peak memory of their processes in bytes, 0 where it was not measured."""

    def chosen(self, are_chosen: Sequence[bool]) -> RunTimes:
        """Return a batch of those runs for which it says so."""
        columns: Iterable[Any] = (tuple(compress(column, are_chosen)) for column in self[3:])
        return RunTimes(self.name, self.worker, self.state, *columns)


def run_times(runs: Iterable[Run]) -> Iterator[RunTimes]:
    """Yield what these runs took.

    >>> from jug.records import Record
    >>> run = Run(b"", RunState.FAILED, Record("m.f", start=1.5, duration=0.25, worker="ab"))
    >>> [batch] = run_times([run, run])
    >>> batch.name, batch.worker, batch.state.value, batch.durations
    ('m.f', 'ab', 'failed', (0.25, 0.25))
    """
    batches: defaultdict[tuple[str, str, RunState], list[Times]] = defaultdict(list)
    for digest, state, record in runs:
        batches[record.name, record.worker, state].append(
            (digest, record.start, record.duration, record.cpu, record.memory)
        )
    return (RunTimes(*key, *zip(*times, strict=True)) for key, times in batches.items())


def brief_if_sound(packed: bytes) -> tuple[str, float, float, float, int] | None:
    """Return the name, the start, duration, processor time and memory of a record.

    None if it says more that matters, as who ran it, what became of it, or that it was
    brought over, and for bytes that are none.

    >>> from jug.records import Record, pack
    >>> brief_if_sound(pack(Record("m.f", 1.5, 0.25, memory=10**6, cpu=0.125)))
    ('m.f', 1.5, 0.25, 0.125, 1000000)
    >>> brief_if_sound(pack(Record("m.f", worker="host:1"))) is None
    True
    """
    try:
        start, duration, _, memory, _, length = FIRST.unpack_from(packed)
        end = FIRST.size + length
        name = _name(packed[FIRST.size : end])
        cpu = _cpu(packed[end:])
    except (StructError, ValueError):
        return None
    if end > len(packed):
        return None
    return name, start, duration, cpu, memory


@lru_cache(maxsize=4096)
def _name(encoded: bytes) -> str:
    return str(encoded, "utf-8")


@lru_cache(maxsize=4096)
def _cpu(fields: bytes) -> float:
    """Return the processor time that some fields tell, and nothing else that matters.

    Raises ValueError if they do, or are cut off.
    """
    cpu, at = 0.0, 0
    while at < len(fields):
        tag, length = FIELD.unpack_from(fields, at)
        if TEXTS.get(tag) in DECISIVE:
            raise ValueError("the record says more")
        if tag == MEASURES_TAG:
            (cpu,) = _CPU.unpack_from(fields, at + FIELD.size)
        at += FIELD.size + length
    if at != len(fields):
        raise ValueError("the last field is cut off")
    return float(cpu)
