"""Encodings of functions and modules, which are found by name.

A function at module level is its module and qualified name, and no more: a
change of its code does not change its hash.  What is made inside a function can
be made again with other surroundings, so it is also what it took from them: the
values that it closes over and its defaults.  So it is with a wrapper that has the
name of what it wraps, where that name does not lead to the wrapper.  A lambda has no
name of its own.  A method of an object that a library keeps under a name is that name
(`findable`).

A name must be the same in every process that reads a jugfile.  A few modules
and classes of others were renamed between versions that we support; they keep
one name here.
"""

from __future__ import annotations

from collections.abc import Generator
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final

from jug.errors import HashError
from jug.hash.containers import encoders
from jug.hash.findable import is_found, name_in_library
from jug.hash.framing import sealed, text
from jug.hash.names import module_name

_MODULES: Final = {
    "__mp_main__": "__main__",
    "pathlib._local": "pathlib",
    # Modules of jug that moved: results are found by the names that they had.
    "jug.execution.run": "jug._run",
    "jug.task.arguments": "jug._arguments",
    "jug.task.describe": "jug._describe",
    "jug.task.generator": "jug._generator",
    "jug.task.task": "jug._task",
    "jug.task.tasklet": "jug._tasklet",
    "jug.task.values": "jug._arguments",
}
_CLASSES: Final = {("numpy", "bool_"): "bool"}


def named(tag: bytes, module: str | None, qualname: str) -> bytes:
    """Return the encoding of what is found by its name in a module."""
    module = stable_module(module)
    return tag + text(module) + text(_CLASSES.get((module, qualname), qualname))


def stable_module(module: str | None) -> str:
    """Return a module's name as every process and every version knows it."""
    return module_name(_MODULES.get(module or "", module or ""))


def is_local(qualname: str) -> bool:
    """Return whether a name was given inside a function, where it can be given again."""
    return "<locals>" in qualname


# Functions


def is_plain(f: Any) -> bool:
    """Return whether a function is nothing but its name, today and tomorrow."""
    return (
        type(f) is FunctionType
        and not is_local(f.__qualname__)
        and not is_lambda(f)
        and (_is_made_once(f) or (hasattr(f, "__wrapped__") and is_found(f)))
    )


def _is_made_once(f: FunctionType) -> bool:
    """Return whether a function has nothing that another of its name may have otherwise."""
    if f.__closure__ is not None:
        return False
    if hasattr(f, "__wrapped__"):
        return False
    return not own_attributes(f) or is_found(f)


def is_lambda(f: FunctionType) -> bool:
    """Return whether a function has no name of its own."""
    return f.__name__ == "<lambda>" or f.__qualname__.endswith("<lambda>")


class Lambda:
    """A lambda, which only some walks know how to encode."""

    __slots__ = ("f",)

    def __init__(self, f: FunctionType) -> None:
        self.f = f


def _lambda(wrapped: Lambda) -> Generator[Any, bytes, bytes]:
    yield from ()
    raise HashError(
        f"lambda {wrapped.f.__qualname__!r} in module {wrapped.f.__module__!r} has no name that"
        " another process would know it by: make it a function with def"
    )


def surroundings(f: FunctionType) -> tuple[Any, ...]:
    """Return what a function took from where it was made."""
    filled, empty = {}, []
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            filled[name] = cell.cell_contents
        except ValueError:
            empty.append(name)
    taken = (f.__defaults__, f.__kwdefaults__ or None, filled, sorted(empty))
    own = own_attributes(f)
    return (*taken, own) if own else taken


def own_attributes(f: Any) -> dict[str, Any]:
    """Return what was set on a function, apart from what Python and functools set."""
    return {name: value for name, value in vars(f).items() if not name.startswith("__")}


def _function(f: FunctionType) -> Generator[Any, bytes, bytes]:
    if is_lambda(f):
        return (yield Lambda(f))
    name = named(b"F", f.__module__, f.__qualname__)
    if is_plain(f):
        return name
    return sealed(b"K", [name, (yield surroundings(f))])


def _method(method: MethodType) -> Generator[Any, bytes, bytes]:
    owner = _kept_by_library(method.__self__)
    return sealed(b"M", [(yield method.__func__), owner or (yield method.__self__)])


def _kept_by_library(owner: Any) -> bytes | None:
    place = name_in_library(owner)
    return named(b"F", *place) if place else None


def _builtin(f: Any) -> Generator[Any, bytes, bytes]:
    owner = f.__self__
    if isinstance(owner, ModuleType):
        return named(b"F", owner.__name__, f.__qualname__)
    if owner is None:
        return named(b"F", getattr(f, "__module__", None), f.__qualname__)
    return sealed(b"M", [text(f.__qualname__), _kept_by_library(owner) or (yield owner)])


def _descriptor(f: Any) -> Generator[Any, bytes, bytes]:
    yield from ()
    return named(b"F", f.__objclass__.__module__, f.__qualname__)


def _module(module: ModuleType) -> Generator[Any, bytes, bytes]:
    yield from ()
    return b"o" + text(stable_module(module.__name__))


encoders.update(
    {
        Lambda: _lambda,
        FunctionType: _function,
        MethodType: _method,
        BuiltinFunctionType: _builtin,
        MethodWrapperType: _builtin,
        MethodDescriptorType: _descriptor,
        WrapperDescriptorType: _descriptor,
        ClassMethodDescriptorType: _descriptor,
        ModuleType: _module,
    }
)
