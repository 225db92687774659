"""What notebooks show of jug's objects: tables and facts as HTML, with all in them escaped.

All colours are made from that of the page's text, so that they show on light and on dark
pages.  They stand at the elements, since notebooks leave out the style sheets of what
they do not trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

__all__ = ["facts", "table"]

_FAINT: Final = "opacity: 0.7"
_RULE: Final = "border-top: 1px solid currentColor"
_NUMBER: Final = "text-align: right"
_TEXT: Final = "text-align: left"


def table(titles: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
    """Return a table of numbers by task name, sorted by name, with their total.

    >>> shown = table(["Done"], {"m.<lambda>": [2]})
    >>> shown.count("<tr>"), "m.&lt;lambda&gt;" in shown
    (3, True)
    """
    totals = [sum(column) for column in zip(*rows.values(), strict=True)] or [0] * len(titles)
    head = "".join([*(_cell("th", title, _NUMBER) for title in titles), _cell("th", "Task name")])
    body = "".join(_row(name, rows[name]) for name in sorted(rows))
    total = _row("Total", totals, _RULE)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{total}</tbody></table>"


def _row(name: str, numbers: Iterable[int], style: str = "") -> str:
    cells = [_cell("td", str(number), f"{_NUMBER}; {style}".strip("; ")) for number in numbers]
    return f"<tr>{''.join(cells)}{_cell('th', name, f'{_TEXT}; {style}'.strip('; '))}</tr>"


def _cell(kind: str, text: str, style: str = _TEXT) -> str:
    return f'<{kind} style="{style}">{escape(text)}</{kind}>'


def facts(title: str, known: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """Return what is known of a thing, and longer texts that can be opened.

    What is empty is left out.

    >>> facts("m.f()", {"state": "done", "size": ""}, {"traceback": ""}).count("state")
    1
    """
    rows = "".join(
        f"<tr>{_cell('th', name, f'{_TEXT}; {_FAINT}')}{_cell('td', text)}</tr>"
        for name, text in known.items()
        if text
    )
    opened = "".join(
        f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"
        for name, text in texts.items()
        if text
    )
    return f"<div><code>{escape(title)}</code><table><tbody>{rows}</tbody></table>{opened}</div>"
