"""Encodings of classes, and of named tuples, whose class may be nothing but its fields.

A class that its own name leads to is its module and qualified name.  One that was
made inside a function, by ``type`` or in a loop can be made again with another body
under the same name, so it is also what its body defines, as far as that is still
there: in the class itself, or where decorators and metaclasses have put it
(`class_fields`).  The classes of libraries are theirs to name.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from enum import Enum
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from jug.hash.containers import atoms, each, encoders, looked_into
from jug.hash.findable import found, is_found, is_library
from jug.hash.framing import sealed, text
from jug.hash.functions import is_lambda, is_local, is_plain, named
from jug.hash.sources import BySource

_GENERATED: Final = ("<string>", "<attrs generated ")
_BY_OPTION: Final = {"__init__", "__repr__", "__eq__", "__lt__", "__setattr__", "__hash__"}
"""Methods that dataclass and attrs write or not, as they are told."""

_OF_PYTHON: Final = frozenset(
    {
        "__abstractmethods__",
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__callable_proto_members_only__",
        "__class_vars__",
        "__classcell__",
        "__classdictcell__",
        "__closed__",
        "__conditional_annotations__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__dict__",
        "__doc__",
        "__extra_items__",
        "__firstlineno__",
        "__match_args__",
        "__module__",
        "__mutable_keys__",
        "__non_callable_proto_members__",
        "__orig_bases__",
        "__parameters__",
        "__private_attributes__",
        "__protocol_attrs__",
        "__qualname__",
        "__readonly_keys__",
        "__signature__",
        "__slotnames__",
        "__slots__",
        "__static_attributes__",
        "__type_params__",
        "__weakref__",
        "_abc_cache",
        "_abc_impl",
        "_abc_negative_cache",
        "_abc_negative_cache_version",
        "_abc_registry",
    }
)
"""What Python and decorators add to a body, or follows from it."""
_OF_LIBRARIES: Final = ("__attrs_", "__pydantic_")

_PLAIN: Final = (*atoms, list, tuple, dict, set, frozenset, type)
_MAKERS: Final = {"abc", "types"}
"""Modules whose names classes have that others make by them."""
_OF_NAMED_TUPLE: Final = {"_make", "_replace", "_asdict", "__repr__", "__getnewargs__"}
_MADE_AT_RUN_TIME: Final = 1 << 9


def encode_class(cls: type) -> Generator[Any, bytes, bytes]:
    """Encode a class by its name; one that can be made again also by what it is made of."""
    name = named(b"C", cls.__module__, cls.__qualname__)
    if issubclass(cls, Enum):
        if is_local(cls.__qualname__) or not is_found(cls):
            return (yield from _enum(cls, name))
        return name
    if not is_made_by_code(cls):
        return name
    more = _more(cls)
    body = [(yield cls.__bases__), (yield dict(_members(cls)))]
    return sealed(b"k", [name, *body, *([(yield more)] if more else ())])


def is_made_by_code(cls: type) -> bool:
    """Return whether a class is not the only one of its name."""
    if is_local(cls.__qualname__):
        return True
    module = cls.__module__
    there = found(module, cls.__qualname__)
    if there is cls or module not in sys.modules or not cls.__flags__ & _MADE_AT_RUN_TIME:
        return False
    if is_library(module) and module not in _MAKERS:
        return False
    return not _is_kept(cls, there)


def _is_kept(cls: type, there: Any) -> bool:
    """Return whether a class is behind what its name leads to: a wrapper or its only object."""
    while there is not None and there is not cls and type(there) is not cls:
        there = vars(there).get("__wrapped__") if hasattr(there, "__dict__") else None
    return there is not None


def _enum(cls: type[Enum], name: bytes) -> Generator[Any, bytes, bytes]:
    values = yield {m.name: m.value for m in cls.__members__.values()}
    methods = {name: m for name, m in _members(cls) if _is_method(m) and _is_own(cls, m)}
    more = _more_of_enum(cls)
    parts = [(yield methods)] if methods or more else []
    return sealed(b"k", [name, values, *parts, *([(yield more)] if more else ())])


def encode_named_tuple(values: tuple[Any, ...]) -> Generator[Any, bytes, bytes]:
    """Encode a named tuple by its class and items; without a name for its class, by its fields."""
    cls: Any = type(values)
    if is_found(cls):
        return sealed(b"n", [(yield cls), *(yield from each(values))])
    direct = cls.__bases__ == (tuple,) and not is_local(cls.__qualname__)
    name = named(b"C", cls.__module__, cls.__qualname__) if direct else (yield cls)
    return sealed(b"n", [name, *(yield from each(values)), *map(text, cls._fields)])


looked_into.add(encode_named_tuple)
encoders[type] = encode_class


# What the body of a class defines


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield what the author of a class wrote in its body, not what Python added."""
    for name, member in vars(cls).items():
        if isinstance(member, (GetSetDescriptorType, MemberDescriptorType)):
            continue
        if isinstance(member, FunctionType) and _is_generated(member):
            continue
        if name.startswith(("__", "_abc_")) and (name in _OF_PYTHON or not _is_method(member)):
            continue
        if is_local(cls.__qualname__):
            yield name, member
        elif not _is_of_named_tuple(cls, name):
            yield name, _told(member)
    if "__slots__" in vars(cls):
        yield "__slots__", sorted(vars(cls)["__slots__"])


def _is_of_named_tuple(cls: Any, name: str) -> bool:
    return cls.__bases__ == (tuple,) and (
        name in _OF_NAMED_TUPLE or name in getattr(cls, "_fields", ())
    )


def _told(member: Any) -> Any:
    """Return a member of a class that has a name; its methods may have other defaults."""
    f = _function(member)
    if not isinstance(f, FunctionType) or is_found(f):
        return member
    if is_lambda(f):
        return BySource(f)
    return (member, f.__defaults__, f.__kwdefaults__) if is_plain(f) else member


def _is_method(member: Any) -> bool:
    return isinstance(member, (FunctionType, classmethod, staticmethod, property))


def _is_generated(f: FunctionType) -> bool:
    """Return whether a decorator of the class wrote a method, as dataclass and attrs do."""
    wrapped = getattr(f, "__wrapped__", f)
    code = wrapped.__code__ if isinstance(wrapped, FunctionType) else f.__code__
    if f.__module__ == "dataclasses":
        return True
    return code.co_filename.startswith(_GENERATED) or "__create_fn__" in code.co_qualname


def _is_own(cls: type, member: Any) -> bool:
    """Return whether a method was written in the class's body, not set by its metaclass."""
    return str(getattr(_function(member), "__qualname__", "")).startswith(f"{cls.__qualname__}.")


def _function(member: Any) -> Any:
    return getattr(member, "fget", None) or getattr(member, "__func__", member)


# What is not under its name any more


def _more(cls: type) -> dict[str, Any]:
    """Return what the members of a class do not say, as far as there is anything."""
    from jug.hash.class_fields import fields_of  # `import jug` stays light

    more: dict[str, Any] = {"constants": dict(_constants(cls)), "fields": fields_of(cls)}
    if more["fields"]:
        more["written"] = sorted(_BY_OPTION & {*_generated(cls)})
    if not any(type(base) is type(cls) for base in (*cls.__bases__, object)):
        more["metaclass"] = type(cls)
    return {name: part for name, part in more.items() if part}


def _constants(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield what stands in a body under names that Python uses, or might use."""
    for name, member in vars(cls).items():
        if not name.startswith(("__", "_abc_")) or name in _OF_PYTHON:
            continue
        if name.startswith(_OF_LIBRARIES) or _is_method(member):
            continue
        if isinstance(member, (GetSetDescriptorType, MemberDescriptorType)):
            continue
        if name == "__hash__" and member is None:
            continue
        if isinstance(member, _PLAIN) or callable(member) or hasattr(member, "__get__"):
            yield name, member


def _generated(cls: type) -> Iterator[str]:
    for name, member in vars(cls).items():
        if isinstance(member, FunctionType) and _is_generated(member):
            yield name


def _more_of_enum(cls: type[Enum]) -> dict[str, Any]:
    """Return the bases of an enum, and what in its body is neither member nor method."""
    others = {
        name: member
        for name, member in vars(cls).items()
        if not (name.startswith("_") and name.endswith("_"))
        and name not in cls.__members__
        and not _is_method(member)
        and not hasattr(type(member), "__get__")
    }
    boundary = vars(cls).get("_boundary_")
    if boundary is not getattr(cls.__base__, "_boundary_", None):
        others["_boundary_"] = boundary
    bases = () if cls.__bases__ == (Enum,) else cls.__bases__
    return {**({"bases": bases} if bases else {}), **({"others": others} if others else {})}
