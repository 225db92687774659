"""What can be said for certain about whether arguments were changed.

An object of a library may keep what it has computed, and then have another hash though
nobody changed it (`caches`).  So where a hash is another than before, those objects of
libraries that are only taken apart are told, and everything else is compared.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any, Final

from jug.hash.containers import Encoder
from jug.hash.findable import is_library
from jug.hash.framing import digest
from jug.hash.objects import taken_apart
from jug.hash.walk import Walk

_STEADY: Final = sys.stdlib_module_names | {"numpy"}
"""Libraries whose objects change only when they are changed."""


def steady_digest(value: Any) -> tuple[bytes, set[str]]:
    """Return a digest of a value without objects that may change by use, and their classes."""
    walk = _SteadyWalk()
    return digest(walk.encoding_of(value)), walk.left_out


class _SteadyWalk(Walk):
    """A walk past the objects of libraries that jug knows nothing more about."""

    def __init__(self) -> None:
        super().__init__()
        self.left_out: set[str] = set()

    def _encoder(self, cls: type) -> Encoder | None:
        encoder = super()._encoder(cls)
        if encoder is not taken_apart or not _may_keep_caches(cls.__module__):
            return encoder
        self.left_out.add(f"{cls.__module__}.{cls.__qualname__}")
        return _by_class


def _may_keep_caches(module: str) -> bool:
    return module.partition(".")[0] not in _STEADY and is_library(module)


def _by_class(value: Any) -> Generator[Any, bytes, bytes]:
    return (yield type(value))
