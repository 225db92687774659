"""What the sections of the page are made of: headings, tables, pictures with a table beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from jug.report.markup import Content, Markup, joined, shown, tag

__all__ = [
    "Cell", "figure", "folding", "legend", "long_text", "num", "row", "rows_left_out", "scrolled",
    "section", "swatch", "table",
]  # fmt: skip

_LONGEST: Final = 8000  # characters of a traceback or of an output


class Cell(NamedTuple):
    """A cell of a table, with what its column is sorted by if that is not its text."""

    content: Content
    order: float | None = None
    is_faint: bool = False


def num(text: str, order: float | None) -> Cell:
    """Return a cell with a number, which is faint where it is none."""
    return Cell(text, None if text == str(order) else order, is_faint=text in ("0", "–"))


def section(key: str, title: str, *contents: Content, note: Content = None) -> Markup:
    """Return a section of the page."""
    head = tag("h2", title, id=f"{key}-title")
    about = tag("p", note, class_="note") if note else None
    return tag("section", head, about, *contents, id=key, aria_labelledby=f"{key}-title")


def table(
    name: str,
    titles: Sequence[str],
    rows: Iterable[Markup],
    right: Sequence[str] = (),
    is_sorted: bool = False,
) -> Markup:
    """Return a table of rows that `row` has made; the columns in `right` are numbers."""
    head = (
        tag(
            "th",
            tag("button", title, type="button") if is_sorted else title,
            scope="col",
            class_="n" if title in right else None,
        )
        for title in titles
    )
    caption = tag("caption", name, class_="unseen")
    body = tag("tbody", rows)
    made = tag("table", caption, tag("thead", tag("tr", head)), body)
    return scrolled(name, made)


def row(titles: Sequence[str], cells: Sequence[Cell], right: Sequence[str], **about: str) -> Markup:
    """Return a row of a table, the first of whose cells names it."""
    (_, first), *rest = zip(titles, cells, strict=True)
    named = tag("th", first.content, scope="row", data_order=_order(first))
    others = (
        tag("td", cell.content, class_=_class(cell, title in right), data_order=_order(cell))
        for title, cell in rest
    )
    return tag("tr", named, others, **about)


def _class(cell: Cell, is_number: bool) -> str | None:
    kinds = ["n"] * is_number + ["faint"] * cell.is_faint
    return " ".join(kinds) or None


def _order(cell: Cell) -> str | None:
    return None if cell.order is None else f"{cell.order:.6g}"


def scrolled(name: str, content: Markup) -> Markup:
    """Return what is wider than a small screen in a part that scrolls by itself."""
    return tag("div", content, class_="wide", role="group", tabindex="0", aria_label=name)


def folding(
    key: str, summary: Content, *contents: Content, is_open: bool = False, **about: str
) -> Markup:
    """Return what is seen once it is opened."""
    head = tag("summary", summary)
    return tag("details", head, *contents, data_key=key, open=is_open, **about)


def figure(key: str, caption: str, picture: Markup, as_table: Markup) -> Markup:
    """Return a picture, and the same as a table for those who do not see it."""
    text = tag("figcaption", caption)
    return tag("figure", text, picture, folding(f"{key}-table", "As a table", as_table), id=key)


def long_text(name: str, text: str, room: int = _LONGEST) -> Markup:
    """Return a text of many lines; of one that is very long the end, which says most."""
    kept = text[-room:]
    while len(joined(kept)) > room:  # a character may take five, such as &amp;
        kept = kept[len(kept) // 8 + 1 :]
    cut = "" if len(kept) == len(text) else "…"
    return tag("pre", f"{cut}{kept}", tabindex="0", role="group", aria_label=name)


def rows_left_out(count: int, things: str) -> Markup | None:
    """Return that there are more than are shown, None if there are not."""
    return tag("p", f"{count:,} more {things} are not shown.", class_="note") if count > 0 else None


def legend(labels: Iterable[tuple[str, str]]) -> Markup:
    """Return which colour stands for what, each as its class and its name."""
    items = (tag("li", joined(swatch(kind), shown(label, 60))) for kind, label in labels)
    return tag("ul", items, class_="legend")


def swatch(kind: str) -> Markup:
    """Return a spot of a colour."""
    dot = tag("rect", width=10, height=10, rx=2)
    return tag("svg", dot, class_=f"swatch {kind}", width=10, height=10, aria_hidden="true")
