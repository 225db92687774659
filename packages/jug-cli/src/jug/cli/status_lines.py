"""What other distributions add to `jug status`, by entry points in the group ``jug.status_lines``.

Each is a function of the options and the store that returns a line, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jug.installed import entry_points
from jug.options import Options
from jug.tracebacks import describe_exception

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = ["lines_of_others"]


def lines_of_others(options: Options, store: BaseStore) -> Iterator[str]:
    """Yield what others have to say; what goes wrong there is a line, too."""
    for entry in entry_points("jug.status_lines").values():
        try:
            line = entry.load()(options, store)
        except (Exception, SystemExit) as error:
            line = f"jug: {entry.name!r} can't be told: {describe_exception(error)}"
        if line:
            yield line
