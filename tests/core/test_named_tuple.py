"""Named tuples of jug's own are those of `typing`, to whoever uses them."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import Any

import pytest

from jug import named_tuple


class Ours(named_tuple.NamedTuple):
    """A place."""

    name: str
    x: float = 0.0
    y: float = 0.0
    """A part may be told of."""

    @property
    def there(self) -> str:
        return f"{self.name} at {self.x}, {self.y}"


class Theirs(typing.NamedTuple):
    """A place."""

    name: str
    x: float = 0.0
    y: float = 0.0
    """A part may be told of."""

    @property
    def there(self) -> str:
        return f"{self.name} at {self.x}, {self.y}"


BOTH = pytest.mark.parametrize("kind", [Ours, Theirs])


@BOTH
def test_it_is_made_of_parts_by_place_and_by_name(kind: Any) -> None:
    assert kind("a") == ("a", 0.0, 0.0)
    assert kind("a", 1.0, y=2.0) == kind._make(["a", 1.0, 2.0]) == ("a", 1.0, 2.0)
    assert kind(name="a", y=2.0).there == "a at 0.0, 2.0"


@BOTH
@pytest.mark.parametrize("parts", [{}, {"name": "a", "z": 1.0}])
def test_parts_that_are_missing_or_unknown_are_refused(kind: Any, parts: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(**parts)


@BOTH
def test_it_can_be_changed_only_in_a_copy(kind: Any) -> None:
    one = kind("a", 1.0)

    assert one._replace(x=3.0) == kind("a", 3.0) and one.x == 1.0
    with pytest.raises(AttributeError):
        one.x = 3.0
    with pytest.raises(AttributeError):
        one.other = 3.0


@BOTH
def test_a_copy_and_what_was_pickled_are_the_same(kind: Any) -> None:
    one = kind("a", 1.0)

    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert type(other) is kind and other == one


@BOTH
def test_it_says_what_it_is_made_of(kind: Any) -> None:
    assert repr(kind("a", 1.0)) == f"{kind.__name__}(name='a', x=1.0, y=0.0)"
    assert kind("a")._asdict() == {"name": "a", "x": 0.0, "y": 0.0}
    assert (kind.__doc__, kind.__module__) == ("A place.", __name__)
    assert kind._fields == kind.__match_args__ == ("name", "x", "y")
    assert kind._field_defaults == {"x": 0.0, "y": 0.0}


@BOTH
def test_it_is_a_tuple_and_takes_no_more_memory_than_one(kind: Any) -> None:
    assert issubclass(kind, tuple) and kind.__dictoffset__ == 0
    assert hash(kind("a")) == hash(("a", 0.0, 0.0))


def test_parts_may_have_any_name() -> None:
    class Change(named_tuple.NamedTuple):
        cls: str
        new: str
        tuple: str = ""

    assert Change("a", new="b") == ("a", "b", "")


@BOTH
def test_its_signature_names_each_part(kind: Any) -> None:
    parameters = inspect.signature(kind).parameters.values()

    assert [one.name for one in parameters] == ["name", "x", "y"]
    assert [one.default for one in parameters] == [inspect.Parameter.empty, 0.0, 0.0]


class OursInUnits(Ours):
    def __new__(cls, name: str) -> OursInUnits:
        return super().__new__(cls, name, 1.0, 1.0)


class TheirsInUnits(Theirs):
    def __new__(cls, name: str) -> TheirsInUnits:
        return super().__new__(cls, name, 1.0, 1.0)


@pytest.mark.parametrize("kind", [OursInUnits, TheirsInUnits])
def test_a_class_derived_from_it_may_have_a_constructor_of_its_own(kind: Any) -> None:
    assert [kind("a"), kind("b")] == [("a", 1.0, 1.0), ("b", 1.0, 1.0)]


@BOTH
def test_a_class_derived_from_it_is_made_of_the_same_parts(kind: Any) -> None:
    derived = type("Derived", (kind,), {"__slots__": ()})

    assert type(derived("a", y=2.0)) is derived and derived("a", y=2.0) == ("a", 0.0, 2.0)
    assert [*inspect.signature(derived).parameters] == ["name", "x", "y"]
