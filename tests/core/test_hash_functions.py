"""Which functions and classes have a hash, and what of them enters it."""

from __future__ import annotations

import functools
import itertools
import operator
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import jug.hash
from jug import TaskGenerator
from jug.errors import HashError
from jug.hash import digest_function, hash_one, task_digest

SOURCES = Path(jug.hash.__file__).parents[2]


def f(*args: Any, **kwargs: Any) -> None: ...


def g(*args: Any, **kwargs: Any) -> None: ...


def all_differ(hashes: list[bytes]) -> bool:
    return len(set(hashes)) == len(hashes)


class A:
    def __init__(self, name: Any) -> None:
        self.name = name

    def run(self, x: int = 0) -> None: ...

    def stop(self) -> None: ...

    @classmethod
    def make(cls) -> None: ...

    @staticmethod
    def plain() -> None: ...


class B(A): ...


def make_adder(n: Any, default: Any = 0) -> Callable[..., Any]:
    def add(x: int, y: Any = default, *, z: Any = None) -> Any:
        return n

    return add


def make_recursive(stop: int) -> Callable[[int], int]:
    def down(n: int) -> int:
        return stop if n == stop else down(n - 1)

    return down


def shouting(function: Callable[..., Any]) -> Callable[..., Any]:
    lock = threading.Lock()

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        with lock:
            return function(*args)

    return wrapper


@shouting
def decorated() -> None: ...


def outside(generator: Any) -> Callable[..., Any]:
    @functools.wraps(generator)
    def wrapper(*args: Any) -> Any:
        return generator(*args)

    return wrapper


@outside
@outside
@TaskGenerator
@shouting
def decorated_twice() -> None: ...


class Decorated:
    @classmethod
    @shouting
    def make(cls) -> None: ...

    @staticmethod
    @shouting
    def check() -> None: ...

    @shouting
    def run(self) -> None: ...


@functools.lru_cache
def remembered(n: int) -> int:
    return n


def test_a_decorated_function_is_found_by_its_name_whatever_stands_for_it() -> None:
    generator = decorated_twice.__wrapped__.__wrapped__  # type: ignore[attr-defined]
    wrapped = generator.f
    functions = [wrapped, Decorated.make, Decorated.check, Decorated.run, Decorated().run]

    assert all_differ([hash_one(f) for f in functions])
    assert wrapped.__name__ == "decorated_twice"
    assert hash_one(wrapped) == hash_one(f_named("decorated_twice"))


def f_named(name: str) -> Any:
    """Return a plain function of this module that is called so."""

    def plain() -> None: ...

    plain.__name__ = plain.__qualname__ = name
    return plain


def test_what_a_decorator_wraps_is_not_found_by_the_name_of_the_wrapper() -> None:
    made = make_adder(1)
    made.__qualname__ = made.__name__ = "decorated"

    assert hash_one(made) != hash_one(decorated)


def test_functions_differ_by_module_and_name() -> None:
    functions: list[Any] = [
        f,
        g,
        decorated,
        remembered,
        len,
        max,
        os.path.join,
        str.upper,
        str.lower,
        "a".upper,
        "b".upper,
        [1].append,
        dict.fromkeys,
        int.__add__,
        (1).__add__,
        (2).__add__,
        A,
        A.run,
        A.make,
        B.make,
        A.plain,
        A("x").run,
        A("y").run,
        A("x").stop,
        B("x").run,
        print,
        operator.add,
        itertools.chain,
    ]

    assert all_differ([task_digest("", function, (), {}) for function in functions])
    assert all_differ([hash_one(function) for function in functions])


def test_methods_of_objects_of_other_content_differ() -> None:
    assert task_digest("", A("x").run, (), {}) == task_digest("", A("x").run, (), {})
    assert task_digest("", A("x").run, (), {}) != task_digest("", A("y").run, (), {})


def test_the_code_and_defaults_of_a_module_level_function_do_not_count() -> None:
    def version(source: str) -> Any:
        namespace: dict[str, Any] = {"__name__": "somewhere"}
        exec(source, namespace)
        return namespace["work"]

    before, after = version("def work(x): return x"), version("def work(x, y=1): return x + y")

    assert hash_one(before) == hash_one(after)
    assert task_digest("", before, (1,), {}) == task_digest("", after, (1,), {})


def test_a_closure_is_also_what_it_closes_over_and_its_defaults() -> None:
    digests = [
        task_digest("", make_adder(*args), (), {}) for args in [(1,), (2,), (1, 3), (True,), ([1],)]
    ]

    assert all_differ(digests)
    assert digests[0] == task_digest("", make_adder(1), (), {})


def test_a_closure_is_hashed_anew_when_what_it_closes_over_changed() -> None:
    values = [1]
    adder = make_adder(values)
    before = task_digest("", adder, (), {})

    values.append(2)

    assert task_digest("", adder, (), {}) != before


def test_a_function_that_calls_itself_has_a_hash() -> None:
    assert hash_one(make_recursive(1)) == hash_one(make_recursive(1))
    assert hash_one(make_recursive(1)) != hash_one(make_recursive(2))


def test_a_partial_is_its_function_and_arguments() -> None:
    assert hash_one(functools.partial(f, 1)) == hash_one(functools.partial(f, 1))
    assert hash_one(functools.partial(functools.partial(f, 1), 2)) == hash_one(
        functools.partial(f, 1, 2)
    )


def test_classes_made_in_a_function_are_what_they_are_made_of() -> None:
    def make(n: Any, default: Any = 0) -> type:
        @dataclass
        class Local:
            x: int = 0
            constant = default

            def get(self) -> Any:
                return n

        return Local

    assert hash_one(make(1)) == hash_one(make(1))
    assert all_differ([hash_one(make(1)), hash_one(make(2)), hash_one(make(1, 5))])
    assert hash_one(make(1)()) != hash_one(make(2)())


def test_lambdas_are_refused_with_the_way_out() -> None:
    for arguments in [(lambda x: x,), ([lambda x: x],), (functools.partial(lambda x: x),)]:
        with pytest.raises(HashError, match=r"argument 1 of task '.*\.f': lambda .* with def"):
            task_digest("", f, arguments, {})
    with pytest.raises(HashError, match=r"the function of task 'mine': lambda"):
        task_digest("mine", lambda x: x, (), {})


def test_a_lambda_can_go_by_its_source() -> None:
    def source(function: Callable[..., Any]) -> bytes:
        return digest_function(function, allow_lambda=True)

    one, other = source(lambda x: x + 1), source(lambda x: x + 2)
    spaced = source(
        lambda x: (
            x + 1  # the same
        )
    )
    with_default = source(lambda x=1: x + 1)

    assert one == spaced
    assert all_differ([one, other, with_default, source(f)])


def test_two_lambdas_on_a_line_are_told_apart() -> None:
    two = [lambda x: x[0], lambda x: x[1]]
    nested: Any = lambda x: lambda: x  # noqa: E731

    first, second, outer, inner = (
        digest_function(one, allow_lambda=True) for one in (*two, nested, nested(1))
    )

    assert all_differ([first, second, outer, inner])


def test_a_lambda_is_also_what_it_closes_over() -> None:
    def pick(n: int) -> Callable[[Any], Any]:
        return lambda x: x[n]

    assert digest_function(pick(1), True) == digest_function(pick(1), True)
    assert digest_function(pick(1), True) != digest_function(pick(2), True)


def test_a_lambda_without_source_is_refused() -> None:
    with pytest.raises(HashError, match="source of the lambda at line 1 of '<string>'"):
        digest_function(eval("lambda: 1"), allow_lambda=True)


def test_a_task_generator_hashes_by_its_function() -> None:
    assert hash_one(TaskGenerator(f)) == hash_one(TaskGenerator(f))
    assert hash_one(TaskGenerator(f)) != hash_one(TaskGenerator(g))


def test_what_runs_as_main_goes_by_its_file(tmp_path: Path) -> None:
    script = tmp_path / "measure.py"
    script.write_text(
        "from jug.hash import hash_one\n"
        "def f(): pass\n"
        "class C: pass\n"
        "if __name__ == '__main__':\n"
        "    import measure\n"
        "    assert hash_one(f) == hash_one(measure.f)\n"
        "    assert hash_one([C, C()]) == hash_one([measure.C, measure.C()])\n"
    )

    subprocess.run(
        [sys.executable, script], check=True, env={**os.environ, "PYTHONPATH": str(SOURCES)}
    )
