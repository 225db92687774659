"""What type checkers know of values that come later; nothing of it is there at run time.

A function that takes an `A` may be given a task whose value will be one.  No decorator can
say so of all parameters at once: a `ParamSpec` is kept as it is or not at all.  But one may
take the first few parameters off (`Concatenate[A, B, Rest]`) and give each a wider type, for
which `TaskGenerator.__call__` has one overload per number of parameters.  What is left of
the signature is checked as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

A = TypeVar("A")
T_co = TypeVar("T_co", covariant=True)


class Later(Protocol[T_co]):
    """What will have a value: a task, or a part of one's result."""

    def __jug_value__(self) -> T_co:
        """Return the value."""
        ...


class Listed(Protocol[T_co]):
    """A list that is only read, so that one of tasks may stand where one of both may."""

    def __iter__(self) -> Iterator[T_co]:
        """Yield the items."""
        ...

    def copy(self) -> Sequence[T_co]:
        """Return a list of the same items."""
        ...

    def reverse(self) -> None:
        """Turn the order around: no tuple, set or string can."""
        ...


class Calls(Protocol[T_co]):
    """What makes tasks of a function of the type given."""

    @property
    def __jug_function__(self) -> T_co:
        """The function."""
        ...


Given: TypeAlias = A | Later[A]
"""A value, or what will have one."""

Row: TypeAlias = (
    Listed[Later[Any]]
    | Mapping[Any, Later[Any]]
    | tuple[Later[Any], ...]
    | tuple[Later[Any], Any]
    | tuple[Any, Later[Any]]
    | tuple[Any, Any, Later[Any]]
)
"""Tasks in a list, a dict or a tuple, or in one with what they are of, such as a name."""

Held: TypeAlias = (
    Mapping[Any, Later[Any]]
    | tuple[Later[Any], ...]
    | Listed[Row]
    | Mapping[Any, Row]
    | tuple[Row, ...]
)
"""Tasks in a dict or a tuple, or in two of lists, dicts and tuples, of any type."""

Loosely: TypeAlias = Given[A] | Held | Listed[Later[Any]]
"""A value, what will have one, or tasks of any type in a list, a dict or a tuple."""
