"""What machine the numbers are from, and what day."""

from __future__ import annotations

import os
import platform
from datetime import date
from pathlib import Path

from jug.machine.cores import usable_cores


def describe(folder: Path) -> dict[str, str]:
    """Return what may matter of this machine, for work in a folder."""
    return {
        "day": date.today().isoformat(),
        "processor": _processor(),
        "cores": f"{usable_cores()} of {os.cpu_count()} usable",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """Return the kind of the file system that a folder is on, by the longest mount point."""
    mounts = [line.split() for line in _lines("/proc/self/mounts")]
    path = str(folder.resolve())
    above = [m for m in mounts if os.path.commonpath([m[1], path]) == m[1]]
    return max(above, key=lambda mount: len(mount[1]))[2] if above else "unknown"


def _lines(file: str) -> list[str]:
    """Return the lines of a file of Linux, none elsewhere."""
    return Path(file).read_text().splitlines() if os.path.exists(file) else []
