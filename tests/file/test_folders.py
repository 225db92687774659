"""A host that remembers folders as they were, as a client of NFS does, and is told to forget."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jug.backends._file import folders, links
from jug.backends._file.folders import make_folder, names_in, names_now
from jug.backends._file.publishing import publish
from jug.backends.file_store import FileStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing can be told to forget")

A, B = b"a" * 20, b"b" * 20


class Client:
    """What a host remembers of folders, from when `remember` was called on, until told to forget.

    It shows a folder as it was when it was first looked at, also that it was not there;
    but for a listing nothing is asked of the server.
    """

    def __init__(self) -> None:
        self.listings: dict[str, list[str]] = {}
        self.missing: set[str] = set()
        self._open, self._listdir = os.open, os.listdir

    def miss(self, folder: Path) -> None:
        """Remember that a folder, which is there by now, was not."""
        self.missing.add(str(folder))

    def open(self, path: Any, *options: Any, **keywords: Any) -> int:
        self._look_up(path)
        return self._open(path, *options, **keywords)

    def listdir(self, folder: Any = ".") -> list[str]:
        path = self._path(folder)
        self._look_up(path)
        if path not in self.listings:
            self.listings[path] = self._listdir(folder)
        return list(self.listings[path])

    def forget(self, folder: int, *_: int) -> None:
        path = self._path(folder)
        self.listings.pop(path, None)
        self.missing -= {name for name in self.missing if os.path.dirname(name) == path}

    def _look_up(self, path: Any) -> None:
        if any(os.fspath(path).startswith(folder) for folder in self.missing):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def _path(self, folder: Any) -> str:
        return os.readlink(f"/proc/self/fd/{folder}") if isinstance(folder, int) else str(folder)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Have this process see folders as such a client."""
    client = Client()
    monkeypatch.setattr(os, "open", client.open)
    monkeypatch.setattr(os, "listdir", client.listdir)
    monkeypatch.setattr(os, "posix_fadvise", client.forget)
    monkeypatch.setattr(folders, "lies_on_local_disk", lambda path: False)
    monkeypatch.setattr(links, "is_local", lambda path: False)
    yield client


def test_a_remembered_listing_is_dropped(tmp_path: Path, client: Client) -> None:
    assert names_in(tmp_path, is_local=True) == []
    (tmp_path / "new").touch()

    assert names_in(tmp_path, is_local=True) == []
    assert names_in(tmp_path, is_local=False) == ["new"]
    assert names_in(tmp_path, is_local=True) == ["new"]


def test_a_local_folder_is_only_listed(tmp_path: Path, client: Client) -> None:
    names_in(tmp_path, is_local=True)

    assert list(client.listings) == [str(tmp_path)]


def test_a_folder_that_another_host_has_made_is_found(tmp_path: Path, client: Client) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").touch()
    client.miss(tmp_path / "made")

    assert names_now(tmp_path / "made") == ["file"]


def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path, client: Client) -> None:
    with pytest.raises(FileNotFoundError):
        names_now(tmp_path / "none")


def test_a_folder_that_is_there_can_be_used_once_it_was_to_be_made(
    tmp_path: Path, client: Client
) -> None:
    (tmp_path / "made").mkdir()
    client.miss(tmp_path / "made")

    make_folder(tmp_path / "made")

    os.close(os.open(tmp_path / "made" / "file", os.O_CREAT | os.O_WRONLY))


def test_a_folder_that_may_only_be_passed_through_shows_nothing_new(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Any, *options: Any, **keywords: Any) -> int:
        if os.fspath(path) == str(tmp_path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(path, *options, **keywords)

    monkeypatch.setattr(os, "open", refuse)

    assert FileStore(tmp_path / "none", network=True).exists_after_poll([A]) == [False]
    (tmp_path / "made").mkdir()
    make_folder(tmp_path / "made")


def test_what_another_has_published_meanwhile_is_as_good(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(begun: Path, path: Path) -> None:
        path.write_bytes(b"data")
        raise FileNotFoundError(errno.ENOENT, "another has tidied up", begun)

    os.listdir(tmp_path)
    monkeypatch.setattr(os, "rename", lose)

    publish(tmp_path / "file", b"data")

    assert (tmp_path / "file").read_bytes() == b"data"


def test_no_lease_is_given_of_what_another_host_has_saved(tmp_path: Path, client: Client) -> None:
    here, there = FileStore(tmp_path / "jd", network=True), FileStore(tmp_path / "jd")
    here.dump("first", A.hex())
    assert here.exists_after_poll([A, B]) == [True, False]

    there.dump("second", B.hex())

    assert here.acquire([B]) is None
    assert here.load(B.hex()) == "second"


def test_large_results_of_other_hosts_are_not_taken_for_deleted(
    tmp_path: Path, client: Client
) -> None:
    here, there = FileStore(tmp_path / "jd", network=True), FileStore(tmp_path / "jd")
    here.dump(bytes(1 << 18), A.hex())
    here.look_again()

    there.dump(bytes(1 << 19), (A[:10] + B[:10]).hex())
    here.look_again()

    assert here.exists([A, A[:10] + B[:10]]) == [True, True]


def test_a_store_that_another_host_makes_is_seen(tmp_path: Path, client: Client) -> None:
    looker = FileStore(tmp_path / "jd", network=True)
    assert looker.exists_after_poll([A]) == [False]
    os.listdir(tmp_path)
    FileStore(tmp_path / "jd").dump("made", A.hex())
    client.miss(tmp_path / "jd")

    assert looker.exists_after_poll([A]) == [True]
