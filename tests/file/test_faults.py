"""What the system itself refuses: processes that are killed or denied at a system call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jug.backends.file_store import FileStore

pytestmark = pytest.mark.slow

TASKS = 60

# Every tenth result is large, every seventh took long.
WORKER = """
import sys
from jug import codec, records
from jug.backends.base import Frame, Kind
from jug.backends.file_store import FileStore
from jug.errors import StoreError
from jug.records import Record

digests = [bytes([number]) * 20 for number in range(int(sys.argv[2]))]
try:
    with FileStore(sys.argv[1]) as store:
        while (lease := store.acquire(digests)) is not None:
            number = lease.digest[0]
            value = lease.digest * (10_000 if number % 10 == 0 else 1)
            record = records.pack(Record("m.f", duration=2.0 if number % 7 == 0 else 0.0))
            store.commit(lease, Frame(Kind.RESULT, lease.digest, record, codec.encode(value)))
except StoreError as error:
    sys.exit(f"reported: {error}")
"""


def work(jugdir: Path, *under: str) -> subprocess.CompletedProcess[str]:
    """Run all tasks that are left, under another program."""
    command = [*under, sys.executable, "-c", WORKER, str(jugdir), str(TASKS)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def check_results(jugdir: Path, at_least: int) -> None:
    with FileStore(jugdir) as store:
        store.poll()
        found = list(store.digests())
        assert len(found) >= at_least
        for digest in found:
            copies = 10_000 if digest[0] % 10 == 0 else 1
            assert store.load_digest(digest) == digest * copies


@pytest.mark.parametrize(
    ("fault", "reported"),
    [
        ("fsync:error=EIO:when=9", ""),
        ("fsync:error=EIO:when=9+", "check the disk"),
        ("pwrite64:error=ENOSPC:when=20+", "the disk is full"),
        ("pwrite64:error=EDQUOT:when=20", "the quota is used up"),
        ("writev:error=ENOSPC:when=2+", "the disk is full"),
        ("rename:error=EIO:when=2+", "check the disk"),
        ("link:error=EDQUOT:when=30+", "the quota is used up"),
        ("unlink:error=EIO:when=20+", "check the disk"),
        ("mkdir:error=EROFS:when=1+", "read-only"),
    ],
)
def test_a_fault_is_reported_and_the_run_goes_on_once_it_is_gone(
    tmp_path: Path, program: Callable[[str], str], fault: str, reported: str
) -> None:
    jugdir = tmp_path / "jugdir"
    call = fault.partition(":")[0]
    strace = [program("strace"), "-f", "-qq", "-o", "/dev/null"]

    run = work(jugdir, *strace, "-e", f"trace={call}", "-e", f"inject={fault}")

    assert run.returncode == (1 if reported else 0), run.stderr
    if reported:
        assert run.stderr.count("\n") == 1
        assert run.stderr.startswith("reported: cannot ")
        assert reported in run.stderr
        assert str(jugdir) in run.stderr
    finish(jugdir)


@pytest.mark.parametrize("call", ["pwrite64", "fsync", "rename", "link", "unlink", "writev"])
@pytest.mark.parametrize("when", [1, 3, 5])
def test_a_worker_killed_at_any_call_costs_nothing_that_was_done(
    tmp_path: Path, program: Callable[[str], str], call: str, when: int
) -> None:
    jugdir = tmp_path / "jugdir"
    strace = [program("strace"), "-f", "-qq", "-o", "/dev/null"]

    work(jugdir, *strace, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}")

    finish(jugdir)


def test_a_file_that_may_not_grow_is_reported(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    jugdir = tmp_path / "jugdir"

    run = work(jugdir, program("prlimit"), "--fsize=4000")

    assert run.returncode == 1
    assert "ulimit -f" in run.stderr
    finish(jugdir)


def finish(jugdir: Path) -> None:
    """Run what is left, without faults."""
    check_results(jugdir, at_least=0)
    rest = work(jugdir)
    assert rest.returncode == 0, rest.stderr
    check_results(jugdir, at_least=TASKS)
    with FileStore(jugdir) as store:
        store.tidy()
        assert store.holders() == {}
        store.pack()
    assert list((jugdir / "leases").iterdir()) == []
    assert not list(jugdir.rglob("*.tmp"))
    check_results(jugdir, at_least=TASKS)
