"""The history of runs: the records of all frames, read from the segments one after another.

Only a result's place is in memory, so whoever wants many records reads the segments
themselves, which takes a microsecond or few for a record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from jug.backends._file import frames
from jug.backends._file.disk import is_missing
from jug.backends._file.frames import FrameKind
from jug.backends._file.history import FAILURES, RESULTS
from jug.backends._file.index import FrameIndex
from jug.backends._file.run_frames import Told, told_in
from jug.backends._file.segment import Segment
from jug.backends._file.segments import Segments
from jug.backends._file.stretch import RunFrame, Stretch
from jug.records import Record, Run, RunState, unpack_if_sound
from jug.run_times import RunTimes, Times, brief_if_sound, run_times

__all__ = ["Runs"]

_TRIES: Final = 10


class Runs:
    """The runs that the segments of a store tell of, as last polled."""

    def __init__(self, segments: Segments, poll_afresh: Callable[[], None]) -> None:
        self._segments = segments
        self._index = segments.index
        self._poll_afresh = poll_afresh

    def each(self) -> Iterator[Run]:
        """Yield every run once, but those with a damaged record."""
        new_run = tuple.__new__  # a third of the time that the class takes
        for stretches, told in self._told():
            for stretch in stretches:
                records = stretch.records(stretch.worker.hex())
                for digest, record in zip(stretch.digests, records, strict=True):
                    if record is not None:
                        yield new_run(Run, (digest, RunState.FINISHED, record))
            yield from self._runs_of(told)

    def times(self) -> Iterator[RunTimes]:
        """Yield what every run took that `each` tells of, in batches."""
        for stretches, told in self._told():
            yield from (stretch.times() for stretch in stretches)
            yield from self._times_of(told)

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the records of those results of which nothing but one frame is known.

        Their workers are named by their processes.  For all others, and for a digest that is
        given again, there is None.
        """
        found: list[Record | None] = [None] * len(digests)
        place_of = dict(zip(reversed(digests), reversed(range(len(digests))), strict=True)).get
        histories = self._index.histories
        workers = {worker: said.place for worker, said in self._index.workers.items()}
        for stretches, told in self._told():
            for stretch in stretches:
                records = stretch.records(workers.get(stretch.worker, ""))
                for place, record in zip(map(place_of, stretch.digests), records, strict=True):
                    if place is not None:
                        found[place] = record
            for ident, kind, digest, packed in told:
                place = place_of(digest)
                if place is not None and kind in RESULTS and digest not in histories:
                    found[place] = unpack_if_sound(packed, workers.get(ident[:8], ""))
        return found

    def _runs_of(self, told: Iterable[RunFrame]) -> Iterator[Run]:
        """Yield the runs that frames tell of."""
        histories = self._index.histories
        for ident, kind, digest, packed in told:
            record = unpack_if_sound(packed, ident[:8].hex())
            if record is None:
                continue
            if kind in RESULTS and digest not in histories:
                yield Run(digest, record.state_of_result, record)
            else:
                yield Run(digest, _state(self._index, ident, kind, digest, record), record)

    def _times_of(self, told: Iterable[RunFrame]) -> Iterator[RunTimes]:
        """Yield what the runs took that frames tell of."""
        known, rest = defaultdict[tuple[str, bytes], list[Times]](list), list[RunFrame]()
        histories = self._index.histories
        for frame in told:
            ident, kind, digest, packed = frame
            found = None
            if kind in RESULTS and digest not in histories:
                found = brief_if_sound(packed)
            if found is None:
                rest.append(frame)
            else:
                name, start, duration, cpu, memory = found
                known[name, ident[:8]].append((digest, start, duration, cpu, memory))
        for (name, worker), times in known.items():
            yield RunTimes(name, worker.hex(), RunState.FINISHED, *zip(*times, strict=True))
        yield from run_times(self._runs_of(rest))

    def _told(self) -> Iterator[Told]:
        """Yield what all segments tell, each frame once, also if they are packed meanwhile.

        Of the tasks in stretches nothing else is known.
        """
        read, told, repeated = set[str](), bytearray(), frozenset[bytes]()
        for _ in range(_TRIES):
            try:
                for segment in self._unread(read):
                    for part in told_in(segment):
                        part = self._sorted(part, repeated)
                        told += part.idents()
                        yield part
                    read.add(segment.stem)
            except OSError as error:
                if not is_missing(error):
                    raise
                self._poll_afresh()
                repeated = _idents(told)
            else:
                return

    def _sorted(self, part: Told, repeated: frozenset[bytes]) -> Told:
        """Return it without what was told before, and with frames singly where more is known."""
        stretches, frames = list[Stretch](), part.frames
        alone = self._index.histories.keys().isdisjoint
        for stretch in part.stretches:
            is_new = not repeated or repeated.isdisjoint(_idents(stretch.idents))
            if is_new and alone(stretch.digests):
                stretches.append(stretch)
            else:
                frames.extend(stretch.frames())
        if repeated:
            frames = [frame for frame in frames if frame[0] not in repeated]
        return Told(stretches, frames)

    def _unread(self, read: set[str]) -> list[Segment]:
        without = read.union(self._segments.covered)
        return [one for stem, one in self._segments.known.items() if stem not in without]


def _idents(joined: bytes | bytearray) -> frozenset[bytes]:
    """Return the ids that were put one after another."""
    size = frames.IDENT_SIZE
    return frozenset(bytes(joined[at : at + size]) for at in range(0, len(joined), size))


def _state(index: FrameIndex, ident: bytes, kind: int, digest: bytes, record: Record) -> RunState:
    """Return what became of a run."""
    if kind == FrameKind.RUN:
        return RunState(record.state)
    if kind in FAILURES:
        return RunState.FAILED
    counts = index.history(digest).state().result == ident
    return record.state_of_result if counts else RunState.DISCARDED
