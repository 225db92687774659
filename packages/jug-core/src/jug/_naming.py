"""What functions are called in listings and hashes: `module.function`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def module_name(name: str) -> str:
    """Return a module's name; that of the program itself is its file's stem."""
    if name != "__main__":
        return name
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).stem if file else name


def function_name(f: Any) -> str:
    """Return the name of a function, method, class or callable object.

    >>> function_name(sum)
    'builtins.sum'
    """
    named = f if hasattr(f, "__qualname__") or hasattr(f, "__name__") else type(f)
    module = getattr(named, "__module__", None) or type(f).__module__
    name = getattr(named, "__qualname__", None) or named.__name__
    return f"{module_name(module)}.{name.replace('<locals>.', '')}"
