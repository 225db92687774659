"""Finding the one task that a user means: by hash, name, place, arguments or expression.

    3f2a91            the first digits of its hash, six at least
    is_prime          its name, in full or from a dot on, if no other is called so
    is_prime[3]       its place among those of the name, in the order of the jugfile
    is_prime(7)       the call that it stands for, as `jug log` shows it or Python takes it
    primes100[3]      what the jugfile names

An expression is only looked up: it may name, subscript and ask for attributes, but calls nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from jug.errors import OptionError, TaskNotFound
from jug.jugfile import Jugspace
from jug.selection import ByName, Selection
from jug.task import Task
from jug.task.graph import Graph
from jug.task.short_form import call_form
from jug.wording import counted

__all__ = ["HASH_DIGITS", "find_task"]

HASH_DIGITS: Final = 6
"""As many digits of a hash name a task, at least."""

_HASH: Final = re.compile(f"[0-9a-f]{{{HASH_DIGITS},40}}")
_PLACE: Final = re.compile(r"(.+)\[(-?[0-9]+)\]")
_SHOWN: Final = 5
_LOOKS: Final = (
    ast.Expression, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Constant, ast.UnaryOp,
    ast.USub, ast.Tuple,
)  # fmt: skip


def find_task(jugspace: Jugspace, text: str, graph: Graph | None = None) -> Task[Any]:
    """Return the one task of a jugfile that is meant.

    Raises `TaskNotFound` if there is none, and says what is spelt alike, or `OptionError` if
    there are several, and lists these.
    """
    graph = graph or Graph(jugspace.tasks)
    tasks = graph.tasks
    found = _by_name(tasks, text) or _by_hash(tasks, text) or _by_expression(jugspace, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise OptionError(_several(found, text), task=text)
    raise TaskNotFound(_none(jugspace, graph, text), task=text)


def _by_name(tasks: Sequence[Task[Any]], text: str) -> list[Task[Any]]:
    named = _called(tasks, text)
    if named:
        return named
    if text.endswith(")"):
        chosen = Selection((ByName(text),))
        return [task for task in tasks if chosen.means(task, task.name)]
    place = _PLACE.fullmatch(text)
    if place is None or not (named := _called(tasks, place[1])):
        return []
    try:
        return [named[int(place[2])]]
    except IndexError:
        raise OptionError(
            f"there is no {text!r}: {counted(len(named), 'task')} of this name, counted from 0",
            task=text,
        ) from None


def _called(tasks: Sequence[Task[Any]], name: str) -> list[Task[Any]]:
    return [task for task in tasks if f".{task.name}".endswith(f".{name}")]


def _by_hash(tasks: Sequence[Task[Any]], text: str) -> list[Task[Any]]:
    if not _HASH.fullmatch(text):
        return []
    return [task for task in tasks if task.digest.hex().startswith(text)]


def _by_expression(jugspace: Jugspace, text: str) -> list[Task[Any]]:
    """Return the tasks that a value of the jugfile is, or holds."""
    try:
        looked = ast.parse(text.strip(), mode="eval")
        if not all(isinstance(node, _LOOKS) for node in ast.walk(looked)):
            return []
        value = eval(compile(looked, "<task>", "eval"), {"__builtins__": {}, **jugspace.names})
    except Exception:  # it is no expression, its names are not there, or the user's objects refuse
        return []
    return _tasks_of(value)


def _tasks_of(value: Any) -> list[Task[Any]]:
    """Return the tasks that a value is, or holds, each once, though it may hold itself."""
    found: dict[bytes, Task[Any]] = {}
    seen, stack = set[int](), [value]
    while stack:
        one = stack.pop()
        kind = type(one)  # an object may raise where it is asked for its class
        if issubclass(kind, Task):
            found[one.digest] = one
        elif hasattr(kind, "__jug_dependencies__"):  # a part of a task, a lazy map
            stack.extend([*one.__jug_dependencies__()][::-1])
        elif issubclass(kind, (list, tuple, dict)) and id(one) not in seen:
            seen.add(id(one))
            stack.extend(reversed(one.values() if issubclass(kind, dict) else one))
    return list(found.values())


def _several(found: list[Task[Any]], text: str) -> str:
    lines = [f"  {task.digest.hex()[:12]}  {call_form(task)}" for task in islice(found, _SHOWN)]
    if len(found) > _SHOWN:
        lines.append(f"  … and {len(found) - _SHOWN} more")
    is_name = not any(mark in text for mark in "[(") and not _HASH.fullmatch(text)
    which = f"{text}[0]" if is_name else found[0].digest.hex()[:12]
    listed = "\n".join(lines)
    return f"{counted(len(found), 'task')} fit {text!r}: name one, such as {which}\n{listed}"


def _none(jugspace: Jugspace, graph: Graph, text: str) -> str:
    names = set(graph.names())
    if text.endswith(")") and any(map(ByName(text).may_mean, names)):
        return Selection((ByName(text),)).no_match(graph)
    words = {name.rpartition(".")[2] for name in names}
    words |= {name for name, value in jugspace.names.items() if _tasks_of(value)}
    plain = re.split(r"[\[(]", text)[0]
    near = get_close_matches(plain.rpartition(".")[2], sorted(words), n=3)
    advice = f"is {' or '.join(near)} meant?" if near else "`jug count` lists the names"
    return f"no task is {text!r}: {advice}"
