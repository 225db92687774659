"""Segments: whatever is torn, damaged or read in another order, all readers agree."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.backends._file import frames
from jug.backends._file.frames import FrameKind, Removed
from jug.backends._file.index import FrameIndex
from jug.backends._file.segments import Segments
from jug.backends.process import Process
from jug.errors import StoreFormatError

WORKERS = [bytes([number]) * 8 for number in (1, 2, 3)]
DIGESTS = [bytes([number]) * 20 for number in (10, 11, 12)]
STEM = f"{WORKERS[0].hex()}-0"
SEED = frames.seed_of(STEM)


def frame(number: int, digest: bytes, kind: int = FrameKind.RESULT, size: int = 10) -> bytes:
    """Return a frame of the first worker; its content follows from its number."""
    ident = frames.ident(WORKERS[0], number)
    return frames.build(SEED, ident, kind, digest, b"r" * 32, [bytes([number]) * size])


@contextmanager
def segment(is_local: bool = True) -> Iterator[tuple[Path, Segments]]:
    """Make a segment that begins well, and a reader of its folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, STEM + ".seg")
        path.write_bytes(frames.head())
        segments = Segments(Path(folder), is_local=is_local)
        try:
            yield path, segments
        finally:
            segments.close()


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


# Frames commute

EVENT = st.one_of(
    st.tuples(
        st.sampled_from(
            [FrameKind.RESULT, FrameKind.BIG, FrameKind.FAILURE, FrameKind.KEPT, FrameKind.VOID]
        ),
        st.sampled_from(WORKERS),
        st.sampled_from(DIGESTS[:2]),
    ),
    st.tuples(
        st.sampled_from(["removed", "next"]),
        st.integers(0, 8),
        st.sampled_from(DIGESTS[:2]),
    ),
)


class Known:
    """An index, and where the frames lie that were added to it."""

    def __init__(self) -> None:
        self.idents: dict[int, bytes] = {}
        self.index = FrameIndex(lambda where, digest: self.idents.get(where, b""))

    def add(self, event: tuple[str, bytes, bytes, int]) -> None:
        kind, ident, digest, where = event
        if kind in ("removed", "next"):
            self.index.remove(Removed(digest, ident, kind == "next"))
        else:
            self.idents[where] = ident
            self.index.add(ident, FrameKind[kind], digest, where)

    def state(self) -> tuple[dict[bytes, int], dict[bytes, bool]]:
        return self.index.results, self.index.failed


def numbered(drawn: list[tuple[object, ...]]) -> list[tuple[str, bytes, bytes, int]]:
    """Give each frame an id and a place; let removals name frames by their place in the list."""
    events = []
    numbers = dict.fromkeys(WORKERS, 0)
    idents = []
    for where, (kind, what, digest) in enumerate(drawn, start=1):
        if isinstance(what, bytes):
            ident = frames.ident(what, numbers[what])
            numbers[what] += 1
            idents.append((ident, digest))
            events.append((FrameKind(kind).name, ident, digest, where))
        else:
            events.append((kind, what, digest, where))
    return [
        (kind, _target(what, digest, idents), digest, where)
        if isinstance(what, int)
        else (kind, what, digest, where)
        for kind, what, digest, where in events
    ]


def _target(which: int, digest: bytes, idents: list[tuple[bytes, bytes]]) -> bytes:
    own = [ident for ident, of in idents if of == digest]
    return own[which % len(own)] if own else frames.ident(WORKERS[which % 3], which)


@given(st.lists(EVENT, min_size=2, max_size=7), st.randoms())
def test_the_state_of_a_task_does_not_depend_on_the_order_of_its_frames(drawn, random) -> None:
    events = numbered(drawn)
    shuffled = random.sample(events, len(events))

    one, two = Known(), Known()
    for event in events:
        one.add(event)
    for event in shuffled + random.sample(events, len(events)):
        two.add(event)

    assert one.state() == two.state()


def test_the_next_frame_of_a_worker_is_removed_and_no_other() -> None:
    ident = [frames.ident(WORKERS[0], number) for number in range(4)]
    events = [
        ("RESULT", ident[0], DIGESTS[0], 1),
        ("removed", ident[0], DIGESTS[0], 0),
        ("next", ident[1], DIGESTS[0], 0),
        ("RESULT", ident[2], DIGESTS[0], 2),
        ("RESULT", ident[3], DIGESTS[0], 3),
    ]

    for order in permutations(events):
        known = Known()
        for event in order:
            known.add(event)
        assert known.index.results == {DIGESTS[0]: 3}


def test_of_two_results_the_lowest_id_counts_and_the_other_takes_its_place() -> None:
    low, high = frames.ident(WORKERS[0], 7), frames.ident(WORKERS[1], 3)
    known = Known()

    known.add(("RESULT", high, DIGESTS[0], 1))
    known.add(("RESULT", low, DIGESTS[0], 2))
    assert known.index.results == {DIGESTS[0]: 2}

    known.add(("removed", low, DIGESTS[0], 0))
    assert known.index.results == {DIGESTS[0]: 1}


# Reading what is being written


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6), st.data())
def test_each_frame_is_read_once_it_is_whole(sizes, data) -> None:
    digests = [bytes([number]) * 20 for number in range(len(sizes))]
    written = [
        frame(n, digest, size=size)
        for n, (digest, size) in enumerate(zip(digests, sizes, strict=True))
    ]
    whole = b"".join(written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))

    with segment() as (path, segments):
        reader = segments.index.news.reader()
        for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            append(path, whole[start:stop])
            segments.poll()
            complete = [n for n in range(len(written)) if sum(map(len, written[: n + 1])) <= stop]
            assert list(segments.index.results) == [digests[n] for n in complete]
        assert reader.take().finished == digests


@given(st.data())
def test_a_damaged_frame_costs_only_itself(data) -> None:
    written = [frame(number, bytes([number]) * 20) for number in range(5)]
    bad = data.draw(st.integers(0, 4))
    damaged = bytearray(written[bad])
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    expected = {bytes([n]) * 20 for n in range(5)} - {bytes([bad]) * 20}

    with segment() as (path, segments):
        append(path, b"".join([*written[:bad], bytes(damaged), *written[bad + 1 :]]))
        segments.poll()
        places = segments.index.results
        found = {digest: segments.frame_at(at, digest) for digest, at in places.items()}

    assert set(found) == expected
    assert all(found[bytes([n]) * 20] == frames.view(written[n]) for n in range(5) if n != bad)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 9)), min_size=1, max_size=10))
def test_each_frame_is_found_among_its_neighbours_and_what_looks_like_it(drawn) -> None:
    written: list[bytes] = []
    for number, (size, copied) in enumerate(drawn):
        inner = written[copied % len(written)] if written else b""
        written.append(
            frames.build(
                SEED,
                frames.ident(WORKERS[0], number),
                FrameKind.RESULT,
                bytes([number]) * 20,
                b"r" * 32,
                [bytes([number]) * size, inner, b"".join(bytes([n]) * 20 for n in range(10))],
            )
        )

    with segment() as (path, segments):
        append(path, b"".join(written))
        segments.poll()
        places = segments.index.results

        assert [segments.frame_at(places[d], d) for d in places] == [*map(frames.view, written)]
        assert [segments.ident_at(places[d], d) for d in places] == [f[16:28] for f in written]


@given(st.lists(EVENT, max_size=7))
def test_digests_that_are_shared_change_nothing(drawn) -> None:
    events = numbered(drawn)
    with segment() as (path, plain):
        for kind, ident, digest, _ in events:
            if kind in ("removed", "next"):
                removal = frames.pack_removals([Removed(digest, ident, kind == "next")])
                append(
                    path,
                    frames.build(SEED, ident, FrameKind.REMOVAL, frames.NO_TASK, b"", [removal]),
                )
            else:
                append(path, frames.build(SEED, ident, FrameKind[kind], digest))
        sharing = Segments(path.parent, is_local=True)
        known, shared = plain.index, sharing.index
        by_known, by_shared = known.news.reader(), shared.news.reader()
        plain.poll()
        with shared.sharing_keys(DIGESTS):
            sharing.poll()
        sharing.close()

    assert (shared.results, shared.failed) == (known.results, known.failed)
    assert shared.histories == known.histories
    assert stale_since(shared) == stale_since(known)
    changes = by_shared.take()
    assert repr(changes) == repr(by_known.take())
    assert set(known.results) <= set(changes.finished)
    assert set(known.failed) <= {*changes.failed, *changes.removed}
    kept = {id(digest) for digest in shared.results if digest not in shared.histories}
    assert kept <= set(map(id, DIGESTS))


def stale_since(index: FrameIndex) -> list[set[bytes]]:
    """Return, for each time on the clock of the news, what became stale after it."""
    news = index.news
    times = range(news.clock + 1)
    return [{digest for digest in DIGESTS if news.is_stale([digest], time)} for time in times]


def test_a_torn_tail_is_silent_and_a_hole_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with segment() as (path, segments), caplog.at_level(logging.WARNING):
        append(path, frame(0, DIGESTS[0])[:-1])
        segments.poll()
        assert not caplog.text

        append(path, frame(1, DIGESTS[1]))
        segments.poll()

    assert list(segments.index.results) == [DIGESTS[1]]
    assert f"{path} is damaged between bytes 16 and" in caplog.text


@pytest.mark.parametrize("written", [0, 5, 60])
def test_a_frame_that_is_finished_while_it_is_read_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, written: int
) -> None:
    whole = frames.head() + frame(0, DIGESTS[0]) + frame(1, DIGESTS[1])

    with segment() as (path, segments):
        os.truncate(path, 0)
        append(path, whole[: frames.HEAD_SIZE - 1 + written])

        def read_at(file: int, length: int, at: int) -> bytes:
            data = os.pread(file, length, at)
            append(path, whole[path.stat().st_size :])
            return data

        monkeypatch.setattr("jug.backends._file.segment_reader.read_at", read_at)
        segments.poll()
        segments.poll()

    assert set(segments.index.results) == {DIGESTS[0], DIGESTS[1]}
    assert not caplog.text


def test_zeros_from_a_network_are_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    late = frame(0, DIGESTS[0])
    with segment(is_local=False) as (path, segments):
        append(path, bytes(len(late)) + frame(1, DIGESTS[1]))
        segments.poll()
        assert not segments.index.results

        with open(path, "r+b") as file:
            file.seek(frames.HEAD_SIZE)
            file.write(late)
        segments.poll()

    assert set(segments.index.results) == {DIGESTS[0], DIGESTS[1]}
    assert not caplog.text


def test_a_frame_of_another_segment_inside_a_result_is_not_taken_for_one() -> None:
    foreign = frames.build(frames.seed_of("other-0"), b"x" * 12, FrameKind.RESULT, DIGESTS[1])
    outer = frames.build(
        SEED, frames.ident(WORKERS[0], 0), FrameKind.RESULT, DIGESTS[0], b"", [foreign]
    )

    with segment() as (path, segments):
        append(path, bytes([outer[0] ^ 1]) + outer[1:] + frame(1, DIGESTS[2]))
        segments.poll()

    assert list(segments.index.results) == [DIGESTS[2]]


def test_an_unknown_kind_is_passed_over() -> None:
    with segment() as (path, segments):
        append(path, frame(0, DIGESTS[0], kind=200) + frame(1, DIGESTS[1]))
        segments.poll()

    assert list(segments.index.results) == [DIGESTS[1]]


def test_a_segment_of_a_later_format_is_refused() -> None:
    with segment() as (path, segments):
        later = bytearray(frames.head())
        later[8] = 2
        later[12:16] = frames.crc32(later[:12]).to_bytes(4, "little")
        path.write_bytes(later)

        with pytest.raises(StoreFormatError, match="segment format 2.*update jug-file"):
            segments.poll()


def test_frames_after_a_damaged_head_are_read(caplog: pytest.LogCaptureFixture) -> None:
    with segment() as (path, segments):
        path.write_bytes(b"\0" * frames.HEAD_SIZE + frame(0, DIGESTS[0]))
        segments.poll()

    assert list(segments.index.results) == [DIGESTS[0]]
    assert "is damaged between bytes 0 and 16" in caplog.text


def test_a_large_segment_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jug.backends._file.segment_reader._CHUNK", 100)
    written = [frame(number, bytes([number]) * 20, size=number * 7) for number in range(60)]

    with segment() as (path, segments):
        append(path, b"".join(written))
        segments.poll()

    assert len(segments.index.results) == 60


# Which files are looked at


class Calls:
    """Counts the calls of a function of the os module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(os, name)
        self.count = 0

        def counted(*args: object, **kwargs: object) -> object:
            self.count += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, counted)


def age(folder: Path) -> None:
    """Make a folder's last change a while ago."""
    os.utime(folder, (1_000_000_000, 1_000_000_000))


def test_a_folder_that_did_not_change_is_not_listed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with segment() as (path, segments):
        age(path.parent)
        segments.poll()
        lists = Calls(monkeypatch, "listdir")

        segments.poll()
        assert lists.count == 0

        (path.parent / f"{WORKERS[1].hex()}-0.seg").write_bytes(frames.head())
        segments.poll()
        assert lists.count == 1
        assert len(segments.live) == 2


def test_a_folder_that_just_changed_is_listed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with segment() as (_, segments):
        segments.poll()
        lists = Calls(monkeypatch, "listdir")

        segments.poll()

        assert lists.count == 1


def test_the_segment_of_a_worker_that_has_ended_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with segment() as (path, segments):
        age(path.parent)
        append(path, frame(0, DIGESTS[0]) + frame(1, frames.NO_TASK, FrameKind.END))
        segments.poll()
        segments.poll()
        looks = Calls(monkeypatch, "fstat")

        segments.poll()

        assert looks.count == 0
        assert list(segments.index.results) == [DIGESTS[0]]


def test_the_segment_of_a_process_on_another_host_is_looked_at_again() -> None:
    process = Process("elsewhere", "another boot", "pid:[1]", 1, "1")
    worker = json.dumps(process._asdict()).encode()
    who = frames.build(
        SEED, frames.ident(WORKERS[0], 0), FrameKind.WORKER, frames.NO_TASK, b"", [worker]
    )

    with segment() as (path, segments):
        append(path, who)
        segments.poll()
        segments.poll()
        append(path, frame(1, DIGESTS[0]))
        segments.poll()

    assert list(segments.index.results) == [DIGESTS[0]]


def test_only_what_is_new_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [frame(number, bytes([number + 1]) * 20) for number in range(3)]
    reads: list[tuple[int, int]] = []

    def read_at(file: int, length: int, at: int) -> bytes:
        reads.append((at, length))
        return os.pread(file, length, at)

    monkeypatch.setattr("jug.backends._file.segment_reader.read_at", read_at)
    with segment() as (path, segments):
        at = path.stat().st_size
        segments.poll()
        reads.clear()
        for one in written:
            append(path, one)
            segments.poll()
            segments.poll()
            assert reads == [(at, len(one))]
            reads.clear()
            at += len(one)
