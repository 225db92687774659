"""What a name in a module leads to.

A function, class or object that its own name leads to is the same in every process
that imports the module, so the name says all.  What no name leads to was made by
code, and may have been made in several ways under one name.

A library keeps objects under names too, such as the random numbers of a process or a
distribution of scipy's, whose methods are used like functions.  What such an object
holds differs between processes.  An object of the user's own is not taken for one:
what it holds is what the user gave it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

_PACKAGES = ("site-packages", "dist-packages")


def found(module: str | None, qualname: str) -> Any:
    """Return what a qualified name leads to in a module, None if that is nothing."""
    place = sys.modules.get(module or "")
    for name in qualname.split("."):
        place = getattr(place, name, None)
    return place


def is_found(thing: Any) -> bool:
    """Return whether its own name leads to a thing, or to what stands for it.

    That is the task generator of a function, with other decorators around it or not, and the
    method of a class.
    """
    there = found(getattr(thing, "__module__", None), thing.__qualname__)
    if there is thing or getattr(there, "__func__", None) is thing:
        return True
    while not hasattr(there, "__jug_function__") and hasattr(there, "__wrapped__"):
        there = there.__wrapped__
    return getattr(there, "__jug_function__", None) is thing


def name_in_library(thing: Any) -> tuple[str, str] | None:
    """Return module and name under which the library of a thing's class keeps this thing."""
    module = type(thing).__module__
    while module and is_library(module):
        for name, there in [*vars(sys.modules[module]).items()]:
            if there is thing:
                return module, name
        module = module.rpartition(".")[0]
    return None


@cache
def is_library(module: str) -> bool:
    """Return whether a module that was imported belongs to Python or to an installed package."""
    if module == "__main__" or module not in sys.modules:
        return False
    file = getattr(sys.modules[module], "__file__", None)
    if file is None:
        return module in sys.builtin_module_names
    parts = file.split(os.sep)
    return file.startswith(os.path.dirname(os.__file__) + os.sep) or any(
        folder in parts for folder in _PACKAGES
    )
