"""Which results came from older code, and what has changed since.

The page claims no more than jug can see: that the code is the same which it sees, or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final
from zlib import crc32

from jug.code import Answer, Change, Comparison, NameCode
from jug.code.wording import CHOICE, told_of_stale, what_changed
from jug.report.figures import date, number
from jug.report.findings import Findings
from jug.report.markup import Markup, joined, shown, tag
from jug.report.parts import Cell, folding, num, row, rows_left_out, section, table
from jug.wording import counted

__all__ = ["code_section", "stale_results"]

_CHANGES: Final = 30
_PARTS: Final = 20
_NAMES: Final = 100
_UNSEEN: Final = 8
_NAME: Final = 120
_TEXT: Final = 400
_DIFF: Final = 8000
_ALL: Final = 60_000
"""Characters that all differences have together."""

_TITLES: Final = ["Task name", *(answer.capitalize() for answer in Answer), "What can't be seen"]
_RIGHT: Final = _TITLES[1:-1]
_UNSEEN_TITLES: Final = [_TITLES[0], _TITLES[-1]]


def stale_results(found: Findings) -> str:
    """Return how many results came from older code, and of which names; empty if none did."""
    return shown(told_of_stale(found.code), _TEXT)


def code_section(found: Findings) -> Markup | None:
    """Return what is known of the code of results, None where there are none."""
    code = found.code
    if found.subject.trouble or not found.snapshot.done:
        return None
    if not code.has_stale:
        note = "No result came from older code, as far as jug can see."
        return section("code", "Code", _unseen(found.unseen), note=note)
    changes = [change for of_name in code.stale for change in of_name.changes]
    room = min(_DIFF, _ALL // max(1, min(len(changes), _CHANGES)))
    shown_changes = [_change(change, room) for change in changes[:_CHANGES]]
    left_out = rows_left_out(len(changes) - len(shown_changes), "changes")
    return section("code", "Code", shown_changes, left_out, _table(code), note=_note(found))


def _unseen(unseen: dict[str, tuple[str, ...]]) -> Markup | None:
    if not unseen:
        return None
    rows = [
        row(_UNSEEN_TITLES, [_name_cell(name), _unseen_cell(what)], [], class_="item")
        for name, what in islice(unseen.items(), _NAMES)
    ]
    left_out = rows_left_out(len(unseen) - len(rows), "names")
    return joined(
        table("Code that jug can't see", _UNSEEN_TITLES, rows, [], is_sorted=True), left_out
    )


def _name_cell(name: str) -> Cell:
    return Cell(tag("code", shown(name, _NAME)))


def _unseen_cell(unseen: tuple[str, ...]) -> Cell:
    return Cell([tag("div", shown(what, _NAME)) for what in unseen[:_UNSEEN]])


def _note(found: Findings) -> Markup | None:
    told = stale_results(found)
    if not told:
        return None
    return joined(f"{told}. Nothing is computed again by itself: ", _with_commands(CHOICE), ".")


def _with_commands(text: str) -> Markup:
    """Return a text with what stands between backticks as commands."""
    parts = text.split("`")
    return joined(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


def _change(change: Change, room: int) -> Markup:
    what = shown(what_changed(change), _TEXT)
    summary = joined(
        tag("b", counted(len(change.digests), "stale result"), class_="stale-text"), " of ",
        tag("code", shown(change.name, _NAME)), f": {what}",
    )  # fmt: skip
    made = f"Made from {date(change.first)} to {date(change.last)}."
    key = crc32(f"{change.name} {change.old} {change.new}".encode("utf-8", "replace"))
    return folding(
        f"change-{key:08x}", summary, tag("p", made, class_="note"), *_parts(change, room),
        class_="item stale", data_states="stale",
    )  # fmt: skip


def _parts(change: Change, room: int) -> Iterator[Markup | None]:
    for part in islice(change.parts, _PARTS):
        text = part.diff()
        share = max(400, room // min(len(change.parts), _PARTS))
        cut = text if len(text) <= share else f"{text[:share]}…"
        lines = (_line(line) for line in cut.splitlines(keepends=True))
        name = f"What changed in {shown(part.name, _NAME)}"
        yield tag("pre", lines, class_="diff", tabindex="0", role="group", aria_label=name)
    yield rows_left_out(len(change.parts) - _PARTS, "parts")


def _line(line: str) -> Markup:
    if line.startswith(("+", "-")) and not line.startswith(("+++", "---")):
        return tag("ins" if line[0] == "+" else "del", line)
    return joined(line)


def _table(code: Comparison) -> Markup:
    rows = [_row(of_name) for of_name in islice(code.names.values(), _NAMES)]
    left_out = rows_left_out(len(code.names) - len(rows), "names")
    made = table("Results by what is known of their code", _TITLES, rows, _RIGHT, is_sorted=True)
    return joined(made, left_out)


def _row(of_name: NameCode) -> Markup:
    counts = of_name.counts
    cells = [
        _name_cell(of_name.name),
        *(num(number(counts[answer]), counts[answer]) for answer in Answer),
        _unseen_cell(of_name.unseen),
    ]
    states = "stale" if counts[Answer.STALE] else ""
    return row(_TITLES, cells, _RIGHT, class_="item", data_states=states,
               data_key=f"code-{crc32(of_name.name.encode('utf-8', 'replace')):08x}")  # fmt: skip
