"""Tables as all commands print them: numbers first, the task's name last and never broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Final

_WIDTH: Final = 12
_UNITS: Final = ("KB", "MB", "GB", "TB")


def table(titles: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
    """Return a table of numbers by task name, sorted by name, with their total.

    >>> print(table(["Executed", "Loaded"], {"primes.is_prime": [2, 1]}))
        Executed      Loaded  Task name
    -----------------------------------------
               2           1  primes.is_prime
    .........................................
               2           1  Total
    """
    totals = [sum(column) for column in zip(*rows.values(), strict=True)] or [0] * len(titles)
    body = [_line(rows[name], name) for name in sorted(rows)]
    head, foot = _line(titles, "Task name"), _line(totals, "Total")
    width = max(map(len, (head, foot, *body)))
    return "\n".join([head, "-" * width, *body, "." * width, foot])


def _line(cells: Sequence[object], name: str) -> str:
    return "".join(f"{cell:>{_WIDTH}}" for cell in map(str, cells)) + f"  {name}"


def size(count: int) -> str:
    """Return a number of bytes as people read it.

    >>> size(900), size(12_300_000)
    ('900 bytes', '12.3 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    thousands = min(int(log10(count)) // 3, len(_UNITS))
    return f"{count / 1000**thousands:.1f} {_UNITS[thousands - 1]}"
