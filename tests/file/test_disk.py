"""Which disks are certainly of this host."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from jug.backends._file import disk
from jug.backends._file.disk import is_file, is_folder, is_local, raise_descriptor_limit, sync

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux lists its mounts")

MOUNTS = """\
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:40 /sub /data rw - btrfs /dev/sdb rw
23 22 0:50 / /data/far\\040away rw shared:9 - nfs4 server:/x rw
24 21 0:51 / /dat rw - cifs //server/x rw
"""


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a list of mounts, in which the device of no file is."""
    monkeypatch.setattr(disk, "read_whole", lambda path: MOUNTS.encode())
    monkeypatch.setattr(disk.os, "major", lambda device: 9999)  # type: ignore[attr-defined]


@ON_LINUX
@pytest.mark.parametrize(
    "path, local",
    [
        ("/", True),
        ("/else/where", True),
        ("/data", True),
        ("/data/far", True),
        ("/data/far away/jd", False),
        ("/dat/jd", False),
        ("/database/jd", True),
    ],
)
def test_an_anonymous_device_is_known_by_the_longest_path(
    mounts: None, monkeypatch: pytest.MonkeyPatch, path: str, local: bool
) -> None:
    monkeypatch.setattr(os.path, "exists", lambda one: True)
    monkeypatch.setattr(os, "stat", lambda one, **options: os.lstat("/"))

    assert is_local(Path(path)) is local


@ON_LINUX
def test_a_device_is_known_by_its_number(mounts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, local in (("8:1", True), ("0:40", True), ("0:50", False)):
        major, minor = map(int, number.split(":"))
        monkeypatch.setattr(os, "major", lambda device, it=major: it)
        monkeypatch.setattr(os, "minor", lambda device, it=minor: it)
        assert is_local(Path("/")) is local


def test_where_no_mounts_are_listed_nothing_is_certain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(path: Path) -> bytes:
        raise FileNotFoundError(path)

    monkeypatch.setattr(disk, "read_whole", missing)

    assert not is_local(tmp_path)


def test_what_can_not_be_known_of_a_file_is_not_taken_for_a_no(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")

    assert (is_file(str(tmp_path / "file")), is_folder(str(tmp_path / "file"))) == (True, False)
    assert (is_file(str(tmp_path)), is_folder(str(tmp_path))) == (False, True)
    assert not is_folder(str(tmp_path / "file" / "inner")) and not is_file(str(tmp_path / "no"))
    with pytest.raises(OSError):
        is_folder(str(tmp_path / "loop"))


@pytest.mark.parametrize(
    ("code", "is_synced"), [(errno.ENOTSUP, True), (errno.ENOTTY, True), (errno.EIO, False)]
)
def test_where_the_cache_of_a_disk_cannot_be_emptied_the_file_is_synced_all_the_same(
    monkeypatch: pytest.MonkeyPatch, code: int, is_synced: bool
) -> None:
    def refuse(file: int, request: int) -> NoReturn:
        raise OSError(code, os.strerror(code))

    synced: list[int] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    monkeypatch.setattr(os, "fsync", synced.append)

    if is_synced:
        sync(7)
    else:
        with pytest.raises(OSError, match=os.strerror(code)):
            sync(7)

    assert synced == [7] * is_synced


@pytest.mark.parametrize("most, reached", [(1 << 20, 1 << 16), (20_000, 10_240), (5_000, 256)])
def test_as_many_files_may_be_open_as_the_system_really_allows(
    monkeypatch: pytest.MonkeyPatch, most: int, reached: int
) -> None:
    limits = [(256, resource.RLIM_INFINITY)]

    def set_limit(_: int, new: tuple[int, int]) -> None:
        if new[0] > most:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(new)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", set_limit)

    raise_descriptor_limit()

    assert limits[-1] == (reached, resource.RLIM_INFINITY)
