"""The store in a directory: what every store promises, and what only it does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jug.backends.base import BaseStore
from jug.backends.file_store import FileStore
from jug.testing.stores import StoreContract


class TestFileStore(StoreContract):
    processes = True
    takes_over_within = 2.0

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Any:
        return partial(FileStore, tmp_path / "jugdir")

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
        return partial(FileStore, tmp_path / "jugdir", network=True)
