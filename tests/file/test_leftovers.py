"""What processes leave that are killed just before a file of theirs has its name."""

from __future__ import annotations

import os
import re
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jug import codec
from jug.backends._file.pack import PACK_LEASE
from jug.backends._file.worker_file import BEGUN, began, make
from jug.backends.base import Frame, Kind, Outcome
from jug.backends.file_store import FileStore
from jug.backends.process import Process

A, B = b"a" * 20, b"b" * 20


@pytest.fixture
def jugdir(tmp_path: Path) -> Path:
    return tmp_path / "jugdir"


def work(jugdir: Path) -> None:
    """Do all that a worker does, and pack in the end."""
    with FileStore(jugdir) as store:
        store.jugfile = str(jugdir.parent / "jugfile.py")
        for digest, value in (A, b"small"), (B, bytes(200_000)):
            lease = store.acquire([digest])
            assert lease is not None
            assert (
                store.commit(lease, Frame(Kind.RESULT, digest, b"", codec.encode(value)))
                is Outcome.SAVED
            )
        store.note_jugfile()
        store.flush()
    with FileStore(jugdir) as store:
        store.pack()


def killed_at(number: int, jugdir: Path) -> str:
    """Kill a process at its nth renaming; return what was not renamed, empty if that is all."""
    left, real = number, os.rename
    shown, said = os.pipe()

    def rename(old: Any, new: Any, **options: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.write(said, Path(old).name.encode())
            os.kill(os.getpid(), signal.SIGKILL)
        real(old, new, **options)

    child = os.fork()
    if child == 0:
        os.rename = rename
        status = 1
        try:
            work(jugdir)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] in (0, signal.SIGKILL)
    os.close(said)
    with open(shown, "rb") as names:
        return names.read().decode()


def kind_of(begun: str) -> str:
    if re.fullmatch(r"[0-9a-f]{40}\.[0-9a-f]+\.tmp", begun):
        return "note"
    if re.fullmatch(BEGUN, begun):
        return "worker"
    kinds = {"format.": "marker", ".seg.": "segment", ".pack.": "pack"}
    return next((kind for part, kind in kinds.items() if part in begun), "result")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only a long silence tells it")
def test_tidying_removes_all_that_killed_processes_had_begun(tmp_path: Path) -> None:
    kinds = set()
    for number in count(1):
        jugdir = tmp_path / str(number)
        begun = killed_at(number, jugdir)
        if not begun:
            break
        kinds.add(kind_of(begun))
        assert list(jugdir.rglob(begun)) != []

        with FileStore(jugdir) as store:
            store.jugfile = str(tmp_path / "jugfile.py")
            store.put(Frame(Kind.RESULT, A, b"", codec.encode(b"small")))
            store.tidy()

            assert list(jugdir.rglob("*.tmp")) == []
            assert store.load_digest(A) == b"small"
    assert kinds == {"marker", "note", "segment", "result", "pack", "worker"}


def begin(path: Path) -> Path:
    path.write_bytes(b"half")
    return path


@pytest.mark.parametrize("name", ["segments/{worker}-7.seg.tmp", f"big/{A.hex()}-{{worker}}-7.tmp"])
def test_what_the_living_have_begun_stays(jugdir: Path, name: str) -> None:
    with FileStore(jugdir) as alive, FileStore(jugdir) as store:
        lease = alive.acquire([B])
        assert lease is not None
        begun = begin(jugdir / name.format(worker=lease.token))
        dead = begin(jugdir / name.format(worker="0" * 16))

        store.tidy()

        assert begun.exists() and not dead.exists()


@pytest.mark.parametrize("is_here", [True, False])
def test_a_worker_that_is_beginning_is_let_begin(
    jugdir: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    """It has no file yet that others know it by, whether its process can be seen or not."""
    (jugdir / "leases").mkdir(parents=True)
    process = Process.here() if is_here else Process.here()._replace(boot="another-0")
    real, seen = os.rename, []

    def rename(old: str, new: str) -> None:
        with FileStore(jugdir) as store:
            store.put(Frame(Kind.RESULT, A, b"", codec.encode(1)))
            store.tidy()
            assert store.turn()[1] == 1
        seen.append(os.path.basename(old))
        real(old, new)

    monkeypatch.setattr(os, "rename", lambda old, new: (monkeypatch.undo(), rename(old, new)))
    os.close(make(str(jugdir / "leases" / ("5f" * 8)), "5f" * 8, process))

    assert began(seen[0]) == process._replace(host="")
    assert os.listdir(jugdir / "leases") == ["5f" * 8]


def test_what_another_packs_now_stays(jugdir: Path) -> None:
    with FileStore(jugdir) as packing, FileStore(jugdir) as store:
        store.put(Frame(Kind.RESULT, A, b"", codec.encode(1)))
        lease = packing.acquire([PACK_LEASE])
        assert lease is not None
        begun = begin(jugdir / "segments" / f"{'0' * 16}-0.pack.tmp")

        store.tidy()
        assert begun.exists()

        packing.release(lease)
        store.tidy()
        assert not begun.exists()


def test_a_users_files_in_a_jugdir_stay(jugdir: Path) -> None:
    with FileStore(jugdir) as store:
        store.put(Frame(Kind.RESULT, A, b"", codec.encode(1)))
        (jugdir / "notes").write_text("mine")
        mine = begin(jugdir / "notes.old.tmp")

        store.tidy()

        assert mine.exists()
