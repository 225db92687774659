"""Waiting: that nothing is missed, that it is noticed soon, and that it costs little."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug.backends._file import inotify
from jug.backends._file import watch as watch_module
from jug.backends._file.watch import Watch

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


@pytest.fixture(params=["notified", "polling"])
def watch(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watch]:
    """A watch of a folder's names and sizes, with and without word from the kernel."""
    monkeypatch.setattr(watch_module, "is_local", lambda folder: request.param == "notified")

    def look() -> object:
        return sorted((entry.name, entry.stat().st_size) for entry in os.scandir(tmp_path))

    watch = Watch([tmp_path], look)
    yield watch
    watch.close()


def settled(watch: Watch) -> Watch:
    """Return the watch after the first wait, which always returns."""
    assert watch.wait(10)
    return watch


def soon(action: Callable[[], object], seconds: float = 0.05) -> threading.Timer:
    """Do something in a while."""
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def test_the_first_wait_returns_at_once(watch: Watch) -> None:
    began = time.monotonic()

    assert watch.wait(10)

    assert time.monotonic() - began < 5


def test_the_first_look_is_kept_apart_from_none(tmp_path: Path, passing: Time) -> None:
    settled(Watch([tmp_path]))

    assert passing.now == 0


def test_a_wait_ends_when_its_time_is_over(watch: Watch) -> None:
    began = time.monotonic()

    assert not settled(watch).wait(0.1)

    assert 0.1 <= time.monotonic() - began < 5


def test_what_happened_while_nobody_waited_is_not_missed(watch: Watch, tmp_path: Path) -> None:
    settled(watch)
    (tmp_path / "new").touch()

    assert watch.wait(0)
    assert not watch.wait(0)


@pytest.mark.parametrize("what", ["made", "grown", "removed", "renamed"])
def test_a_change_is_noticed_within_a_fifth_of_a_second(
    watch: Watch, tmp_path: Path, what: str
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    changes: dict[str, Callable[[], object]] = {
        "made": new.touch,
        "grown": lambda: old.write_bytes(b"more"),
        "removed": old.unlink,
        "renamed": lambda: old.rename(new),
    }

    def seconds_until_noticed() -> float:
        new.unlink(missing_ok=True)
        old.write_bytes(b"")
        while watch.wait(0):
            pass
        changed = []
        timer = soon(lambda: (changed.append(time.monotonic()), changes[what]()))
        assert watch.wait(60)
        noticed = time.monotonic()
        timer.join()
        return noticed - changed[0]

    settled(watch)
    assert any(seconds_until_noticed() < 0.2 for _ in range(5))  # a busy machine is slow at times


@ON_LINUX
def test_word_without_a_change_does_not_end_the_wait(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a")
    settled(watch)
    timer = soon(lambda: os.close(os.open(file, os.O_WRONLY)))
    with file.open("r+b") as same:
        same.write(b"b")

    assert not watch.wait(0.15)
    timer.join()


@ON_LINUX
def test_the_end_of_a_process_ends_the_wait(watch: Watch) -> None:
    settled(watch)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    timer = soon(lambda: os.kill(child.pid, signal.SIGKILL))

    assert watch.wait(60, [os.getpid(), child.pid])  # a zombie now
    assert watch.wait(60, [child.pid])
    child.communicate()
    assert watch.wait(60, [child.pid])
    timer.join()


def test_a_python_that_cannot_see_processes_end_looks_now_and_then(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    settled(watch)
    assert not watch.wait(0.05, [os.getpid()])
    timer = soon((tmp_path / "new").touch)

    assert watch.wait(60, [os.getpid()])
    timer.join()


@ON_LINUX
def test_all_is_given_back(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    gc.collect()  # what other tests have left open is closed now, not in between
    before = open_files()
    watch = Watch([tmp_path])
    watch.wait(0.01, [os.getpid()])
    watch.close()
    watch.close()

    assert open_files() == before
    assert watch.wait(0)


@ON_LINUX
def test_without_word_from_the_kernel_it_looks_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(folders: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(inotify, "open_for", refuse)
    monkeypatch.setattr(watch_module, "is_local", lambda folder: True)
    with caplog.at_level(logging.DEBUG, "jug.store"):
        watch = settled(Watch([tmp_path], lambda: os.listdir(tmp_path)))
    timer = soon((tmp_path / "new").touch)

    assert watch.wait(60)

    assert "does not tell of changes" in caplog.text
    timer.join()


def test_a_folder_that_is_not_there_is_looked_at_now_and_then(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    watch = settled(Watch([folder], folder.exists))
    timer = soon(folder.mkdir)

    assert watch.wait(60)
    timer.join()


def test_what_is_in_no_folder_is_looked_at_now_and_then(tmp_path: Path) -> None:
    watch = settled(Watch([], (tmp_path / "new").exists))
    timer = soon((tmp_path / "new").touch)
    began = time.monotonic()

    assert watch.wait(60)

    assert time.monotonic() - began < 5
    timer.join()


class Time:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Make time pass by sleeping alone."""
    clock = Time()
    monkeypatch.setattr(watch_module, "time", clock)
    monkeypatch.setattr(watch_module, "is_local", lambda folder: False)
    return clock


def test_a_long_wait_looks_every_two_seconds(tmp_path: Path, passing: Time) -> None:
    looks: list[float] = []

    def look() -> int:
        looks.append(passing.now)
        return 0

    settled(Watch([tmp_path], look)).wait(1000)

    assert looks[2] <= 0.02
    gaps = [after - before for before, after in zip(looks, looks[1:], strict=False)]
    assert gaps[-2] == pytest.approx(2.0) == max(gaps)
    assert len(looks) < 700
    assert all(gap <= 0.2 for gap, at in zip(gaps, looks, strict=False) if at < 3)


def test_many_short_waits_become_as_slow_as_a_long_one(tmp_path: Path, passing: Time) -> None:
    looks: list[float] = []
    watch = Watch([tmp_path], lambda: looks.append(passing.now))

    for _ in range(100):
        watch.wait(1.5)

    assert sum(at > 100 for at in looks) <= 2 * 50 / 1.5 + 1


def test_the_slowest_look_can_be_asked_to_be_quicker(tmp_path: Path, passing: Time) -> None:
    looks: list[float] = []
    watch = Watch([tmp_path], lambda: looks.append(passing.now), slowest=0.25)

    watch.wait(100)

    assert (
        0.24 < max(after - before for before, after in zip(looks, looks[1:], strict=False)) < 0.26
    )


def test_changes_without_end_are_looked_at_twenty_times_a_second(
    tmp_path: Path, passing: Time
) -> None:
    watch, looks = Watch([tmp_path]), 0

    while passing.now < 10:
        assert watch.wait(1)
        looks += 1

    assert 150 < looks < 250


@ON_LINUX
def test_a_long_wait_costs_next_to_nothing(watch: Watch) -> None:
    settled(watch)
    watch.wait(0.1)

    def spent() -> float:
        cpu = time.process_time()
        watch.wait(0.4)
        return time.process_time() - cpu

    assert any(spent() < 0.02 for _ in range(5))  # the garbage collector may come in between
