"""Which process a worker is, and whether it is certainly gone.

A process id alone means little: it is used again, and another host or container
counts its own.  So a worker is named by the boot id and the pid namespace in
which its pid counts, and by the moment at which the process started.  Only a
process that shares the first two can be judged from here; for all others, and
where the system does not tell these facts, the heartbeat decides.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Self

from jug.named_tuple import NamedTuple


class Process(NamedTuple):
    """A process, as other processes may recognise it."""

    host: str
    """The host's name, for people; it decides nothing."""
    boot: str
    """The boot id of the machine, empty where it can't be had."""
    namespace: str
    """The pid namespace, empty where it can't be had."""
    pid: int
    started: str
    """When the process started, in the system's own units, empty if not known."""

    @classmethod
    def here(cls) -> Process:
        """Return the process that calls.

        >>> Process.here().is_gone()
        False
        """
        pid = os.getpid()
        return cls(_host(), _boot(), _namespace(), pid, _stat(pid)[1])

    @classmethod
    def of(cls, said: object) -> Self:
        """Return the process that a list of its fields describes, as one reads it from JSON.

        Raises ValueError if it describes none.

        >>> Process.of(list(Process.here())) == Process.here()
        True
        """
        match said:
            case [str(host), str(boot), str(namespace), int(pid), str(started)]:
                return cls(host, boot, namespace, pid, started)
        raise ValueError(f"{said!r} describes no process")

    @staticmethod
    def start_of(pid: int) -> str:
        """Return when a process of this host started, as `started` has it."""
        return _stat(pid)[1]

    def is_gone(self) -> bool | None:
        """Return whether the process has certainly ended, None if it can't be told."""
        if not self.is_local():
            return None
        state, started = _stat(self.pid)
        if not state:
            return _is_free(self.pid) or None
        return state in ("Z", "X") or started != self.started

    def is_local(self) -> bool:
        """Return whether the process runs where this one could see it."""
        known = self.boot and self.namespace and self.started
        return bool(known) and (self.boot, self.namespace) == (_boot(), _namespace())

    def is_stopped(self) -> bool:
        """Return whether the process exists but does not run (stopped or traced)."""
        return bool(self.is_local()) and _stat(self.pid)[0] in ("T", "t")


def _host() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "")


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


if hasattr(os, "register_at_fork"):  # a process keeps its own; what it forks may be in another
    os.register_at_fork(after_in_child=_namespace.cache_clear)


def _is_free(pid: int) -> bool:
    """Return whether no process has this pid: one that can't be read may be another user's."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def _stat(pid: int) -> tuple[str, str]:
    """Return the process's state and start time, empty where they can't be read."""
    if sys.platform != "linux":
        return "", ""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except (OSError, IndexError):
        return "", ""
    return fields[0].decode(), fields[19].decode()
