"""Which GPUs this process may use, by the names that ``CUDA_VISIBLE_DEVICES`` has for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

__all__ = ["VARIABLE", "usable_gpus"]

VARIABLE = "CUDA_VISIBLE_DEVICES"


def usable_gpus(environ: Mapping[str, str] = os.environ, root: str = "/") -> tuple[str, ...]:
    """Return the GPUs that the environment gives this process, else all that the driver shows.

    >>> usable_gpus({"CUDA_VISIBLE_DEVICES": "2,3"})
    ('2', '3')

    As CUDA does, it looks no further than to a device that can't be meant, such as ``-1``.
    """
    if VARIABLE not in environ:
        return tuple(map(str, range(_shown_by_driver(root))))
    found: list[str] = []
    for name in map(str.strip, environ[VARIABLE].split(",")):
        if not name or name.startswith("-") or name == "NoDevFiles" or name in found:
            break
        found.append(name)
    return tuple(found)


def _shown_by_driver(root: str) -> int:
    with suppress(OSError):
        return len(os.listdir(os.path.join(root, "proc/driver/nvidia/gpus")))
    return 0
