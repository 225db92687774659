"""Lambdas that classes keep for their objects, such as what makes the default of a field.

They stand where a function with a name could stand as well, and are common there, so they
are hashed by their source.
"""

from __future__ import annotations

from collections.abc import Generator
from types import FunctionType
from typing import Any

from jug.hash.containers import encoders
from jug.hash.functions import Lambda, is_lambda


class BySource:
    """A lambda that is hashed by its source wherever it stands."""

    __slots__ = ("f",)

    def __init__(self, f: FunctionType) -> None:
        self.f = f


def told(value: Any) -> Any:
    """Return a value with which a class makes fields, ready to be hashed if it is a lambda."""
    return BySource(value) if isinstance(value, FunctionType) and is_lambda(value) else value


def _by_source(wrapped: BySource) -> Generator[Any, bytes, bytes]:
    from jug.hash.lambdas import by_source

    return (yield from by_source(Lambda(wrapped.f)))


encoders[BySource] = _by_source
