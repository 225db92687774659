"""Objects of some types, of all that there are in this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any


def objects_of(*types: type) -> Iterator[Any]:
    """Yield the objects of these types that the garbage collector looks at.

    An object's own word for its class is not asked for, which may be code of the user's.

    >>> class Rare: pass
    >>> rare = Rare()
    >>> list(objects_of(Rare)) == [rare]
    True
    """
    wanted: dict[type, bool] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        is_wanted = wanted.get(kind)
        if is_wanted is None:
            is_wanted = wanted[kind] = issubclass(kind, types)
        if is_wanted:
            yield thing
