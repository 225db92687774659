"""The graph of a jugfile folded by task name: which names need which, and in which order.

A picture of a hundred thousand tasks shows nothing; that of their names shows how the
program is built.  Names may need each other in a circle, or themselves, which tasks never
do.  So a name stands one layer after the deepest that it needs among those that come
before it in the jugfile, and what it needs of later ones leads back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, repeat
from operator import add, mul
from typing import NamedTuple

from jug.task.graph import Graph

__all__ = ["FoldedGraph", "Link", "folded"]


class Link(NamedTuple):
    """That tasks of one name need tasks of another, or of the same."""

    needed: int
    dependant: int
    times: int
    """How many times one needs another."""

    @property
    def leads_back(self) -> bool:
        """Whether it leads to a name that stands before, or to the same."""
        return self.needed >= self.dependant


class FoldedGraph(NamedTuple):
    """The names of a graph."""

    names: list[str]
    """Each name once, in the order in which tasks are made after what they need."""
    links: list[Link]
    """Which name needs which, by their places in that list."""

    def layers(self) -> list[list[int]]:
        """Return the names by layers, each after all that it needs but for what leads back.

        >>> FoldedGraph(["a", "b", "c"], [Link(0, 1, 1), Link(1, 2, 1), Link(2, 1, 1)]).layers()
        [[0], [1], [2]]
        """
        depth = [0] * len(self.names)
        for link in sorted(self.links, key=lambda link: link.dependant):
            if not link.leads_back:
                depth[link.dependant] = max(depth[link.dependant], depth[link.needed] + 1)
        layers: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
        for name, layer in enumerate(depth):
            layers[layer].append(name)
        return layers


def folded(graph: Graph, of_task: Sequence[str]) -> FoldedGraph:
    """Return a graph folded by the names of its tasks.

    >>> from jug import Task
    >>> graph = Graph([Task(sum, [Task(abs, -1), Task(abs, -2)])])
    >>> one = folded(graph, [*graph.names()])
    >>> one.names, one.links
    (['builtins.abs', 'builtins.sum'], [Link(needed=0, dependant=1, times=2)])
    """
    names = list(dict.fromkeys(of_task))
    count = len(names)
    place_of = {name: place for place, name in enumerate(names)}
    places = [*map(place_of.__getitem__, of_task)]
    # A pair of places is one number, as there may be millions of pairs.
    needed = map(mul, map(places.__getitem__, graph.needed), repeat(count))
    dependants = chain.from_iterable(map(repeat, places, graph.counts_of_needed()))
    pairs = Counter(map(add, needed, dependants))
    links = [Link(pair // count, pair % count, times) for pair, times in pairs.items()]
    return FoldedGraph(names, sorted(links))
