"""Count what the structure of the code comes to: rooms, levels, arrows, sizes.

    python scripts/structure.py [CHECKOUT]

A *room* is a module or a package directly inside ``jug`` (``jug.backends`` is one).
An *arrow* is an import from one room to another, wherever in a module it stands:
at the top, inside a function, or for type checkers alone.  Rooms that import nothing
are on level 1, any other one level above the highest that it imports.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent


def sources(root: Path, distribution: str = "*") -> dict[str, Path]:
    """Return the modules of a distribution, or of all: dotted name to file."""
    found = {}
    for source in sorted(root.glob(f"packages/{distribution}/src")):
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules among the known ones that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {_nearest(alias.name, known) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_nearest(f"{node.module}.{alias.name}", known) for alias in node.names}
    return found - {"", name}


def _nearest(dotted: str, known: dict[str, Path]) -> str:
    """Return the module that a dotted name is, or is in; nothing if it is not a known one."""
    while dotted and dotted not in known:
        dotted = dotted.rpartition(".")[0]
    return dotted


def room_of(name: str) -> str:
    """Return the room that a module is in.

    >>> room_of("jug.hash.walk"), room_of("jug.errors"), room_of("jug")
    ('jug.hash', 'jug.errors', 'jug')
    """
    return ".".join(name.split(".")[:2])


def arrows(modules: dict[str, Path]) -> dict[str, set[str]]:
    """Return which module imports which."""
    return {name: imports(name, path, modules) for name, path in modules.items()}


def room_arrows(modules: dict[str, Path]) -> dict[str, set[str]]:
    """Return which room imports which; the face of `jug` itself is none."""
    found: dict[str, set[str]] = {room_of(name): set() for name in modules if name != "jug"}
    for name, imported in arrows(modules).items():
        if name != "jug":
            found[room_of(name)] |= {room_of(one) for one in imported if one != "jug"}
    return {room: imported - {room} for room, imported in found.items()}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names of one circle, none if the arrows go one way."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def levels(graph: dict[str, set[str]]) -> int:
    """Return how many levels there are; the arrows must go one way."""
    level: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        level[name] = 1 + max((level[one] for one in graph[name]), default=0)
    return max(level.values())


def classes(modules: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield each class with the number of its methods."""
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
                yield len(methods), f"{name}.{node.name}"


def function_lengths(modules: dict[str, Path]) -> list[int]:
    """Return the lines of each function and method, with its docstring."""
    return [
        (node.end_lineno or 0) - node.lineno + 1
        for path in modules.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]


def main() -> None:
    """Print all figures of a checkout, this one unless another is named."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    core, everything = room_arrows(sources(root, "jug-core")), sources(root)
    print("rooms of jug-core:", len(core))
    found = circle(core)
    print("  levels:", f"none, for the circle {' > '.join(found)}" if found else levels(core))
    print("  arrows:", sum(map(len, core.values())))
    print("modules of all distributions:", len(everything))
    print("  circle among them:", " > ".join(circle(arrows(everything))) or "none")
    sizes = sorted(((len(p.read_text().splitlines()), n) for n, p in everything.items()))
    print("  largest:", *(f"{name} {size}" for size, name in sizes[:-7:-1]), sep="\n    ")
    print("classes with most methods:")
    print("   ", *(f"{n} {c}" for c, n in sorted(classes(everything))[:-9:-1]), sep="\n    ")
    lengths = function_lengths(everything)
    print("functions:", len(lengths), "median", median(lengths), end=" ")
    print("90 %", quantiles(lengths, n=10)[-1], "longest", max(lengths))


if __name__ == "__main__":
    main()
