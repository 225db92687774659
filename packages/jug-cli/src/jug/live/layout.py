"""What stands in the block, in as many lines and columns as there is room for.

First a bar with what is done of all, then how fast it goes and how long it will take.
What is left of the room is shared by the names of tasks and the workers: names with work
come first, and of the workers those that have run their task for longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from jug.progress import Activity, NameProgress, Snapshot
from jug.progress.wording import done_of_all, pace
from jug.wording import counted, duration

__all__ = ["MOST_COLUMNS", "block", "head"]

MOST_COLUMNS: Final = 100
_SHORTEST_BAR: Final = 4
_GAP: Final = "  "


def block(snapshot: Snapshot, columns: int, rows: int, *, is_ascii: bool = False) -> list[Text]:
    """Return the lines, fewer than the terminal has rows."""
    columns, room = min(columns, MOST_COLUMNS), rows - 1
    lines = head(snapshot, columns, is_ascii=is_ascii)
    names = sorted(filter(_has_work, snapshot.names), key=_is_over)
    activities = sorted(snapshot.activities, key=_age, reverse=True)
    for_names, for_workers = _shares(len(names), len(activities), room - len(lines))
    shown = sorted(activities[: _fitting(activities, for_workers)], key=snapshot.activities.index)
    rest = len(activities) - len(shown)
    lines += _name_lines(names, for_names, columns)
    lines += _worker_lines(shown, columns)
    if rest and len(shown) < for_workers:
        lines.append(Text(f"… and {counted(rest, 'more worker')}", "dim"))
    return [_cut(line, columns) for line in lines[:room]]


def head(snapshot: Snapshot, columns: int, *, is_ascii: bool = False) -> list[Text]:
    """Return the bar, and below it how fast it goes."""
    columns = min(columns, MOST_COLUMNS)
    label = done_of_all(snapshot)
    if snapshot.failed:
        label += f", {snapshot.failed} failed"
    length = columns - len(label) - len(_GAP)
    first = Text()
    if length >= _SHORTEST_BAR:
        first = _bar(snapshot, length, is_ascii).append(_GAP)
    first.append(label, "red" if snapshot.failed else "")
    return [_cut(first, columns), *_wrapped(pace(snapshot).split(", "), columns)]


def _bar(snapshot: Snapshot, length: int, is_ascii: bool) -> Text:
    full, half, rest = ("=", ">", " ") if is_ascii else ("━", "╸", "─")
    halves = int(2 * length * snapshot.done / snapshot.total) if snapshot.total else 0
    is_done = snapshot.total > 0 and snapshot.done == snapshot.total
    done = full * (halves // 2) + half * (halves % 2)
    bar = Text(done, "green" if is_done else "cyan")
    return bar.append(rest * (length - len(done)), "bright_black")


def _wrapped(parts: Sequence[str], columns: int) -> list[Text]:
    lines = [parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]}, {part}"
        if len(longer) <= columns:
            lines[-1] = longer
        else:
            lines.append(part)
    return [Text(line) for line in lines]


def _shares(names: int, workers: int, room: int) -> tuple[int, int]:
    """Return how many lines names and workers get; who needs less leaves it to the other."""
    room = max(0, room)
    for_workers = min(workers, max(room // 2, room - names))
    return min(names, room - for_workers), for_workers


def _fitting(items: Sequence[object], lines: int) -> int:
    """Return how many are shown; of too many one line less, to say that there are more."""
    return len(items) if len(items) <= lines else max(min(lines, 1), lines - 1)


# Names


def _has_work(one: NameProgress) -> bool:
    return bool(one.name and (one.done < one.total or one.running or one.failed))


def _is_over(one: NameProgress) -> bool:
    """Return whether nothing of a name is left, so that it is shown after the others."""
    return not one.left


def _name_lines(names: Sequence[NameProgress], room: int, width: int) -> list[Text]:
    shown = names[: _fitting(names, room)]
    columns = [
        _right([f"{one.done}/{one.total}" for one in shown]),
        _right([_number(one.running, "running") for one in shown]),
        _right([_number(one.failed, "failed") for one in shown]),
    ]
    lines = [
        _joined(cells, one.name, ("", "green", "red"), width)
        for one, *cells in zip(shown, *columns, strict=True)
    ]
    if len(shown) < min(len(names), room):
        lines.append(Text(f"… and {counted(len(names) - len(shown), 'more name')}", "dim"))
    return lines


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count else ""


# Workers


def _age(activity: Activity) -> float:
    return -1.0 if activity.seconds is None or not activity.name else activity.seconds


def _worker_lines(shown: Sequence[Activity], width: int) -> list[Text]:
    workers = _left([one.worker for one in shown])
    ages = _right([_since(one) for one in shown])
    return [
        _joined([worker, age], one.name or "waits", ("dim", ""), width, one.arguments)
        for one, worker, age in zip(shown, workers, ages, strict=True)
    ]


def _since(activity: Activity) -> str:
    """Return for how long a task runs, if that is known: not of one that was just seen."""
    return duration(activity.seconds) if activity.name and activity.seconds else ""


# Columns


def _right(cells: Sequence[str]) -> list[str]:
    width = max(map(cell_len, cells), default=0)
    return [cell.rjust(width) for cell in cells]


def _left(cells: Sequence[str]) -> list[str]:
    width = max(map(cell_len, cells), default=0)
    return [cell.ljust(width) for cell in cells]


def _joined(
    cells: Sequence[str],
    name: str,
    styles: Sequence[str],
    width: int,
    arguments: str | None = None,
) -> Text:
    """Return a line of cells and a name, or the call of that with its arguments."""
    line = Text()
    for cell, style in zip(cells, styles, strict=True):
        if cell:
            line.append(_GAP).append(cell, style)
    line.append(_GAP)
    room = max(2, width - line.cell_len)
    return line.append(_fitted(_printable(name), arguments and _printable(arguments), room))


def _printable(text: str) -> str:
    return "".join([char if char.isprintable() else "?" for char in text])


def _fitted(name: str, arguments: str | None, room: int) -> str:
    """Return the end of a name that is too long, and the beginning of the arguments.

    >>> [_fitted("a_package.measure", "3, key='abc'", room) for room in (32, 22, 10)]
    ["a_package.measure(3, key='abc')", "…measure(3, key='abc')", '…e.measure']
    >>> _fitted("a_package.measure", "3, key='abc'", 16)
    "…measure(3, key='abc')"
    """
    if arguments is None:
        return name if cell_len(name) <= room else f"…{name[1 - room :]}"
    call = f"{name}({arguments})"
    if cell_len(call) <= room or "." not in name:
        return call
    short = f"…{name.rpartition('.')[2]}"
    return f"{short}({arguments})" if cell_len(short) + 4 <= room else _fitted(name, None, room)


def _cut(line: Text, columns: int) -> Text:
    line.truncate(columns, overflow="ellipsis")
    return line
