"""Functions whose calls make tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import WRAPPER_ASSIGNMENTS, partial, update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from jug.errors import OptionError, TaskError
from jug.hash.names import function_name
from jug.needs import NOTHING, Needs
from jug.task.run_options import DEFAULTS, RunOptions, Stated, check_names
from jug.task.task import Task
from jug.task.tasklet import Item, Part, Tasklet

if TYPE_CHECKING:
    from jug.task.later import Calls, Given, Held, Listed, Loosely, Row

P = ParamSpec("P")
R = TypeVar("R")
Q = ParamSpec("Q")
S = TypeVar("S")
# fmt: off
# The first parameters, then the keys and the items of what is given for them.
A = TypeVar("A"); B = TypeVar("B"); C = TypeVar("C"); D = TypeVar("D")  # noqa: E702
E = TypeVar("E"); F = TypeVar("F"); G = TypeVar("G"); H = TypeVar("H")  # noqa: E702
K = TypeVar("K"); T = TypeVar("T"); U = TypeVar("U")  # noqa: E702
# fmt: on


class _Decorator:
    """Stands, for type checkers, for the result of a generator that has no function yet."""


class TaskGenerator(Generic[P, R]):
    """A function whose call makes a task instead of computing.

    Used as a decorator, with or without options, or called on any function:

    >>> @TaskGenerator
    ... def double(x):
    ...     return 2 * x
    >>> double(4)  # doctest: +ELLIPSIS
    Task(jug.task.generator.double() #..., args=(4,), kwargs={})
    >>> double.f(4)
    8
    >>> longest = TaskGenerator(max, retries=2)

    `retries` is how often a task that failed is tried again at once, `timeout` the
    seconds after which a run of it counts as failed, and `runtime` how long it is likely to
    take, such as ``"20 min"``: workers that must end go by it until they have seen a run.

    `cpus`, `memory` such as ``"8 GB"``, and `gpus` are what a task needs of a machine while it
    runs: it begins only while that is free among the workers of its command.  By `tags`, such
    as ``{"licence"}``, a command chooses what it runs.  None of these options changes its hash.

    `version`, such as ``"2"``, does: its tasks are others than those of any other version, or
    of none, so that they run although results of the old code are there, which stay.
    """

    f: Callable[P, R]
    """The plain function."""

    def __new__(cls, f: Any = None, **options: Any) -> Self:
        """Return the generator, or the decorator that makes it if only options are given."""
        check_names(options)
        if f is None:
            decorator: Any = partial(cls, **options)
            return cast(Self, decorator)
        return super().__new__(cls)

    @overload
    def __init__(self, f: Callable[P, R], **options: Unpack[Stated]) -> None: ...
    @overload
    def __init__(
        self: TaskGenerator[..., _Decorator], f: None = None, **options: Unpack[Stated]
    ) -> None: ...
    def __init__(self, f: Any = None, **options: Unpack[Stated]) -> None:
        if not callable(f):
            raise OptionError(f"{f!r} can't be called: TaskGenerator needs a function")
        f = _behind_tuple(f)
        if isinstance(f, TaskGenerator):
            options = cast(Stated, {**f._stated, **options})
            f = f.f
        elif version := version_of(f):
            options.setdefault("version", version)
        _take_attributes(self, f)
        self.f = f
        self._stated: Stated = options
        self._options = _run_options(f, options) if options else DEFAULTS

    @property
    def needs(self) -> Needs:
        """What a call needs of the machine that runs it."""
        return self._options.needs

    @property
    def version(self) -> str:
        """The version that enters the hashes of its tasks, empty where none was stated."""
        return self._options.version

    @property
    def __jug_function__(self) -> Callable[P, R]:
        """The plain function, by which this hashes and runs."""
        return self.f

    @overload
    def __call__(  # type: ignore[overload-overlap]  # only what the decorator is called with
        self: TaskGenerator[..., _Decorator], f: Callable[Q, S], /
    ) -> TaskGenerator[Q, S]: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Task[R]: ...
    # fmt: off
    # One argument that may be a task or hold some, two of them, and up to eight.
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, Q], R]],
        a: Given[A], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[list[T], Q], R]],
        a: Listed[Given[T]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[list[list[T]], Q], R]],
        a: Listed[Listed[Given[T]]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[dict[K, T], Q], R]],
        a: Mapping[K, Given[T]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[tuple[T, ...], Q], R]],
        a: tuple[Given[T], ...], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[tuple[T, U], Q], R]],
        a: tuple[Given[T], Given[U]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[list[Any], Q], R]],
        a: Listed[Row], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[dict[Any, Any], Q], R]],
        a: Mapping[Any, Row], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[tuple[Any, ...], Q], R]],
        a: tuple[Row, ...], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, Q], R]],
        a: Given[A] | Held, b: Given[B] | Held, /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, list[U], Q], R]],
        a: Given[A] | Held, b: Listed[Given[U]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[list[T], B, Q], R]],
        a: Listed[Given[T]], b: Given[B] | Held, /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[list[T], list[U], Q], R]],
        a: Listed[Given[T]], b: Listed[Given[U]], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, D, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], d: Loosely[D],
        /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, D, E, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], d: Loosely[D],
        e: Loosely[E], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, D, E, F, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], d: Loosely[D],
        e: Loosely[E], f: Loosely[F], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, D, E, F, G, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], d: Loosely[D],
        e: Loosely[E], f: Loosely[F], g: Loosely[G], /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    @overload
    def __call__(
        self: Calls[Callable[Concatenate[A, B, C, D, E, F, G, H, Q], R]],
        a: Loosely[A], b: Loosely[B], c: Loosely[C], d: Loosely[D],
        e: Loosely[E], f: Loosely[F], g: Loosely[G], h: Loosely[H],
        /, *args: Q.args, **kwargs: Q.kwargs,
    ) -> Task[R]: ...
    # fmt: on
    def __call__(self: Any, /, *args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]  # takes all
        """Return a task that will call the function with these arguments."""
        task: Task[Any] = Task(self.f, *args, **kwargs)
        task.options = self._options
        return task

    def options(self, **options: Unpack[Stated]) -> TaskGenerator[P, R]:
        """Return the same function with other options for the calls that follow.

        None takes back what was stated.

        >>> careful = TaskGenerator(max).options(retries=3, timeout=60, memory="2 GB")
        """
        check_names(options)
        stated: Any = self._stated | options
        return type(self)(self.f, **{name: one for name, one in stated.items() if one is not None})

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Return the generator as a method, whose tasks receive the instance."""
        return self if instance is None else partial(self, instance)

    def __jug_hash__(self) -> bytes:
        """Return the hash of the function, and of its version if it has one."""
        from jug.hash import hash_one

        version = self.version
        return hash_one(("jug.TaskGenerator", self.f, version) if version else self.f)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by name, as functions are."""
        name: str = getattr(self, "__qualname__", "")
        return name if name else (partial(TaskGenerator, **self._stated), (self.f,))

    def __repr__(self) -> str:
        """Show the function's name."""
        return f"TaskGenerator({function_name(self.f)})"


def version_of(f: Any) -> str:
    """Return the version of a generator, also inside partials; empty for any other function.

    >>> version_of(partial(TaskGenerator(max, version="2"), 1)), version_of(max)
    ('2', '')
    """
    f = _in_partials(f)
    return f.version if isinstance(f, TaskGenerator) else ""


def needs_of(f: Any) -> Needs:
    """Return what the tasks of a generator need, also inside partials; of any other, one CPU.

    >>> print(needs_of(partial(TaskGenerator(max, cpus=2), 1)))
    2 CPUs
    """
    f = _in_partials(f)
    return f.needs if isinstance(f, TaskGenerator) else NOTHING


def _in_partials(f: Any) -> Any:
    while isinstance(f, partial):
        f = f.func
    return f


def _take_attributes(generator: TaskGenerator[..., Any], f: Any) -> None:
    """Give a generator the attributes of its function, but for those that it has itself."""
    update_wrapper(generator, f)
    attributes = vars(generator)
    for name in attributes.keys() & vars(TaskGenerator).keys() - {*WRAPPER_ASSIGNMENTS}:
        del attributes[name]


def _run_options(f: Any, options: Stated) -> RunOptions:
    try:
        return RunOptions(**options)
    except TaskError as error:
        raise TaskError(f"{function_name(f)}: {error}") from None


def iteratetask(base: Any, n: int) -> tuple[Tasklet, ...]:
    """Return `base[0]` to `base[n - 1]`, for a result that will have exactly `n` items.

    >>> quotient, remainder = iteratetask(Task(divmod, 7, 2), 2)
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise OptionError(f"iteratetask needs the number of items, not {n!r}")
    return tuple(Tasklet(base, Item(i, n, base)) for i in range(n))


def return_tuple(
    n: int,
) -> Callable[[Callable[P, Any]], Callable[P, tuple[Tasklet, ...]]]:
    """Decorate a task's function so that a call gives a tuple of `n` tasklets.

    A result with another number of items is an error when an item is used.

    >>> @return_tuple(2)
    ... @TaskGenerator
    ... def halves(x):
    ...     return x // 2, x - x // 2
    >>> first, second = halves(5)
    """
    iteratetask(None, n)

    def decorate(generator: Callable[P, Any]) -> Callable[P, tuple[Tasklet, ...]]:
        make = generator if isinstance(generator, TaskGenerator) else TaskGenerator(generator)

        def call(*args: P.args, **kwargs: P.kwargs) -> tuple[Tasklet, ...]:
            task = make(*args, **kwargs)
            return tuple(Tasklet(task, Part(i, n, task)) for i in range(n))

        update_wrapper(call, make)
        call.__jug_tuple__ = (call, make)  # type: ignore[attr-defined]
        return call

    return decorate


def _behind_tuple(f: Any) -> Any:
    """Return the generator behind what `return_tuple` has decorated; anything else as it is.

    What wraps that in its turn has its attributes, and is another function all the same.
    """
    call, make = getattr(f, "__jug_tuple__", (None, None))
    return make if call is f else f
