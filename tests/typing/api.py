"""What a type checker knows of tasks: checked, never run."""

from typing import assert_type

from jug import Task, TaskGenerator, value


@TaskGenerator
def half(x: float, *, digits: int = 2) -> str:
    return f"{x / 2:.{digits}f}"


@TaskGenerator(retries=2, timeout=60, runtime="5 min")
def careful(x: int) -> list[int]:
    return [x]


def plain(name: str) -> bytes:
    return name.encode()


assert_type(half(3.0), Task[str])
assert_type(half(3.0, digits=1).value(), str)
assert_type(value(half(3.0)), str)
assert_type(value([half(3.0)]), list[str])
assert_type(value({1: half(3.0)}), dict[int, str])
assert_type(careful(1), Task[list[int]])
assert_type(careful.f(1), list[int])
assert_type(TaskGenerator(plain)("a"), Task[bytes])
assert_type(Task(plain, "a").run(), bytes)
assert_type(half.options(retries=1, runtime=3.5)(2.0), Task[str])

half("three")  # type: ignore
half(3.0, places=1)  # type: ignore
