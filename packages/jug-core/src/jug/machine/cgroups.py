"""What the cgroups of Linux allow this process."""

from __future__ import annotations

import os
from collections.abc import Iterator


def limits(root: str, *files: str, controller: str = "") -> Iterator[list[str]]:
    """Yield the words in these files of each cgroup in which this process is, and around it.

    That is in the second version of cgroups, or for a controller in the first.
    """
    for line in read(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            mount = f"sys/fs/cgroup/{controllers}" if controller else "sys/fs/cgroup"
            for folder in _folders(mount, path):
                yield " ".join(read(root, f"{folder}/{file}") for file in files).split()


def _folders(mount: str, path: str) -> Iterator[str]:
    parts = [part for part in path.split("/") if part]
    for depth in range(len(parts), -1, -1):
        yield "/".join([mount, *parts[:depth]])


def read(root: str, path: str) -> str:
    """Return what a file of the system says, empty if there is none."""
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
