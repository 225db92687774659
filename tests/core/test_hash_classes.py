"""Hashes of classes that no name leads to, of their objects, and of what keeps more than a name."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import operator
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import attrs
import pydantic
import pytest

from jug.hash import hash_one


def differ(*values: Any) -> bool:
    return len({hash_one(value) for value in values}) == len(values)


def alike(*values: Any) -> bool:
    return len({hash_one(value) for value in values}) == 1


made_in_a_loop: list[Any] = []
for i in (1, 2, 3):

    class Looped:
        value = i

    made_in_a_loop.append(Looped)

with_defaults: list[Any] = []
for i in (1, 2):

    class Defaulted:
        def get(self, n: int = i) -> int:
            return n

    with_defaults.append(Defaulted)


# Classes that have a module's name


UNNAMED: Final[dict[str, Callable[[int], Any]]] = {
    "type": lambda n: type("Made", (), {"value": n}),
    "a lambda in it": lambda n: type("Made", (), {"value": n, "f": lambda self: 1}),
    "dataclass": lambda n: dataclasses.make_dataclass("Made", [("x", int, n)]),
    "other names of fields": lambda n: dataclasses.make_dataclass("Made", [f"x{n}"]),
    "pydantic": lambda n: pydantic.create_model("Made", x=(int, n)),
    "attrs": lambda n: attrs.make_class("Made", {"x": attrs.field(default=n)}),
    "typed dict": lambda n: typing.TypedDict("Made", {f"x{n}": int}),  # type: ignore[operator]
    "types of a typed dict": lambda n: typing.TypedDict("Made", {"x": [int, str][n]}),  # type: ignore[operator,misc]
    "named tuple": lambda n: collections.namedtuple("Made", f"x{n}"),  # noqa: PYI024
    "defaults of a named tuple": lambda n: collections.namedtuple("Made", "x", defaults=[n]),  # noqa: PYI024
    "enum": lambda n: enum.Enum("Made", {"A": n}),
}


@pytest.mark.parametrize("make", UNNAMED.values(), ids=UNNAMED)
def test_classes_of_one_name_differ_by_their_bodies(make: Callable[[int], Any]) -> None:
    assert differ(make(0), make(1))
    assert alike(make(0), make(0))


def test_classes_of_one_statement_differ_and_so_do_their_objects() -> None:
    first, second, _ = made_in_a_loop

    assert hash_one(first) != hash_one(second)
    assert hash_one(first()) != hash_one(second())
    assert differ(*with_defaults)


class Alone:
    pass


@object.__new__
class single:
    pass


@functools.cache
class Wrapped:
    pass


def test_a_class_that_its_name_leads_to_in_some_way_is_its_name() -> None:
    for cls in (Alone, type(single), Wrapped.__wrapped__):  # type: ignore[attr-defined]
        before = hash_one(cls)
        cls.more = 1
        assert hash_one(cls) == before


# What the body of a local class defines


def local_dataclass(**options: Any) -> Callable[[Any], Any]:
    def make(default: Any) -> Any:
        @dataclass(**options)
        class Local:
            x: int = default

        return Local

    return make


def of_dataclass(n: int) -> Any:
    @dataclass
    class Local:
        x: list[int] = field(default_factory=functools.partial(list, range(n)))

    return Local


def of_lambda(n: int) -> Any:
    @dataclass
    class Local:
        x: list[int] = field(default_factory=lambda: [n])

    return Local


def of_order(n: int) -> Any:
    @dataclass(order=n > 0)
    class Local:
        x: int

    return Local


def of_attrs(n: int) -> Any:
    @attrs.define
    class Local:
        x: int = n

    return Local


def of_attrs_factory(n: int) -> Any:
    @attrs.define
    class Local:
        x: list[int] = attrs.Factory(lambda: [n])

    return Local


def of_attrs_in_dicts(n: int) -> Any:
    @attrs.define(slots=False, frozen=True)
    class Local:
        x: int = n

    return Local


def of_validator(n: int) -> Any:
    @attrs.define
    class Local:
        x: int = attrs.field(validator=attrs.validators.lt(n))

    return Local


def of_pydantic(n: int) -> Any:
    class Local(pydantic.BaseModel):
        x: int = n

    return Local


def of_constraint(n: int) -> Any:
    class Local(pydantic.BaseModel):
        x: int = pydantic.Field(3, le=n)

    return Local


def of_model_validator(n: int) -> Any:
    class Local(pydantic.BaseModel):
        x: int

        @pydantic.field_validator("x", mode="before" if n else "after")
        @classmethod
        def check(cls, value: int) -> int:
            return value

    return Local


def of_private(n: int) -> Any:
    class Local(pydantic.BaseModel):
        _x: int = n

    return Local


def of_constant(n: int) -> Any:
    class Local:
        __tablename__ = str(n)

    return Local


def of_partial(n: int) -> Any:
    class Local:
        __call__ = functools.partialmethod(pow, n)

    return Local


def of_static(n: int) -> Any:
    class Local:
        __call__ = staticmethod([operator.add, operator.sub][n])

    return Local


def of_metaclass(n: int) -> Any:
    class Meta(type):
        def __call__(cls) -> int:
            return n

    class Local(metaclass=Meta):
        pass

    return Local


def of_nonmember(n: int) -> Any:
    class Local(enum.Enum):
        A = 1
        K = enum.nonmember(n) if hasattr(enum, "nonmember") else n

    return Local


def of_mixin(n: int) -> Any:
    class Local([enum.Enum, enum.IntEnum][n]):  # type: ignore[misc]
        A = 1

    return Local


def of_boundary(n: int) -> Any:
    class Local(enum.Flag, boundary=[enum.STRICT, enum.KEEP][n]):
        A = 1

    return Local


LOCAL: Final = [
    local_dataclass(),
    local_dataclass(slots=True),
    of_dataclass,
    of_lambda,
    of_order,
    of_attrs,
    of_attrs_factory,
    of_attrs_in_dicts,
    of_validator,
    of_pydantic,
    of_constraint,
    of_model_validator,
    of_private,
    of_constant,
    of_partial,
    of_static,
    of_metaclass,
    of_nonmember,
    of_mixin,
    of_boundary,
]


@pytest.mark.parametrize("make", LOCAL, ids=lambda make: make.__name__)
def test_local_classes_differ_by_what_decorators_and_metaclasses_keep(
    make: Callable[[int], Any],
) -> None:
    assert differ(make(0), make(1))
    assert alike(make(0), make(0))


def test_a_local_class_hashes_alike_before_and_after_it_is_used() -> None:
    for make in (local_dataclass(), of_attrs, of_pydantic, of_constant):
        cls = make(1)
        before = hash_one(cls)
        used = cls()
        repr(used), hash_one(used), used == cls(), getattr(used, "__reduce_ex__")(4)  # noqa: B009

        assert hash_one(cls) == before


def test_objects_of_local_classes_differ_as_their_classes() -> None:
    for make in (of_attrs, of_pydantic, of_lambda):
        assert hash_one(make(0)) != hash_one(make(1))
        assert hash_one([make(0)()]) != hash_one([make(1)()])


# Slots


class Base:
    __slots__ = ("extra",)


@dataclass
class Slotted(Base):
    __slots__ = ("memo", "x")
    x: int


@dataclass(slots=True)
class Generated(Base):
    x: int


def test_slots_of_a_dataclass_that_are_no_fields_count() -> None:
    def make(cls: Any, **values: int) -> Any:
        made = cls(1)
        for name, value in values.items():
            setattr(made, name, value)
        return made

    for cls in (Slotted, Generated):
        assert differ(make(cls), make(cls, extra=1), make(cls, extra=2), make(cls, x=2))
    assert differ(make(Slotted, memo=1), make(Slotted, memo=2), make(Slotted, extra=1))


# Functions


def plain(x: int) -> int:
    return x


def test_a_local_function_is_also_what_was_set_on_it() -> None:
    def make(n: int) -> Any:
        def call(x: int) -> int:
            return x * call.n  # type: ignore[attr-defined,no-any-return]

        call.n = n  # type: ignore[attr-defined]
        return call

    def renamed(n: int) -> Any:
        def call(x: int) -> int:
            return x

        call.__qualname__, call.n = "plain", n  # type: ignore[attr-defined]
        return call

    assert differ(make(1), make(2))
    assert differ(plain, renamed(1), renamed(2))


def test_a_wrapper_that_its_name_does_not_lead_to_is_also_its_defaults() -> None:
    def make(n: int) -> Any:
        @functools.wraps(plain)
        def call(x: int, times: int = n) -> int:
            return x * times

        return call

    assert differ(plain, make(1), make(2))
    assert alike(make(1), make(1))


def test_a_partial_is_also_what_was_set_on_it() -> None:
    def make(**values: int) -> Any:
        made = functools.partial(plain, 1)
        vars(made).update(values)
        return made

    assert differ(make(), make(n=1), make(n=2))


def test_a_cache_that_tells_types_apart_is_another() -> None:
    def make(typed: bool) -> Any:
        return functools.lru_cache(typed=typed)(plain)

    assert differ(plain, make(True), make(False))
