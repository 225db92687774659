"""What has a hash, which hashes are equal, and what is said where there is none."""

from __future__ import annotations

import copy
import functools
import io
import itertools
import operator
import os
import pickle
import re
import subprocess
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import jug.hash
from jug import Task
from jug.errors import HashError
from jug.hash import (
    digest_function,
    digest_one,
    hash_one,
    hash_update,
    new_hash_object,
    register,
    task_digest,
)

SOURCES = Path(jug.hash.__file__).parents[2]


def f(*args: Any, **kwargs: Any) -> None: ...


def g(*args: Any, **kwargs: Any) -> None: ...


def call(*args: Any, **kwargs: Any) -> bytes:
    return task_digest("", f, args, kwargs)


def all_differ(hashes: list[bytes]) -> bool:
    return len(set(hashes)) == len(hashes)


@dataclass
class Words:
    words: set[str]
    more: Any = None


class Colour(Enum):
    RED = 1
    GREEN = 2


class Size(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Mode(Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any


Pair = namedtuple("Pair", "x y")


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


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: Any, right: Any) -> None:
        self.left = left
        self.right = right


class Node:
    def __init__(self, name: str) -> None:
        self.name = name
        self.friends: list[Node] = []


class Names(set[str]):
    owner: Any = None


class Row(list[Any]):
    owner: Any = None


# Calls


def test_calls_that_look_alike_have_seven_hashes() -> None:
    calls = [
        call([1], 2),
        call([1, 2]),
        call((1, 2)),
        call("12"),
        call(1, 2),
        call(True, 2),
        call(1.0, 2),
    ]

    assert all_differ(calls)


def test_a_keyword_is_not_a_position() -> None:
    calls = [
        call(1, 2),
        call(1, b=2),
        call(a=1, b=2),
        call(b=2),
        call("b", 2),
        call("a", 1, b=2),
        call("a", 1, "b", 2),
        call({"b": 2}),
    ]

    assert all_differ(calls)
    assert call(a=1, b=2) == call(b=2, a=1)


def test_no_content_can_look_like_the_border_between_two() -> None:
    assert all_differ([call("a", "bsc"), call("asb", "c"), call("a", "b", "c"), call("asbsc")])
    assert all_differ([hash_one(pair) for pair in ([b"a", b"bbc"], [b"abb", b"c"])])


def test_the_name_that_a_user_gives_makes_another_task() -> None:
    assert all_differ([task_digest(name, f, (1,), {}) for name in ("", "f", "one")])


def test_a_hash_is_forty_hexadecimal_digits_of_twenty_bytes() -> None:
    assert re.fullmatch(rb"[0-9a-f]{40}", hash_one(1))
    assert hash_one(1) == digest_one(1).hex().encode()


def test_a_task_and_a_value_never_share_a_hash() -> None:
    assert all_differ([call(), digest_one(f), digest_one(()), digest_function(g)])


def test_a_chain_of_tasks_is_hashed_link_by_link() -> None:
    first = task_digest("", f, (Task(g, 1),), {})

    assert first == task_digest("", f, (Task(g, 1),), {})
    assert first != task_digest("", f, (Task(g, 2),), {})
    assert first != task_digest("", f, (Task(g, 1).hash(),), {})


def test_tasks_may_stand_in_lists_tuples_and_values_of_dicts() -> None:
    def hashes(task: Any) -> list[bytes]:
        return [
            call(task),
            call([task]),
            call((task,)),
            call({"a": task}),
            call(Point(task, 1)),
            call([{"a": ([task], 2)}]),
            call(OrderedDict(a=task)),
            call(defaultdict(list, a=[task])),
            call(Row([task])),
        ]

    assert hashes(Task(f, 1)) == hashes(Task(f, 1))
    assert all_differ(hashes(Task(f, 1)) + hashes(Task(f, 2)))


# Plain values


NUMBERS_AND_STRINGS = [
    None,
    False,
    True,
    0,
    1,
    -1,
    256,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    2**64,
    10**5000,
    0.0,
    -0.0,
    1.0,
    float("inf"),
    float("nan"),
    0j,
    complex(-0.0, 0),
    complex(0, -0.0),
    1 + 0j,
    "",
    "1",
    "\0",
    "é",
    "e\u0301",
    "\udcff",
    b"",
    b"1",
    bytearray(),
    bytearray(b"1"),
    ...,
    NotImplemented,
    "x" * 4096,
    "x" * 4097,
    b"x" * 4096,
    b"x" * 4097,
]


def test_values_of_other_types_or_content_differ() -> None:
    values: list[Any] = [
        *NUMBERS_AND_STRINGS,
        *([value] for value in NUMBERS_AND_STRINGS),
        *((value,) for value in NUMBERS_AND_STRINGS),
        *({value} for value in NUMBERS_AND_STRINGS if not isinstance(value, bytearray)),
        *(frozenset([value]) for value in NUMBERS_AND_STRINGS if not isinstance(value, bytearray)),
        *({value: None} for value in NUMBERS_AND_STRINGS if not isinstance(value, bytearray)),
        *({"k": value} for value in NUMBERS_AND_STRINGS),
        *([], (), {}, set(), frozenset(), [[]], [()], [[], []], [[[]]]),
    ]

    assert all_differ([hash_one(value) for value in values])


def test_all_nans_are_one() -> None:
    nan = float("nan")

    assert hash_one(nan) == hash_one(-nan) == hash_one(float("inf") - float("inf"))
    assert hash_one(complex(nan, 1)) == hash_one(complex(-nan, 1))


def test_the_order_of_dicts_and_sets_does_not_count() -> None:
    letters = [chr(i) for i in range(65, 91)]

    assert hash_one(dict.fromkeys(letters)) == hash_one(dict.fromkeys(reversed(letters)))
    assert hash_one(set(letters)) == hash_one(set(reversed(letters)))
    assert hash_one({(1, "a"): 2, None: 3}) == hash_one({None: 3, (1, "a"): 2})


def test_a_pair_of_dicts_differs_by_who_has_which_value() -> None:
    assert all_differ(
        [hash_one(d) for d in ({1: 2, 3: 4}, {1: 4, 3: 2}, {2: 1, 3: 4}, {1: 3, 2: 4})]
    )


def test_the_order_of_an_ordered_dict_counts() -> None:
    one, other = OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)

    assert all_differ([hash_one(one), hash_one(other), hash_one(dict(one))])


STANDARD: list[Any] = [
    range(3),
    range(1, 3),
    range(0, 6, 2),
    range(0),
    range(2**70),
    slice(3),
    slice(0, 3),
    slice(0, 3, 1),
    Colour.RED,
    Colour.GREEN,
    Size.RED,
    Level.LOW,
    Mode.READ,
    Mode.READ | Mode.WRITE,
    Colour,
    Size,
    Words({"a"}),
    Words({"a", "b"}),
    Words({"a"}, 1),
    Point(1, 2),
    Pair(1, 2),
    Pair(2, 1),
    date(2024, 1, 2),
    datetime(2024, 1, 2),
    datetime(2024, 1, 2, fold=1),
    datetime(2024, 1, 2, tzinfo=UTC),
    datetime(2024, 1, 2, 1, tzinfo=timezone(timedelta(hours=1))),
    datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/Paris")),
    time(1, 2, 3, 4),
    time(1, 2, 3, 4, UTC),
    timedelta(1),
    timedelta(seconds=1),
    UTC,
    ZoneInfo("UTC"),
    Decimal("1"),
    Decimal("1.0"),
    Decimal("-0"),
    Decimal("0"),
    Decimal("1E+30"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Fraction(1, 2),
    Fraction(2, 1),
    UUID(int=1),
    UUID(int=2),
    PurePosixPath("a"),
    PurePosixPath("a/b"),
    PureWindowsPath("a"),
    Path("a"),
    re.compile("a"),
    re.compile(b"a"),
    re.compile("a", re.IGNORECASE),
    deque([1, 2]),
    deque([1, 2], 5),
    Counter("aab"),
    defaultdict(int, a=1),
    defaultdict(list, a=1),
    SimpleNamespace(a=1),
    A("x"),
    A("y"),
    B("x"),
    Slotted(1, 2),
    Slotted(2, 1),
    A,
    B,
    int,
    list[int],
    dict[str, int],
    ValueError("a"),
    ValueError("b"),
    KeyError("a"),
    operator.itemgetter(1),
    operator.itemgetter(2),
    functools.partial(f, 1),
    functools.partial(f, 2),
    functools.partial(f, a=1),
    functools.partial(g, 1),
    io.BytesIO(b"1"),
]


def test_objects_of_the_standard_library_differ_by_what_they_say() -> None:
    assert all_differ([hash_one(value) for value in STANDARD])


@pytest.mark.parametrize("value", STANDARD, ids=lambda value: type(value).__name__)
def test_a_copy_hashes_as_the_original(value: Any) -> None:
    expected = hash_one(value)

    assert hash_one(copy.deepcopy(value)) == expected
    assert hash_one([value, value]) == hash_one([value, copy.deepcopy(value)])
    if not isinstance(value, io.BytesIO) and value is not Mode:
        assert hash_one(pickle.loads(pickle.dumps(value))) == expected


def test_ranges_of_the_same_numbers_hash_alike() -> None:
    assert hash_one(range(0, 3, 2)) == hash_one(range(0, 4, 2))
    assert hash_one(range(0)) == hash_one(range(5, 1))
    assert hash_one(range(3, 4)) == hash_one(range(3, 9, 20))


def test_subclasses_of_containers_are_their_class_items_and_attributes() -> None:
    names, owned, row = Names("ab"), Names("ab"), Row([1])
    owned.owner = "me"

    assert hash_one(names) == hash_one(Names("ba"))
    assert all_differ(
        [hash_one(names), hash_one(owned), hash_one({"a", "b"}), hash_one(Names("a"))]
    )
    assert all_differ([hash_one(row), hash_one([1]), hash_one(Row([2]))])


def test_an_attribute_that_was_looked_at_says_nothing_new() -> None:
    class Circle:
        def __init__(self, radius: int) -> None:
            self.radius = radius

        @functools.cached_property
        def area(self) -> float:
            return 3.14 * self.radius**2

    fresh, used = Circle(1), Circle(1)
    assert used.area == 3.14

    assert hash_one(fresh) == hash_one(used)


def test_attributes_that_python_has_not_laid_out_yet_are_no_attributes() -> None:
    class Empty: ...

    fresh, looked_at = Empty(), Empty()
    assert vars(looked_at) == {}

    assert hash_one(fresh) == hash_one(looked_at)


def test_attributes_of_a_dataclass_that_are_no_fields_count() -> None:
    plain, marked = Words(set()), Words(set())
    marked.mark = 1  # type: ignore[attr-defined]

    assert hash_one(plain) != hash_one(marked)


@dataclass(frozen=True, slots=True)
class Frozen:
    names: frozenset[str]
    hidden: int = field(default=0, compare=False, repr=False)


def test_a_frozen_dataclass_with_slots_is_its_fields() -> None:
    one = Frozen(frozenset("ab"))

    assert hash_one(one) == hash_one(Frozen(frozenset("ba")))
    assert hash_one(one) != hash_one(Frozen(frozenset("ab"), 1))


@dataclass
class Guarded:
    name: str

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name}


def test_a_dataclass_may_say_what_its_state_is() -> None:
    assert hash_one(Guarded("a")) == hash_one(Guarded("a"))
    assert hash_one(Guarded("a")) != hash_one(Guarded("b"))


# Sharing, nesting, cycles


def test_sharing_does_not_count() -> None:
    inner = [1, [2]]
    word = "".join(["wo", "rd"])

    assert hash_one([inner, inner]) == hash_one([[1, [2]], [1, [2]]])
    assert hash_one(A([word, word])) == hash_one(A([word, "".join(["wo", "rd"])]))


def test_shared_structure_takes_no_longer_than_its_size() -> None:
    tree: Any = []
    for _ in range(200):
        tree = [tree, tree]

    assert hash_one(tree) != hash_one([tree])


def test_nesting_has_no_limit() -> None:
    nested: Any = []
    objects: Any = A(None)
    for _ in range(3_000):
        nested = [nested]
        objects = A(objects)

    assert hash_one(nested) != hash_one([nested])
    assert hash_one(objects) != hash_one(objects.name)


def test_a_list_in_itself_has_a_hash_that_a_copy_shares() -> None:
    loop: list[Any] = [1]
    loop.append(loop)

    assert hash_one(loop) == hash_one(copy.deepcopy(loop))
    assert hash_one(loop) != hash_one([1, [1, loop]][:1])
    assert hash_one([loop, loop]) == hash_one([loop, copy.deepcopy(loop)])


def make_friends(*names: str) -> list[Node]:
    nodes = [Node(name) for name in names]
    for node in nodes:
        node.friends = [other for other in nodes if other is not node]
    return nodes


def test_objects_that_know_each_other_hash_by_what_they_are() -> None:
    ann, bob, cid = make_friends("ann", "bob", "cid")

    assert hash_one(ann) == hash_one(make_friends("ann", "bob", "cid")[0])
    assert all_differ([hash_one(ann), hash_one(bob), hash_one(cid)])
    assert hash_one([ann, bob]) == hash_one([copy.deepcopy(ann), copy.deepcopy(bob)])
    assert hash_one(ann) != hash_one(make_friends("ann", "bob", "dan")[0])


@pytest.mark.slow
def test_too_many_ways_round_are_refused() -> None:
    nodes = make_friends(*map(str, range(14)))

    with pytest.raises(HashError, match="'list' objects refer|'Node' objects refer"):
        hash_one(nodes)


# Saying otherwise


class Custom:
    def __init__(self, given: Any) -> None:
        self.given = given

    def __jug_hash__(self) -> Any:
        return self.given


def test_an_object_may_give_its_own_hash() -> None:
    assert hash_one(Custom(b"1")) == hash_one(Custom(b"1"))
    assert all_differ(
        [hash_one(value) for value in (Custom(b"1"), Custom(b"2"), b"1", [Custom(b"1")])]
    )
    assert hash_one({Custom(b"1")}) != hash_one({Custom(b"2")})


def test_an_own_hash_must_be_bytes() -> None:
    with pytest.raises(HashError, match="__jug_hash__ of 'Custom' gave a 'str'"):
        hash_one(Custom("1"))


def test_a_type_of_others_can_be_registered() -> None:
    class Theirs:
        def __init__(self, lock: Any, name: str) -> None:
            self.lock = lock
            self.name = name

    with pytest.raises(HashError):
        hash_one(Theirs(threading.Lock(), "a"))

    register(Theirs, lambda theirs: {"name": theirs.name})

    assert hash_one(Theirs(threading.Lock(), "a")) == hash_one(Theirs(threading.Lock(), "a"))
    assert all_differ(
        [hash_one(Theirs(None, "a")), hash_one(Theirs(None, "b")), hash_one({"name": "a"})]
    )


def test_a_type_of_python_cannot_be_registered() -> None:
    with pytest.raises(HashError, match="<class 'int'> cannot be registered"):
        register(int, str)


def test_updates_of_a_hash_are_framed() -> None:
    def total(*updates: list[tuple[Any, Any]]) -> str:
        M = new_hash_object()
        for update in updates:
            hash_update(M, update)
        return M.hexdigest()

    assert total([("a", 1), ("b", 2)]) == total([("a", 1)], [("b", 2)])
    assert len(total()) == 40
    assert (
        len({total([("a", "b")]), total([("ab", "")]), total([("", "ab")]), total([("a", b"b")])})
        == 4
    )


# Refusals


def closing_over(n: Any) -> Callable[[], Any]:
    def get() -> Any:
        return n

    return get


def numbers() -> Iterator[int]:
    yield 1


def test_what_can_be_read_once_is_refused() -> None:
    for once in (numbers(), iter([1]), map(str, [1]), zip([1], [2], strict=True)):
        with pytest.raises(HashError, match="read only once.*pass a list"):
            hash_one(once)
    with pytest.raises(HashError, match="read only once"):
        hash_one(itertools.count())


def test_what_has_no_name_elsewhere_is_refused_and_the_way_out_told(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        nameless: list[Any] = [file, threading.Lock(), sys._getframe()]
        for value in nameless:
            with pytest.raises(HashError, match=r"a '.*' has no hash .*__jug_hash__.*register"):
                hash_one(value)


def test_an_error_names_the_task_and_the_argument() -> None:
    with pytest.raises(HashError, match=r"^argument 2 of task '.*test_hash\.f': a 'lock'") as one:
        call(1, threading.Lock())
    with pytest.raises(HashError, match=r"^argument 'key' of task 'mine': a 'lock'") as other:
        task_digest("mine", f, (1,), {"a": 1, "key": A(threading.Lock())})

    assert (one.value.part, other.value.task) == ("argument 2", "mine")  # type: ignore[attr-defined]
    assert str(pickle.loads(pickle.dumps(one.value))) == str(one.value)


@pytest.mark.parametrize(
    ("hide", "where"),
    [
        (lambda task: {task}, "'set'"),
        (lambda task: frozenset([task]), "'frozenset'"),
        (lambda task: Words(set(), task), "'Words'"),
        (lambda task: A([task]), "'A'"),
        (lambda task: {task: 1}, "key of a 'dict'"),
        (lambda task: {(1, task): 1}, "key of a 'dict'"),
        (lambda task: functools.partial(f, task), "'partial'"),
        (lambda task: closing_over(task), "'function'"),
        (lambda task: A(task).run, "'method'"),
        (lambda task: deque([task]), "'deque'"),
        (lambda task: [{"a": Words({"b"}, [task])}], "'Words'"),
        (lambda task: slice(task), "'slice'"),
    ],
)
def test_a_task_where_jug_does_not_look_is_refused(hide: Any, where: str) -> None:
    task = Task(g, 1)

    with pytest.raises(HashError, match=rf"task '.*\.g' is inside an? {where}.* pass it in a list"):
        call(hide(task))
    with pytest.raises(HashError, match=rf"task '.*\.g' is inside an? {where}"):
        call([task], hide([task][0]))


def test_a_list_with_a_task_that_was_seen_before_is_still_refused_in_a_set() -> None:
    inner = [Task(g, 1)]

    with pytest.raises(HashError, match="inside an 'A'"):
        call([inner, A(inner)])


def test_an_attribute_of_a_list_is_not_looked_into() -> None:
    row = Row([1])
    row.owner = Task(g, 1)

    with pytest.raises(HashError, match="inside an attribute of a 'Row'"):
        call(row)


class Holder:
    def __init__(self, task: Any) -> None:
        self.task = task

    def __jug_dependencies__(self) -> Iterator[Any]:
        yield self.task

    def __jug_value__(self) -> Any:
        return self.task.value()


def test_an_object_that_tells_its_tasks_may_hold_them() -> None:
    assert call(Holder(Task(g, 1))) == call(Holder(Task(g, 1)))
    assert call(Holder(Task(g, 1))) != call(Holder(Task(g, 2)))


# Every process, every Python


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES), **more}


MEASURE = """
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
import datetime, decimal, fractions, functools, pathlib, re, uuid, zoneinfo, collections
from jug.hash import hash_one, task_digest

class Colour(Enum):
    RED = 1

@dataclass
class Words:
    words: set
    more: object = None

@dataclass(frozen=True, slots=True)
class Frozen:
    words: frozenset

class Point(NamedTuple):
    x: int

class Plain:
    def run(self): pass

class Names(set): pass

def outer(n):
    class Local:
        def get(self): return n
    def inner(x, y=2): return n
    return [inner, Local, Local()]

words = {"alpha", "beta", "gamma", "delta"}
plain = Plain(); plain.b = words; plain.a = frozenset(words)
print(hash_one([
    Words(words, {"k": words}), Frozen(frozenset(words)), plain, plain.run, Names(words),
    Colour.RED, Point(1), outer(words), functools.partial(outer, n=words), {(1, "a"): words},
    pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath, datetime.datetime(2024, 1, 2, fold=1),
    datetime.timezone.utc, zoneinfo.ZoneInfo("Europe/Paris"), decimal.Decimal("1.50"),
    fractions.Fraction(1, 3), uuid.UUID(int=3), re.compile("a+"), collections.Counter("aab"),
    collections.deque(words and "ab"), collections.OrderedDict(b=1, a=2), ValueError("x"), range(9),
    slice(1, None), len, str.upper, list[int], 2**100, -0.0, float("nan"),
]).decode(), task_digest("", outer, (words,), {"a": plain}).hex())
"""


def measure(python: Path | str, seed: str = "random") -> str:
    run = subprocess.run(
        [python, "-c", MEASURE],
        env=environment(PYTHONHASHSEED=seed),
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


def test_hashes_are_the_same_under_any_hash_seed() -> None:
    assert len({measure(sys.executable, str(seed)) for seed in range(10)}) == 1


def test_hashes_are_the_same_on_every_python_here(pythons: list[Path]) -> None:
    assert len({measure(python) for python in [Path(sys.executable), *pythons]}) == 1


def test_hashing_imports_nothing_that_a_program_did_not_import() -> None:
    code = (
        "import sys; before = {*sys.modules};"
        "import jug.hash; jug.hash.hash_one([1, {'a': (2.0,)}]);"
        "new = {*sys.modules} - before;"
        "print(sorted({'numpy', 'pandas', 'polars', 'decimal'} & new))"
    )

    run = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"
