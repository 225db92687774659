"""What functions are called in listings and hashes: `module.function`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from types import FunctionType
from typing import Any


@cache
def module_name(name: str) -> str:
    """Return a module's name; that of the program itself is its file's stem."""
    if name != "__main__":
        return name
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else name


def function_name(f: Any) -> str:
    """Return the name of a function, method, class or callable object.

    >>> function_name(sum)
    'builtins.sum'
    """
    return _name_of_plain(f) if type(f) is FunctionType else _name_of(f)


@lru_cache(maxsize=10_000)
def _name_of_plain(f: FunctionType) -> str:
    return _name_of(f)


def _name_of(f: Any) -> str:
    named = f if hasattr(f, "__qualname__") or hasattr(f, "__name__") else type(f)
    module = getattr(named, "__module__", None) or type(f).__module__
    name = getattr(named, "__qualname__", None) or named.__name__
    return f"{module_name(module)}.{name.replace('<locals>.', '')}"


def task_names(tasks: Iterable[Any]) -> Iterator[str]:
    """Yield the name of each task, made once for all that share a function."""
    names: dict[Any, str] = {}
    for task in tasks:
        key = task.given_name or task.f
        try:
            yield names[key]
        except KeyError:
            names[key] = task.name
            yield names[key]
        except TypeError:  # a callable object without a hash
            yield task.name
