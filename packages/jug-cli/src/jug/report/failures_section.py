"""What failed, grouped as `jug failures` groups it, with tracebacks and output to be opened."""

from __future__ import annotations

from itertools import islice
from typing import Final
from zlib import crc32

from jug.report.figures import date, number
from jug.report.findings import Findings
from jug.report.markup import Markup, joined, shown, tag
from jug.report.parts import folding, long_text, rows_left_out, section
from jug.views.failures import FailureGroup
from jug.wording import counted

__all__ = ["failures_section"]

_GROUPS: Final = 40
_CALLS: Final = 10
_HOSTS: Final = 8
_TEXT: Final = 300
_ALL: Final = 120_000
"""Characters that all tracebacks and outputs have together."""
_LONGEST: Final = 8000


def failures_section(found: Findings) -> Markup | None:
    """Return the failures that count now, None if there are none."""
    if not found.failures:
        return None
    chosen = found.failures[:_GROUPS]
    room = min(_LONGEST, _ALL // (2 * len(chosen)))
    groups = [_group(group, room) for group in chosen]
    left_out = rows_left_out(len(found.failures) - len(groups), "ways to fail")
    return section("failures", "Failures", groups, left_out)


def _group(group: FailureGroup, room: int) -> Markup:
    first = group.failures[0]
    what = group.exception or "a record that can't be read"
    where = f" at {group.line}" if group.line else f" in {first.task.name}"
    summary = joined(
        tag("b", counted(len(group.failures), "task"), class_="bad-text"),
        ": ", tag("code", shown(what, _TEXT)), shown(where, _TEXT),
    )  # fmt: skip
    key = f"failure-{crc32(f'{what} {where}'.encode('utf-8', 'replace')):08x}"
    texts = filter(None, [
        _text(f"{key}-traceback", "Traceback", group.traceback, room, is_open=True),
        _text(f"{key}-output", "Output", first.record.output, room, is_open=False),
    ])  # fmt: skip
    return folding(
        key,
        summary,
        _calls(group),
        tag("p", _where(group), class_="note"),
        *texts,
        class_="item failure",
        data_states="failed",
    )


def _calls(group: FailureGroup) -> Markup:
    calls = (
        tag(
            "li",
            tag("code", shown(failure.call, _TEXT)),
            " ",
            tag("span", _told(failure.record.exception), class_="note"),
        )
        for failure in islice(group.failures, _CALLS)
    )
    more = len(group.failures) - _CALLS
    return tag("ul", calls, tag("li", f"and {number(more)} more") if more > 0 else None)


def _told(exception: str) -> str:
    """Return what an exception says, without its type."""
    return shown(exception.partition(": ")[2], _TEXT)


def _where(group: FailureGroup) -> str:
    hosts = group.hosts().most_common(_HOSTS)
    names = ", ".join(f"{host or 'an unknown host'} ({number(count)})" for host, count in hosts)
    kept = sum(failure.kept for failure in group.failures)
    last = max(failure.record.end for failure in group.failures)
    again = "" if not kept else f"; {number(kept)} not tried again before jug cleanup --failed-only"
    return f"On {names}; last at {date(last)}{again}."


def _text(key: str, name: str, text: str, room: int, is_open: bool) -> Markup | None:
    if not text.strip():
        return None
    return folding(key, name, long_text(name, text.rstrip(), room), is_open=is_open)
