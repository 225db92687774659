"""Frames that are alike are read as columns, and tell the same as one by one."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jug.backends._file import frames
from jug.backends._file.frames import FrameKind
from jug.backends._file.run_frames import Told, _told_by
from jug.backends._file.stretch import Finder
from jug.records import Record, pack, unpack_if_sound

SEED = 7
NAMES = ["m.f", "m.g", "a.*(+?[]{}|^$\\1\n", "", "\n", "é\0x", "7", "x" * 46]
WORKERS = [b"worker-1", b"worker-2", b".*\\1\n()[", bytes(8), b"{1}\n^$|?"]


class Alike(NamedTuple):
    """Frames that come in turn, of one worker or of two."""

    names: list[str]
    kind: FrameKind
    turns: int
    size: int
    code: str
    cpu: float
    workers: tuple[bytes, bytes]


ALIKE = st.builds(
    Alike,
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=5),
    st.sampled_from([FrameKind.RESULT, FrameKind.RESULT, FrameKind.BIG, FrameKind.FAILURE]),
    st.integers(1, 24),
    st.sampled_from([0, 1, 6, 10, 42, 46, 63]),
    st.sampled_from(["", "c" * 16, "\n.*"]),
    st.sampled_from([0.0, 1.5]),
    st.one_of(
        st.sampled_from([(one, one) for one in WORKERS]),
        st.tuples(st.sampled_from(WORKERS), st.sampled_from(WORKERS)),
    ),
)


def frames_of(groups: list[Alike]) -> list[bytes]:
    made: list[bytes] = []
    for group in groups:
        for turn in range(group.turns):
            for name in group.names:
                number = len(made) + 1
                record = pack(Record(name, number, 0.25, 24, 9, group.code, cpu=group.cpu))
                ident = frames.ident(group.workers[turn % 2], number)
                digest = number.to_bytes(20, "big")
                content = [b"." * group.size]
                made.append(frames.build(SEED, ident, group.kind, digest, record, content))
    return made


def told_by(data: bytes) -> Told:
    told, end = _told_by(data, len(data), len(data), SEED, Finder())
    assert end == len(data)
    return told


ONE = Alike(["m.f"], FrameKind.RESULT, 9, 1, "", 0.0, (WORKERS[0],) * 2)


@given(st.lists(ALIKE, max_size=4))
@example([ONE, ONE._replace(names=["m.g"])])
@example([ONE, ONE._replace(workers=(WORKERS[1],) * 2)])
@example([ONE, ONE._replace(kind=FrameKind.BIG)])
def test_columns_tell_what_each_frame_tells(groups: list[Alike]) -> None:
    written = frames_of(groups)
    told = told_by(b"".join(written))

    found = list(told.frames)
    for stretch in told.stretches:
        alone = list(stretch.frames())
        found += alone
        sound = [record for *_, one in alone if (record := unpack_if_sound(one, "w"))]
        assert stretch.records("w") == sound
        assert stretch.idents == b"".join(ident for ident, *_ in alone)
        assert {ident[:8] for ident, *_ in alone} == {stretch.worker}
        times = stretch.times()
        assert {record.name for record in sound} == {times.name}
        assert list(zip(*times[3:], strict=True)) == [
            (digest, one.start, one.duration, one.cpu, one.memory)
            for (_, _, digest, _), one in zip(alone, sound, strict=True)
        ]
    each = [frames.view(one) for one in written]
    assert sorted(found) == sorted((v.ident, v.kind, v.digest, bytes(v.record)) for v in each)


def test_a_stretch_ends_where_a_frame_is_another() -> None:
    written = frames_of([ONE._replace(turns=70_000)])
    size, data = len(written[0]), b"".join(written)
    assert Finder().stretches_at(data, 0, len(data))[1] == len(data)
    assert Finder().stretches_at(data, 0, 100 * size + 5)[1] == 100 * size

    for place in (0, 8, 12, 20, 28):  # magic, both lengths, worker and kind
        at = 66_000 * size + place
        other = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        (stretch,), end = Finder().stretches_at(other, 0, len(data))
        assert end == 66_000 * size
        assert len(stretch.digests) == 66_000


@pytest.mark.parametrize(("count", "pays"), [(7, False), (8, True)])
def test_few_frames_are_read_alone(count: int, pays: bool) -> None:
    written = frames_of([ONE._replace(turns=count)])

    assert bool(told_by(b"".join(written)).stretches) is pays


def test_behind_a_failure_among_results_the_stretch_goes_on() -> None:
    failure = ONE._replace(kind=FrameKind.FAILURE, turns=1)

    told = told_by(b"".join(frames_of([ONE, failure, ONE, failure, ONE])))

    assert [len(stretch.digests) for stretch in told.stretches] == [9, 9, 9]
    assert len(told.frames) == 2
