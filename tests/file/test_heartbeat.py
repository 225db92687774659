"""The heartbeats of a script's stores, which one process of its own gives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jug.backends import heartbeat
from jug.backends.file_store import FileStore
from jug.backends.heartbeat import start_heartbeat

LEASE_SECONDS = 0.32


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], FileStore]]:
    """Return a function that opens one store once more, and begins its heartbeat."""
    with ExitStack() as stores:

        def open_once_more() -> FileStore:
            store = FileStore(tmp_path / "jugdir", lease_seconds=LEASE_SECONDS)
            start_heartbeat(stores.enter_context(store))
            return store

        yield open_once_more


def own_file(store: FileStore) -> Path:
    assert store._leases.worker_id is not None
    return Path(store._leases.folder, store._leases.worker_id)


def wait_for_beats(*stores: FileStore, count: int = 3) -> None:
    """Return once each of the stores was seen to beat so often."""
    end = time.monotonic() + 20
    for _ in range(count):
        seen = [own_file(store).stat().st_mtime_ns for store in stores]
        while any(
            own_file(store).stat().st_mtime_ns == before
            for store, before in zip(stores, seen, strict=True)
        ):
            assert time.monotonic() < end, "no heartbeat"
            time.sleep(0.002)


def test_each_of_two_store_objects_of_one_url_has_a_heartbeat(
    opened: Callable[[], FileStore],
) -> None:
    one, two = opened(), opened()

    assert one.url == two.url
    wait_for_beats(one, two)


def test_one_process_beats_for_all_stores(opened: Callable[[], FileStore]) -> None:
    one = opened()
    process = heartbeat._beating

    two = opened()

    assert process is not None and heartbeat._beating is process
    wait_for_beats(one, two)


def test_a_store_that_is_closed_and_used_again_has_a_heartbeat_again(
    opened: Callable[[], FileStore],
) -> None:
    one, two = opened(), opened()
    one.close()
    wait_for_beats(two)

    start_heartbeat(one)

    wait_for_beats(one, two)


def test_when_the_process_that_beats_was_killed_another_takes_its_place(
    opened: Callable[[], FileStore],
) -> None:
    opened()
    assert heartbeat._beating is not None
    heartbeat._beating._process.kill()
    heartbeat._beating._process.wait()

    wait_for_beats(opened())


@pytest.mark.slow
def test_a_forked_process_has_heartbeats_of_its_own(opened: Callable[[], FileStore]) -> None:
    code = """
import os, sys
from test_heartbeat import LEASE_SECONDS, wait_for_beats
from jug.backends.file_store import FileStore
from jug.backends.heartbeat import start_heartbeat
store = FileStore(sys.argv[1], lease_seconds=LEASE_SECONDS)
start_heartbeat(store)
if child := os.fork():
    _, status = os.waitpid(child, 0)
    wait_for_beats(store)
else:
    store.after_fork()
    start_heartbeat(store)
    wait_for_beats(store)
sys.exit(child and os.waitstatus_to_exitcode(status))
"""
    path = os.pathsep.join([os.path.dirname(__file__), *filter(None, sys.path)])
    subprocess.run(
        [sys.executable, "-c", code, opened().jugdir],
        env=os.environ | {"PYTHONPATH": path}, check=True, timeout=60,
    )  # fmt: skip
