"""The store in a directory: what every store promises, and what only it does."""

from __future__ import annotations

import errno
import mmap
import multiprocessing
import os
import pickle
import shutil
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jug import codec, records
from jug.backends._file import big_files, marker, worker_file
from jug.backends.base import BaseStore, Frame, Kind
from jug.backends.file_store import FileStore, file_store
from jug.backends.registry import open_store
from jug.errors import OptionError, StoreError, StoreFormatError
from jug.hash import SCHEME_VERSION
from jug.records import Record
from jug.testing.hooks import result
from jug.testing.stores import StoreContract

A, B = b"a" * 20, b"b" * 20


LEASE_SECONDS, TAKES_OVER_WITHIN = (120, 2.0) if sys.platform == "linux" else (2, 40.0)
"""Only Linux tells that a process is gone; elsewhere a silence of up to ten lease times does."""


class TestFileStore(StoreContract):
    processes = True
    takes_over_within = TAKES_OVER_WITHIN

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Any:
        return partial(FileStore, tmp_path / "jugdir", lease_seconds=LEASE_SECONDS)

    def raw_contains(self, store: BaseStore, data: bytes) -> bool:
        return any(data in file.read_bytes() for file in result_files(store))

    def damage(self, store: BaseStore, digest: bytes) -> None:
        encoded = store.read(digest)
        for file in result_files(store):
            content = bytearray(file.read_bytes())
            at = content.find(bytes(encoded))
            if at >= 0:
                with open(file, "r+b") as opened:
                    opened.seek(at + len(encoded) // 2)
                    opened.write(bytes([content[at + len(encoded) // 2] ^ 1]))

    @contextmanager
    def refuse_writes(self, store: BaseStore) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", disk_full)
            patch.setattr(os, "writev", disk_full)
            yield

    @contextmanager
    def worker_order(self, ranks: Sequence[int]) -> Iterator[None]:
        ids = (f"{rank:02x}{os.urandom(7).hex()}" for rank in ranks)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_file, "new_id", lambda: next(ids))
            yield


def disk_full(*_: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def result_files(store: BaseStore) -> list[Path]:
    assert isinstance(store, FileStore)
    folder = Path(store.jugdir)
    return [*folder.glob("segments/*"), *folder.glob("big/*/*")]


class TestFileStoreOnANetwork(TestFileStore):
    """The same with the rules for directories that other hosts write to."""

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Any:
        return partial(FileStore, tmp_path / "jugdir", lease_seconds=LEASE_SECONDS, network=True)


@pytest.fixture
def jugdir(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "jugdir"


def save(store: BaseStore, digest: bytes, value: Any) -> None:
    payload = codec.encode(value)
    record = records.pack(Record("m.f", size=sum(map(len, payload))))
    store.put(Frame(Kind.RESULT, digest, record, payload))


# The directory


def test_who_only_looks_leaves_nothing_behind(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        changes = store.reader()
        store.refresh(changes)
        store.wait(changes, 0.01)
        assert store.holders() == {}
        store.tidy()
        assert store.discard([A]) == 0
        assert store.break_leases([A]) == 0
        store.flush()

    assert not jugdir.parent.exists()


def test_who_only_looks_at_a_store_changes_no_file(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    before = sorted(jugdir.rglob("*"))

    with FileStore(jugdir) as store:
        store.poll()
        assert store.load_digest(A) == 1
        assert store.holders() == {}

    assert sorted(jugdir.rglob("*")) == before


def test_the_first_write_makes_the_directory_and_says_what_it_is(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)

    assert sorted(path.name for path in jugdir.iterdir()) == [
        "big", "format", "leases", "packs", "segments"
    ]  # fmt: skip
    text = (jugdir / "format").read_text()
    lines = f"jug file store 2.0\nhash {SCHEME_VERSION}\ncodec {codec.encode(1)[0][3]}\n"
    assert text == lines + f"sum {zlib.crc32(lines.encode()):08x}\n"


def test_a_store_that_another_made_is_found_without_being_opened_again(jugdir: Path) -> None:
    with FileStore(jugdir) as early, FileStore(jugdir) as other:
        changes = early.reader()
        early.poll()
        save(other, A, 1)

        assert early.refresh(changes).finished == [A]


def test_ten_thousand_small_results_take_few_files(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        for number in range(10_000):
            save(store, number.to_bytes(20, "big"), number)

    assert len([path for path in jugdir.rglob("*") if path.is_file()]) < 5


@pytest.mark.parametrize("below", ["", "results"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, below: str) -> None:
    (tmp_path / "scratch").symlink_to("gone")
    path = tmp_path / "scratch" / below

    with pytest.raises(StoreError, match=r"'.*scratch' is a link to 'gone', which is not there"):
        FileStore(path)

    (tmp_path / "gone").mkdir()
    with FileStore(path) as store:
        store.dump(1, b"0" * 40)


def test_a_file_is_not_a_jugdir(tmp_path: Path) -> None:
    path = tmp_path / "jugdir"
    path.write_text("something else")

    with pytest.raises(StoreError, match="jugdir' is a file.*choose another --jugdir"):
        FileStore(path)

    assert path.read_text() == "something else"


@pytest.mark.parametrize(
    "name", ["ab/0123456789abcdef0123456789abcdef012345", "packs/jugpack"], ids=["files", "pack"]
)
def test_a_directory_of_jug_2_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"a result")
    (tmp_path / "locks").mkdir()

    with pytest.raises(StoreFormatError, match="of jug 2.x, which is only read: `jug adopt"):
        FileStore(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name.split("/")[0], "locks"])


def test_a_directory_with_other_things_in_it_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "notes.txt").write_text("mine")

    with FileStore(tmp_path) as store:
        save(store, A, 1)
        assert store.load_digest(A) == 1


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("store 2.0", "store 3.0", "has the format 3.0, this jug knows 2: update jug-file"),
        (f"hash {SCHEME_VERSION}", "hash 99", "by the hash scheme 99, this jug by"),
    ],
)
def test_a_store_of_another_format_is_refused(
    jugdir: Path, before: str, after: str, message: str
) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    change_marker(jugdir, before, after)

    with pytest.raises(StoreFormatError, match=message):
        FileStore(jugdir)


def change_marker(jugdir: Path, before: str, after: str) -> None:
    """Have another version of jug write the marker."""
    lines = marker.text().rpartition("sum ")[0].replace(before, after)
    (jugdir / "format").write_text(marker.with_sum(lines))


def test_a_folder_that_holds_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("a diary 1.0\n")

    with pytest.raises(StoreFormatError, match="is not the marker of a jugdir"):
        FileStore(tmp_path)


def test_a_store_of_a_later_minor_format_is_opened(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    change_marker(jugdir, f"store 2.0\nhash {SCHEME_VERSION}\n", "store 2.7\ncolour blue\n")

    with FileStore(jugdir) as store:
        store.poll()
        assert store.load_digest(A) == 1


def test_a_marker_without_a_checksum_is_one_of_an_earlier_version(
    jugdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    (jugdir / "format").write_text("jug file store 1.0\nhash 1\ncodec 1\n")

    with pytest.raises(StoreFormatError, match="by the hash scheme 1, this jug by"):
        FileStore(jugdir)
    assert not caplog.messages


@pytest.mark.parametrize("at", [*range(0, 48, 5), None, "empty"])
@pytest.mark.parametrize("are_packed", [False, True])
def test_a_marker_that_is_damaged_or_missing_is_made_anew_by_who_writes(
    jugdir: Path, caplog: pytest.LogCaptureFixture, at: Any, are_packed: bool
) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    if are_packed:
        with FileStore(jugdir) as store:
            store.pack()
    spoil_marker(jugdir, at)

    with FileStore(jugdir) as reader:
        reader.poll()
        assert reader.load_digest(A) == 1
    assert "the results are intact" in caplog.text
    with FileStore(jugdir) as writer:
        writer.poll()
        assert writer.exists([A, B]) == [True, False]
        save(writer, B, 2)

    assert (jugdir / "format").read_text() == marker.text()
    assert "is made anew" in caplog.text


def spoil_marker(jugdir: Path, at: Any) -> None:
    path = jugdir / "format"
    if at is None:
        path.unlink()
    elif at == "empty":
        path.write_bytes(b"")
    else:
        content = bytearray(path.read_bytes())
        content[at] ^= 0x81
        path.write_bytes(content)


def test_a_later_format_is_refused_also_where_only_segments_tell_of_it(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        save(store, A, 1)
    (segment,) = (jugdir / "segments").iterdir()
    head = bytearray(segment.read_bytes())
    head[8] = 2
    head[12:16] = zlib.crc32(head[:12]).to_bytes(4, "little")
    segment.write_bytes(head)
    (jugdir / "format").unlink()

    with pytest.raises(StoreFormatError, match="of a later jug: update jug-file"):
        FileStore(jugdir)


def test_a_directory_that_cannot_be_made_is_reported(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    store = FileStore(jugdir)

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="permission denied") as e:
        patch.setattr(os, "mkdir", refused)
        save(store, A, 1)
    assert str(jugdir) in str(e.value)

    save(store, A, 1)
    assert store.load_digest(A) == 1
    store.close()


def test_every_folder_that_is_promised_is_made(jugdir: Path) -> None:
    marker.make(jugdir)
    marker.make(jugdir)

    assert marker.is_made(jugdir)
    assert all((jugdir / name).is_dir() for name in marker.FOLDERS)


# Opening


@pytest.mark.parametrize("prefix", ["", "file:", "file_keepalive:"])
def test_a_path_and_both_schemes_open_the_same_store(jugdir: Path, prefix: str) -> None:
    with file_store(jugdir, compress_numpy=True) as store:
        save(store, A, "here")

    with open_store(f"{prefix}{jugdir}") as again:
        again.poll()
        assert again.load_digest(A) == "here"
        assert open_store(again.url).url == again.url


def test_a_store_pickles_as_another_worker(jugdir: Path) -> None:
    with FileStore(jugdir, lease_seconds=7) as store:
        lease = store.acquire([A])
        assert lease is not None
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy.acquire([A]) is None
            assert copy.url == store.url
            assert copy.__reduce__() == store.__reduce__()


def test_the_directory_stays_the_same_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with FileStore("jugdir") as store:
        monkeypatch.chdir("/")
        save(store, A, 1)
        with open_store(store.url) as again:
            assert again.can_load(A.hex())

    assert (tmp_path / "jugdir" / "format").exists()


@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf")])
def test_a_lease_time_must_be_above_zero(jugdir: Path, given: float) -> None:
    with pytest.raises(OptionError, match="lease time"):
        FileStore(jugdir, lease_seconds=given)


def test_the_environment_gives_the_lease_time(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in ("soon", "nan", "0", "-1", "inf"):
        monkeypatch.setenv("JUG_LEASE_SECONDS", given)
        with pytest.raises(OptionError, match=f"JUG_LEASE_SECONDS is '{given}': give a number of"):
            FileStore(jugdir)
    FileStore(jugdir, lease_seconds=1).close()
    monkeypatch.setenv("JUG_LEASE_SECONDS", "")  # as good as not set
    FileStore(jugdir).close()


# Large results


def test_a_large_result_is_mapped_and_its_memory_is_private(jugdir: Path) -> None:
    with FileStore(jugdir, network=False) as store:
        save(store, A, bytes(2_000_000))

        read = store.read(A)
        assert isinstance(read, memoryview)
        assert isinstance(read.obj, mmap.mmap)
        read[-1] = 7

        assert store.load_digest(A) == bytes(2_000_000)
        assert store.size(A) == len(read)


def test_on_a_network_a_large_result_is_read(jugdir: Path) -> None:
    with FileStore(jugdir, network=True) as store:
        save(store, A, bytes(2_000_000))

        assert isinstance(store.read(A), bytearray)
        assert store.load_digest(A) == bytes(2_000_000)


def test_a_result_that_cannot_be_mapped_is_read(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with FileStore(jugdir, network=False) as store:
        save(store, A, bytes(2_000_000))
        monkeypatch.setattr(mmap, "mmap", too_many)

        assert isinstance(store.read(A), bytearray)


def test_a_result_of_many_pieces_is_written_whole(jugdir: Path) -> None:
    pieces = [bytes([number % 256]) * 100 for number in range(3_000)]

    with FileStore(jugdir) as store:
        store.put(Frame(Kind.RESULT, A, records.pack(Record()), pieces))

        assert bytes(store.read(A)) == b"".join(pieces)
        assert store.size(A) == 300_000


def test_a_result_is_written_and_read_in_parts_that_every_system_takes(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(call: Any) -> Any:
        def call_with_less(file: int, pieces: list[Any]) -> int:
            assert sum(map(len, pieces)) <= 1000
            return int(call(file, pieces))

        return call_with_less

    for name in ("readv", "writev"):
        monkeypatch.setattr(os, name, limited(getattr(os, name)))
    monkeypatch.setattr(big_files, "_AT_ONCE", 1000)
    pieces = [bytes([number]) * (700 if number % 2 else 2_500) for number in range(100)]

    with FileStore(jugdir, network=True) as store:
        store.put(Frame(Kind.RESULT, A, records.pack(Record()), pieces))

        assert bytes(store.read(A)) == b"".join(pieces)


def test_a_record_may_be_long_but_not_without_end(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        long = records.pack(Record(exception="x" * 1_000_000))
        store.put(Frame(Kind.FAILURE, A, long))
        with pytest.raises(StoreError, match="longer than 16 MB"):
            store.put(Frame(Kind.FAILURE, B, records.pack(Record(exception="x" * 17_000_000))))

        record = store.record(A)
        assert record is not None
        assert len(record.exception) == 1_000_000
        assert list(store.failures()) == [A]


def test_tidy_removes_what_a_dead_worker_had_begun_to_write(jugdir: Path) -> None:
    with FileStore(jugdir) as store, FileStore(jugdir) as alive:
        save(store, A, bytes(200_000))
        lease = alive.acquire([B])
        assert lease is not None
        begun = jugdir / "big" / f"{A.hex()}-{'0' * 16}-0.tmp"
        begun.write_bytes(b"half")
        of_the_living = jugdir / "big" / f"{B.hex()}-{lease.token}-0.tmp"
        of_the_living.write_bytes(b"half")

        store.tidy()

        assert list((jugdir / "big").glob("*.tmp")) == [of_the_living]
        assert store.load_digest(A) == bytes(200_000)


def test_a_large_result_is_saved_though_its_worker_was_tidied_up(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tidied = os.rename, []

    def rename(old: Any, new: Any) -> None:
        if not tidied and "big" in str(old):
            tidied.append(os.unlink(old))
        real(old, new)

    monkeypatch.setattr(os, "rename", rename)
    with FileStore(jugdir) as store:
        save(store, A, bytes(200_000))

        assert tidied
        assert store.load_digest(A) == bytes(200_000)


def test_a_large_result_is_saved_though_somebody_removed_its_empty_folder(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        save(store, A, bytes(200_000))
        store.discard([A])
        shutil.rmtree(jugdir / "big")

        save(store, A, bytes(200_000))

        assert store.load_digest(A) == bytes(200_000)


def test_a_result_is_saved_though_the_next_lease_cannot_be_taken(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(old: str, new: str) -> None:
        if new.endswith(B.hex()):
            raise OSError(errno.EDQUOT, "no room for another name", new)
        real(old, new)

    with FileStore(jugdir) as store:
        lease = store.acquire([A])
        assert lease is not None
        monkeypatch.setattr(os, "link", link)

        with pytest.raises(StoreError, match="cannot take a lease .* quota"):
            store.commit_and_acquire(lease, result(A), (), [B])

        assert store.has(A)
        assert not store.holders()


def test_who_begins_while_a_removal_is_written_does_not_save_what_was_removed(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, made = b"s" * 20, b"m" * 20
    with FileStore(jugdir) as remover, FileStore(jugdir) as worker:
        save(remover, source, 1)
        leases = []
        real = remover.poll

        def poll(*, afresh: bool = False) -> None:
            real(afresh=afresh)
            leases.append(worker.acquire([made]))

        with monkeypatch.context() as patch:
            patch.setattr(remover, "poll", poll)
            remover.discard([source, made])
        with monkeypatch.context() as patch:
            patch.setattr(worker, "poll", lambda: None)
            worker.commit(
                leases[0], Frame(Kind.RESULT, made, records.pack(Record()), codec.encode(2))
            )

        for view in (remover, worker):
            view.poll()
            assert list(view.digests()) == []


def test_a_record_names_the_process_that_ran_the_task(jugdir: Path) -> None:
    with FileStore(jugdir) as store, FileStore(jugdir) as other:
        save(store, A, 1)
        other.poll()

        for view in (store, other):
            record = view.record(A)
            assert record is not None
            assert record.worker.endswith(f":{os.getpid()}")


def run_all(jugdir: Path, network: bool, count: int, answer: Any) -> None:
    """Run tasks for as long as there are any, and send which ones."""
    digests = [number.to_bytes(20, "big") for number in range(count)]
    ran = []
    with FileStore(jugdir, network=network) as store, store.reader() as changes:
        while (lease := store.acquire(digests)) is not None or store.holders():
            if lease is None:
                store.wait(changes, 0.1)
                continue
            ran.append(lease.digest)
            payload = codec.encode(lease.digest * (lease.digest[-1] % 50))
            store.commit(lease, Frame(Kind.RESULT, lease.digest, records.pack(Record()), payload))
    answer.send(ran)


@pytest.mark.slow
@pytest.mark.parametrize("network", [False, True], ids=["on a disk", "on a network"])
def test_thousands_of_tasks_are_each_run_once(jugdir: Path, network: bool) -> None:
    context = multiprocessing.get_context("spawn")
    count, pipes = 4000, [context.Pipe(duplex=False) for _ in range(3)]
    workers = [
        context.Process(target=run_all, args=(jugdir, network, count, sender))
        for _, sender in pipes
    ]
    for worker in workers:
        worker.start()

    ran = [digest for receiver, _ in pipes for digest in receiver.recv()]
    for worker in workers:
        worker.join()

    assert len(ran) == len(set(ran)) == count
    with FileStore(jugdir) as store:
        store.poll()
        assert all(store.load_digest(d) == d * (d[-1] % 50) for d in ran)


def test_a_jugfile_is_noted_with_the_first_that_it_saves(jugdir: Path, tmp_path: Path) -> None:
    with FileStore(jugdir) as one, FileStore(jugdir) as two, FileStore(jugdir) as looking:
        one.jugfile, two.jugfile, looking.jugfile = (str(tmp_path / name) for name in "abc")
        assert looking.jugfiles() == set()
        save(one, A, 1)
        assert two.acquire([B])
        looking.poll()

        assert looking.jugfiles() == {str(tmp_path / "a"), str(tmp_path / "b")}

        looking.forget_jugfiles([str(tmp_path / "a"), str(tmp_path / "c")])
        assert two.jugfiles() == {str(tmp_path / "b")}


def test_a_jugfile_is_noted_with_the_arguments_that_it_was_run_with(
    jugdir: Path, tmp_path: Path
) -> None:
    jugfile = str(tmp_path / "a b.py")
    all_arguments: list[tuple[str, ...]] = [(), ("10",), ("1", "0"), ("a 'b", "")]
    with FileStore(jugdir) as store:
        store.jugfile = jugfile
        for arguments in all_arguments:
            store.arguments = arguments
            save(store, A, arguments)

        assert store.known_as(jugfile) == f"'{jugfile}'"
        assert store.known_as(jugfile, ["1", "0"]) == f"'{jugfile}' 1 0"
        known = {arguments: store.known_as(jugfile, arguments) for arguments in all_arguments}
        assert store.jugfiles() == set(known.values())

        store.forget_jugfiles([known["10",], known[()]])
        assert store.jugfiles() == {known["1", "0"], known["a 'b", ""]}


def test_what_happens_just_before_the_first_wait_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileStore(tmp_path) as store, FileStore(tmp_path) as other, other.reader() as changes:
        store.put(result(A))
        other.refresh(changes)
        really = other.poll

        def poll_just_before_it_happens(*, afresh: bool = False) -> None:
            really(afresh=afresh)
            monkeypatch.setattr(other, "poll", really)
            store.put(result(B))

        monkeypatch.setattr(other, "poll", poll_just_before_it_happens)
        began = time.monotonic()

        assert other.wait(changes, 30).finished == [B]

        assert time.monotonic() - began < 15


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.parametrize("path", ["/proc/jugdir", "/proc/folder/jugdir"])
def test_where_no_folder_can_be_made_that_is_said(path: str) -> None:
    with FileStore(path) as store, pytest.raises(StoreError) as caught:
        store.acquire([b"1" * 20])

    assert str(caught.value) == (
        f"cannot make a store in {path!r}, no folder can be made there: choose another --jugdir"
    )
