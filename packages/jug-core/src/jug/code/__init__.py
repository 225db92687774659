"""Which code made a result, and whether it is the code of now.

A task keeps its result when its function is edited.  So the record of each run says what code it
was, and here it is compared with the code of now: to be shown, and for a person to decide.

- `dump`, `source_file`, `sources`: the text of a syntax tree, the files, and which code is whose;
- `modules`, `asking`, `things`, `reach`: the project, objects that are not to notice it, what is
  behind them, what the names lead to;
- `fingerprint`, `codes`: what comes of that for a function and for a task;
- `kept`: the sources that a store keeps;
- `changes`, `comparison`, `freshness`: what differs, and at a glance that nothing does.

Never more is claimed than is seen.  "Fresh" means that the code which jug can see is the same,
not that a result is right: data, packages, C and what is called by a computed name are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jug.code.codes import all_codes_of, code_of, codes_of
from jug.code.fingerprint import SCHEME, Code, Part
from jug.code.kept import Accepted, keep
from jug.code.sources import begin, notice_growth, notice_reloads, remember

if TYPE_CHECKING:
    from jug.code.changes import PartChange
    from jug.code.comparison import (
        Answer,
        Change,
        Comparison,
        NameCode,
        accept,
        accepted,
        compare,
        compare_record,
        find_stale,
        find_unseen,
    )

__all__ = [
    "SCHEME",
    "Accepted",
    "Answer",
    "Change",
    "Code",
    "Comparison",
    "NameCode",
    "Part",
    "PartChange",
    "accept",
    "accepted",
    "all_codes_of",
    "begin",
    "code_of",
    "codes_of",
    "compare",
    "compare_record",
    "find_stale",
    "find_unseen",
    "keep",
    "notice_growth",
    "notice_reloads",
    "remember",
]


def __getattr__(name: str) -> Any:
    """Return what workers have no use for, which is imported when it is first asked for."""
    if name in __all__:
        from jug.code import comparison

        return getattr(comparison, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
