"""A function and its arguments, to be run once.

`Task` has many methods, since they are what users call on a task; what others do
with tasks is in the modules around this one.
"""

from __future__ import annotations

import functools
from binascii import hexlify
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, Generic, TypeVar, overload

from jug.backends.base import BaseStore
from jug.errors import HashError, TaskError
from jug.hash import task_digest
from jug.hash.containers import leaves
from jug.hash.framing import length
from jug.hash.names import function_name
from jug.needs import Needs
from jug.session import current_store, is_store_chosen, of_this_thread
from jug.task.arguments import ATOMS, TASKS, dependencies_first, find_dependencies
from jug.task.elsewhere import look_for, refuse_to_compute
from jug.task.locks import Lockable
from jug.task.made import alltasks
from jug.task.run_options import DEFAULTS, RunOptions, of_version
from jug.task.tasklet import Item, Tasklet, cannot_iterate

R = TypeVar("R")


class _Missing:
    """The value of a task that is not loaded, since None may be a result."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        """Copy and pickle as the one that there is."""
        return "MISSING"


MISSING: Final = _Missing()


class _StoreOfTask:
    """A task's own store, else the one in use; on the class, the one in use or None."""

    @overload
    def __get__(self, task: None, owner: type) -> BaseStore | None: ...
    @overload
    def __get__(self, task: Task[Any], owner: type) -> BaseStore: ...
    def __get__(self, task: Task[Any] | None, owner: type) -> BaseStore | None:
        if task is None:
            return current_store() if is_store_chosen() else None
        own = task.own_store
        return current_store() if own is None else of_this_thread(own)


class Task(Lockable, Generic[R]):
    """A call that a worker will make, once for all who want its result.

    The arguments may be tasks, or lists, tuples and dicts with tasks inside; the
    function receives their values.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> task = Task(sum, [1, Task(max, 2, 3)])
    >>> [dependency.run() for dependency in task.dependencies()]
    [3]
    >>> task.run()
    4
    """

    __slots__ = (
        "_kwargs", "args", "f", "given_name", "known_digest", "loaded_value", "options",
        "own_store",
    )  # fmt: skip

    store = _StoreOfTask()

    def __init__(self, f: Callable[..., R], /, *args: Any, **kwargs: Any) -> None:
        self.options = DEFAULTS
        if type(f) not in _PLAIN:
            f, args, kwargs, self.options = _unwrap(f, args, kwargs)
        self.f = f
        self.args = args
        self._kwargs = kwargs or None  # an empty dict would be a third of a small task
        self.given_name: str | None = None
        """What its name was set to."""
        self.own_store: BaseStore | None = None
        """The store that it belongs to whichever is in use, None for the one in use."""
        self.known_digest: bytes | None = None
        """The hash as 20 raw bytes if it was computed already."""
        self.loaded_value: Any = MISSING
        """The value in memory, `MISSING` if there is none."""
        alltasks.append(self)

    # Who it is

    @property
    def hides_tasks(self) -> bool:
        """Whether it is made of other tasks, which were not made as it is done."""
        return False

    @property
    def kwargs(self) -> dict[str, Any]:
        """The arguments that were given by name."""
        return self._kwargs or {}

    @property
    def has_plain_arguments(self) -> bool:
        """Whether its arguments are numbers, strings and the like, which contain nothing."""
        return self._kwargs is None and ATOMS.issuperset(map(type, self.args))

    @property
    def name(self) -> str:
        """The name under which it is listed: `module.function`, or what it was set to.

        A task of another name is another task, so set it before the hash is used.
        """
        return self.given_name or function_name(self.f)

    @name.setter
    def name(self, name: str) -> None:
        self.given_name = name
        self.known_digest = None

    @property
    def digest(self) -> bytes:
        """The hash as 20 raw bytes."""
        digest = self.known_digest
        if digest is None:
            if not self.has_plain_arguments:
                _hash_dependencies(self)
            self.known_digest = digest = self.compute_digest()
        return digest

    @property
    def needs(self) -> Needs:
        """What it needs of the machine that runs it."""
        return self.options.needs

    def hash_alone(self) -> bytes:
        """Compute the digest, given that those of all dependencies are known."""
        self.known_digest = digest = self.compute_digest()
        return digest

    def hash(self) -> bytes:
        """Return the hash of function and arguments as 40 hex digits."""
        return hexlify(self.digest)

    __jug_hash__ = hash

    def compute_digest(self) -> bytes:
        """Return the digest of function and arguments as they are now."""
        name, version = self.given_name or "", self.options.version
        return task_digest(name, self.f, self.args, self._kwargs, version)

    def dependencies(self) -> Iterator[Task[Any]]:
        """Yield the tasks that its arguments contain."""
        if self.has_plain_arguments:
            return iter(())
        return find_dependencies(*self.args, *self.kwargs.values())

    def __jug_dependencies__(self) -> Iterator[Task[Any]]:
        """Yield the task itself: it is what a container of it depends on."""
        yield self

    # Its value

    def run(self, force: bool = False, save: bool = True, debug_mode: bool = False) -> R:
        """Return the value, computing it here and now if it is not in the store.

        With `force` it is computed in any case.  With `debug_mode` a function
        that changes its arguments is an error.
        """
        if not force and self.can_load():
            return self.result
        refuse_to_compute(self)
        missing = next(_missing(self), None)
        if missing is not None:
            raise TaskError(
                f"task {self.name!r} can't run before {missing.name!r} has run", task=self
            )
        from jug.code import code_of, keep, notice_reloads  # `import jug` stays light
        from jug.task.attempt import attempt, load_arguments

        notice_reloads()
        if save:  # before it runs, so that no result is lost if that can't be done
            keep(self.store, [code_of(self)])
        frame, result = attempt(self, load_arguments(self), debug_mode)
        if save and force:
            self.store.discard([self.digest])
        if save and not self.store.put(frame):
            return self.value()  # another's result was there before
        self.loaded_value = result
        value: R = result
        return value

    @property
    def result(self) -> R:
        """The value, loaded if need be."""
        return self.value()

    def value(self) -> R:
        """Return the value, loaded if need be.

        Raises `ResultNotFound` if the task has not run, and `ResultFailed`, which is one and
        also a `TaskFailed`, if it failed: with the `record` of the failure.
        """
        if self.loaded_value is MISSING:
            self.load()
        result: R = self.loaded_value
        return result

    __jug_value__ = value

    def load(self) -> None:
        """Read the value from the store, also if it is loaded already."""
        store, digest = self.store, self.digest
        if not (store.has(digest) or self.can_load(store)):
            from jug.task.no_value import not_found

            raise not_found(self)
        self.loaded_value = store.load_digest(digest)

    def can_load(self, store: BaseStore | None = None) -> bool:
        """Return whether the value is in the store, or in another one if that is given."""
        store = self.store if store is None else store
        if not store.has(self.digest):
            store.poll()
            if not store.has(self.digest):
                look_for(self)
        return store.has(self.digest)

    def is_done(self, polled: BaseStore) -> bool:
        """Return whether it is done, by a store that was polled just now, or its own if another."""
        return polled.has(self.digest) if self.store is polled else self.can_load()

    def can_run(self) -> bool:
        """Return whether all that it depends on has run."""
        return next(_missing(self), None) is None

    def is_loaded(self) -> bool:
        """Return whether the value is in memory."""
        return self.loaded_value is not MISSING

    def keep(self, value: R) -> None:
        """Keep a value in memory that was just saved."""
        self.loaded_value = value

    def unload(self) -> None:
        """Forget the value in memory; the store keeps it."""
        self.loaded_value = MISSING

    def unload_recursive(self) -> None:
        """Forget the values of the task and of all that it depends on."""
        for task in (self, *recursive_dependencies(self)):
            task.unload()

    def invalidate(self) -> None:
        """Remove the task's own result from the store, and from memory."""
        self.unload()
        self.store.discard([self.digest])

    # As an object

    def __getitem__(self, index: Any) -> Tasklet:
        """Return a part of the result, as an argument for other tasks."""
        return Tasklet(self, Item(index))

    def __iter__(self) -> Iterator[Any]:
        """Say why it can't be done."""
        raise cannot_iterate(self)

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """Return what is copied or pickled: all but the value."""
        return None, {
            name: getattr(self, name) for name in Task.__slots__ if name != "loaded_value"
        }

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Become the same task, without its value."""
        for name, attribute in state[1].items():
            setattr(self, name, attribute)
        self.loaded_value = MISSING

    def __repr__(self) -> str:
        """Show name, hash and arguments, those that are tasks by their names."""
        arguments = f"args={_brief(self.args)}, kwargs={_brief(self.kwargs)}"
        return f"Task({_named(self)}, {arguments})"

    def _repr_html_(self) -> str:
        from jug.task.shown import as_html  # of use in notebooks alone

        return as_html(self)

    def __str__(self) -> str:
        """Show name and hash."""
        return f"Task: {_named(self)}"


_BY_HASH: Final = b"J" + length(40)


def _as_argument(task: Task[Any]) -> bytes:
    """Return the encoding in which a task enters the hash of another: of what it answers."""
    return _BY_HASH + hexlify(task.known_digest or task.digest)


TASKS.add(Task)
leaves[Task] = _as_argument

_PLAIN: Final = frozenset({FunctionType, BuiltinFunctionType, MethodType})
"""Types of functions in which no other function is wrapped."""
_FREE: Final = getattr(functools, "Placeholder", object())
"""What keeps a place free in a partial function, from Python 3.14 on."""


def _unwrap(
    f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any], RunOptions]:
    """Return the function proper, all arguments and the version of partials and TaskGenerators."""
    version = ""
    while True:
        if isinstance(f, partial):
            f, args, kwargs = f.func, _filled(f.args, args), {**f.keywords, **kwargs}
        elif hasattr(f, "__jug_function__"):
            version = version or f.version
            f = f.__jug_function__
        elif callable(f):
            return f, args, kwargs, of_version(version)
        else:
            raise TaskError(f"{f!r} can't be called, so it can't be the function of a task")


def _filled(held: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a partial function with those given, the first in the free places."""
    if not any(one is _FREE for one in held):
        return (*held, *given)
    rest = iter(given)
    try:
        return (*[next(rest) if one is _FREE else one for one in held], *rest)
    except StopIteration:
        raise TaskError(f"a partial function has free places for more than {given!r}") from None


def _missing(task: Task[Any]) -> Iterator[Task[Any]]:
    """Yield what a task depends on that has no value, neither in memory nor in the store."""
    return (one for one in task.dependencies() if not (one.is_loaded() or one.can_load()))


def _named(task: Task[Any]) -> str:
    """Return a task's name and the beginning of its hash, if it has one."""
    from jug.hash.task_texts import mark_of  # tasks are seldom shown

    try:
        return f"{task.name}() {mark_of(task.digest.hex(), task.name)}"
    except HashError:
        return f"{task.name}()"


def _brief(arguments: Any) -> str:
    if isinstance(arguments, Task):
        return f"<{_named(arguments)}>"
    if isinstance(arguments, dict):
        return "{" + ", ".join(f"{key!r}: {_brief(item)}" for key, item in arguments.items()) + "}"
    if type(arguments) in (tuple, list):
        text = ", ".join(map(_brief, arguments))
        if type(arguments) is list:
            return f"[{text}]"
        return f"({text},)" if len(arguments) == 1 else f"({text})"
    return repr(arguments)


_known_digest: Final = attrgetter("known_digest")


class _Known:
    """Contains every digest that is known."""

    def __contains__(self, digest: object) -> bool:
        return digest is not None


def _hash_dependencies(task: Task[Any]) -> None:
    """Compute the digests of all that the task needs, without recursion."""
    needed = [*task.dependencies()]
    if None in map(_known_digest, needed):
        order = dependencies_first(needed, Task.dependencies, _known_digest, _Known())
        for one, _ in order:
            one.hash_alone()


def recursive_dependencies(
    t: Task[Any] | Tasklet, max_level: int | None = -1
) -> Iterator[Task[Any]]:
    """Yield all that a task depends on, each task once, without the task itself.

    `max_level` is how far to go: 1 is what it depends on directly, 0 nothing;
    -1 and None are no limit.

    >>> total = Task(sum, [Task(abs, -1), Task(abs, Task(min, 2, 3))])
    >>> [task.name for task in recursive_dependencies(total, max_level=1)]
    ['builtins.abs', 'builtins.abs']
    """
    limit = -1 if max_level is None else max_level
    seen = {t.digest}
    level = [t]
    while level and limit != 0:
        limit -= 1
        following: list[Any] = []
        for one in level:
            for dependency in one.dependencies():
                if dependency.digest not in seen:
                    seen.add(dependency.digest)
                    following.append(dependency)
                    yield dependency
        level = following
