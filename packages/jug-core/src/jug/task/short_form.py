"""The arguments of a task in short, for records: what people need to know it by.

Nothing of the user's is called for that, and no more is looked at than is shown, so it
costs microseconds whatever the arguments are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from jug.task.arguments import ATOMS
from jug.task.tasklet import Item, Tasklet

_LONGEST: Final = 200  # characters of all arguments
_LONGEST_ONE: Final = 40
_ITEMS: Final = 4
_DEEP: Final = 2
_STEPS: Final = 3  # by which a part is derived


def short_form(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return the arguments as they would be written in a call, shortened.

    >>> short_form((1, "text", [1, 2, 3, 4, 5]), {"key": 2.5})
    "1, 'text', [1, 2, 3, 4, …], key=2.5"
    """
    parts: list[str] = []
    length = 0
    named = (f"{name}={_short(value)}" for name, value in kwargs.items())
    for part in (*map(_short, args[: _LONGEST // 3]), *named):
        part = part if len(part) + 2 <= _LONGEST else "…"
        length += len(part) + 2
        if length > _LONGEST:
            parts.append("…")
            break
        parts.append(part)
    return ", ".join(parts)


def arguments_in(form: str) -> tuple[str, ...]:
    """Return the arguments that a short form shows, each as it stands there.

    >>> arguments_in("1, 'a, b', [1, 2, …], key=<ndarray (3, 4) float64>")
    ('1', "'a, b'", '[1, 2, …]', 'key=<ndarray (3, 4) float64>')
    """
    found, depth, begin = list[str](), 0, 0
    for token in re.finditer(_TOKEN, form):
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        elif token[0] == ", " and not depth:
            found.append(form[begin : token.start()])
            begin = token.end()
    return (*found, form[begin:]) if form else ()


# Texts, types in angle brackets, which may contain anything, and what else separates.
_TOKEN: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|<.*?>(?=[][(),:}]|$)|[][(){}]|, """


def call_form(task: Any) -> str:
    """Return a task as the call that it stands for, its arguments in short.

    >>> from jug import Task
    >>> call_form(Task(max, 2, 3))
    'builtins.max(2, 3)'
    """
    return f"{task.name}({short_form(task.args, task.kwargs)})"


def call_forms(tasks: Sequence[Any]) -> list[str]:
    """Return tasks as calls; those that look alike have the first digits of their hashes, too.

    >>> from jug import Task
    >>> for call in call_forms([Task(sum, numbers) for numbers in ([1] * 5, [1] * 6, [3])]):
    ...     print(call)
    builtins.sum([1, 1, 1, 1, …]), hash ...
    builtins.sum([1, 1, 1, 1, …]), hash ...
    builtins.sum([3])
    """
    calls = list(map(call_form, tasks))
    counts = Counter(dict(zip((task.digest for task in tasks), calls, strict=True)).values())
    return [
        f"{call}, hash {task.digest.hex()[:12]}" if counts[call] > 1 else call
        for call, task in zip(calls, tasks, strict=True)
    ]


def _short(value: Any, deep: int = _DEEP) -> str:
    kind = type(value)
    if kind in ATOMS:
        return _atom(value, kind)
    if kind is list or kind is tuple or kind is dict:
        return _container(value, kind, deep - 1) if deep else "…"
    if kind is Tasklet:
        return _part(value, deep)
    if kind is slice:
        ends = (value.start, value.stop, value.step)
        return ":".join(["" if one is None else _short(one, 0) for one in ends]).removesuffix(":")
    if hasattr(kind, "__jug_dependencies__"):
        name = getattr(value, "name", None)
        return f"{name}()" if type(name) is str else f"<{kind.__name__}>"
    if kind.__module__.partition(".")[0] in ("numpy", "pandas", "polars", "xarray", "torch"):
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        about = " ".join(str(one) for one in (shape, dtype) if one not in (None, ()))
        return f"<{kind.__name__} {about[:_LONGEST_ONE]}>".replace(" >", ">")
    return f"<{kind.__name__}>"


def _part(value: Tasklet, deep: int) -> str:
    """Return how a part was derived from its task, such as ``measure()[0]``."""
    steps: list[Any] = []
    base: Any = value
    while type(base) is Tasklet and len(steps) < _STEPS:
        steps.append(base.f)
        base = base.base
    text = "…" if type(base) is Tasklet else _short(base, deep)
    for step in reversed(steps):
        if isinstance(step, Item):
            text = f"{text}[{_short(step.index, min(deep, 1))}]"
        else:
            known = type(step) in (FunctionType, BuiltinFunctionType)
            text = f"{step.__name__ if known else f'<{type(step).__name__}>'}({text})"
    return text


def _atom(value: Any, kind: type) -> str:
    if kind is str or kind is bytes:
        text = repr(value[:_LONGEST_ONE])
        return text if len(value) <= _LONGEST_ONE else f"{text[:-1]}…{text[-1]}"
    if kind is int and value.bit_length() > 128:
        return f"<int of {value.bit_length()} bits>"
    return repr(value)


def _container(value: Any, kind: type, deep: int) -> str:
    if kind is dict:
        parts = [
            f"{_short(key, 0)}: {_short(item, deep)}" for key, item in islice(value.items(), _ITEMS)
        ]
    else:
        parts = [_short(item, deep) for item in value[:_ITEMS]]
    if len(value) > _ITEMS:
        parts.append("…")
    text = ", ".join(parts)
    if kind is list:
        return f"[{text}]"
    if kind is dict:
        return f"{{{text}}}"
    return f"({text},)" if len(value) == 1 else f"({text})"
