"""What a segment tells of runs is the same, however its frames lie in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from jug import codec
from jug.backends.base import Frame, Kind
from jug.backends.file_store import FileStore
from jug.records import Record, RunState, pack, unpack


class Group(NamedTuple):
    """Runs of tasks of some names in turn."""

    names: list[str]
    turns: int
    sizes: list[int]
    """The lengths of their results, in turn."""
    kind: Kind = Kind.RESULT
    source: str = ""
    cpu: float = 0.0


groups = st.builds(
    Group,
    st.lists(st.sampled_from(["m.f", "m.g", "m.longer"]), min_size=1, max_size=5),
    st.integers(1, 30),
    st.lists(st.sampled_from([0, 0, 0, 7]), min_size=1, max_size=3),
    st.sampled_from([Kind.RESULT, Kind.RESULT, Kind.RESULT, Kind.FAILURE]),
    st.sampled_from(["", "", "elsewhere"]),
    st.sampled_from([0.0, 1.5]),
)


def frames_of(chosen: list[Group]) -> Iterator[Frame]:
    number = 0
    for group in chosen:
        for turn in range(group.turns):
            for name in group.names:
                number += 1
                record = Record(name, number, 0.25, 24, 9, "c" * 16, cpu=group.cpu)
                value = "x" * group.sizes[turn % len(group.sizes)]
                packed = pack(record._replace(source=group.source))
                yield Frame(group.kind, number.to_bytes(20, "big"), packed, codec.encode(value))


@settings(max_examples=25)
@given(st.lists(groups, max_size=6), st.data())
def test_all_views_of_runs_tell_what_was_written(chosen: list[Group], data: st.DataObject) -> None:
    written = list(frames_of(chosen))
    results = [frame.digest for frame in written if frame.kind is Kind.RESULT]
    removed = data.draw(st.sets(st.sampled_from(results), max_size=2)) if results else set()
    with TemporaryDirectory() as folder, FileStore(str(Path(folder) / "jugdir")) as store:
        for frame in written:
            store.put(frame)
        store.discard(sorted(removed))
        store.flush()
        store.poll()
        expected = {}
        for frame in written:
            record = unpack(frame.record, store.worker_id)
            if frame.kind is Kind.FAILURE:
                state = RunState.FAILED
            elif frame.digest in removed:
                state = RunState.DISCARDED
            else:
                state = record.state_of_result
            expected[frame.digest] = state, record
        runs = list(store.each_run())
        assert {run.digest: (run.state, run.record) for run in runs} == expected
        assert len(runs) == len(expected)
        times = [
            (digest, batch.state, batch.name, *rest)
            for batch in store.each_time()
            for digest, *rest in zip(*batch[3:], strict=True)
        ]
        assert sorted(times) == sorted(
            (digest, state, one.name, one.start, one.duration, one.cpu, one.memory)
            for digest, (state, one) in expected.items()
        )
        digests = [frame.digest for frame in written]
        assert store.records(digests) == [store.record(digest) for digest in digests]
