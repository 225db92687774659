"""What a segment tells of runs is the same, however its frames lie in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jug import codec
from jug.backends._file import run_frames
from jug.backends._file.frames import DIGEST_AT, length_at
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
@pytest.mark.parametrize("chunk", [300, 1 << 18], ids=["in many chunks", "in one"])
@given(
    chosen=st.lists(groups, max_size=6),
    packed=st.booleans(),
    middle=st.integers(0, 60),
    removed=st.sets(st.integers(0, 60)),
)
@example(chosen=[Group(["m.f"], 30, [0])], packed=True, middle=15, removed=set())
@example(chosen=[Group(["m.f"], 30, [0])], packed=False, middle=30, removed={11})
@example(chosen=[Group(["m.f", "m.longer", "m.f"], 9, [0])], packed=False, middle=90, removed=set())
@example(
    chosen=[Group(["m.f"], 11, [0]), Group(["m.f"], 11, [0], Kind.FAILURE)],
    packed=False,
    middle=90,
    removed=set(),
)
@example(
    chosen=[Group(["m.f"], 11, [0]), Group(["m.g"], 11, [0]), Group(["m.g"], 11, [7])],
    packed=False,
    middle=90,
    removed=set(),
)
def test_all_views_of_runs_tell_what_was_written(
    chunk: int, chosen: list[Group], packed: bool, middle: int, removed: set[int]
) -> None:
    written = list(frames_of(chosen))
    results = [frame.digest for frame in written if frame.kind is Kind.RESULT]
    gone = {digest for number, digest in enumerate(results) if number in removed}
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "jugdir")
        workers = {}
        with FileStore(path) as first, FileStore(path) as second:
            for number, frame in enumerate(written):
                writer = first if number < middle else second
                writer.put(frame)
                workers[frame.digest] = writer.worker_id
            first.flush()
            second.poll()
            second.discard(sorted(gone))
            second.flush()
            second.poll()
            check_views(second, workers, written, gone)
        with FileStore(path) as reader:
            if packed:
                reader.pack()
            reader.poll()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(run_frames, "_CHUNK", chunk)
                check_views(reader, workers, written, gone)


def check_views(
    store: FileStore, workers: dict[bytes, str], written: list[Frame], removed: set[bytes]
) -> None:
    """Check that a store tells of all runs what was written, and by which worker."""
    expected = {}
    for frame in written:
        record = unpack(frame.record, workers[frame.digest])
        if frame.kind is Kind.FAILURE:
            state = RunState.FAILED
        elif frame.digest in removed:
            state = RunState.DISCARDED
        else:
            state = record.state_of_result
        expected[frame.digest] = state, record
    runs = list(store.each_run())
    told = {run.digest: (run.state, run.record._replace(state="")) for run in runs}  # in packs
    assert told == expected
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


@pytest.mark.parametrize("place", [0, 9, 100, -1], ids=["magic", "length", "record", "payload"])
@pytest.mark.parametrize("number", [0, 4, 10, 18])
def test_a_large_frame_that_is_damaged_tells_nothing(
    tmp_path: Path, number: int, place: int
) -> None:
    digests = [bytes([n]) * 20 for n in range(2, 22)]
    with FileStore(tmp_path / "jd") as store:
        for digest in digests:
            store.put(Frame(Kind.RESULT, digest, pack(Record("m.f")), [3000 * digest]))
        store.flush()
    [segment] = (tmp_path / "jd").rglob("*.seg")
    data = bytearray(segment.read_bytes())
    begin = data.index(digests[number]) - DIGEST_AT
    length = length_at(data, begin)
    assert length is not None
    data[begin + (place if place >= 0 else length - 1)] ^= 1
    segment.write_bytes(data)

    with FileStore(tmp_path / "jd") as store:
        store.poll()
        sound = [*digests[:number], *digests[number + 1 :]]
        assert [run.digest for run in store.each_run()] == sound
        assert [one for batch in store.each_time() for one in batch.digests] == sound
