"""Tasks as arguments: what type checkers accept, and what they report.

Checked, never run.  A line that must be an error says so by an ignore, which is an error
of its own where there is nothing to ignore.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar, assert_type

from jug import Task, TaskGenerator, bvalue, iteratetask

T = TypeVar("T")


@TaskGenerator
def double(x: float) -> float:
    return 2 * x


@TaskGenerator
def is_prime(n: int) -> bool:
    return n > 1


@TaskGenerator
def count(found: list[bool]) -> int:
    return sum(found)


@TaskGenerator
def total(xs: Iterable[float]) -> float:
    return sum(xs)


@TaskGenerator(retries=2)
def mean(xs: Sequence[float], digits: int = 2) -> float:
    return round(sum(xs) / len(xs), digits)


@TaskGenerator
def label(x: float, name: str, *, digits: int = 2) -> str:
    return f"{name} {x:.{digits}f}"


@TaskGenerator
def compare(found: list[str], wanted: list[str], how: str = "exact") -> float:
    return float(found == wanted) if how == "exact" else 0.0


@TaskGenerator
def table(rows: dict[str, float]) -> str:
    return str(rows)


@TaskGenerator
def distance(a: tuple[float, float], b: tuple[float, ...]) -> float:
    return a[0] - b[0]


@TaskGenerator
def longest(sides: tuple[float, ...]) -> float:
    return max(sides)


@TaskGenerator
def nearest(x: float, xs: list[float]) -> float:
    return min(xs, key=lambda other: abs(x - other))


@TaskGenerator
def flatten(rows: list[list[float]]) -> list[float]:
    return [x for row in rows for x in row]


@TaskGenerator
def draw(rows: list[tuple[str, list[float]]]) -> str:
    return str(rows)


@TaskGenerator
def write(scores: dict[str, list[float]]) -> int:
    return len(scores)


@TaskGenerator
def best(scores: dict[str, list[float]], rows: list[tuple[float, str]]) -> int:
    return len(scores) + len(rows)


@TaskGenerator
def board(rows: list[tuple[str, int, float]]) -> str:
    return str(rows)


@TaskGenerator
def frame(rows: list[dict[str, float]]) -> str:
    return str(rows)


@TaskGenerator
def spread(runs: tuple[list[float], list[float]]) -> float:
    return max(runs[0]) - min(runs[1])


@TaskGenerator
def add(*xs: float) -> float:
    return sum(xs)


@TaskGenerator
def scale(x: float | None = None, name: str | None = None) -> float:
    return x or 0.0


@TaskGenerator
def first(xs: list[T]) -> T:
    return xs[0]


@TaskGenerator
def four(a: int, b: int, c: int, d: int) -> int:
    return a + b + c + d


@TaskGenerator
def five(a: int, b: int, c: int, d: int, e: int) -> int:
    return a + b + c + d + e


@TaskGenerator
def six(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    return a + b + c + d + e + f


@TaskGenerator
def seven(a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> int:
    return a + b + c + d + e + f + g


@TaskGenerator
def eight(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> int:
    return a + b + c + d + e + f + g + h


text = label(1, "a")
number = eight(1, 2, 3, 4, 5, 6, 7, 8)
primes = [is_prime(n) for n in range(3)]
labels = [label(x, "b") for x in (1.0, 2.0)]

# A task, or a part of one's result, stands for its value.
assert_type(double(1), Task[float])
assert_type(double(double(1)), Task[float])
double(is_prime(1))
double(text[0])
label(double(1), "a")
label(1, text)
label(double(1), text)
label(double(1), "a", digits=3)
label(double(1), label(2, text), digits=3)
label(bvalue(double(1)), "a")
quotient, remainder = iteratetask(double(1), 2)
double(quotient)
add(1, double(2), double(3))
first([double(1)])

# Parameters with defaults may be left out.
scale(double(1))
scale(None, text)
scale(double(1), name="a")
scale(double(1), text)

# So may a list of tasks, made there or before, with values between them, or nested.
assert_type(count([is_prime(n) for n in range(3)]), Task[int])
count(primes)
count([True, is_prime(3)])
count([primes[0], text[0]])
total([double(n) for n in range(3)])
total(primes)
assert_type(mean([double(n) for n in range(3)], 1), Task[float])
mean(primes, digits=3)
mean(primes, number)
compare(labels, ["b"])
compare(["b"], labels)
compare(labels, labels, how="exact")
compare(labels, text[0])
nearest(1, [double(n) for n in range(3)])
nearest(double(1), [double(1), 2])
compare([text, "c"], [text])
compare(labels, labels, text)
flatten([[double(1), 2], [3]])

# And a dict or a tuple.
table({"a": double(1), "b": 3.0})
table({name: double(1) for name in "ab"})
distance((double(1), 3), (1.0,))
longest((double(1), 2, double(3)))

# And what holds such lists, dicts or tuples, or rows that a task ends or begins.
halves = [double(n) for n in range(3)]
write({name: [double(n) for n in range(3)] for name in "ab"})
draw([(name, flatten([halves])) for name in "ab"])
spread((halves, [double(1)]))
board([("a", 1, double(1))])
frame([{"a": double(1)}])
best({"a": halves}, [(double(1), "a")])
best({"a": [1.0]}, [(double(1), "a")])

# Up to eight arguments may be tasks.
four(1, 2, 3, number)
five(1, 2, 3, 4, number)
six(1, 2, 3, 4, 5, number)
seven(1, 2, 3, 4, 5, 6, number)
eight(number, number, number, number, number, number, number, number)
eight(1, 2, 3, 4, 5, 6, 7, number)

# Plain arguments of another type.
double("a")  # type: ignore
label(double(1), 3)  # type: ignore
label(double(1), "a", digits="b")  # type: ignore
compare([1], labels)  # type: ignore
compare(1, labels)  # type: ignore
flatten([["a"]])  # type: ignore
distance(("a", 3), (1.0,))  # type: ignore
longest((1, "a", 2))  # type: ignore
nearest("a", [double(1)])  # type: ignore
scale("a")  # type: ignore
write({"a": ["b"]})  # type: ignore
draw([("a", 1.0)])  # type: ignore
spread((halves, 1))  # type: ignore
best({"a": [1.0]}, [1.0])  # type: ignore
double(double)  # type: ignore

# Tasks whose value is of another type.
double(text)  # type: ignore
double(primes)  # type: ignore
double([halves])  # type: ignore
double({"a": halves})  # type: ignore
count([double(1)])  # type: ignore
count({is_prime(1)})  # type: ignore
label(text, text)  # type: ignore
compare(labels, [number])  # type: ignore
nearest(1, [text])  # type: ignore
longest((double(1), text, 3))  # type: ignore
compare([number], labels)  # type: ignore
compare(number, number, number)  # type: ignore
table({"a": text})  # type: ignore
table(primes)  # type: ignore
scale(text, name="a")  # type: ignore
add(text)  # type: ignore
four(number, 2, 3, text)  # type: ignore
five(number, 2, 3, 4, text)  # type: ignore
six(number, 2, 3, 4, 5, text)  # type: ignore
seven(number, 2, 3, 4, 5, 6, text)  # type: ignore
eight(number, 2, 3, 4, 5, 6, 7, text)  # type: ignore

# Too many arguments, too few, and names that are not there.
double()  # type: ignore
double(double(1), 2)  # type: ignore
count(primes, 2)  # type: ignore
label(double(1))  # type: ignore
label(double(1), "a", digit=2)  # type: ignore
eight(number, number, number, number, number, number, number)  # type: ignore

# What can't be said: a task that is given by name, one among many arguments alike, and the
# result of a function of any type, where that is given tasks.  `typing.cast` helps.
double(x=double(1))  # type: ignore
add(*[double(1)])  # type: ignore
double(first([double(1)]))  # type: ignore

# A task is not its value.
double(1) + 1  # type: ignore
len(primes[0])  # type: ignore
