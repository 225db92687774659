"""Disks that are full, cannot be written or fail: told clearly, and nothing is lost or made up.

`strace` makes system calls fail, and file systems of a namespace of its own are
small or read-only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
from jug import TaskGenerator
from journal import log

@TaskGenerator
def make(i):
    log("make", i)
    return bytes([i]) * SIZE

@TaskGenerator
def total(parts):
    log("total")
    return sum(part[0] + part[-1] for part in parts)

result = total([make(i) for i in range(20)])
"""

SMALL = PROGRAM.replace("SIZE", "20_000")
LARGE = PROGRAM.replace("SIZE", "200_000")


@pytest.fixture(params=[SMALL, LARGE], ids=["small results", "large results"])
def jugfile(request, write, journal) -> None:
    write(request.param)


@pytest.fixture
def in_namespace(folder, program, unavailable) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call with a shell script, to run it where it may mount file systems of its own.

    `jug` and `status` are a function and what it returned last.
    """
    command = [program("unshare"), "-m"] if os.getuid() == 0 else [program("unshare"), "-Urm"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        unavailable("the right to mount in a namespace")
    head = f'set -e\njug() {{ status=0; {sys.executable} -m jug "$@" || status=$?; }}\n'

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "sh", "-c", head + script], capture_output=True, text=True, timeout=100
        )

    return run


GOES_ON = f"""
jug execute --jugdir disk/jd; echo "again $status"
jug check --jugdir disk/jd; echo "check $status"
ls disk/jd/leases; find disk -name '*.tmp*'
cat <<END | {sys.executable}
import jug
print("result", jug.init("jugfile.py", "disk/jd")[1]["result"].value())
END
"""


def assert_it_went_on(ran: subprocess.CompletedProcess[str]) -> None:
    """The last run ended well, has the right result, and left nothing behind."""
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.endswith(f"Total\nagain 0\ncheck 0\nresult {2 * sum(range(20))}\n")


def assert_little_ran_twice(journal) -> None:
    """Only what could not be saved is run again: one task of each worker."""
    ran = ["/".join(words) for words in journal()]
    assert len(set(ran)) == 21
    assert len(ran) - 21 <= 2


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("room", [0, 20_000, 130_000, 260_000])
def test_a_full_disk_is_told_and_the_run_goes_on_once_there_is_room(
    jugfile, journal, in_namespace, room, jobs
):
    ran = in_namespace(
        f"""
        mkdir disk
        mount -t tmpfs -o size=8m tmpfs disk
        head -c {(8 << 20) - room} /dev/zero > disk/filling
        jug execute --jugdir disk/jd -j {jobs}; echo "first $status"
        jug check --jugdir disk/jd; echo "check $status"
        rm disk/filling
        """
        + GOES_ON
    )

    assert "first 1\ncheck 1\n" in ran.stdout
    assert "the disk is full: free some space and run again" in ran.stderr
    assert_it_went_on(ran)
    assert_little_ran_twice(journal)


@pytest.mark.parametrize("inodes", [2, 6, 9, 11])
def test_a_disk_that_takes_no_more_files_is_told(jugfile, journal, in_namespace, inodes):
    ran = in_namespace(
        f"""
        mkdir disk
        mount -t tmpfs -o nr_inodes={inodes} tmpfs disk
        jug execute --jugdir disk/jd; echo "first $status"
        mount -o remount,nr_inodes=1000 disk
        """
        + GOES_ON
    )

    assert "first 1\n" in ran.stdout or ("first 0" in ran.stdout and inodes > 9)
    assert_it_went_on(ran)
    assert_little_ran_twice(journal)


def test_a_disk_that_becomes_read_only_is_told(jugfile, journal, in_namespace):
    ran = in_namespace(
        """
        mkdir disk
        mount -t tmpfs tmpfs disk
        jug execute --jugdir disk/jd --name make; echo "part $status"
        jug invalidate --jugdir disk/jd --name make
        mount -o remount,ro disk
        jug status --jugdir disk/jd --short; echo "status $status"
        jug execute --jugdir disk/jd; echo "first $status"
        jug execute --jugdir disk/another; echo "other $status"
        mount -o remount,rw disk
        """
        + GOES_ON
    )

    assert "0 failed, 0 complete, (none active).\nstatus 1\n" in ran.stdout
    assert "first 1\n" in ran.stdout
    assert "other 1\n" in ran.stdout
    assert ran.stderr.count("the file system is read-only: mount it writable") == 2
    assert_it_went_on(ran)


def failing(call: str, error: str, path: str = "", when: str = "1+") -> str:
    """Return how to start a program that a system call fails in."""
    only = f"-P {path}" if path else ""
    return (
        f"strace -f -qq -o trace {only} -e trace={call} -e inject={call}:error={error}:when={when}"
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("call", "when"),
    [
        ("fsync", "1+"),
        ("fsync", "3+"),
        ("fsync", "2"),
        ("fsync", "4"),
        ("rename", "1+"),
        ("rename", "5+"),
        ("link", "1+"),
        ("link", "3+"),
        ("link", "4"),
        ("unlink", "4+"),
        ("pwrite64", "1+"),
        ("pwrite64", "9+"),
        ("pwrite64", "5"),
    ],
)
def test_a_disk_that_fails_is_told_and_the_run_goes_on_once_it_works(
    jugfile, journal, program, in_namespace, call, when, jobs
):
    program("strace")
    ran = in_namespace(
        f"""
        mkdir disk
        traced() {{ {failing(call, "EIO", when=when)} "$@"; }}
        traced {sys.executable} -m jug execute --jugdir disk/jd -j {jobs} || echo "first $?"
        """
        + GOES_ON
    )

    if "EIO" in Path("trace").read_text():
        assert "first 1\n" in ran.stdout
        assert "input/output error: check the disk or the file server and run again" in ran.stderr
    else:
        assert (call, when) == ("rename", "5+")  # for small results it is called less often
    assert_it_went_on(ran)
    assert len({tuple(words) for words in journal()}) == 21


FILLING = """
import os
from jug.backends.file_store import FileStore
from jug.errors import StoreError

store = FileStore("disk/jd")
leases = store.acquire_several([letter * 20 for letter in (b"a", b"b", b"c")])
assert store.begin(leases[0])

def fill(name, size):
    try:
        with open(name, "wb", buffering=0) as file:
            while True:
                file.write(os.urandom(size))
    except OSError:
        os.sync()  # which makes room for some more

for number, size in enumerate([1 << 20, *[1 << 12] * 4]):
    fill(f"disk/filling{number}", size)

for action in (lambda: store.begin(leases[1]), store.end_several):
    try:
        action()
    except StoreError as error:
        print(error)
os.system("rm disk/filling*")
store.end_several()
print([lease.digest for lease in store.acquire_several([b"d" * 20])])
"""


def test_a_full_disk_that_writes_over_nothing_kills_no_worker(
    write, in_namespace, program, unavailable
):
    program("mkfs.btrfs")
    write(FILLING)
    ran = in_namespace(
        f"""
        truncate -s 120m image
        mkfs.btrfs -q image > /dev/null 2>&1
        mkdir disk
        if ! mount -o loop image disk; then echo cannot; exit; fi
        {sys.executable} jugfile.py
        """
    )
    if ran.stdout == "cannot\n":
        unavailable("the right to mount an image")

    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert ran.stdout.count("the disk is full: free some space and run again") == 2
    assert ran.stdout.endswith("[b'dddddddddddddddddddd']\n")
