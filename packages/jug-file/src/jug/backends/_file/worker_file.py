"""A worker's own file: it says who the worker is, and is touched while it lives.

The id is in the first line, the process in the second, as JSON; near the end stands which
task the worker runs, once that has taken a while, and since when; and behind that which
short tasks it has claimed (`claims`).  All these files
are of one size: over a network the size of a file may be remembered from when
its name was another worker's, and what is read would be cut to that.

It is written aside and renamed, so that nobody finds it empty.  While it is written,
nothing but its name can say whose it is, so this names the process:

    5f0c….1b4e28ba-….4026531836.17.983204.tmp    id, boot, namespace, pid, started
"""

from __future__ import annotations

import os
import re
from typing import Final

from jug.backends._file.disk import TEMPORARY, is_missing, sync, write_at, written_aside
from jug.backends.process import Process
from jug.json_bytes import from_json
from jug.named_tuple import NamedTuple

__all__ = [
    "BEGUN",
    "CLAIM_AT",
    "MOST_CLAIMED",
    "SIZE",
    "WORKER",
    "Sight",
    "began",
    "link_count",
    "look",
    "make",
    "new_id",
    "show",
]

WORKER: Final = re.compile("[0-9a-f]{16}")
"""What a worker's id looks like."""

BEGUN: Final = r"[0-9a-f]{16}\.([0-9A-Za-z-]*)\.(\d*)\.(\d+)\.(\d*)\.tmp"
"""What the file of a worker is called while it is written."""

CLAIM_AT: Final = 512
"""Where the claim begins."""
MOST_CLAIMED: Final = 64
"""There is room for as many claimed tasks."""
SIZE: Final = CLAIM_AT + 20 + 20 * MOST_CLAIMED
"""The size of all these files."""

_RUNNING_AT: Final = 432
_RUNNING: Final = rb"([0-9a-f]{40}) ([0-9]{1,12}\.[0-9]{1,9})\n"


def new_id() -> str:
    """Return an id for a worker, which is random and never used again."""
    return os.urandom(8).hex()


class Sight(NamedTuple):
    """What one look at a worker's file showed."""

    worker: str
    """The worker's id; for a file without one, a name that no worker has."""
    process: Process | None
    """Its process, if the file names it."""
    mtime: int
    """When it was touched last, in nanoseconds by the clock of the disk."""
    task: str = ""
    """The task that was shown last, empty for none."""
    since: float = 0.0
    """Since when it runs that, in seconds since the epoch."""

    @property
    def last_sign(self) -> float:
        """When the worker last showed that it lives, in seconds, by the clock of the disk."""
        return self.mtime / 1e9

    def since_of(self, task: str) -> float:
        """Return since when the worker runs a task that it has, 0.0 if that is not known."""
        return self.since if self.task == task else 0.0


def make(path: str, worker: str, process: Process) -> int:
    """Make a worker's own file; return it open."""
    import json  # which a worker that has nothing to do does not need

    described = json.dumps(process._replace(host=process.host[:64]), ensure_ascii=False)
    with written_aside(path, _begun(path, process)) as file:
        write_at(file, f"{worker}\n{described}\n".encode().ljust(CLAIM_AT).ljust(SIZE, b"\0"), 0)
        # A power cut must not leave a lock that does not say whose it is.
        sync(file)
    return file


def _begun(path: str, process: Process) -> str:
    """Return under which name the process makes its own file.

    >>> _begun("5f0c", Process("node", "1b4e-28", "pid:[42]", 17, "98"))
    '5f0c.1b4e-28.42.17.98.tmp'
    """
    namespace = "".join(filter(str.isdigit, process.namespace))
    parts = (path, process.boot, namespace, process.pid, process.started)
    return ".".join(map(str, parts)) + TEMPORARY


def began(name: str) -> Process | None:
    """Return which process has begun the file of this name, None if it is no such name.

    >>> began("5f0c5f0c5f0c5f0c.1b4e-28.42.17.98.tmp")
    Process(host='', boot='1b4e-28', namespace='pid:[42]', pid=17, started='98')
    """
    found = re.fullmatch(BEGUN, name)
    if found is None:
        return None
    boot, namespace, pid, started = found.groups()
    return Process("", boot, f"pid:[{namespace}]" if namespace else "", int(pid), started)


def show(path: str, digest: bytes, since: float) -> None:
    """Write which task the worker of this file runs, and since when; this touches the file."""
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(file, f"\n{digest.hex()} {since:.6f}\n".encode(), _RUNNING_AT)
    finally:
        os.close(file)


def look(path: str) -> Sight | None:
    """Look at a worker's file, by any of its names; None if there is no such name any more."""
    try:
        data, status = _read(path)
    except OSError as error:
        if is_missing(error):
            return None
        raise
    head, _, rest = data.partition(b"\n")
    worker = head.decode("ascii", "replace")
    if not WORKER.fullmatch(worker):
        return Sight(f"inode{status.st_ino}", None, status.st_mtime_ns)
    described, _, rest = rest.partition(b"\n")
    process, running = _process(described), re.search(_RUNNING, rest)
    task, since = running.groups() if running else (b"", 0.0)
    return Sight(worker, process, status.st_mtime_ns, task.decode(), float(since))


def link_count(path: str) -> int:
    """Return how many names a worker's file has."""
    return _read(path)[1].st_nlink


def _read(path: str) -> tuple[bytes, os.stat_result]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Some file systems give old times and counts until something was read.
        return os.read(file, CLAIM_AT), os.fstat(file)
    finally:
        os.close(file)


def _process(text: bytes) -> Process | None:
    try:
        return Process.of(from_json(text))
    except ValueError:
        return None
