"""Parts of a result: `task[i]`, and anything else that is quick to compute from it.

A tasklet is never stored.  Its value is computed from its base whenever it is
asked for, in each task that has it as an argument.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterator
from typing import Any

from jug.errors import IterationError, TaskError
from jug.hash import digest_function, digest_one
from jug.task.arguments import find_dependencies, value_of
from jug.task.running import advice_for


class Tasklet:
    """What a function makes of the value of a task.

    >>> Tasklet([3, 1, 2], sorted).value()
    [1, 2, 3]
    """

    __slots__ = ("_digest", "base", "f")

    def __init__(self, base: Any, f: Callable[[Any], Any]) -> None:
        self.base = base
        self.f = f
        self._digest: bytes | None = None

    def value(self) -> Any:
        """Return the value, computed from the base's now."""
        chain: list[Callable[[Any], Any]] = []
        base: Any = self
        while type(base) is Tasklet:
            chain.append(base.f)
            base = base.base
        result = value_of(base)
        while chain:
            result = chain.pop()(result)
        return result

    __jug_value__ = value

    @property
    def result(self) -> Any:
        """The value."""
        return self.value()

    def dependencies(self) -> Iterator[Any]:
        """Yield the tasks that the value is computed from."""
        base: Any = self
        while type(base) is Tasklet:
            if isinstance(base.f, Item):
                yield from find_dependencies(base.f.index)
            base = base.base
        yield from find_dependencies(base)

    __jug_dependencies__ = dependencies

    def can_load(self) -> bool:
        """Return whether the value can be had now."""
        return all(task.can_load() for task in self.dependencies())

    def unload(self) -> None:
        """Forget the values of the tasks that this one is computed from."""
        for task in self.dependencies():
            task.unload()

    def unload_recursive(self) -> None:
        """Forget the values of all tasks that this one depends on, directly or not."""
        for task in self.dependencies():
            task.unload_recursive()

    @property
    def digest(self) -> bytes:
        """The hash as 20 raw bytes."""
        chain = [self]
        while type(chain[-1].base) is Tasklet and chain[-1]._digest is None:
            chain.append(chain[-1].base)
        for tasklet in reversed(chain):
            if tasklet._digest is None:
                tasklet._digest = tasklet._compute_digest()
        assert self._digest is not None
        return self._digest

    def _compute_digest(self) -> bytes:
        if isinstance(self.f, Item):
            part: Any = ("item", self.f.index)
        else:
            part = ("function", digest_function(self.f, allow_lambda=True))
        return digest_one(("jug.Tasklet", self.base, part))

    def hash(self) -> bytes:
        """Return the hash as 40 hex digits."""
        return hexlify(self.digest)

    __jug_hash__ = hash

    def __getitem__(self, index: Any) -> Tasklet:
        """Return a part of this part."""
        return Tasklet(self, Item(index))

    def __iter__(self) -> Iterator[Any]:
        """Say why it can't be done."""
        raise cannot_iterate(self)

    def __repr__(self) -> str:
        """Show the base and what is made of it."""
        return f"Tasklet({self.base!r}, {self.f!r})"


class Item:
    """The function behind `task[index]`, and behind one of `length` items of a result."""

    __slots__ = ("index", "length", "whole")

    def __init__(self, index: Any, length: int | None = None, whole: Any = None) -> None:
        self.index = index
        self.length = length
        self.whole = whole

    def __call__(self, base: Any) -> Any:
        """Return the item, after looking at the length of the whole."""
        if self.length is not None and len(base) != self.length:
            raise TaskError(
                f"the result of {self.whole!r} has {len(base)} items "
                f"where {self.length} were announced: "
                "make the number given to iteratetask or return_tuple fit"
            )
        return base[value_of(self.index)]

    def __repr__(self) -> str:
        """Show the index."""
        return f"[{self.index!r}]"


class Part(Item):
    """The function behind an item of what `return_tuple` gives: jug 2.x had another one."""

    __slots__ = ()


def cannot_iterate(thing: Any) -> IterationError:
    """Return the error that says how to go through the items of a result."""
    advice = advice_for(
        next(find_dependencies(thing), None),
        "use jug.iteratetask(task, n) where n items are known to come, "
        "or jug.bvalue(task) to wait for the value",
    )
    return IterationError(
        f"{thing!r} has no length before it has run, so it can't be iterated over: {advice}"
    )
