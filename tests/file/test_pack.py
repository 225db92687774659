"""Packing: fewer files, the same results, whoever is at work meanwhile."""

from __future__ import annotations

import errno
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jug import codec, records
from jug.backends._file import disk, frames, marker, open_files
from jug.backends._file.pack import PACK_LEASE, WORTHWHILE
from jug.backends.base import Frame, Kind, Outcome
from jug.backends.file_store import FileStore
from jug.errors import StoreError, TaskTimeout
from jug.records import Record, RunState
from jug.testing.hooks import A, B, C, failure, result, taken

DIGESTS = [bytes([number]) * 20 for number in range(250)]

Opener = Callable[[], FileStore]


@pytest.fixture
def jugdir(tmp_path: Path) -> Path:
    return tmp_path / "jugdir"


@pytest.fixture
def opened(jugdir: Path) -> Iterator[Opener]:
    """Return a function that opens the store once more."""
    with ExitStack() as stores:
        yield lambda: stores.enter_context(FileStore(jugdir))


def save(store: FileStore, *digests: bytes, value: Any = None) -> None:
    for digest in digests:
        payload = codec.encode(list(digest) if value is None else value)
        record = records.pack(Record("m.f", size=sum(map(len, payload))))
        store.put(Frame(Kind.RESULT, digest, record, payload))


def workers_save(jugdir: Path, *groups: list[bytes], value: Any = None) -> None:
    """Let one worker after another come, save results and go."""
    for digests in groups:
        with FileStore(jugdir) as store:
            save(store, *digests, value=value)


def names(jugdir: Path) -> list[str]:
    return sorted(path.suffix for path in (jugdir / "segments").iterdir())


def big_files(jugdir: Path) -> list[str]:
    return sorted(path.name for path in (jugdir / "big").glob("*/*"))


def contents(store: FileStore) -> dict[bytes, Any]:
    store.poll()
    return {digest: store.load_digest(digest) for digest in store.digests()}


def expected(*digests: bytes) -> dict[bytes, Any]:
    return {digest: list(digest) for digest in digests}


def test_one_file_takes_the_place_of_many(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3], DIGESTS[3:5], DIGESTS[5:6])
    early = opened()
    early.poll()
    changes = early.reader()

    summary = opened().pack()

    assert (summary.segments, summary.dropped, summary.busy) == (3, 0, False)
    assert names(jugdir) == [".pack"]
    assert not early.refresh(changes)
    for store in (early, opened()):
        assert contents(store) == expected(*DIGESTS[:6])


def test_who_has_not_read_the_pack_finds_what_moved(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3], DIGESTS[3:5])
    early = opened()
    early.poll()

    opened().pack()

    assert early.load_digest(DIGESTS[0]) == list(DIGESTS[0])
    assert early.load_digest(DIGESTS[4]) == list(DIGESTS[4])


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["small", "large"])
def test_who_knows_only_what_a_pack_has_deleted_reads_what_was_made_anew(
    jugdir: Path, opened: Opener, size: int
) -> None:
    workers_save(jugdir, DIGESTS[:1], value=bytes(size))
    reader = opened()
    reader.poll()
    reader.close()  # of what it holds open it would not notice that it is deleted
    with FileStore(jugdir) as other:
        other.discard(DIGESTS[:1])
        save(other, DIGESTS[0], value=b"1" * size)
    with FileStore(jugdir) as other:
        other.pack()

    assert reader.load_digest(DIGESTS[0]) == b"1" * size
    assert opened().load(DIGESTS[0].hex()) == b"1" * size


def test_packs_are_packed(jugdir: Path, opened: Opener) -> None:
    for first in range(0, 30, 10):
        workers_save(jugdir, DIGESTS[first : first + 5], DIGESTS[first + 5 : first + 10])
        with FileStore(jugdir) as store:
            store.pack()

    assert names(jugdir) == [".pack"]
    assert contents(opened()) == expected(*DIGESTS[:30])


def test_nothing_to_pack_changes_nothing(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3])
    opened().pack()
    before = list((jugdir / "segments").iterdir())

    assert opened().pack().segments == 0

    assert list((jugdir / "segments").iterdir()) == before


def test_damage_is_reported_until_it_is_packed(
    jugdir: Path, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    workers_save(jugdir, DIGESTS[1:4])
    for number in (1, 2):  # a segment at first, the pack of it then
        (path,) = (jugdir / "segments").iterdir()
        data = bytearray(path.read_bytes())
        data[data.find(DIGESTS[number])] ^= 1
        path.write_bytes(data)

        caplog.clear()
        opened().pack()
        assert f"{path} is damaged" in caplog.text
        assert "`jug pack` ends this message" in caplog.text

        caplog.clear()
        assert contents(opened()) == expected(*DIGESTS[number + 1 : 4])
        assert not caplog.text
        assert names(jugdir) == [".pack"]


def test_what_was_removed_is_left_out_and_stays_removed(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3], DIGESTS[3:6])
    only_saw_the_results = opened()
    only_saw_the_results.poll()
    reader = only_saw_the_results.reader()
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[1:4])
        save(store, DIGESTS[2], value="again")

    summary = opened().pack()

    assert summary.dropped == 3
    changes = only_saw_the_results.refresh(reader)
    assert (changes.finished, set(changes.removed)) == (DIGESTS[2:3], set(DIGESTS[1:4]))
    there = {**expected(DIGESTS[0], *DIGESTS[4:6]), DIGESTS[2]: "again"}
    for store in (only_saw_the_results, opened()):
        assert contents(store) == there
    pack = next((jugdir / "segments").glob("*.pack"))
    left = b"".join(codec.encode(list(DIGESTS[1])))
    assert left not in pack.read_bytes()  # of it only the record


def test_a_removal_by_a_worker_that_lives_still_counts(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3])
    alive = opened()
    alive.discard(DIGESTS[:1])

    with FileStore(jugdir) as store:
        store.pack()
    save(alive, DIGESTS[0], value="again")

    assert contents(opened()) == {**expected(*DIGESTS[1:3]), DIGESTS[0]: "again"}


def test_a_removed_result_of_a_worker_that_lives_stays_removed(
    jugdir: Path, opened: Opener
) -> None:
    alive = opened()
    save(alive, *DIGESTS[:3])
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[:1])

    opened().pack()

    assert contents(opened()) == contents(alive) == expected(*DIGESTS[1:3])


@pytest.mark.parametrize("made_again", [False, True])
def test_what_was_made_from_a_result_that_a_pack_has_left_out_is_stale(
    jugdir: Path, opened: Opener, made_again: bool
) -> None:
    with FileStore(jugdir) as store:
        store.put(Frame(Kind.FAILURE, DIGESTS[2], records.pack(Record())))
    workers_save(jugdir, DIGESTS[1:2], DIGESTS[2:3])
    worker = opened()
    worker.poll()
    stale, sound = (worker.acquire([digest]) for digest in DIGESTS[3:5])
    assert stale is not None and sound is not None
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[1:2])
        if made_again:
            save(store, DIGESTS[1], value="again")
    opened().pack()

    frame = Frame(Kind.RESULT, DIGESTS[3], records.pack(Record()), codec.encode("stale"))
    assert worker.commit(stale, frame, DIGESTS[1:2]) is Outcome.STALE
    frame = frame._replace(digest=DIGESTS[4])
    assert worker.commit(sound, frame, DIGESTS[2:3]) is Outcome.SAVED


def test_who_removes_it_may_be_alive_when_a_next_frame_is_packed(
    jugdir: Path, opened: Opener
) -> None:
    other = opened()
    with FileStore(jugdir) as worker:
        lease = worker.acquire([DIGESTS[0]])
        assert lease is not None
        other.discard([DIGESTS[0]])
        frame = Frame(Kind.RESULT, DIGESTS[0], records.pack(Record()), codec.encode("stale"))
        worker.commit(lease, frame)
        save(worker, DIGESTS[0], value="fresh")

    opened().pack()

    assert contents(opened()) == {DIGESTS[0]: "fresh"}


def test_a_copy_in_a_segment_that_comes_late_stays_removed(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that died may have begun a segment after the packer looked last."""
    workers_save(jugdir, DIGESTS[1:3])
    (segment,) = (jugdir / "segments").iterdir()
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[1:2])
    late = segment.with_name(segment.name.replace("-0.", "-1."))
    whole = segment.read_bytes()
    copy = frames.head() + b"".join(
        frames.reseed(frame, frames.seed_of(late.stem)) for frame in frames_in(whole)
    )

    def disk_time(folder: Path) -> float:
        late.write_bytes(copy)
        return disk.disk_time(folder)

    with monkeypatch.context() as patch:
        patch.setattr("jug.backends._file.pack.disk_time", disk_time)
        patch.setattr("jug.backends._file.leftovers.disk_time", disk_time)
        opened().pack()

    assert contents(opened()) == expected(DIGESTS[2])


def frames_in(segment: bytes) -> Iterator[bytes]:
    at = frames.HEAD_SIZE
    while length := frames.length_at(segment, at):
        yield segment[at : at + length]
        at += length


def test_other_files_among_the_segments_are_no_concern(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:2], DIGESTS[2:3])
    (some, *_) = (jugdir / "segments").iterdir()
    others = ["notes.seg", f"{some.stem} (copy).seg", "deadbeef-0.pack", ".nfs0001"]
    for name in others:
        (jugdir / "segments" / name).write_bytes(some.read_bytes())

    opened().pack()

    assert contents(opened()) == expected(*DIGESTS[:3])
    assert all((jugdir / "segments" / name).exists() for name in others)


def test_a_next_frame_that_was_removed_is_never_another(jugdir: Path, opened: Opener) -> None:
    with FileStore(jugdir) as worker, FileStore(jugdir) as other:
        lease = worker.acquire([DIGESTS[0]])
        assert lease is not None
        other.discard([DIGESTS[0]])
        frame = Frame(Kind.RESULT, DIGESTS[0], records.pack(Record()), codec.encode("stale"))
        worker.commit(lease, frame)
        save(worker, DIGESTS[0], value="fresh")

    opened().pack()

    assert contents(opened()) == {DIGESTS[0]: "fresh"}


def test_the_segments_of_the_living_are_left_alone(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:3], DIGESTS[3:5])
    alive = opened()
    save(alive, DIGESTS[5])

    opened().pack()
    save(alive, DIGESTS[6])

    assert names(jugdir) == [".pack", ".seg"]
    assert contents(opened()) == contents(alive) == expected(*DIGESTS[:7])


def test_many_dead_segments_are_packed_unasked(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, *([digest] for digest in DIGESTS[: WORTHWHILE - 1]))
    assert len(names(jugdir)) == WORTHWHILE - 1

    workers_save(jugdir, [DIGESTS[WORTHWHILE]])

    assert names(jugdir) == [".pack"]
    assert contents(opened()) == expected(*DIGESTS[: WORTHWHILE - 1], DIGESTS[WORTHWHILE])


def test_a_large_pack_is_not_copied_unasked(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[100:200], DIGESTS[200:250], value="x" * 10_000)
    opened().pack()
    (large,) = (jugdir / "segments").glob("*.pack")
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[150:250])

    workers_save(jugdir, *([digest] for digest in DIGESTS[:WORTHWHILE]))

    assert large.exists()
    assert len(names(jugdir)) <= 4
    assert set(contents(opened())) == {*DIGESTS[:WORTHWHILE], *DIGESTS[100:150]}
    opened().pack()
    assert names(jugdir) == [".pack"]
    assert set(contents(opened())) == {*DIGESTS[:WORTHWHILE], *DIGESTS[100:150]}


def test_a_worker_leaves_in_peace_when_packing_fails(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    workers_save(jugdir, *([digest] for digest in DIGESTS[: WORTHWHILE - 1]))
    with monkeypatch.context() as patch:
        patch.setattr("jug.backends._file.merge.write_all", fails)
        workers_save(jugdir, [DIGESTS[WORTHWHILE]])

    assert "cannot pack the segments" in caplog.text
    assert not list(jugdir.rglob("*.tmp"))
    assert contents(opened()) == expected(*DIGESTS[: WORTHWHILE - 1], DIGESTS[WORTHWHILE])


def test_a_pack_that_vanishes_after_it_was_listed_is_looked_for_again(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers_save(jugdir, DIGESTS[:2], DIGESTS[2:4])
    opened().pack()
    workers_save(jugdir, DIGESTS[4:5])
    late, packer, real = opened(), opened(), os.listdir

    def listdir(path: Any) -> list[str]:
        found = real(path)
        if str(path).endswith("segments"):
            monkeypatch.setattr(os, "listdir", real)
            packer.pack()
        return found

    monkeypatch.setattr(os, "listdir", listdir)
    late.poll()

    assert sorted(late.digests()) == DIGESTS[:5]


def test_one_packs_at_a_time(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:1], DIGESTS[1:2])
    one, two = opened(), opened()
    assert one.acquire([PACK_LEASE]) is not None

    assert two.pack().busy
    assert names(jugdir) == [".seg", ".seg", ".seg"]  # one says who it is


def test_who_loses_the_lease_while_packing_publishes_nothing(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers_save(jugdir, DIGESTS[:1], DIGESTS[1:2])
    store, other = opened(), opened()

    def sync(file: int) -> None:
        assert other._leases.break_lease(PACK_LEASE)

    monkeypatch.setattr("jug.backends._file.pack.sync", sync)

    assert store.pack().busy
    assert names(jugdir) == [".seg", ".seg"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only a long silence tells it")
def test_a_worker_that_was_killed_has_ended_for_those_who_read_the_pack(
    jugdir: Path, opened: Opener
) -> None:
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=save_and_die, args=(jugdir,))
    worker.start()
    worker.join()
    opened().pack()
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[:1])

    assert opened().pack().dropped == 1
    assert contents(opened()) == expected(DIGESTS[1])


def save_and_die(jugdir: Path) -> None:
    save(FileStore(jugdir), *DIGESTS[:2])
    os._exit(0)


def test_what_is_begun_by_the_living_stays(jugdir: Path, opened: Opener) -> None:
    alive = opened()
    save(alive, DIGESTS[0])
    (segment,) = (jugdir / "segments").iterdir()
    begun = segment.with_name(segment.name.replace("-0.seg", "-1.seg.tmp"))
    begun.touch()

    opened().pack()

    assert begun.exists()


def test_a_pack_that_was_not_finished_is_swept_away(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:1], DIGESTS[1:2])
    (jugdir / "segments" / "0123456789abcdef-0.pack.tmp").write_bytes(b"half a pack")

    opened().pack()

    assert names(jugdir) == [".pack"]
    assert contents(opened()) == expected(*DIGESTS[:2])


# Workers that were taken for dead


def test_a_worker_that_was_taken_for_dead_writes_again_what_is_not_in_the_pack(
    jugdir: Path, opened: Opener
) -> None:
    alive = opened()
    save(alive, *DIGESTS[:2])
    declare_dead(jugdir)

    with FileStore(jugdir) as packer:
        assert packer.pack().segments == 1
    assert ".seg" in names(jugdir)
    unaware = next((jugdir / "segments").glob("*.seg"))
    save(alive, DIGESTS[2])
    save(alive, DIGESTS[3])
    unaware.unlink()

    assert contents(opened()) == contents(alive) == expected(*DIGESTS[:4])


def test_what_was_written_between_the_pack_and_its_notice_is_not_lost(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = opened()
    save(alive, *DIGESTS[:2])
    declare_dead(jugdir)
    with FileStore(jugdir) as packer:
        packer.pack()
    with monkeypatch.context() as patch:
        patch.setattr(alive, "poll", lambda: None)
        save(alive, DIGESTS[2])

    alive.poll()

    assert contents(opened()) == contents(alive) == expected(*DIGESTS[:3])


@pytest.mark.parametrize("sign", ["its file", "its segment"])
def test_a_worker_of_another_host_is_packed_only_if_all_says_that_it_is_dead(
    jugdir: Path, opened: Opener, sign: str
) -> None:
    alive = opened()
    save(alive, *DIGESTS[:2])
    if sign == "its file":
        remove_leases(jugdir)
    else:
        make_old(jugdir / "segments")

    assert opened().pack().segments == 0


def test_what_was_covered_and_not_deleted_yet_is_covered_by_the_next_pack(
    jugdir: Path, opened: Opener
) -> None:
    alive = opened()
    save(alive, *DIGESTS[:2])
    declare_dead(jugdir)
    opened().pack()
    workers_save(jugdir, DIGESTS[2:4])

    opened().pack()

    (kept,) = (jugdir / "segments").glob("*.seg")
    late = opened()
    assert contents(late) == expected(*DIGESTS[:4])
    assert kept.stem in late._segments.covered


def declare_dead(jugdir: Path) -> None:
    """Do what others do to a worker of another host that was silent for long."""
    remove_leases(jugdir)
    make_old(jugdir / "segments")


def remove_leases(jugdir: Path) -> None:
    for file in (jugdir / "leases").iterdir():
        file.unlink()


def make_old(folder: Path) -> None:
    for file in folder.iterdir():
        os.utime(file, (1_000_000_000, 1_000_000_000))


# Large files


def test_large_files_that_nothing_refers_to_are_deleted(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:2], value=b"x" * 200_000)
    kept = next(name for name in big_files(jugdir) if name.startswith("01"))
    with FileStore(jugdir) as store:
        store.discard(DIGESTS[:1])
    (jugdir / "big" / (kept + ".tmp")).write_bytes(b"left by a crash")

    summary = opened().pack()

    assert summary.deleted == 1
    assert big_files(jugdir) == [kept]
    assert not list((jugdir / "big").glob("*.tmp"))
    assert contents(opened()) == {DIGESTS[1]: b"x" * 200_000}


def test_large_files_of_the_living_stay(jugdir: Path, opened: Opener) -> None:
    alive = opened()
    save(alive, DIGESTS[0], value=b"x" * 200_000)
    not_announced = jugdir / "big" / "00" / (big_files(jugdir)[0].removesuffix("-0") + "-1")
    not_announced.write_bytes(b"y")
    make_old(not_announced.parent)

    opened().pack()

    assert len(big_files(jugdir)) == 2


def test_a_large_file_of_nobody_known_is_deleted_once_it_is_old(
    jugdir: Path, opened: Opener
) -> None:
    workers_save(jugdir, DIGESTS[:1], value=b"x" * 200_000)
    (kept,) = big_files(jugdir)
    unknown = jugdir / "big" / "00" / f"{DIGESTS[0].hex()}-fedcba9876543210-0"
    unknown.write_bytes(b"y")

    store = opened()
    assert store.pack().deleted == 0
    make_old(unknown.parent)
    assert store.pack().deleted == 1
    assert big_files(jugdir) == [kept]


def test_a_large_file_stays_where_the_frame_that_may_name_it_was_damaged_meanwhile(
    jugdir: Path, opened: Opener
) -> None:
    alive, packer = opened(), opened()
    save(alive, DIGESTS[0], value=b"x" * 200_000)
    packer.poll()
    (segment,) = (jugdir / "segments").iterdir()
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    remove_leases(jugdir)

    assert packer.pack().deleted == 0
    assert len(big_files(jugdir)) == 1


def test_on_a_network_large_files_are_deleted_when_nobody_is_at_work(jugdir: Path) -> None:
    with FileStore(jugdir, network=True) as store, FileStore(jugdir, network=True) as other:
        save(store, DIGESTS[0], value=b"x" * 200_000)
        store.close()
        save(other, DIGESTS[1])
        other.discard(DIGESTS[:1])

        assert store.pack().deleted == 0
        other.close()
        assert store.pack().deleted == 1


def test_a_mapped_result_outlives_its_removal(jugdir: Path, opened: Opener) -> None:
    large = b"z" * 2_000_000
    workers_save(jugdir, DIGESTS[:1], value=large)
    reader = opened()
    reader.poll()
    mapped = reader.read(DIGESTS[0])

    with FileStore(jugdir) as store:
        store.discard(DIGESTS[:1])
    opened().pack()

    assert big_files(jugdir) == []
    assert codec.decode(mapped) == large


# All at once


def work(jugdir: Path, first: int) -> None:
    """Do a share of the tasks, with a new worker for every few."""
    for start in range(first, len(DIGESTS), 10):
        with FileStore(jugdir) as store:
            for digest in DIGESTS[start : start + 5]:
                save(store, digest)
            store.discard(DIGESTS[start + 3 : start + 5])
            save(store, DIGESTS[start + 3])


@pytest.mark.slow
def test_packing_beside_running_workers_loses_nothing(jugdir: Path, opened: Opener) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(jugdir, first)) for first in (0, 5)]
    for worker in workers:
        worker.start()
    reader, packer = opened(), opened()

    while any(worker.is_alive() for worker in workers):
        packer.pack()
        contents(reader)
    for worker in workers:
        worker.join()
    packer.pack()

    left = [digest for digest in DIGESTS if digest[0] % 5 != 4]
    assert contents(reader) == contents(opened()) == expected(*left)
    assert [worker.exitcode for worker in workers] == [0, 0]


# Readers that were away while others packed


@pytest.mark.parametrize("is_made_anew", [False, True])
@pytest.mark.parametrize("is_packed_before", [False, True])
@pytest.mark.parametrize("_", range(3))
def test_a_removal_between_two_packs_is_noticed_by_who_saw_neither(
    jugdir: Path, opened: Opener, is_packed_before: bool, is_made_anew: bool, _: int
) -> None:
    with FileStore(jugdir) as first, FileStore(jugdir) as second:
        first.put(result(A, "old"))
        second.put(result(C))
    if is_packed_before:
        opened().pack()
    worker = opened()
    worker.poll()
    lease, changes = taken(worker, B), worker.reader()

    with FileStore(jugdir) as remover:
        remover.poll()
        remover.discard([A])
    opened().pack()
    workers_save(jugdir, [DIGESTS[100]], [DIGESTS[101]])
    if is_made_anew:
        workers_save(jugdir, [A], value="new")
    opened().pack()

    assert worker.commit(lease, result(B), [A]) is Outcome.STALE
    assert A in changes.take().removed
    assert worker.has(A) is is_made_anew
    assert contents(worker) == contents(opened())


@pytest.mark.parametrize("network", [False, True])
def test_a_result_made_anew_is_another_one_also_when_its_file_was_closed_and_is_gone(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    monkeypatch.setattr(open_files, "_OPEN_FILES", 2)
    workers_save(jugdir, [A, C], [DIGESTS[100]], value="old")
    with FileStore(jugdir) as packer:
        packer.pack()
    with FileStore(jugdir, network=network) as worker, FileStore(jugdir) as other:
        workers_save(jugdir, [DIGESTS[101]])
        worker.poll()
        lease = taken(worker, B)
        assert worker.load_digest(DIGESTS[101])  # which closes the pack
        other.poll()
        other.discard([A])
        workers_save(jugdir, [A], value="new")
        other.close()
        with FileStore(jugdir) as packer:
            packer.pack()

        assert worker.commit(lease, result(B), [A]) is Outcome.STALE


def test_a_pack_of_more_segments_than_may_be_open_is_read(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_files, "_OPEN_FILES", 4)
    workers_save(jugdir, *([digest] for digest in DIGESTS[:20]))
    early = opened()
    early.poll()

    assert opened().pack().segments == 20
    early.poll()

    assert contents(early) == expected(*DIGESTS[:20])


def test_a_pack_whose_reading_was_cut_short_is_read_again(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers_save(jugdir, DIGESTS[:2], DIGESTS[2:4])
    early, changes = opened(), opened().reader()
    early.poll()
    opened().pack()
    with monkeypatch.context() as patch, pytest.raises(TaskTimeout):
        patch.setattr(frames, "view", _too_late)
        early.poll()

    assert contents(early) == expected(*DIGESTS[:4])
    assert not changes.take()


def _too_late(*_: Any) -> Any:
    raise TaskTimeout("ran longer than its time limit")


def test_what_is_packed_between_listing_and_reading_is_read_at_once(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = opened()
    workers_save(jugdir, [A], [B])
    list_folder = reader._segments._list

    def list_and_pack() -> None:
        list_folder()
        monkeypatch.undo()
        with FileStore(jugdir) as packer:
            packer.pack()

    monkeypatch.setattr(reader._segments, "_list", list_and_pack)
    reader.poll()

    assert reader.exists([A, B]) == [True, True]


# Removals


def test_two_removals_of_one_run_throw_one_run_away(opened: Opener) -> None:
    worker, other = opened(), opened()
    lease = taken(worker, A)
    other.discard([A])
    other.discard([A])

    assert worker.commit(lease, result(A)) is Outcome.STALE
    assert worker.commit(taken(worker, A), result(A)) is Outcome.SAVED


def test_a_removed_result_whose_file_is_gone_makes_stale_what_was_made_from_it(
    jugdir: Path, opened: Opener
) -> None:
    workers_save(jugdir, [A])
    worker = opened()
    worker.poll()
    lease, changes = taken(worker, B), worker.reader()
    assert worker.load_digest(A)
    worker._segments.close()
    (segment,) = (path for path in (jugdir / "segments").iterdir() if A in path.read_bytes())
    segment.unlink()

    worker.discard([A])

    assert A in changes.take().removed
    assert worker.commit(lease, result(B), [A]) is Outcome.STALE


def test_a_listing_that_shows_neither_a_segment_nor_its_pack_costs_nothing(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a listing may come out that was begun before the pack and ended after it."""
    workers_save(jugdir, DIGESTS[:1])
    reader = opened()
    reader.poll()
    changes = reader.reader()
    with FileStore(jugdir) as other:
        other.pack()
    names = reader._segments.names

    def names_without_the_pack() -> list[str]:
        monkeypatch.undo()
        return [name for name in names() if not name.endswith(".pack")]

    monkeypatch.setattr(reader._segments, "names", names_without_the_pack)
    reader.poll()

    assert reader.has(DIGESTS[0])
    assert not changes.take()


def test_results_of_files_that_somebody_deleted_are_news(
    jugdir: Path, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    workers_save(jugdir, DIGESTS[:2], DIGESTS[2:3])
    reader = opened()
    reader.poll()
    changes = reader.reader()
    first = min((jugdir / "segments").iterdir(), key=lambda path: -path.stat().st_size)
    first.unlink()

    assert sorted(reader.refresh(changes).removed) == DIGESTS[:2]
    assert reader.exists(DIGESTS[:3]) == [False, False, True]
    assert "were deleted, and with them 2 results" in caplog.text


def test_what_a_worker_wrote_to_a_file_that_was_deleted_is_saved_again(
    jugdir: Path, opened: Opener
) -> None:
    worker = opened()
    changes = worker.reader()
    save(worker, *DIGESTS[:3])
    worker.discard(DIGESTS[:1])
    changes.take()
    worker._segments.close()  # as when many others were read since
    for path in (jugdir / "segments").iterdir():
        path.unlink()

    worker.poll()
    save(worker, DIGESTS[3])

    assert not changes.take().removed
    late = opened()
    late.poll()
    assert worker.exists(DIGESTS[:4]) == late.exists(DIGESTS[:4]) == [False, True, True, True]
    assert late.load_digest(DIGESTS[1]) == worker.load_digest(DIGESTS[1]) == list(DIGESTS[1])


def test_what_a_worker_had_written_before_it_gave_a_file_up_is_lost_with_that_file(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        monkeypatch.undo()
        raise OSError(errno.EIO, "not written")

    worker = opened()
    changes = worker.reader()
    save(worker, DIGESTS[0])
    worker.flush()
    save(worker, DIGESTS[1])
    monkeypatch.setattr("jug.backends._file.writer.sync", fail)
    worker.flush()
    changes.take()
    given_up, _ = sorted((jugdir / "segments").iterdir())
    given_up.unlink()

    worker.poll()

    assert changes.take().removed == DIGESTS[:1]
    late = opened()
    late.poll()
    assert worker.exists(DIGESTS[:2]) == late.exists(DIGESTS[:2]) == [False, True]


def delete_segments(jugdir: Path) -> None:
    """Delete what workers have written, as a cleaner does that goes by age."""
    for path in (jugdir / "segments").iterdir():
        path.unlink()


def test_a_file_that_was_deleted_and_could_not_be_written_again_is_forgotten(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    worker = opened()
    save(worker, *DIGESTS[:3])
    worker.flush()
    delete_segments(jugdir)
    monkeypatch.setattr("jug.backends._file.writer.written_aside", fail)
    with pytest.raises(StoreError, match="disk is full"):
        worker.poll()
    worker.close()
    monkeypatch.undo()

    worker.poll()
    worker.poll()

    assert worker.exists(DIGESTS[:3]) == [False] * 3


def test_a_worker_whose_file_was_deleted_looks_after_its_jugdir_once(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = opened()
    save(worker, *DIGESTS[:3])
    delete_segments(jugdir)
    looks = list[str]()
    monkeypatch.setattr(marker, "make", looks.append)

    worker.poll()
    worker.poll()
    worker.poll()

    assert len(looks) == 1


def test_what_is_saved_again_may_take_several_reads(
    jugdir: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = opened()
    save(worker, *DIGESTS[:3])
    delete_segments(jugdir)
    real = os.pread
    # As Linux does beyond 2 GB.
    monkeypatch.setattr(os, "pread", lambda file, length, at: real(file, min(length, 100), at))

    worker.poll()

    late = opened()
    late.poll()
    assert late.exists(DIGESTS[:3]) == [True, True, True]


# The history


def note(store: FileStore, digest: bytes, start: float, state: RunState) -> None:
    store.note(digest, state, records.pack(Record("m.f", start)))


def told(store: FileStore) -> list[tuple[bytes, RunState, float]]:
    return [(run.digest, run.state, run.record.start) for run in store.runs()]


def test_of_the_runs_that_do_not_count_the_last_few_of_each_task_stay(
    jugdir: Path, opened: Opener
) -> None:
    for start in range(5):
        with FileStore(jugdir) as store:
            note(store, A, float(start), RunState.RETRIED)
            store.put(failure(B)._replace(record=records.pack(Record("m.g", float(start)))))
            store.discard([B])
    with FileStore(jugdir) as store:
        save(store, A, C)
        store.discard([C])

    reader = opened()
    reader.poll()
    opened().pack()

    expected = [
        *((A, RunState.RETRIED, float(start)) for start in (2, 3, 4)),
        *((B, RunState.FAILED, float(start)) for start in (2, 3, 4)),
        (A, RunState.FINISHED, 0.0),
        (C, RunState.DISCARDED, 0.0),
    ]
    for view in (reader, opened()):
        assert sorted(told(view)) == sorted(expected)
        assert contents(view) == {A: list(A)}
    opened().pack()
    assert sorted(told(opened())) == sorted(expected)


@pytest.mark.parametrize("kept", [0, 1])
def test_how_many_runs_stay_can_be_set(jugdir: Path, kept: int) -> None:
    for start in range(3):
        with FileStore(jugdir) as store:
            note(store, A, float(start), RunState.GIVEN_BACK)

    with FileStore(jugdir, runs_kept=kept) as store:
        store.pack()
        assert told(store) == [(A, RunState.GIVEN_BACK, 2.0)][:kept]


def test_what_workers_said_of_themselves_stays(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, [A], [B])
    before = opened()
    before.poll()
    workers = before.workers()
    assert len(workers) == 2
    assert all(worker.end >= worker.start > 0 for worker in workers.values())

    packer = opened()
    packer.pack()

    later = opened()
    later.poll()
    assert {key: later.workers()[key] for key in workers} == workers


def test_the_history_of_a_store_that_is_packed_meanwhile_is_whole(
    jugdir: Path, opened: Opener
) -> None:
    workers_save(jugdir, DIGESTS[:3], DIGESTS[3:6])
    reader = opened()
    runs = reader.each_run()
    first = next(runs)

    opened().pack()

    rest = [run.digest for run in runs]
    assert sorted([first.digest, *rest]) == sorted(DIGESTS[:6])


def test_a_damaged_record_is_left_out_of_the_history(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:5])
    (path,) = (jugdir / "segments").iterdir()
    data = bytearray(path.read_bytes())
    data[data.index(DIGESTS[2]) + 30] ^= 1
    path.write_bytes(data)
    reader = opened()

    assert sorted(run.digest for run in reader.each_run()) == sorted(DIGESTS[:2] + DIGESTS[3:5])


def test_of_large_frames_only_the_beginning_is_read(jugdir: Path, opened: Opener) -> None:
    workers_save(jugdir, DIGESTS[:20], value=bytes(100_000))
    workers_save(jugdir, DIGESTS[20:40])
    reader = opened()
    reader.poll()

    assert sorted(run.digest for run in reader.each_run()) == sorted(DIGESTS[:40])
    assert all(reader.records(DIGESTS[:40]))
