"""A function over many inputs, in tasks of a few inputs each.

A task for each of a million short calls would cost more than the calls.  `map`
puts neighbouring inputs into one *block*, and each block is one task; its result
looks like a list of one task per input all the same.  `mapreduce` and `reduce`
combine the inputs of each block, and then the blocks with each other, in a tree.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, Final, overload

from jug._former import tell_what_is_gone
from jug.errors import HashError, OptionError
from jug.hash import digest_function, digest_one
from jug.hash.names import function_name
from jug.hash.task_texts import mark_of
from jug.needs import NOTHING, most_of
from jug.task import Task, Tasklet
from jug.task.generator import needs_of, version_of
from jug.task.run_options import RunOptions, of_version
from jug.utils import identity

__all__ = ["Mapped", "currymap", "map", "mapreduce", "reduce"]

MAP_STEP: Final = 4
REDUCE_STEP: Final = 8
_TABLES: Final = frozenset(("pandas", "polars", "pyarrow"))


def map(  # noqa: A001
    mapper: Callable[[Any], Any], sequence: Iterable[Any], map_step: int = MAP_STEP
) -> Sequence[Any]:
    """Return the results of calling `mapper` on each item, as a sequence of what tasks will give.

    It has a length, and items and slices, which wait for the blocks that they are
    from and no others.  `map_step` inputs make one task.

    >>> from jug import TaskGenerator, run
    >>> lengths = map(len, ["a", "bc", "def"], map_step=2)
    >>> run(lengths, jugdir="dict_store")
    [1, 2, 3]
    """
    _check_function("mapper", mapper)
    size = _checked_step("map_step", map_step)
    if size == 1:
        options = _options_for(mapper, version=version_of(mapper))
        return [_task(options, mapper, item) for item in sequence]
    options, inputs = _options_for(mapper), _sliceable(sequence)
    blocks = [_task(options, _jug_map, mapper, block) for block in _break_up(inputs, size)]
    return Mapped(blocks, size, range(len(inputs))) if blocks else []


def currymap(
    mapper: Callable[..., Any], sequence: Iterable[Iterable[Any]], map_step: int = MAP_STEP
) -> list[Any]:
    """Return the results of calling `mapper(*item)` for each item, as a list of what tasks give.

    >>> from jug import run
    >>> run(currymap(pow, [(2, 3), (3, 2)]), jugdir="dict_store")
    [8, 9]
    """
    _check_function("mapper", mapper)
    size = _checked_step("map_step", map_step)
    inputs = [tuple(item) for item in sequence]
    if size == 1:
        options = _options_for(mapper, version=version_of(mapper))
        return [_task(options, mapper, *item) for item in inputs]
    options = _options_for(mapper)
    blocks = [_task(options, _jug_map_curry, mapper, block) for block in _break_up(inputs, size)]
    return list(Mapped(blocks, size, range(len(inputs))))


def reduce(
    reducer: Callable[[Any, Any], Any], inputs: Iterable[Any], reduce_step: int = REDUCE_STEP
) -> Task[Any]:
    """Return a task that combines all inputs, two at a time and in their order.

    Up to `reduce_step` inputs are one task.  Of more, four at a time make one, as in
    jug 2.x, then `reduce_step` of these make one, and so on.  Assumes that the reducer is
    associative.  Of no inputs the value is `[]`.

    >>> from jug import run
    >>> run(reduce(max, [3, 1, 4, 1, 5]), jugdir="dict_store")
    5
    """
    _check_function("reducer", reducer)
    size = _checked_step("reduce_step", reduce_step, least=2)
    sequence = _sliceable(inputs)
    return _combine(reducer, None, sequence, size if len(sequence) <= size else MAP_STEP, size)


def mapreduce(
    reducer: Callable[[Any, Any], Any],
    mapper: Callable[[Any], Any],
    inputs: Iterable[Any],
    map_step: int = MAP_STEP,
    reduce_step: int = REDUCE_STEP,
) -> Task[Any]:
    """Return a task that combines what `mapper` makes of the inputs.

    The order is kept.  Assumes that the reducer is associative.  Of no inputs the
    value is `[]`.

    >>> from operator import add
    >>> from jug import run
    >>> run(mapreduce(add, abs, [-1, 2, -3], map_step=2), jugdir="dict_store")
    6
    """
    _check_function("reducer", reducer)
    _check_function("mapper", mapper)
    return _combine(
        reducer,
        mapper,
        inputs,
        _checked_step("map_step", map_step),
        _checked_step("reduce_step", reduce_step, least=2),
    )


class Mapped(Sequence[Any]):
    """The results of `map`: item i is a part of what the task of its block will give.

    As an argument it becomes the list of its values.
    """

    __slots__ = ("_hash", "block_size", "blocks", "indices", "is_slice")

    def __init__(
        self, blocks: Sequence[Task[Any]], block_size: int, indices: range, is_slice: bool = False
    ) -> None:
        self.blocks = blocks
        """The tasks, also those that a slice needs nothing of."""
        self.block_size = block_size
        self.indices = indices
        """Which results of all blocks these are."""
        self.is_slice = is_slice
        """Whether it was cut out of another, which for jug 2.x made it another argument."""
        self._hash: bytes | None = None

    def __len__(self) -> int:
        """Return how many results there are."""
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Tasklet: ...
    @overload
    def __getitem__(self, index: slice) -> Mapped: ...
    def __getitem__(self, index: int | slice) -> Tasklet | Mapped:
        """Return what will be one result, or some of them."""
        chosen = self.indices[index]
        if isinstance(chosen, range):
            return Mapped(self.blocks, self.block_size, chosen, is_slice=True)
        block, place = divmod(chosen, self.block_size)
        return self.blocks[block][place]

    def can_load(self) -> bool:
        """Return whether all results are there."""
        return all(block.can_load() for block in self.__jug_dependencies__())

    def _numbers(self) -> list[int]:
        """Return the numbers of the blocks that the results are in, in ascending order."""
        return sorted({index // self.block_size for index in self.indices})

    def __jug_dependencies__(self) -> Iterator[Task[Any]]:
        """Yield the tasks that the results are in."""
        for number in self._numbers():
            yield self.blocks[number]

    def __jug_value__(self) -> list[Any]:
        """Return the results."""
        values = {number: self.blocks[number].value() for number in self._numbers()}
        places = (divmod(index, self.block_size) for index in self.indices)
        return [values[block][place] for block, place in places]

    def __jug_hash__(self) -> bytes:
        """Return a hash of the results, which depends on no other blocks."""
        if self._hash is None:
            blocks = list(self.__jug_dependencies__())
            self._hash = digest_one(
                ("jug.mapreduce.Mapped", blocks, self.block_size, self._places())
            )
        return self._hash

    def _places(self) -> tuple[int, int, int]:
        """Return first place, number and distance of the results, counted in their own blocks."""
        first = self.indices[:1]
        if not first:
            return (0, 0, 1)
        distance = self.indices.step if len(self) > 1 else 1
        return (first[0] - self._numbers()[0] * self.block_size, len(self), distance)

    def __repr__(self) -> str:
        """Show how much it is of what, with a mark that says of which inputs."""
        name = function_name(_plain(self.blocks[0].args[0]))
        return f"<{len(self)} results of {name} {mark_of(self.__jug_hash__().hex(), name)}>"


# What the tasks run.  Results are found again by the names of these functions and
# by their arguments: neither may change.


def _jug_map(mapper: Callable[[Any], Any], inputs: Iterable[Any]) -> list[Any]:
    return list(builtins.map(_plain(mapper), inputs))


def _jug_map_curry(mapper: Callable[..., Any], inputs: Iterable[Sequence[Any]]) -> list[Any]:
    call = _plain(mapper)
    return [call(*item) for item in inputs]


def _jug_map_reduce(
    reducer: Callable[[Any, Any], Any],
    mapper: Callable[[Any], Any] | None,
    inputs: Iterable[Any],
) -> Any:
    if mapper is not None:
        inputs = builtins.map(_plain(mapper), inputs)
    return _jug_reduce(reducer, inputs)


def _jug_reduce(reducer: Callable[[Any, Any], Any], inputs: Iterable[Any]) -> Any:
    return functools.reduce(_plain(reducer), inputs)


def _plain(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a TaskGenerator, also inside partials, and any other as it is."""
    if type(f) is functools.partial:
        return functools.partial(_plain(f.func), *f.args, **f.keywords)
    return getattr(f, "__jug_function__", f)


# Blocks and trees of them


def _combine(
    reducer: Callable[[Any, Any], Any],
    mapper: Callable[[Any], Any] | None,
    inputs: Iterable[Any],
    map_step: int,
    reduce_step: int,
) -> Task[Any]:
    blocks = _break_up(_sliceable(inputs), map_step)
    both, later = _options_for(reducer, mapper), _options_for(reducer)
    tasks = [_task(both, _jug_map_reduce, reducer, mapper, block) for block in blocks]
    while len(tasks) > 1:
        parts = _break_up(tasks, reduce_step)
        tasks = [_task(later, _jug_reduce, reducer, part) for part in parts]
    return tasks[0] if tasks else identity([])


def _options_for(*functions: Any, version: str = "") -> RunOptions:
    """Return options by which a task has what each of the functions needs that it calls.

    The version is that of the task's own function; those of others are in their hashes.
    """
    needs = most_of(needs_of(f) for f in functions)
    if needs == NOTHING:
        return of_version(version)
    return RunOptions(version=version or None, **needs._asdict())


def _task(options: RunOptions, f: Callable[..., Any], *args: Any) -> Task[Any]:
    task = Task(f, *args)
    task.options = options
    return task


def _break_up(sequence: Any, size: int) -> Iterator[Any]:
    """Yield slices of `size` items; the last may be shorter.

    >>> list(_break_up([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    for start in range(0, len(sequence), size):
        yield sequence[start : start + size]


def _sliceable(inputs: Any) -> Any:
    """Return the inputs themselves if they can be sliced, so that arrays stay arrays.

    A table of pandas or polars is cut by its rows, but gone through by its columns.
    """
    is_sequence = hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__")
    is_other = isinstance(inputs, Mapping) or _is_table(type(inputs))
    return inputs if is_sequence and not is_other else list(inputs)


def _is_table(kind: type) -> bool:
    libraries = {one.__module__.partition(".")[0] for one in kind.__mro__}
    return hasattr(kind, "columns") and not libraries.isdisjoint(_TABLES)


# What may go wrong


def _checked_step(name: str, step: Any, least: int = 1) -> int:
    if isinstance(step, bool) or not isinstance(step, Integral) or step < least:
        raise OptionError(f"{name} must be a whole number from {least} up, not {step!r}", name=name)
    return int(step)


def _check_function(role: str, f: Any) -> None:
    if not callable(f):
        raise OptionError(f"the {role} must be a function, not {f!r}", name=role)
    try:
        digest_function(f)
    except HashError as error:
        raise HashError(f"the {role}: {error}", part=role) from None


tell_what_is_gone(__name__)
