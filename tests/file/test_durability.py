"""What a power cut, a full disk or a failing one may cost: never a wrong value."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jug import codec, records
from jug.backends.base import Frame, Kind
from jug.backends.file_store import FileStore
from jug.errors import DamagedResult, ResultNotFound, StoreError
from jug.records import Record

DIGESTS = [bytes([number]) * 20 for number in range(40)]
LARGE = 2_000
JUGDIR = "made/by jug"
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere no disk is known to be local, and no fsync will do"
)


def frame(digest: bytes, value: Any, seconds: float = 0.0) -> Frame:
    payload = codec.encode(value)
    record = Record("m.f", duration=seconds, size=sum(map(len, payload)))
    return Frame(Kind.RESULT, digest, records.pack(record), payload)


def value_of(digest: bytes) -> Any:
    """Return what the task of a digest gives: every third is large."""
    return digest * (LARGE // 20) if digest[0] % 3 == 0 else list(digest)


def run(store: FileStore, digest: bytes, seconds: float = 0.0) -> None:
    lease = store.acquire([digest])
    assert lease is not None
    store.commit(lease, frame(digest, value_of(digest), seconds))


def run_several(store: FileStore, digests: list[bytes]) -> None:
    leases = store.acquire_several(digests)
    assert [lease.digest for lease in leases] == digests
    for lease in leases:
        assert store.begin(lease)
        store.save(lease, frame(lease.digest, value_of(lease.digest)))
    store.end_several()


# A power cut

Event = tuple[Any, ...]


ONLY_SYNCED = ("of power", "of power, only deletions kept")


@dataclass
class File:
    """A file, as it is for a reader and as it is on the disk."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    writes: list[tuple[int, bytes]] = field(default_factory=list)
    """What was written since the last sync."""

    def after(self, cut: str) -> bytes:
        """Return what may be there after a power cut of some kind."""
        if cut in ONLY_SYNCED:
            return self.synced
        on_disk = bytearray(self.synced.ljust(len(self.content), b"\0")[: len(self.content)])
        if cut == "of power, every other write lost":
            for at, data in self.writes[1::2]:
                on_disk[at : at + len(data)] = data
        return bytes(on_disk)


class Disk:
    """Records what is done to the files of a store, so that a power cut can be played at any time.

    What is on the disk is what was synced: a file's content by a sync of the file,
    its name by a sync of its folder.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.events: list[Event] = []
        self._paths: dict[int, str] = {}
        self._patch = monkeypatch
        for name in ("open", "close", "pwrite", "writev", "ftruncate", "fsync"):
            self._wrap(name)
        for name in ("rename", "unlink", "mkdir"):
            self._wrap(name)

    def _wrap(self, name: str) -> None:
        real, note = getattr(os, name), getattr(self, f"_note_{name}")

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            answer = real(*args, **kwargs)
            note(answer, *args)
            return answer

        self._patch.setattr(os, name, wrapped)

    def _name(self, path: Any) -> str | None:
        """Return a path inside the store, empty for the store itself, None for all others."""
        path = os.fspath(path)
        if path == str(self.root):
            return ""
        inside = path.startswith(f"{self.root}/") and "/leases/" not in path
        return os.path.relpath(path, self.root) if inside else None

    def _note_open(self, file: int, path: Any, flags: int = 0, *_: Any) -> None:
        name = self._name(path)
        if name is not None:
            self._paths[file] = name
            if flags & os.O_CREAT:
                self.events.append(("create", name))

    def _note_close(self, _: None, file: int) -> None:
        self._paths.pop(file, None)

    def _note_pwrite(self, done: int, file: int, data: Any, at: int) -> None:
        if name := self._paths.get(file):
            written = bytes(data[:done])
            self.events.append(("write", name, written, at))

    def _note_writev(self, done: int, file: int, pieces: Any) -> None:
        if name := self._paths.get(file):
            written = b"".join(pieces)[:done]
            self.events.append(("write", name, written, None))

    def _note_ftruncate(self, _: None, file: int, size: int) -> None:
        if name := self._paths.get(file):
            self.events.append(("cut", name, size))

    def _note_fsync(self, _: None, file: int) -> None:
        name = self._paths.get(file)
        if name is not None:
            self.events.append(("sync", name))

    def _note_rename(self, _: None, old: Any, new: Any) -> None:
        before, after = self._name(old), self._name(new)
        if before and after:
            self.events.append(("rename", before, after))
            for file, name in self._paths.items():
                self._paths[file] = after if name == before else name

    def _note_unlink(self, _: None, path: Any) -> None:
        if name := self._name(path):
            self.events.append(("unlink", name))

    def _note_mkdir(self, _: None, path: Any, *__: Any) -> None:
        if name := self._name(path):
            self.events.append(("make", name))


class Played:
    """The files after some of the events."""

    def __init__(self) -> None:
        self.names: dict[str, File] = {}
        self.folders: dict[str, File] = {}
        self.synced_names: dict[str, File] = {}
        self.deleted: set[str] = set()

    def apply(self, event: Event) -> None:
        getattr(self, event[0])(*event[1:])

    def make(self, name: str) -> None:
        self.folders[name] = File()

    def create(self, name: str) -> None:
        self.names[name] = File()

    def write(self, name: str, data: bytes, at: int | None) -> None:
        file = self.names[name]
        at = len(file.content) if at is None else at
        file.content.extend(bytes(max(0, at + len(data) - len(file.content))))
        file.content[at : at + len(data)] = data
        file.writes.append((at, data))

    def cut(self, name: str, size: int) -> None:
        del self.names[name].content[size:]

    def sync(self, name: str) -> None:
        if name in self.names:
            file = self.names[name]
            file.synced = bytes(file.content)
            file.writes.clear()
            return
        everything = {**self.names, **self.folders}
        here = {n: file for n, file in everything.items() if os.path.dirname(n) == name}
        kept = {n: file for n, file in self.synced_names.items() if os.path.dirname(n) != name}
        self.synced_names = {**kept, **here}

    def rename(self, old: str, new: str) -> None:
        self.names[new] = self.names.pop(old)

    def unlink(self, name: str) -> None:
        self.names.pop(name, None)
        self.deleted.add(name)

    def lay_out(self, root: Path, cut: str) -> None:
        """Write the files as they are for a reader, or as they may be after a power cut."""
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        names = {**self.names, **self.folders}
        if cut == "of power":
            names = self.synced_names
        elif cut in ONLY_SYNCED:
            names = {n: file for n, file in self.synced_names.items() if n not in self.deleted}
        for name in sorted(names):
            path = root / name
            if not path.parent.is_dir():
                continue  # the folder itself was not on the disk
            if name in self.folders:
                path.mkdir()
            else:
                file = names[name]
                path.write_bytes(file.after(cut) if cut.startswith("of power") else file.content)


@dataclass
class Safe:
    """What must be there, and what must not, from some event on."""

    after: int
    there: set[bytes]
    not_there: set[bytes]


def record_a_run(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> list[Safe]:
    """Run tasks on a recorded disk, with everything that changes a store."""
    there: set[bytes] = set()
    removed: set[bytes] = set()
    safe = [Safe(0, set(), set())]

    def is_safe() -> None:
        safe.append(Safe(len(disk.events), set(there), set(removed)))

    with FileStore(disk.root / JUGDIR) as store:
        for digest in DIGESTS[:3]:
            run(store, digest)
        # A worker that died then has made a folder for its large result.
        os.mkdir(disk.root / JUGDIR / "big" / DIGESTS[3].hex()[:2])
        for digest in DIGESTS[3:8]:
            run(store, digest)
        there.update(DIGESTS[:8])
        run(store, DIGESTS[8], seconds=2.0)
        there.add(DIGESTS[8])
        is_safe()
        there -= {DIGESTS[0], DIGESTS[1]}
        safe.append(Safe(len(disk.events), set(there), set()))
        store.discard(DIGESTS[:2])
        removed |= {DIGESTS[0], DIGESTS[1]}
        is_safe()
        removed.discard(DIGESTS[1])
        safe.append(Safe(len(disk.events), set(there), set(removed)))
        run(store, DIGESTS[1])
        run_several(store, DIGESTS[9:14])
        monkeypatch.setattr("jug.backends._file.writer.sync", failing_once())
        store.flush()
        there |= {DIGESTS[1], *DIGESTS[9:14]}
        is_safe()
        run(store, DIGESTS[14], seconds=1.0)
        there.add(DIGESTS[14])
        is_safe()
    with FileStore(disk.root / JUGDIR) as store:
        store.pack()
        is_safe()
        run(store, DIGESTS[15], seconds=1.0)
        there.add(DIGESTS[15])
        is_safe()
        run_several(store, DIGESTS[16:22])
        there.update(DIGESTS[16:22])
    is_safe()
    return safe


def failing_once() -> Callable[[int], None]:
    left = [OSError(errno.EIO, "Input/output error")]

    def sync(file: int) -> None:
        if left:
            raise left.pop()
        os.fsync(file)

    return sync


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jug.backends._file.saving.FROM_SIZE", LARGE)


@ON_LINUX
@pytest.mark.parametrize(
    "cut",
    [
        "between writes",
        "within a write",
        *ONLY_SYNCED,
        "of power, names and zeros kept",
        "of power, every other write lost",
    ],
)
def test_every_prefix_of_the_writes_is_a_sound_store(tmp_path: Path, cut: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "disk").mkdir()
        disk = Disk(tmp_path / "disk", patch)
        safe = record_a_run(disk, patch)
    copy, played = tmp_path / "copy", Played()
    assert len(disk.events) > 60

    for count, event in enumerate([*disk.events, ("make", "end")]):
        if cut == "within a write" and event[0] == "write":
            name, data, at = event[1:]
            torn = deepcopy(played)
            torn.apply(("write", name, data[: len(data) // 2], at))
            torn.lay_out(copy, cut)
        else:
            played.lay_out(copy, cut)

        check_store(copy / JUGDIR, [one for one in safe if one.after <= count][-1])

        played.apply(event)


def check_store(root: Path, must: Safe) -> None:
    store = FileStore(root)
    store.poll()
    found = set(store.digests())
    assert must.there <= found
    assert not must.not_there & found
    for digest in found:
        try:
            assert store.load_digest(digest) == value_of(digest)
        except (DamagedResult, ResultNotFound):
            assert digest not in must.there


# Faults


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    with FileStore(tmp_path / "jugdir") as store:
        yield store


@pytest.fixture
def other(tmp_path: Path) -> Iterator[FileStore]:
    with FileStore(tmp_path / "jugdir") as other:
        yield other


def fails(code: int) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return function


def writes_half(code: int) -> Callable[..., int]:
    """Return a pwrite that writes half of what it is given, and then fails."""
    real, calls = os.pwrite, [0]

    def pwrite(file: int, data: Any, at: int) -> int:
        calls[0] += 1
        if calls[0] > 1:
            raise OSError(code, os.strerror(code))
        return real(file, data[: len(data) // 2], at)

    return pwrite


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EIO, "check the disk"),
    ],
)
def test_a_write_that_falls_short_is_reported_and_cut_off(
    store: FileStore,
    other: FileStore,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    advice: str,
) -> None:
    changes = other.reader()
    run(store, DIGESTS[1])

    with monkeypatch.context() as patch, pytest.raises(StoreError, match=advice) as caught:
        patch.setattr(os, "pwrite", writes_half(code))
        run(store, DIGESTS[2])
    assert str(store.jugdir) in str(caught.value)
    assert other.refresh(changes).finished == [DIGESTS[1]]
    assert other.holders() == {}

    run(store, DIGESTS[2])
    assert other.refresh(changes).finished == [DIGESTS[2]]
    assert other.load_digest(DIGESTS[2]) == value_of(DIGESTS[2])
    assert len(segments(store)) == 1


def test_a_segment_that_cannot_be_cut_back_is_given_up(
    store: FileStore, other: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(store, DIGESTS[1])

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(os, "pwrite", writes_half(errno.EIO))
        patch.setattr(os, "ftruncate", fails(errno.EIO))
        run(store, DIGESTS[2])
    run(store, DIGESTS[2])

    assert len(segments(store)) == 2
    other.poll()
    for digest in DIGESTS[1:3]:
        assert store.load_digest(digest) == other.load_digest(digest) == value_of(digest)


@ON_LINUX
def test_after_a_failed_sync_the_frames_are_written_again_under_the_same_ids(
    store: FileStore, other: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for digest in DIGESTS[1:3]:
        run(store, digest)
    other.poll()

    monkeypatch.setattr("jug.backends._file.writer.sync", failing_once())
    store.flush()

    given_up, new = segments(store)
    shutil.copy(new, tmp := new.with_suffix(".copy"))
    given_up.unlink()
    assert tmp.exists()
    with FileStore(store.jugdir) as late:
        for view in (store, other, late):
            view.poll()
            assert view.discard([]) == 0
            assert {d: view.load_digest(d) for d in DIGESTS[1:3]} == {
                d: value_of(d) for d in DIGESTS[1:3]
            }
    assert store.discard(DIGESTS[1:3]) == 2
    other.poll()
    assert list(other.digests()) == []


@ON_LINUX
def test_what_cannot_be_synced_anywhere_is_not_done(
    store: FileStore, other: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(store, DIGESTS[1], seconds=5.0)
    lease = store.acquire([DIGESTS[2]])
    assert lease is not None

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="check the disk"):
        patch.setattr(os, "fsync", fails(errno.EIO))
        store.commit(lease, frame(DIGESTS[2], value_of(DIGESTS[2]), seconds=5.0))

    for view in (store, other):
        view.poll()
        assert list(view.digests()) == [DIGESTS[1]]
    assert other.holders() == {}
    run(other, DIGESTS[2])
    store.poll()
    assert store.load_digest(DIGESTS[2]) == value_of(DIGESTS[2])


@pytest.mark.parametrize("call", ["writev", pytest.param("fsync", marks=ON_LINUX), "rename"])
def test_a_large_result_that_cannot_be_written_leaves_nothing(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    run(store, DIGESTS[1])

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="save a result"):
        patch.setattr(os, call, fails(errno.ENOSPC))
        run(store, DIGESTS[3])

    assert [path for path in Path(store.jugdir, "big").rglob("*") if path.is_file()] == []
    run(store, DIGESTS[3])
    assert store.load_digest(DIGESTS[3]) == value_of(DIGESTS[3])


def test_a_large_result_that_was_cut_or_is_gone_is_damaged(
    store: FileStore, other: FileStore
) -> None:
    for digest in (DIGESTS[3], DIGESTS[6]):
        run(store, digest)
    other.poll()
    cut, gone = sorted(Path(store.jugdir, "big").glob("*/*"))
    os.truncate(cut, LARGE // 2)
    gone.unlink()

    for digest in (DIGESTS[3], DIGESTS[6]):
        with pytest.raises(DamagedResult):
            other.load_digest(digest)

    store.poll()
    assert list(store.digests()) == []


# When there is a sync


class Syncs:
    """Counts the syncs of segments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr("jug.backends._file.writer.sync", self)

    def __call__(self, file: int) -> None:
        self.count += 1
        os.fsync(file)


@ON_LINUX
def test_short_tasks_are_synced_together_and_long_ones_at_once(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Syncs(monkeypatch)
    monkeypatch.setattr("jug.backends._file.writer.time.monotonic", lambda: 0.0)

    for digest in DIGESTS[10:12]:
        run(store, digest, seconds=0.4)
    assert syncs.count == 0
    run(store, DIGESTS[13], seconds=0.4)
    assert syncs.count == 1
    run(store, DIGESTS[14], seconds=0.4)
    assert syncs.count == 1
    store.flush()
    store.flush()
    assert syncs.count == 2


@ON_LINUX
def test_what_is_a_second_old_is_synced_with_the_next_frame(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Syncs(monkeypatch)
    clock = [0.0]
    monkeypatch.setattr("jug.backends._file.writer.time.monotonic", lambda: clock[0])

    run(store, DIGESTS[1])
    clock[0] = 0.9
    run(store, DIGESTS[2])
    assert syncs.count == 0
    clock[0] = 1.0
    run(store, DIGESTS[4])
    assert syncs.count == 1


@ON_LINUX
def test_what_would_take_much_memory_until_it_is_synced_is_synced(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Syncs(monkeypatch)
    monkeypatch.setattr("jug.backends._file.writer.time.monotonic", lambda: 0.0)
    monkeypatch.setattr("jug.backends._file.writer._BYTES", 500)

    for digest in DIGESTS[10:12]:
        run(store, digest)
    assert syncs.count == 0
    run(store, DIGESTS[13])
    assert syncs.count == 1


def test_the_heartbeat_syncs_what_has_grown(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = store.heartbeat()
    heartbeat.beat()
    run(store, DIGESTS[1])
    synced: list[int] = []
    monkeypatch.setattr("jug.backends._file.heartbeat.sync", synced.append)

    heartbeat.beat()
    heartbeat.beat()
    assert len(synced) == 1

    run(store, DIGESTS[2])
    heartbeat.beat()
    assert len(synced) == 2


def test_the_heartbeat_goes_on_when_a_sync_fails(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heartbeat = store.heartbeat()
    run(store, DIGESTS[1])
    with monkeypatch.context() as patch:
        patch.setattr("jug.backends._file.heartbeat.sync", fails(errno.EIO))
        heartbeat.beat()
        heartbeat.beat()
    assert caplog.text.count("cannot make results safe") == 1

    synced: list[int] = []
    monkeypatch.setattr("jug.backends._file.heartbeat.sync", synced.append)
    heartbeat.beat()
    assert len(synced) == 1


def test_the_heartbeat_syncs_what_a_worker_writes_that_began_anew(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = store.heartbeat()
    run(store, DIGESTS[1])
    heartbeat.beat()
    synced: list[int] = []
    monkeypatch.setattr("jug.backends._file.heartbeat.sync", synced.append)

    own = Path(heartbeat.lease.path)
    own.unlink()  # as if others had taken it for dead
    run(store, DIGESTS[2])
    heartbeat.lease._due = 0.0
    heartbeat.beat()

    assert Path(heartbeat.lease.path) != own and len(synced) == 1


def segments(store: FileStore) -> list[Path]:
    return sorted(Path(store.jugdir, "segments").glob("*.seg"))
