"""Neighbours share a read, and who reads sees the same as if each were read alone."""

from __future__ import annotations

import errno
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.file.test_segments import append, segment

from jug.backends._file import frames, pages
from jug.backends._file.frames import FrameKind
from jug.backends._file.segments import Segments
from jug.backends.file_store import FileStore
from jug.errors import DamagedResult, ResultNotFound
from jug.testing.hooks import result

TASKS = [bytes([number]) * 20 for number in range(1, 7)]
WORKER = bytes([1]) * 8
STEM = f"{WORKER.hex()}-0"
SEED = frames.seed_of(STEM)


class NoPages(dict[int, Any]):
    """Pages of which none is found again."""

    def get(self, number: int, default: Any = None) -> Any:
        return default


def without_pages(store: FileStore) -> FileStore:
    store._segments._pages._pages = NoPages()
    return store


def frame(number: int, digest: bytes, content: bytes) -> bytes:
    ident = frames.ident(WORKER, number)
    return frames.build(SEED, ident, FrameKind.RESULT, digest, b"r" * 32, [content])


def payload_of(segments: Segments, digest: bytes) -> bytes:
    return bytes(segments.frame_at(segments.index.results[digest], digest).payload)


def test_neighbours_share_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    digests = [number.to_bytes(20, "big") for number in range(1, 1001)]

    def read_at(file: int, length: int, at: int) -> bytes:
        reads.append(at)
        return unchanged(file, length, at)

    unchanged = pages.read_at
    monkeypatch.setattr(pages, "read_at", read_at)
    with segment() as (path, segments):
        append(path, b"".join(frame(n, d, d) for n, d in enumerate(digests)))
        segments.poll()
        found = [payload_of(segments, digest) for digest in digests]

    assert found == digests
    assert len(reads) < 40


@pytest.mark.parametrize("kind", [FrameKind.RESULT, FrameKind.RUN])
def test_what_else_tells_of_a_task_is_not_taken_for_its_result(kind: FrameKind) -> None:
    first, other = TASKS[:2]
    of_first, of_other = frame(0, first, b"first"), frame(2, other, b"other")
    run = frames.build(SEED, frames.ident(WORKER, 1), FrameKind.RUN, other, b"r" * 32, [])
    between = run if kind is FrameKind.RUN else frame(1, TASKS[2], bytes(29) + other + bytes(40))
    with segment() as (path, segments):
        append(path, of_first + between + of_other)
        segments.poll()

        for _ in range(2):
            assert payload_of(segments, other) == b"other"


def test_the_id_of_a_frame_is_found_past_what_others_say_of_its_task() -> None:
    first, other = TASKS[:2]
    with segment() as (path, segments):
        append(path, frame(0, first, bytes(29) + other + bytes(40)) + frame(2, other, b"other"))
        segments.poll()

        for _ in range(2):
            where = segments.index.results[other]
            assert segments.ident_at(where, other) == frames.ident(WORKER, 2)


@pytest.mark.parametrize("is_pack", [False, True])
def test_of_a_frame_that_is_gone_no_more_than_its_worker_is_known(is_pack: bool) -> None:
    with segment() as (path, segments):
        append(path, frame(0, TASKS[0], b"first"))
        segments.poll()
        segments.known[STEM].is_pack = is_pack
        segments.close()
        path.unlink()

        where = segments.index.results[TASKS[0]]
        assert segments.ident_at(where, TASKS[0]) == (b"" if is_pack else WORKER)


def test_where_a_segment_can_not_be_read_no_id_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_at(file: int, length: int, at: int) -> bytes:
        raise OSError(errno.EIO, "a broken disk")

    with segment() as (path, segments):
        append(path, frame(0, TASKS[0], b"first"))
        segments.poll()
        monkeypatch.setattr(pages, "read_at", read_at)
        with pytest.raises(OSError, match="a broken disk"):
            segments.ident_at(segments.index.results[TASKS[0]], TASKS[0])


def test_no_page_is_kept_of_a_segment_that_was_packed(tmp_path: Path) -> None:
    with FileStore(tmp_path / "jugdir") as writer, FileStore(tmp_path / "jugdir") as reader:
        writer.put(result(TASKS[0], "first"))
        reader.poll()
        assert reader.load_digest(TASKS[0]) == "first"
        before = [*reader._segments._pages._pages]
        writer.close()
        with FileStore(tmp_path / "jugdir") as packer:
            packer.pack()
        reader.poll()

        assert before
        assert not {*before} & reader._segments._pages._pages.keys()


def test_of_many_segments_few_pages_are_kept(tmp_path: Path) -> None:
    digests = [number.to_bytes(20, "big") for number in range(1, 41)]
    for digest in digests:
        with FileStore(tmp_path / "jugdir") as writer:
            writer._packer = lambda: _Packer()  # type: ignore[assignment,return-value,method-assign]
            writer.put(result(digest, digest.hex()))

    with FileStore(tmp_path / "jugdir") as reader:
        reader.poll()
        assert [reader.load_digest(one) for one in digests] == [one.hex() for one in digests]
        kept = reader._segments._pages._pages
        assert len(kept) == 32
        assert sum(len(page.data) for page in kept.values()) <= 32 * 8192


class _Packer:
    def pack_if_worthwhile(self) -> None:
        """Leave each worker its segment."""


def test_what_was_not_polled_yet_may_still_be_cut_off_and_written_anew() -> None:
    first, other = TASKS[:2]
    with segment() as (path, segments):
        append(path, frame(0, first, b"first"))
        segments.poll()
        end = path.stat().st_size
        append(path, frame(1, other, b"this one is cut off"))

        assert payload_of(segments, first) == b"first"  # its page holds the other one
        with open(path, "r+b") as file:
            file.truncate(end)
        append(path, frame(1, other, b"and this one takes its place"))
        segments.poll()

        assert payload_of(segments, other) == b"and this one takes its place"


@given(st.integers(1, 200))
def test_a_frame_that_was_torn_when_its_neighbour_was_read_is_read_again(cut: int) -> None:
    first, other = TASKS[:2]
    whole = frame(1, other, b"x" * 200)
    with segment() as (path, segments):
        append(path, frame(0, first, b"first"))
        append(path, whole[:cut])
        segments.poll()

        assert payload_of(segments, first) == b"first"
        append(path, whole[cut:])
        segments.poll()

        assert payload_of(segments, other) == b"x" * 200


def test_damage_in_a_page_is_found_each_time() -> None:
    first, other = TASKS[:2]
    with segment() as (path, segments):
        append(path, frame(0, first, b"first") + frame(1, other, b"other"))
        segments.poll()
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)

        assert payload_of(segments, first) == b"first"
        for _ in range(2):
            with pytest.raises(DamagedResult, match="is damaged"):
                payload_of(segments, other)


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE])
def test_what_is_gone_is_left_out_of_many_and_looked_for_again_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with FileStore(tmp_path / "jugdir") as writer, FileStore(tmp_path / "jugdir") as reader:
        for task in TASKS:
            writer.put(result(task, task.hex()))
        reader.poll()
        gone = [OSError(number, "gone")] * (len(TASKS) + 1)
        read_at = pages.read_at

        def read_if_there(file: int, length: int, at: int) -> bytes:
            if gone:
                raise gone.pop()
            return read_at(file, length, at)

        monkeypatch.setattr(pages, "read_at", read_if_there)

        assert dict(reader.load_many(TASKS)) == {}
        assert [reader.load_digest(task) for task in TASKS] == [task.hex() for task in TASKS]


def test_nothing_is_kept_of_what_this_process_writes(tmp_path: Path) -> None:
    with FileStore(tmp_path / "jugdir") as store:
        for task in TASKS:
            store.put(result(task, task.hex()))

        assert [store.load_digest(task) for task in TASKS] == [task.hex() for task in TASKS]
        assert not store._segments._pages._pages


def test_a_large_result_is_left_to_who_reads_it_alone(tmp_path: Path) -> None:
    with FileStore(tmp_path / "jugdir") as store:
        store.put(result(TASKS[0], "small"))
        store.put(result(TASKS[1], bytes(3_000_000)))

        assert [digest for digest, _ in store.read_many(TASKS)] == [TASKS[0]]


# Whatever others do meanwhile

STEP = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 1), st.sampled_from(TASKS), st.integers(0, 3000)),
    st.tuples(st.just("discard"), st.integers(0, 1), st.sampled_from(TASKS)),
    st.tuples(st.just("end"), st.integers(0, 1)),
    st.tuples(st.just("pack")),
    st.tuples(st.just("poll")),
    st.tuples(st.just("read"), st.sampled_from(TASKS)),
    st.tuples(st.just("read"), st.sampled_from(TASKS)),
    st.tuples(st.just("many")),
)


class Run:
    """Two workers, and two readers of which one keeps no pages; all of them one process."""

    def __init__(self, jugdir: Path, stores: ExitStack, network: bool) -> None:
        self._open = lambda: stores.enter_context(FileStore(jugdir, network=network))
        self.workers = [self._open(), self._open()]
        self.reader, self.plain = self._open(), without_pages(self._open())
        self.now: dict[bytes, Any] = {}
        self.polled: dict[bytes, Any] = {}
        self._written = 0

    def put(self, worker: int, task: bytes, size: int) -> None:
        self._written += 1
        value = f"{self._written} " + "x" * size
        if self.workers[worker].put(result(task, value)):
            self.now[task] = value

    def discard(self, worker: int, task: bytes) -> None:
        self.workers[worker].discard([task])
        self.now.pop(task, None)

    def end(self, worker: int) -> None:
        self.workers[worker].close()
        self.workers[worker] = self._open()

    def pack(self) -> None:
        self.workers[0].pack()

    def poll(self) -> None:
        self.reader.poll()
        self.plain.poll()
        self.polled = dict(self.now)
        assert sorted(self.reader.digests()) == sorted(self.plain.digests()) == sorted(self.now)
        self._all_are(self.now)

    def read(self, task: bytes) -> None:
        """Read a result: it is as it was polled, or as it is now where its file has gone."""
        for store in (self.reader, self.plain):
            found = _value(store, task)
            assert found in (self.polled.get(task), self.now.get(task))

    def many(self) -> None:
        for store in (self.reader, self.plain):
            for task, value in store.load_many(TASKS):
                assert value in (self.polled.get(task), self.now.get(task))

    def _all_are(self, expected: dict[bytes, Any]) -> None:
        for store in (self.reader, self.plain):
            assert {task: _value(store, task) for task in expected} == expected
            assert dict(store.load_many(TASKS)) == expected


def _value(store: FileStore, task: bytes) -> Any:
    from jug import codec

    try:
        return codec.decode(store.read(task))
    except (ResultNotFound, DamagedResult):
        return None


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, min_size=5, max_size=25), st.booleans())
def test_who_keeps_pages_reads_what_who_keeps_none_reads(
    steps: list[tuple[Any, ...]], network: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stores:
        run = Run(Path(folder, "jugdir"), stores, network)
        for name, *args in steps:
            getattr(run, name)(*args)
        run.poll()
