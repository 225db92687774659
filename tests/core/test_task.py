"""Tasks: who they are, their values and their locks."""

import copy
import functools
import pickle
from collections import OrderedDict, namedtuple
from functools import partial

import pytest

from jug import CachedFunction, Task, TaskGenerator, Tasklet, iteratetask, return_tuple, value
from jug.backends.dict_store import DictStore
from jug.errors import (
    HashError,
    LockError,
    OptionError,
    ResultNotFound,
    TaskError,
    TaskFailed,
)
from jug.needs import NOTHING, Needs
from jug.task import alltasks, describe, find_dependencies, recursive_dependencies, topological_sort
from jug.task.attempt import failed_attempt

pytestmark = pytest.mark.usefixtures("store")

Pair = namedtuple("Pair", "left right")


@TaskGenerator
def double(x):
    return 2 * x


@TaskGenerator
def listed(*items, **named):
    """Give back what it got."""
    return [list(items), named]


@TaskGenerator
def pair(x):
    return x, x + 1


def counted(calls):
    calls.append(1)
    return len(calls)


# Who a task is


def test_a_task_is_named_by_module_and_function():
    assert double(1).name == f"{__name__}.double"
    assert Task(sum, [1]).name == "builtins.sum"


def test_the_name_can_be_set_and_makes_another_task():
    task, other = double(1), double(1)

    other.name = "twice"

    assert other.name == "twice"
    assert other.hash() != task.hash()


def test_the_hash_is_40_hex_digits_as_bytes():
    digits = double(1).hash()

    assert isinstance(digits, bytes)
    assert bytes.fromhex(digits.decode()) == double(1).digest


def test_tasks_of_equal_function_and_arguments_have_equal_hashes():
    assert double(1).hash() == double(1).hash()
    assert double(double(1)).hash() == double(double(1)).hash()
    assert double(1).hash() != double(2).hash()
    assert double(double(1)).hash() != double(2).hash()


def test_a_parameter_may_have_any_name():
    made = [
        Task(listed.f, f=1, self=2),
        listed(f=1, self=2),
        TaskGenerator(listed, retries=1)(f=1, self=2),
    ]

    assert [task.run() for task in made] == [[[], {"f": 1, "self": 2}]] * 3
    assert CachedFunction(listed.f, f=1, self=2) == [[], {"f": 1, "self": 2}]


class Halves:
    """A class with attributes of the names of a generator's."""

    options = version = needs = ()

    def __init__(self, x):
        self.half = x // 2

    def f(self):
        raise NotImplementedError

    __jug_hash__ = f


def test_attributes_of_a_function_do_not_take_the_place_of_the_generators():
    def plain(x):
        return x

    plain.f, plain.note = double.f, "mine"
    made, halves = TaskGenerator(plain), TaskGenerator(Halves, retries=1)

    assert (made.f, made.note, made(3).run()) == (plain, "mine", 3)
    assert halves.f is Halves
    assert (halves.version, halves.needs) == ("", NOTHING)
    assert halves.options(timeout=5)(4).options.retries == 1
    assert halves.f(4).half == 2
    assert double(halves).hash() == double(TaskGenerator(Halves)).hash()


def test_a_generator_of_a_function_that_gives_tuples_is_that_of_its_function():
    both = return_tuple(2)(TaskGenerator(divmod, version="2"))

    task = TaskGenerator(both, retries=1)(7, 2)

    assert task.run() == (3, 1)
    assert (task.options.retries, task.options.version) == (1, "2")


def test_a_partial_is_unwrapped():
    assert Task(partial(divmod, 7), 2).hash() == Task(divmod, 7, 2).hash()


def test_arguments_fill_the_free_places_of_a_partial(monkeypatch):
    free = getattr(functools, "Placeholder", object())  # from Python 3.14 on there is one
    monkeypatch.setattr("jug.task.task._FREE", free)
    halved = partial(divmod, free, 2)

    assert Task(halved, 7).run() == (3, 1)
    assert Task(halved, 7).hash() == Task(divmod, 7, 2).hash()
    assert Task(partial(max, free, 2, free, 4), 1, 3, 5).args == (1, 2, 3, 4, 5)
    with pytest.raises(TaskError, match="has free places for more than"):
        Task(halved)


def test_a_generator_given_to_task_is_unwrapped():
    assert Task(double, 3).hash() == double(3).hash()


def test_options_do_not_enter_the_hash():
    assert double.options(retries=3, timeout=5, runtime=3)(1).hash() == double(1).hash()
    assert double.options(retries=3)(1).options.retries == 3
    assert double(1).options.retries == 0


def test_an_option_is_taken_back_by_none():
    limited = TaskGenerator(double, timeout=5, runtime=3, version="2")

    limited = limited.options(retries=3, memory="2 GB", tags={"gpu"})
    free = limited.options(
        timeout=None, runtime=None, version=None, retries=None, memory=None, tags=None
    )

    assert (free(1).options.timeout, free(1).options.runtime) == (None, None)
    assert (free(1).options.retries, free(1).needs) == (0, NOTHING)
    assert free(1).hash() == double(1).hash() != limited(1).hash()


def plain(x):
    return 2 * x


def wrapping(f):
    """Return a task's function that is of the name of another, and does something else."""

    @functools.wraps(f)
    def twice(x):
        return plain(plain(x))

    return twice


@pytest.mark.parametrize("inner", [plain, TaskGenerator(plain)], ids=["a function", "a generator"])
def test_what_wraps_a_function_is_another(inner):
    task = TaskGenerator(wrapping(inner))(3)

    assert task.hash() != Task(plain, 3).hash()
    assert task.run() == 12


def test_what_wraps_a_function_without_a_closure_is_another():
    @functools.wraps(plain)
    def twice(x):
        return plain(plain(x))

    assert Task(twice, 3).hash() != Task(plain, 3).hash()


@pytest.mark.parametrize(
    "bad",
    [{"retries": -1}, {"retries": 1.5}, {"retries": "2"}, {"timeout": 0}, {"timeout": "3"}]
    + [{"retries": float("nan")}, {"retries": float("inf")}]
    + [{"runtime": "20"}, {"runtime": -1}, {"runtime": "soon"}]
    + [{"cpus": 0}, {"cpus": "4"}, {"gpus": -1}, {"gpus": 0.5}, {"tags": "gpu"}, {"tags": [1]}]
    + [{"memory": "8 potatoes"}, {"memory": -1}, {"memory": "-1 GB"}, {"memory": [8]}]
    + [{"cpus": True}, {"tags": {""}}, {"tags": 8}, {"memory": float("nan")}]
    + [{"version": ""}, {"version": 2}, {"version": b"2"}, {"version": ["2"]}],
)
def test_a_bad_option_is_refused_with_the_name_of_the_task(bad):
    wrong = rf"test_task\.double: {next(iter(bad))} must be a .*, not"
    with pytest.raises(TaskError, match=wrong):
        double.options(**bad)
    with pytest.raises(TaskError, match=wrong):
        TaskGenerator(**bad)(double)


def test_needs_do_not_enter_the_hash():
    heavy = TaskGenerator(cpus=4, memory="8 GB", gpus=1, tags={"licence"})(double)
    assert heavy(1).hash() == double(1).hash()
    of_any_size = TaskGenerator(cpus=4, memory="8 GB", gpus=1, tags={"licence"})(abs)
    assert of_any_size(-1).hash() == b"52904175522062cda594245f1ac52bebf698144b"
    assert heavy(1).needs == Needs(4, 8_000_000_000, 1, frozenset({"licence"}))
    assert heavy.options(memory="1 GiB")(1).needs == Needs(4, 2**30, 1, frozenset({"licence"}))
    assert double(1).needs is NOTHING


def test_each_version_of_a_function_has_tasks_of_its_own():
    second, third = double.options(version="2"), TaskGenerator(version="3")(double)

    assert len({one(1).hash() for one in (double, second, third)}) == 3
    assert second(1).hash() == TaskGenerator(double.f, version="2")(1).hash()
    assert second(1).name == double(1).name
    assert second(1).options.version == "2" and second.version == "2"
    assert TaskGenerator(double.f, version=None)(1).hash() == double(1).hash()
    assert double.version == ""


def test_a_version_is_kept_however_the_task_is_made():
    second = double.options(version="2")

    made = [
        Task(second, 1), Task(partial(second, 1)), Task(partial(partial(second), 1)),
        TaskGenerator(second)(1), TaskGenerator(partial(second, 1), retries=2)(),
        second.options(retries=1)(1), copy.copy(second(1)),
    ]  # fmt: skip

    assert {task.hash() for task in made} == {second(1).hash()}
    assert second.options(version="3")(1).hash() == double.options(version="3")(1).hash()


def test_what_is_made_from_a_task_of_another_version_is_another_task():
    second = double.options(version="2")

    assert double(second(1)).hash() != double(double(1)).hash()
    assert double(second(1)[0]).hash() != double(double(1)[0]).hash()
    assert double([second]).hash() != double([double]).hash()


def test_a_generator_without_a_name_pickles_with_its_version():
    nameless = TaskGenerator(partial(divmod, 7), version="2")

    assert pickle.loads(pickle.dumps(nameless))(2).hash() == nameless(2).hash()


def test_tags_that_can_be_read_only_once_are_refused():
    with pytest.raises(ValueError, match="tags must be a set of texts"):
        Needs.stated(tags=(tag for tag in ("a", "b")))


def test_a_generator_of_a_generator_keeps_what_that_states():
    heavy = TaskGenerator(max, cpus=4, version="2")

    again = TaskGenerator(heavy, gpus=1)

    assert (again(1, 2).needs, again.version, again.f) == (Needs(4, 0, 1), "2", max)


def test_needs_in_words():
    assert str(Needs()) == "1 CPU"
    assert str(Needs.stated(16, "1.5 GiB", 2)) == "16 CPUs, 1.6 GB of memory, 2 GPUs"


def test_a_runtime_is_a_number_of_seconds_or_a_text_with_a_unit():
    likely = TaskGenerator(runtime="20 min")(abs)
    assert likely(1).options.runtime == 1200.0
    assert likely.options(retries=1)(1).options.runtime == 1200.0
    assert likely.options(runtime=0.5)(1).options.runtime == 0.5
    assert double(1).options.runtime is None


@pytest.mark.parametrize("arguments", [(), (abs,)])
def test_an_option_that_is_none_is_refused(arguments):
    with pytest.raises(OptionError, match="only retries, .* and tags: is 'retries' meant"):
        TaskGenerator(*arguments, retry=2)
    with pytest.raises(OptionError, match="no option 'disk', only retries, .* and tags$"):
        TaskGenerator(*arguments, disk=2)


def test_a_lambda_is_refused_with_the_way_out():
    with pytest.raises(HashError, match="def"):
        Task(lambda x: x, 1).hash()


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TaskError, match="can't be called"):
        Task(3)
    with pytest.raises(OptionError, match="can't be called"):
        TaskGenerator(3)


def test_a_task_is_truthy_and_has_no_length():
    task = double(0)

    assert task
    with pytest.raises(TypeError):
        len(task)


@pytest.mark.parametrize("make", [lambda: double(1), lambda: double(1)[0]])
def test_iterating_explains_iteratetask_and_bvalue(make):
    with pytest.raises(TypeError, match=r"iteratetask.*bvalue"):
        iter(make())


def test_a_deep_chain_is_hashed_at_the_default_recursion_limit():
    task = double(1)
    for _ in range(20_000):
        task = double(task)

    assert len(task.hash()) == 40


def test_a_method_made_of_a_generator_receives_its_object():
    class Scale:
        def __jug_hash__(self):
            return b"scale"

        @TaskGenerator
        def times(self, x):
            return 3 * x

    assert Scale().times(2).run() == 6


def test_a_generator_keeps_name_doc_and_function():
    assert listed.__name__ == "listed"
    assert listed.__doc__ == "Give back what it got."
    assert listed.f(1) == [[1], {}]


def test_a_generator_pickles_by_name():
    assert pickle.loads(pickle.dumps(double)) is double


# Dependencies


def test_dependencies_are_found_in_nested_lists_tuples_and_dicts():
    one, two, three, four = map(double, range(4))

    task = listed(one, [two, ({"x": three},)], key=Pair(four[0], 1))

    assert list(task.dependencies()) == [one, two, three, four]


def test_a_list_that_contains_itself_ends():
    items = [double(1)]
    items.append(items)

    assert list(find_dependencies(items)) == [items[0]]


def test_recursive_dependencies_give_each_task_once_and_not_itself():
    first = double(1)
    second = double(first)
    third = listed(first, second, second)

    assert list(recursive_dependencies(third)) == [first, second]
    assert list(recursive_dependencies(third, None)) == [first, second]
    assert list(recursive_dependencies(double(second), 1)) == [second]
    assert list(recursive_dependencies(third, 0)) == []


def test_topological_sort_puts_each_task_behind_its_dependencies():
    first = double(1)
    second = double(first)
    third = double(second)
    tasks = [third, first, second]

    topological_sort(tasks)

    assert tasks == [first, second, third]


def test_alltasks_has_every_task_in_order():
    made = [double(1), double(2)]

    assert alltasks == made


# Values


def test_running_replaces_tasks_by_their_values_wherever_they_stand():
    one = double(1)
    one.run()

    task = listed(one, [one, (one,)], key={"deep": Pair(one, 5)}, o=OrderedDict(a=one))

    assert task.run() == [
        [2, [2, (2,)]],
        {"key": {"deep": Pair(2, 5)}, "o": OrderedDict(a=2)},
    ]
    assert type(task.result[1]["key"]["deep"]) is Pair


def test_a_result_that_is_there_is_used_unless_forced():
    task = Task(counted, bytearray())
    assert task.hash()

    assert task.run() == 1
    assert task.run() == 1
    assert task.run(force=True) == 2
    task.unload()
    assert task.value() == 2


def test_run_without_save_leaves_the_store_alone(store):
    task = double(4)

    assert task.run(save=False) == 8
    assert list(store.list()) == []
    assert task.is_loaded()
    assert not task.can_load()


def test_a_value_that_was_not_saved_is_saved_by_the_next_run(store):
    task = double(4)
    task.run(save=False)

    task.run()

    assert list(store.list()) == [task.hash()]


def test_a_value_that_was_not_saved_is_enough_for_what_depends_on_it():
    one = double(1)
    one.run(save=False)

    assert double(one).can_run()
    assert double(one).run() == 4


def test_run_before_its_dependencies_names_the_missing_one():
    with pytest.raises(TaskError, match=r"double.*before.*pair"):
        double(pair(1)).run()


def test_debug_mode_notices_a_function_that_changes_its_arguments():
    task = Task(counted, bytearray())
    assert task.hash()

    with pytest.raises(TaskError, match="changed its own arguments"):
        task.run(debug_mode=True)


def test_a_function_gets_lists_of_its_own():
    task = Task(list.sort, [3, 1])

    task.run(debug_mode=True)

    assert task.args == ([3, 1],)


def test_value_of_what_has_not_run_says_so():
    with pytest.raises(ResultNotFound, match=r"double.*jug execute"):
        double(1).value()


def test_value_of_what_failed_says_how_and_where_to_see_more():
    task = double("x")
    task.store.put(failed_attempt(task, ValueError("no such luck"), start=1.0))

    for ask in (task.value, task.load, lambda: value([task[0]]), lambda: task.result):
        with pytest.raises(TaskFailed, match=r"double' failed \(ValueError: no such") as raised:
            ask()
        error = raised.value
        assert isinstance(error, ResultNotFound)  # which programs have caught so far
        assert f"`jug show {task.digest.hex()[:12]}`" in str(error)
        assert "`jug failures`" in str(error)
        assert error.task is task
        assert error.exception == "ValueError: no such luck"
        assert error.traceback.endswith("ValueError: no such luck\n")


def test_load_unload_and_is_loaded():
    task = double(2)
    task.run()

    assert task.is_loaded()
    task.unload()
    assert not task.is_loaded()
    assert task.can_load()
    task.load()
    assert task.is_loaded()
    assert task.result == 4


def test_unload_recursive_unloads_all_that_it_depends_on():
    one = double(1)
    two = double(one)
    one.run()
    two.run()

    two.unload_recursive()

    assert not one.is_loaded()
    assert not two.is_loaded()


def test_can_run_once_the_dependencies_are_there():
    one = double(1)
    two = double(one)

    assert not two.can_run()
    one.run()
    assert two.can_run()


def test_invalidate_removes_the_own_result_only():
    one = double(1)
    two = double(one)
    one.run()
    two.run()

    one.invalidate()

    assert not one.can_load()
    two.unload()
    assert two.can_load()


def test_value_leaves_plain_values_and_keeps_types():
    one = double(1)
    one.run()

    assert value({"a": [one, 3], "b": None}) == {"a": [2, 3], "b": None}
    assert value(7) == 7


def test_an_object_gives_its_own_value():
    class Mine:
        def __jug_value__(self):
            return "mine"

    assert value([Mine()]) == ["mine"]


def test_a_task_uses_the_store_in_use_when_it_is_asked():
    task = double(1)
    assert Task.store is task.store
    task.own_store = own = DictStore()

    task.run()

    assert task.store is own
    assert list(own.list()) == [task.hash()]


# Tasklets


def test_an_item_of_a_task_is_computed_from_its_value():
    task = pair(3)
    task.run()

    assert task[1].value() == 4
    assert value([task[0], task[-1]]) == [3, 4]
    assert listed(task[0]).run() == [[3], {}]


def test_items_of_items_and_items_chosen_by_tasks():
    task, index = pair(pair.f(1)[0:1] or 0), double(0)
    nested = listed(1, 2)
    nested.run()
    index.run()

    assert nested[0][1].value() == 2
    assert nested[index][index].value() == 1
    assert set(nested[index].dependencies()) == {nested, index}
    assert task[0].hash() != task[1].hash()


def test_a_tasklet_has_base_function_and_dependencies():
    task = double(5)
    tasklet = Tasklet(task, str)

    assert tasklet.base is task
    assert tasklet.f is str
    assert list(tasklet.dependencies()) == [task]
    assert not tasklet.can_load()
    task.run()
    assert tasklet.value() == "10"
    tasklet.unload()
    assert not task.is_loaded()


def test_tasklets_of_lambdas_are_told_apart_by_their_source():
    task = double(5)

    same = [Tasklet(task, lambda x: x + 1).hash() for _ in range(2)]
    other = Tasklet(task, lambda x: x + 2).hash()

    assert same[0] == same[1]
    assert other not in same


def test_a_long_chain_of_tasklets_works_at_the_default_recursion_limit():
    task = double(1)
    task.run()
    tasklet = Tasklet(task, abs)
    for _ in range(5_000):
        tasklet = Tasklet(tasklet, abs)

    assert tasklet.value() == 2
    assert len(tasklet.hash()) == 40


def test_iteratetask_gives_the_items():
    task = pair(1)
    first, second = iteratetask(task, 2)
    task.run()

    assert (first.value(), second.value()) == (1, 2)
    assert first.hash() == task[0].hash()


def test_iteratetask_of_another_length_is_an_error_when_used():
    task = pair(1)
    items = iteratetask(task, 3)
    task.run()

    with pytest.raises(TaskError, match=r"pair.*2 items where 3"):
        items[0].value()


@pytest.mark.parametrize("n", [-1, 2.0, "2", True])
def test_iteratetask_wants_a_number(n):
    with pytest.raises(OptionError, match="number of items"):
        iteratetask(double(1), n)


def test_return_tuple_gives_tasklets_of_one_task():
    halves = return_tuple(2)(TaskGenerator(divmod))

    quotient, remainder = halves(7, 2)
    quotient.base.run()

    assert (quotient.value(), remainder.value()) == (3, 1)


# Locks


def test_only_one_can_lock_a_task(store):
    task = double(1)
    other = double(1)
    other.own_store = DictStore.sharing(store)

    assert task.lock()
    assert not other.lock()
    assert other.is_locked()
    task.unlock()
    assert other.lock()
    other.unlock()


def test_unlock_without_a_lock_does_nothing(store):
    task, other = double(1), double(1)
    other.own_store = DictStore.sharing(store)
    task.lock()

    other.unlock()

    assert task.is_locked()
    task.unlock()


def test_fail_without_the_lock_is_an_error():
    with pytest.raises(LockError, match="lock"):
        double(1).fail()


def test_a_failed_task_is_failed_for_good():
    task = double(1)
    task.lock()

    assert task.fail()

    assert task.is_failed()
    assert not task.lock()


def test_a_task_that_is_done_cannot_be_locked():
    task = double(1)
    task.run()

    assert not task.lock()


# Telling what a result was made from


def test_describe_tells_names_arguments_and_state():
    one = double(1)
    one.run()

    told = describe(listed([one[0]], key=one))

    assert told["name"] == f"{__name__}.listed"
    assert told["meta"] == {"completed": False}
    assert told["kwargs"]["key"]["args"] == [1]
    assert told["kwargs"]["key"]["meta"]["completed"] is True
    assert told["kwargs"]["key"]["meta"]["computed"].endswith("Z")
    assert told["args"][0][0]["base"]["name"] == f"{__name__}.double"


def test_describe_follows_a_chain_at_the_default_recursion_limit():
    task = double(1)
    for _ in range(3_000):
        task = double(task)

    depth, told = 0, describe(task)
    while isinstance(told, dict):
        told = told["args"][0]
        depth += 1

    assert depth == 3_001
