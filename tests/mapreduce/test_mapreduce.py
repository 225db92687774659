"""Functions over many inputs, in blocks."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
import pandas  # type: ignore[import-untyped]
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jug
from jug import Task, TaskGenerator, value
from jug.errors import HashError, OptionError
from jug.execution.summary import Summary
from jug.mapreduce import Mapped, currymap, map, mapreduce, reduce
from jug.needs import NOTHING, Needs
from jug.task import alltasks

pytestmark = pytest.mark.usefixtures("store")

Work = Callable[[], Summary]


def double(x: int) -> int:
    return 2 * x


def join(a: str, b: str) -> str:
    return a + b


def add(a: int, b: int) -> int:
    return a + b


generated_double = TaskGenerator(double)
generated_join = TaskGenerator(join)


@TaskGenerator
def told(x: object) -> str:
    return repr(x)


# map


def test_map_gives_one_result_per_input_in_one_task_per_block(work: Work) -> None:
    doubled = map(double, range(10), map_step=4)

    assert work().executed == {"jug.mapreduce._jug_map": 3}
    assert len(doubled) == 10
    assert value(doubled) == [2 * x for x in range(10)]
    assert value(list(doubled)) == [2 * x for x in range(10)]
    assert value(doubled[3]) == 6
    assert value(doubled[-1]) == 18


def test_an_index_out_of_range_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        map(double, range(10))[10]


@given(
    count=st.integers(1, 30),
    step=st.integers(2, 7),
    first=st.slices(30),
    second=st.slices(30),
)
def test_slices_of_slices_are_those_of_a_list(
    count: int, step: int, first: slice, second: slice
) -> None:
    expected = [2 * x for x in range(count)][first][second]

    results = map(double, range(count), map_step=step)
    part = results[first][second]
    for block in part.__jug_dependencies__():
        block.run()

    assert len(part) == len(expected)
    assert value(part) == expected
    assert [value(item) for item in part] == expected


@given(first=st.slices(12), second=st.slices(12))
def test_slices_hash_alike_if_they_are_the_same_results(first: slice, second: slice) -> None:
    results = map(double, range(12), map_step=5)
    one, other = results[first], results[second]

    same = list(one.indices) == list(other.indices)

    assert (jug.Task(sum, one).hash() == jug.Task(sum, other).hash()) == same


def test_an_element_waits_for_its_own_block_only(work: Work) -> None:
    doubled = map(double, range(8), map_step=4)
    one, some = told(doubled[5]), told(doubled[1:3])

    doubled.blocks[1].run()

    assert one.can_run()
    assert not some.can_run()
    assert list(one.dependencies()) == [doubled.blocks[1]]
    assert list(some.dependencies()) == [doubled.blocks[0]]
    assert not doubled.can_load()
    assert doubled[4:].can_load()


def test_all_results_as_an_argument_become_a_list(work: Work) -> None:
    result = told(map(double, range(5), map_step=2))
    part = told([map(double, range(5), map_step=2)[4:1:-1]])

    work()

    assert result.value() == "[0, 2, 4, 6, 8]"
    assert part.value() == "[[8, 6, 4]]"


def test_results_hash_by_what_they_are_of() -> None:
    def hash_of(inputs: list[int], step: int) -> bytes:
        return told(map(double, inputs, map_step=step)).hash()

    assert hash_of([1, 2, 3], 2) == hash_of([1, 2, 3], 2)
    assert len({hash_of([1, 2, 3], 2), hash_of([1, 2, 4], 2), hash_of([1, 2, 3, 4], 2)}) == 3


def test_more_inputs_leave_full_blocks_and_what_depends_on_them_as_they_were() -> None:
    few, many = map(double, [1, 2, 3], map_step=2), map(double, [1, 2, 4, 5], map_step=2)

    assert told(few[:2]).hash() == told(many[:2]).hash()
    assert told(few[1]).hash() == told(many[1]).hash()


def test_a_step_of_one_makes_plain_tasks() -> None:
    results = map(generated_double, [1, 2], map_step=1)

    assert [task.name for task in results] == [f"{__name__}.double"] * 2
    assert results[0].hash() == generated_double(1).hash()


def test_results_of_map_are_inputs_of_another(work: Work) -> None:
    result = map(double, map(double, [1, 2, 3], map_step=2), map_step=2)

    work()

    assert value(result) == [4, 8, 12]


def test_a_generator_and_the_values_of_tasks_are_inputs(work: Work) -> None:
    result = map(double, (generated_double(x) for x in range(3)))

    work()

    assert value(result) == [0, 4, 8]


def test_blocks_of_an_array_are_arrays(work: Work) -> None:
    result = map(double, numpy.arange(3), map_step=2)

    assert all(isinstance(block.args[1], numpy.ndarray) for block in result.blocks)
    work()
    assert value(result) == [0, 2, 4]


def test_a_partial_and_a_builtin_are_mappers(work: Work) -> None:
    added, made = map(functools.partial(add, 10), [1, 2]), map(str, [1, 2])

    work()

    assert value(added) == [11, 12]
    assert value(made) == ["1", "2"]


def test_a_partial_of_a_generator_is_a_mapper_and_a_reducer(work: Work) -> None:
    each = functools.partial(TaskGenerator(add), 10)
    added, joined = map(each, [1, 2], map_step=2), reduce(functools.partial(generated_join), "abc")

    work()

    assert value(added) == [11, 12]
    assert value(joined) == "abc"


class Blocks(NamedTuple):
    """No table, though it has columns."""

    columns: str
    rows: str


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize(
    ("library", "mapper", "results"), [(pandas, str.upper, ["A", "B"]), (polars, len, [3, 3])]
)
def test_a_table_is_gone_through_by_its_columns_whatever_the_step(
    library: Any, mapper: Callable[[Any], Any], results: list[Any], step: int, work: Work
) -> None:
    result = map(mapper, library.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}), map_step=step)

    work()

    assert value(result) == results


def test_what_has_columns_and_is_no_table_is_cut_as_it_is() -> None:
    assert [block.args[1] for block in map(str.upper, Blocks("a", "b"), 2).blocks] == [("a", "b")]


def test_mapped_shows_how_many_results_of_what() -> None:
    mark = "#[0-9a-f]{16}"
    assert re.fullmatch(f"<9 results of builtins.abs {mark}>", repr(map(abs, range(9))))
    some = map(generated_double, range(9))[1:3]
    assert re.fullmatch(f"<2 results of {__name__}.double {mark}>", repr(some))


def test_currymap_spreads_each_item(work: Work) -> None:
    results = currymap(join, [("a", "b"), ("c", "d"), ("e", "f")], map_step=2)

    assert work().executed == {"jug.mapreduce._jug_map_curry": 2}
    assert value(results) == ["ab", "cd", "ef"]
    assert value(results[1:]) == ["cd", "ef"]


def test_currymap_with_a_step_of_one_makes_plain_tasks(work: Work) -> None:
    results = currymap(generated_join, [("a", "b")], map_step=1)

    work()

    assert results[0].name == f"{__name__}.join"
    assert value(results) == ["ab"]


# reduce and mapreduce


@settings(max_examples=50)
@given(
    words=st.lists(st.text(max_size=3), min_size=1, max_size=30),
    map_step=st.integers(1, 9),
    reduce_step=st.integers(2, 9),
)
def test_all_ways_of_breaking_up_give_the_same_in_order(
    words: list[str], map_step: int, reduce_step: int
) -> None:
    assert jug.run(mapreduce(join, str.upper, words, map_step, reduce_step)) == (
        functools.reduce(join, [word.upper() for word in words])
    )
    assert jug.run(reduce(join, words, reduce_step)) == functools.reduce(join, words)


def test_the_tasks_form_a_tree(work: Work) -> None:
    result = mapreduce(add, double, range(50), map_step=5, reduce_step=3)

    assert work().executed == {"jug.mapreduce._jug_map_reduce": 10, "jug.mapreduce._jug_reduce": 7}
    assert result.value() == 2450


def test_task_generators_map_and_reduce(work: Work) -> None:
    result = mapreduce(generated_join, TaskGenerator(str), range(12), map_step=2, reduce_step=2)
    spread = map(generated_double, [1, 2, 3])

    work()

    assert result.value() == "01234567891011"
    assert value(spread) == [2, 4, 6]


def test_tasks_are_inputs(work: Work) -> None:
    result = reduce(operator.add, [generated_double(1), generated_double(2), 3])

    work()

    assert result.value() == 9


def test_no_inputs_give_an_empty_list(work: Work) -> None:
    results = [map(double, []), currymap(join, []), reduce(add, []), mapreduce(add, double, [])]

    work()

    assert value(results) == [[], [], [], []]
    assert len(results[0]) == 0


# Names and arguments that results of the former release are found by


def test_tasks_of_the_helpers_keep_their_names_and_arguments() -> None:
    map(double, [1, 2, 3], map_step=2)
    currymap(join, [["a", "b"]])
    mapreduce(add, double, [1, 2, 3], map_step=2, reduce_step=3)
    reduce(add, [1, 2])
    reduce(add, [])

    assert [(task.name, task.args) for task in alltasks] == [
        ("jug.mapreduce._jug_map", (double, [1, 2])),
        ("jug.mapreduce._jug_map", (double, [3])),
        ("jug.mapreduce._jug_map_curry", (join, [("a", "b")])),
        ("jug.mapreduce._jug_map_reduce", (add, double, [1, 2])),
        ("jug.mapreduce._jug_map_reduce", (add, double, [3])),
        ("jug.mapreduce._jug_reduce", (add, alltasks[3:5])),
        ("jug.mapreduce._jug_map_reduce", (add, None, [1, 2])),
        ("identity", ([],)),
    ]


# What may go wrong


@pytest.mark.parametrize("step", [0, -1, 1.5, "4", None, True])
def test_a_step_that_is_no_number_of_inputs_is_refused(step: object) -> None:
    with pytest.raises(OptionError, match=f"map_step must be a whole .* from 1 up, not {step!r}"):
        map(double, [1], map_step=step)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="map_step must be"):
        currymap(join, ["ab"], map_step=step)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="map_step must be"):
        mapreduce(add, double, [1], map_step=step)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="reduce_step must be"):
        mapreduce(add, double, [1], reduce_step=step)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="reduce_step must be"):
        reduce(add, [1], reduce_step=step)  # type: ignore[arg-type]


def test_a_reduce_step_of_one_would_never_end() -> None:
    with pytest.raises(OptionError, match="reduce_step must be a whole number from 2 up, not 1"):
        reduce(add, [1, 2], reduce_step=1)


def test_a_number_of_numpy_is_a_step() -> None:
    assert len(map(double, range(6), map_step=numpy.int64(3)).blocks) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [1, 4])
def test_a_lambda_is_refused_with_the_way_out(step: int) -> None:
    with pytest.raises(HashError, match="the mapper: lambda .* make it a function with def"):
        map(lambda x: x, [1], map_step=step)
    with pytest.raises(HashError, match="the mapper: lambda"):
        currymap(lambda x, y: x, [(1, 2)], map_step=step)
    with pytest.raises(HashError, match="the mapper: lambda"):
        mapreduce(add, TaskGenerator(lambda x: x), [1], map_step=step)
    with pytest.raises(HashError, match="the reducer: lambda"):
        reduce(lambda a, b: a, [1])
    assert not alltasks


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(OptionError, match="the mapper must be a function, not 3"):
        map(3, [1])  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="the reducer must be a function, not None"):
        reduce(None, [1])  # type: ignore[arg-type]


def test_a_task_as_inputs_says_that_its_length_is_not_known() -> None:
    with pytest.raises(TypeError, match="has no length before it has run"):
        map(double, Task(list, "abc"))  # type: ignore[call-overload]


def test_mapped_can_be_checked_for_by_type() -> None:
    assert isinstance(map(double, [1]), Mapped)


def test_the_text_of_what_map_gives_says_of_which_inputs() -> None:
    mapped = [map(abs, [i, i + 1]) for i in (1, 5)]

    assert len({str(one) for one in (*mapped, mapped[0][:1])}) == 3
    with pytest.raises(HashError, match="text of task 'builtins.abs'"):
        Task(print, f"r_{mapped[0]}").hash()


# What blocks need


@TaskGenerator(cpus=2, tags={"slow"})
def hungry(x):
    return x


@TaskGenerator(cpus=1, memory="2 GB", tags={"large"}, retries=2)
def hungry_sum(x, y):
    return x + y


def test_another_version_of_a_function_makes_other_tasks(store):
    def hashes(f):
        return [
            jug.mapreduce.map(f, range(8)).blocks[0].hash(),
            jug.mapreduce.map(f, range(8), 1)[0].hash(),
            jug.mapreduce.map(functools.partial(f), range(8), 1)[0].hash(),
            jug.mapreduce.currymap(f, [(1,)], 1)[0].hash(),
            jug.mapreduce.currymap(f, [(1,)])[0].hash(),
            jug.mapreduce.mapreduce(hungry_sum, f, range(8)).hash(),
            jug.mapreduce.mapreduce(f, hungry, range(8)).hash(),
            jug.mapreduce.reduce(f, range(8)).hash(),
        ]

    second, third = hashes(hungry.options(version="2")), hashes(hungry.options(version="3"))

    assert len({*second, *third, *hashes(hungry)}) == 3 * len({*second})
    (plain,) = jug.mapreduce.map(hungry.options(version="2"), [1], 1)
    assert plain.hash() == hungry.options(version="2")(1).hash()
    assert plain.needs == Needs(2, 0, 0, {"slow"})


def test_a_block_needs_what_the_functions_need_that_it_calls(store):
    mapper, reducer = Needs(2, 0, 0, {"slow"}), Needs(1, 2 * 10**9, 0, {"large"})

    assert [task.needs for task in jug.mapreduce.map(hungry, range(8)).blocks] == [mapper] * 2
    assert [task.needs for task in jug.mapreduce.map(hungry, [1, 2], 1)] == [mapper] * 2
    assert jug.mapreduce.currymap(hungry, [(1,)], 1)[0].needs == mapper
    partial = functools.partial(hungry)
    assert [task.needs for task in jug.mapreduce.map(partial, range(8)).blocks] == [mapper] * 2
    last = jug.mapreduce.mapreduce(hungry_sum, hungry, range(8))
    both = Needs(2, 2 * 10**9, 0, {"slow", "large"})
    assert last.needs == reducer and all(t.needs == both for t in last.dependencies())
    assert jug.mapreduce.map(abs, range(8)).blocks[0].needs is NOTHING
