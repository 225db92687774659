"""A folder to work in, jug as a command in this process, and stores as jug 2.x left them."""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.cli.conftest import jug  # noqa: F401

from jug.adopt.hashing import FormerHashes
from jug.task import Task

SAMPLE = Path(__file__).parents[1] / "system" / "jugfiles" / "jug27_sample"

Jug = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Old:
    """A jugdir of jug 2.x, made by hand; its results were computed at a time of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hashes = FormerHashes()
        for name in ("locks", "tempfiles"):
            (path / name).mkdir(parents=True)

    def hash(self, f: Callable[..., Any], *args: Any) -> str:
        """Return the hash of a task in jug 2.x."""
        hash = self.hashes.of_task(Task(f, *args)).hash
        assert hash is not None
        return hash.decode()

    def save(self, hash: str, value: Any) -> Path:
        """Save the result of a task; return its file."""
        return self.write(hash, zlib.compress(b"P" + pickle.dumps(value, 4)))

    def write(self, hash: str, content: bytes) -> Path:
        """Write the file of a result."""
        path = self.path / hash[:2] / hash[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_500_000_000, 1_500_000_000))
        return path

    def pack(self, values: dict[str, Any]) -> Path:
        """Write a pack of some results; return its file."""
        path = self.path / "packs" / "jugpack"
        path.parent.mkdir()
        packed = {hash.encode(): value for hash, value in values.items()}
        path.write_bytes(zlib.compress(b"P" + pickle.dumps(packed, 4)))
        return path

    def lock(self, hash: str, holder: str) -> Path:
        """Write the lock of a task; return its file."""
        path = self.path / "locks" / f"{hash}.lock"
        path.write_text(f"{holder}\nLock created on 2026-01-31 (14h05.09)\n")
        return path


@pytest.fixture
def old(folder: Path) -> Old:
    """Return an empty store of jug 2.x."""
    return Old(folder / "old")


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return all that a folder holds: content and time of every file and folder in it."""
    return {
        str(path.relative_to(folder)): (
            b"" if path.is_dir() else path.read_bytes(),
            path.stat().st_mtime_ns,
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }
