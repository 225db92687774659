"""Objects of some types, of all that there are in this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any


def objects_of(*types: type) -> Iterator[Any]:
    """Yield the objects of these types that the garbage collector looks at.

    Neither an object nor its class is asked for anything, which may be code of the user's.

    >>> class Rare: pass
    >>> rare = Rare()
    >>> list(objects_of(Rare)) == [rare]
    True
    """
    wanted: dict[int, bool] = {}  # by the id of a class, which may have a hash of its own
    for thing in gc.get_objects():
        kind = type(thing)
        is_wanted = wanted.get(id(kind))
        if is_wanted is None:
            is_wanted = wanted[id(kind)] = issubclass(kind, types)
        if is_wanted:
            yield thing
