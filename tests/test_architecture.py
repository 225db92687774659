"""The map in docs/architecture.md is that of the code, and imports go one way on it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()

sys.path.insert(0, str(ROOT / "scripts"))
import structure  # noqa: E402

sys.path.pop(0)

DISTRIBUTIONS = [path.name for path in sorted(ROOT.glob("packages/jug-*"))]
CORE_RULE = {"jug", "jug.backends"}  # the faces that span distributions


def map_of(distribution: str) -> list[str]:
    """Return the rooms of a distribution in the order of the page."""
    block = re.search(rf"### {distribution}\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert block, f"docs/architecture.md has no map of {distribution}"
    lines = block[1].splitlines()
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines), "a room without a sentence"
    return ["jug." + line.split()[0].replace("/", ".") for line in lines]


def room_of(name: str, rooms: list[str]) -> str:
    """Return the room of a list that a module is in, nothing if it is in none."""
    return max((r for r in rooms if name == r or name.startswith(f"{r}.")), key=len, default="")


@cache  # many tests ask, and it parses every module
def arrows() -> list[tuple[str, str, str]]:
    """Return the distribution, the module, and a module that it imports, for every import."""
    everything = structure.sources(ROOT)
    return [
        (distribution, name, imported)
        for distribution in DISTRIBUTIONS
        for name, path in structure.sources(ROOT, distribution).items()
        for imported in sorted(structure.imports(name, path, everything))
    ]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_map_shows_each_room_of_a_distribution_and_no_other(distribution: str) -> None:
    rooms = map_of(distribution)
    modules = structure.sources(ROOT, distribution).keys() - CORE_RULE

    assert len(rooms) == len(set(rooms))
    assert {room_of(name, rooms) for name in modules} == set(rooms)


def test_the_names_that_the_page_gives_for_something_new_are_there() -> None:
    paths = [*structure.sources(ROOT).values(), *ROOT.glob("scripts/*.py")]
    sources = "\n".join(f"{path.stem}\n{path.read_text()}" for path in paths)
    named = set(re.findall(r"`(_\w+|[A-Z][A-Z_]+)`", PAGE))

    assert len(named) > 20
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", sources)] == []


def test_what_jug_tells_goes_through_its_own_messages() -> None:
    """The `logging` of a jugfile must not silence or double it."""
    uses = [
        name
        for name, path in structure.sources(ROOT).items()
        if re.search(r"^\s*(import|from) logging", path.read_text(), re.MULTILINE)
    ]

    assert uses == ["jug.messages"]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_room_imports_only_rooms_that_stand_above_it(distribution: str) -> None:
    rooms = map_of(distribution)
    upwards = [
        f"{name} imports {imported}"
        for owner, name, imported in arrows()
        if owner == distribution and room_of(name, rooms) and room_of(imported, rooms)
        if rooms.index(room_of(imported, rooms)) > rooms.index(room_of(name, rooms))
    ]

    assert upwards == []


def test_a_distribution_imports_only_what_it_declares() -> None:
    owner_of = {
        name: distribution
        for distribution in DISTRIBUTIONS
        for name in structure.sources(ROOT, distribution)
    }
    undeclared = [
        f"{name} of {distribution} imports {imported} of {owner_of[imported]}"
        for distribution, name, imported in arrows()
        if name not in CORE_RULE  # for type checkers `jug` shows the names of its siblings
        if owner_of[imported] not in {distribution, *declared(distribution)}
    ]

    assert undeclared == []


def declared(distribution: str) -> set[str]:
    text = (ROOT / "packages" / distribution / "pyproject.toml").read_text()
    needed = tomllib.loads(text)["project"]["dependencies"]
    return {match[0] for one in needed if (match := re.match(r"jug-\w+", one))}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in structure.sources(ROOT)}
    for _, name, imported in arrows():
        graph[name].add(imported)
    del graph["jug"]  # a face: nothing of jug's imports it, as the next test says

    assert structure.circle(graph) == []


def test_no_module_imports_the_face_of_jug() -> None:
    others = {name for _, name, imported in arrows() if imported == "jug"}

    assert others == set()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_no_module_uses_private_attributes_of_a_class_that_is_not_its_own(
    distribution: str,
) -> None:
    foreign = [
        f"{name}: {ast.unparse(node)}"
        for name, path in structure.sources(ROOT, distribution).items()
        for node in private_attributes(ast.parse(path.read_text()))
    ]

    assert foreign == []


# Of Python, pandas and polars: they are documented, or there is no other way.
PYTHONS = {"_replace", "_asdict", "_make", "_fields", "_exit", "_children", "_metadata"}
PYTHONS |= {"_accessors", "_Pickler", "_Unpickler", "_threads_queues"}
PYTHONS |= {"_clear", "_run_exitfuncs", "_shutdown", "_registry", "_exitfunc", "_exit_function"}


def private_attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Yield private attributes of other things than `self`, of which no class here has one."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in attributes if is_own(node.value)} | PYTHONS
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in attributes:
        is_private = node.attr.startswith("_") and not node.attr.startswith("__")
        if is_private and node.attr not in own:
            yield node


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")
