"""Write docs/api.md from the docstrings of the public names.

The site has a table of all other modules at the end of that page: `inside` makes it anew each
time, from the sources, as those names come and go.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from jug import TaskGenerator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"

HEAD = """\
# Names

<!-- Made by scripts/make_api_page.py: change the docstring of the name instead. -->

Every public name, by the module that it is imported from.
`help(name)` in Python says more, mostly with an example.
"""

MODULES: Final = {
    "jug": "jug-core, with the names of its siblings",
    "jug.task": "jug-core",
    "jug.barrier": "jug-core; [values while the jugfile is read]"
    "(jugfiles.md#values-while-the-jugfile-is-read)",
    "jug.mapreduce": "jug-mapreduce; [many inputs, few tasks](mapreduce.md)",
    "jug.compound": "jug-mapreduce; [helpers](helpers.md)",
    "jug.utils": "jug-mapreduce; [helpers](helpers.md)",
    "jug.io": "jug-mapreduce; [helpers](helpers.md)",
    "jug.unsafe": "jug-mapreduce; [helpers](helpers.md)",
    "jug.hooks": "jug-core",
    "jug.hooks.exit_checks": "jug-core; [helpers](helpers.md#ending-a-worker-early)",
    "jug.needs": "jug-core; [workers for different machines](needs.md)",
    "jug.hash": "jug-core; [hashing](hashing.md)",
    "jug.code": "jug-core; [code that has changed](stale-code.md)",
    "jug.commands": "jug-cli; [commands of your own](own-commands.md)",
    "jug.jug": "jug-cli",
    "jug.options": "jug-cli; [configuration](configuration.md)",
    "jug.backends.registry": "jug-core; [stores](stores.md)",
    "jug.backends.dict_store": "jug-core; [stores](stores.md)",
    "jug.backends.file_store": "jug-file; [the format of a jugdir](file-format.md)",
    "jug.backends.redis_store": "jug-redis; [many machines](redis.md)",
    "jug.backends.base": "jug-core; [stores](stores.md)",
    "jug.backends.news": "jug-core; [writing a store](writing-a-store.md#news)",
    "jug.codec": "jug-core; [the codec](codec.md)",
    "jug.testing.stores": "jug-core[testing]; [stores](stores.md)",
    "jug.errors": "jug-core; [problems](problems.md)",
}
"""Each module, with its distribution and where to read more."""

WITH_MEMBERS: Final = ("Task", "Tasklet", "TaskGenerator")
"""Classes of `jug` whose methods people call."""

DATA: Final = {
    "jug.task.alltasks": "All tasks made so far, in order.",
    "jug.commands.as_json": "The option `--json`, as an argument `as_json` of the function.",
    "jug.commands.task_argument": "The argument `TASK`, as an argument `task` of the function.",
    "jug.code.SCHEME": "Which way of making fingerprints this is.",
    "jug.needs.NOTHING": "The needs of a task that states none: one CPU.",
    "jug.needs.SIZES": "What `memory_size` understands, in words.",
    "jug.hash.SCHEME_VERSION": "The version of the way to hash, which enters every hash.",
    "jug.options.DISPLAYS": "How progress is shown: by a block, by lines, or not at all.",
    "jug.options.LEVELS": "How much can be told, from the most to the least.",
    "jug.options.KEYS": "Everything that can be configured, each a `Key`.",
    "jug.options.default_options": "What holds unless the command line says otherwise.",
    "jug.backends.news.NOTHING": "The state of a task of which nothing is known.",
    "jug.backends.base.Buffer": "Anything that bytes can be read from.",
    "jug.codec.Buffer": "Anything that bytes can be read from.",
}
"""Values, which have no docstring of their own."""

ATTRIBUTES: Final = {
    "Task": {
        "f": "The function.",
        "args": "The arguments that were given by position.",
        "store": "The store that it belongs to.",
    },
    "Tasklet": {
        "base": "The task of whose value it is a part, or another part of one.",
        "f": "The function that makes it of the value of its base.",
    },
    "TaskGenerator": {"f": "The plain function."},
}
"""Attributes of the classes with members."""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for name, where in MODULES.items():
        module = import_module(name)
        intro = f"{_first_line(module)}\nIn {where}.\n"
        parts += [f"## {name}\n", intro, *_table(_rows(module)), ""]
    for name in WITH_MEMBERS:
        cls = getattr(import_module("jug"), name)
        rows = chain(ATTRIBUTES[name].items(), _members(cls))
        parts += [f"## Methods of {name}\n", *_table(rows), ""]
    return "\n".join(parts)


INSIDE = """\
## Inside

What the parts of jug use of each other, for those who change jug: it may change with any version.
The [architecture](architecture.md) says where each is.

| module | names | what it is |
| --- | --- | --- |
"""


def inside() -> str:
    """Return all other modules that say what they offer, with their names, as a part of a page."""
    rows = []
    for path in sorted(ROOT.glob("packages/*/src/jug/**/*.py")):
        name = module_of(path)
        tree = ast.parse(path.read_text())
        names = [f"`{each}`" for each in offered(tree)]
        if names and name not in MODULES:
            first = (ast.get_docstring(tree) or "").partition("\n")[0].replace("|", "\\|")
            rows.append(f"| `{name}` | {', '.join(names)} | {first} |\n")
    return INSIDE + "".join(sorted(rows))


def module_of(path: Path) -> str:
    """Return the name of the module that a source file is."""
    parts = path.with_suffix("").parts
    return ".".join(parts[parts.index("src") + 1 :]).removesuffix(".__init__")


def offered(tree: ast.Module) -> list[str]:
    """Return the names in the `__all__` of a module."""
    return [
        str(ast.literal_eval(name))
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.List)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "__all__"
        for name in node.value.elts
    ]


def public_names(module: ModuleType) -> list[str]:
    """Return what a module offers; `jug.errors` offers all of its classes."""
    names = getattr(module, "__all__", None)
    if names is not None:
        return list(names)
    things = vars(module).items()
    return [
        name
        for name, thing in things
        if inspect.isclass(thing) and thing.__module__ == module.__name__
    ]


def _rows(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name in public_names(module):
        thing = getattr(module, name)
        line = DATA.get(f"{module.__name__}.{name}") or _own_line(name, thing)
        yield name + _signature(thing), line


def _members(cls: type) -> Iterator[tuple[str, str]]:
    own = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == "jug"]
    for name, member in chain.from_iterable(vars(base).items() for base in own):
        is_member = inspect.isfunction(member) or isinstance(member, property)
        if is_member and not name.startswith("_"):
            yield name + _signature(member), _first_line(member)


def _signature(thing: Any) -> str:
    """Return the parameters with their defaults, "" for what is not called."""
    if inspect.isclass(thing):
        is_called = "__init__" in vars(thing) and not getattr(thing, "_is_protocol", False)
        if issubclass(thing, (Exception, Enum)) or not is_called:
            return ""
        thing = thing.__init__
    if isinstance(thing, TaskGenerator):
        thing = thing.f
    if not inspect.isfunction(thing):
        return ""
    parameters = [
        _plain(parameter)
        for parameter in inspect.signature(thing).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(parameters))


class _Dots:
    """A default that is written as dots."""

    def __repr__(self) -> str:
        return "..."


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return the parameter without annotation, and `...` for a default that has no short form."""
    is_short = parameter.default is None or isinstance(parameter.default, (str, int, float, type))
    default = parameter.default if is_short else _Dots()
    return parameter.replace(annotation=parameter.empty, default=default)


def _own_line(name: str, thing: Any) -> str:
    """Return what a name says of itself; a value would answer with the docstring of its class."""
    assert inspect.getdoc(thing) != inspect.getdoc(type(thing)), f"{name} is missing in DATA"
    return _first_line(thing)


def _first_line(thing: Any) -> str:
    text = inspect.getdoc(thing)
    assert text, f"{thing!r} has no docstring"
    return text.splitlines()[0]


def _table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from ("| name | what it is |", "| --- | --- |")
    for name, line in rows:
        yield f"| `{name}` | {line} |"


if __name__ == "__main__":
    PAGE.write_text(page())
