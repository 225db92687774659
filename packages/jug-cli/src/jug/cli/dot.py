"""A graph of tasks as text for graphviz.

A picture with a box for each of a hundred thousand tasks shows nothing, and
graphviz would never finish it.  So the tasks of one name become one box, striped
by their states, when there are more than a few of them; and when there would be
too many boxes still, every name does.  Arrows between the same two boxes are
drawn once, so the text grows with the boxes and not with the tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

from jug.task import Task
from jug.task.arguments import ATOMS
from jug.task.graph import Graph
from jug.wording import counted

MANY: Final = 20
"""More tasks of one name than this become one box."""

LARGE: Final = 500
"""With more boxes than this every name becomes one."""

_COLOURS: Final = {
    "failed": "#f4a3a0",
    "waiting": "#e6e6e6",
    "ready": "#fbe3a1",
    "running": "#a9cdf2",
    "finished": "#b5dfb0",
}

_LONGEST_LABEL: Final = 60


def dot_text(graph: Graph, states: Sequence[str] | None = None) -> str:
    """Return the graph in graphviz's language, coloured if the state of each task is given.

    >>> from jug import Task
    >>> print(dot_text(Graph([Task(max, 2, 3)]), ["ready"]))
    digraph {
      rankdir=LR
      node [shape=box, fontname="Helvetica", fontsize=11]
      0 [label="builtins.max(2, 3)\\nready", style=filled, fillcolor="#fbe3a1"]
    }
    """
    boxes = _boxes(graph)
    lines = ["digraph {", "  rankdir=LR", '  node [shape=box, fontname="Helvetica", fontsize=11]']
    lines += [
        f"  {number} [{_attributes(graph, members, states)}]"
        for number, members in enumerate(boxes)
    ]
    lines += [f"  {needed} -> {dependant}" for needed, dependant in _arrows(graph, boxes)]
    return "\n".join([*lines, "}"])


def _boxes(graph: Graph) -> list[list[int]]:
    """Return the numbers of the tasks in each box."""
    names = list(graph.names())
    sizes = Counter(names)
    folded = {name for name, size in sizes.items() if size > MANY}
    if len(folded) + sum(sizes[name] for name in sizes.keys() - folded) > LARGE:
        folded = set(names)
    boxes: dict[Hashable, list[int]] = {}
    for number, name in enumerate(names):
        boxes.setdefault(name if name in folded else number, []).append(number)
    return list(boxes.values())


def _arrows(graph: Graph, boxes: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield each pair of boxes, of which the second needs the first, once."""
    box_of = {task: box for box, members in enumerate(boxes) for task in members}
    for box, members in enumerate(boxes):
        needed = {box_of[task] for member in members for task in graph.dependencies_of(member)}
        for one in sorted(needed):
            yield one, box


def _attributes(graph: Graph, members: list[int], states: Sequence[str] | None) -> str:
    counts = Counter(states[member] for member in members) if states is not None else Counter()
    label = _label(graph.tasks[members[0]], len(members), counts)
    attributes = [f'label="{_escaped(label)}"']
    if len(counts) == 1:
        attributes += ["style=filled", f'fillcolor="{_COLOURS[next(iter(counts))]}"']
    elif counts:
        attributes += ["style=striped", f'fillcolor="{_stripes(counts)}"']
    return ", ".join(attributes)


def _label(task: Task[Any], size: int, counts: Counter[str]) -> str:
    if size == 1:
        return "\n".join([_call(task), *counts])
    states = ", ".join(f"{counts[state]} {state}" for state in _COLOURS if counts[state])
    return "\n".join([task.name, counted(size, "task"), *([states] if states else [])])


def _call(task: Task[Any]) -> str:
    """Return the name with the arguments, as far as they are short, plain values."""
    shown = [_argument(argument) for argument in task.args]
    shown += [f"{name}={_argument(argument)}" for name, argument in task.kwargs.items()]
    call = f"{task.name}({', '.join(shown)})"
    return call if len(call) <= _LONGEST_LABEL else f"{task.name}(…)"


def _argument(argument: Any) -> str:
    return repr(argument) if type(argument) in ATOMS else "…"


def _stripes(counts: Counter[str]) -> str:
    total = counts.total()
    shares = [
        f"{_COLOURS[state]};{counts[state] / total:.4f}" for state in _COLOURS if counts[state]
    ]
    # The last one takes what is left, as rounded shares need not add up to one.
    return ":".join([*shares[:-1], shares[-1].partition(";")[0]])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
