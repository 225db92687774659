"""The graph of names as a picture: what needs something stands to the right of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Final

from jug.report.charts import bar
from jug.report.figures import number
from jug.report.markup import Markup, shown, tag
from jug.views.folded import FoldedGraph, Link

__all__ = ["MOST_NAMES", "StateCounts", "graph_picture"]

MOST_NAMES: Final = 80
"""A picture of more names than this shows nothing."""

StateCounts = Sequence[tuple[str, int]]
"""How many tasks of a name are in which state."""

_WIDE: Final = 184
_HIGH: Final = 48
_BESIDE: Final = 56
_STEP: Final = _HIGH + 14
_TITLE: Final = 120
_DIP: Final = 56
_ROOM: Final = 12  # for lines below the boxes
_LETTERS: Final = 24
_SWEEPS: Final = 4


def graph_picture(
    graph: FoldedGraph, counts: Mapping[str, StateCounts], kinds: Mapping[str, int]
) -> Markup:
    """Return the picture; `kinds` are the colours of the names that have one."""
    layers = _without_crossings(graph)
    high = max(map(_height, layers)) + _ROOM
    places = {
        name: (
            1 + across * (_WIDE + _BESIDE),
            1 + (high - _ROOM - _height(layer)) / 2 + down * _STEP,
        )
        for across, layer in enumerate(layers)
        for down, name in enumerate(layer)
    }
    wide = len(layers) * (_WIDE + _BESIDE) - _BESIDE + 26
    lines = (_line(link, places, graph.names) for link in graph.links)
    boxes = (
        _box(graph.names[name], place, counts.get(graph.names[name], ()), kinds)
        for name, place in places.items()
    )
    return tag(
        "svg", lines, boxes, class_="graph", width=wide, height=high, viewBox=f"0 0 {wide} {high}",
        role="img", aria_label="Which tasks need which, by name: the table below says the same.",
    )  # fmt: skip


def _height(layer: Sequence[int]) -> int:
    return len(layer) * _STEP


def _without_crossings(graph: FoldedGraph) -> list[list[int]]:
    """Return the layers, each in an order in which few lines cross."""
    layers = graph.layers()
    beside: dict[int, list[int]] = {}
    for link in graph.links:
        beside.setdefault(link.needed, []).append(link.dependant)
        beside.setdefault(link.dependant, []).append(link.needed)
    for _ in range(_SWEEPS):
        heights = {
            name: place - len(layer) / 2 for layer in layers for place, name in enumerate(layer)
        }
        for layer in layers:
            layer.sort(key=lambda name: mean([heights[one] for one in beside.get(name, [name])]))
            heights |= {name: place - len(layer) / 2 for place, name in enumerate(layer)}
    return layers


def _line(link: Link, places: Mapping[int, tuple[float, float]], names: Sequence[str]) -> Markup:
    (x, y), (to_x, to_y) = places[link.needed], places[link.dependant]
    out, wide, high = x + _WIDE, to_x - x - _WIDE, to_y - y
    begin = f"M{out:g} {y + _HIGH / 2:g}"
    needing, needed = (shown(names[one], _TITLE) for one in (link.dependant, link.needed))
    title = tag("title", f"{needing} needs {needed}")
    if link.needed == link.dependant:
        way = f"M{out:g} {y + 14:g}c24 -8 24 28 0 20"
    elif link.leads_back:
        way = f"{begin}c40 60 -40 60 {wide:g} {high:g}"
    elif wide > _BESIDE:  # it passes below what stands between
        way = f"{begin}c{_BESIDE:g} {_DIP:g} {wide - _BESIDE:g} {_DIP + high:g} {wide:g} {high:g}"
    else:
        way = f"{begin}c{wide / 2:g} 0 {wide / 2:g} {high:g} {wide:g} {high:g}"
    return tag("path", title, d=way, class_="link back" if link.leads_back else "link")


def _box(
    name: str, place: tuple[float, float], counts: StateCounts, kinds: Mapping[str, int]
) -> Markup:
    x, y = place
    states = dict(counts)
    total, done = sum(states.values()), states.get("finished", 0)
    failed = f", {number(states['failed'])} failed" if states.get("failed") else ""
    spot = f"spot k{kinds[name]}" if name in kinds else "spot"
    return tag(
        "svg",
        tag("title", shown(name, _TITLE)),
        tag("rect", class_="box", x="0.5", y="0.5", width=_WIDE - 1, height=_HIGH - 1, rx=6),
        tag("rect", class_=spot, x=10, y=11, width=8, height=8, rx=2),
        tag("text", short_name(name), x=24, y=19, class_="name"),
        tag("text", f"{number(done)} of {number(total)}{failed}", x=24, y=34, class_="about"),
        tag("svg", bar(counts, ""), x=10, y=40, width=_WIDE - 20, height=4),
        x=f"{x:g}", y=f"{y:g}", width=_WIDE, height=_HIGH,
    )  # fmt: skip


def short_name(name: str, letters: int = _LETTERS) -> str:
    """Return a name that fits: the function's own part of it, as far as there is room.

    >>> short_name("segmentation.method1", 40), short_name("segmentation.thresholds.otsu", 16)
    ('segmentation.method1', '…thresholds.otsu')
    """
    text = shown(name, None)
    return text if len(text) <= letters else f"…{text[1 - letters :]}"
