"""The clock of the disk that a store lies on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jug.backends._file import clock
from jug.backends._file.clock import DiskClock


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count how often the server was asked."""
    times: list[Path] = []
    disk_time = clock.disk_time

    def asked(folder: Path) -> float:
        times.append(folder)
        return disk_time(folder)

    monkeypatch.setattr(clock, "disk_time", asked)
    return lambda: len(times)


@pytest.mark.parametrize("hours", [-3, 3])
def test_the_clock_of_this_host_does_not_matter_on_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    (tmp_path / "file").touch()
    there = DiskClock(tmp_path, is_local=False)
    now = time.time() + hours * 3600
    monkeypatch.setattr(time, "time", lambda: now)

    assert 0 <= there.now() - os.stat(tmp_path / "file").st_mtime < 60
    assert DiskClock(tmp_path, is_local=True).now() == now
    assert os.listdir(tmp_path) == ["file"]


def test_the_server_is_asked_once_a_minute_at_most(
    tmp_path: Path, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, began = DiskClock(tmp_path, is_local=False), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began)
    first = there.now()
    monkeypatch.setattr(time, "monotonic", lambda: began + 59)

    assert there.now() == pytest.approx(first + 59)
    assert asked() == 1

    monkeypatch.setattr(time, "monotonic", lambda: began + 61)
    assert there.now() == pytest.approx(first, abs=30)
    assert asked() == 2


def test_who_can_make_no_file_goes_by_the_clock_of_this_host(tmp_path: Path) -> None:
    there = DiskClock(tmp_path / "missing", is_local=False)

    assert there.now() == pytest.approx(time.time(), abs=30)
    assert os.listdir(tmp_path) == []
