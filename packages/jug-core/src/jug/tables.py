"""Tables as all commands print them: numbers first, the task's name last and never broken.

Lines that only separate are no longer than a terminal is wide.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from math import log10
from shutil import get_terminal_size
from typing import Final

_GAP: Final = "  "
_UNITS: Final = ("KB", "MB", "GB", "TB")


def _plain(title: str, cell: str) -> str:
    return cell


def table(
    titles: Sequence[str],
    rows: Mapping[str, Sequence[int]],
    paint: Callable[[str, str], str] = _plain,
) -> str:
    """Return a table of numbers by task name, sorted by name, with their total.

    `paint` gets the title of each number and the number as it will stand there, and
    returns it, in colour perhaps.

    >>> print(table(["Executed", "Loaded"], {"primes.is_prime": [2, 1]}))
    Executed  Loaded  Task name
    ---------------------------------
           2       1  primes.is_prime
    .................................
           2       1  Total
    """
    totals = [sum(column) for column in zip(*rows.values(), strict=True)] or [0] * len(titles)
    columns = list(zip(titles, *rows.values(), totals, strict=True))
    widths = [max(len(str(cell)) for cell in column) for column in columns]

    def line(numbers: Sequence[int], name: str) -> str:
        cells = map(_padded, numbers, widths)
        return _GAP.join([*map(paint, titles, cells), name])

    head = _GAP.join([*map(_padded, titles, widths), "Task name"])
    length = sum(widths) + len(_GAP) * len(titles) + max(map(len, ("Task name", *rows)))
    length = min(length, _terminal_width() or length)
    body = [line(rows[name], name) for name in sorted(rows)]
    return "\n".join([head, "-" * length, *body, "." * length, line(totals, "Total")])


def _terminal_width() -> int:
    """Return how many columns the terminal has that is written to, 0 if it is none."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return get_terminal_size().columns if is_terminal else 0


def _padded(cell: object, width: int) -> str:
    return f"{cell!s:>{width}}"


def size(count: int) -> str:
    """Return a number of bytes as people read it.

    >>> size(900), size(12_300_000)
    ('900 bytes', '12.3 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    thousands = min(int(log10(count)) // 3, len(_UNITS))
    return f"{count / 1000**thousands:.1f} {_UNITS[thousands - 1]}"
