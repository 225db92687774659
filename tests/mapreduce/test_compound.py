"""Tasks made of other tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug import CompoundTask, CompoundTaskGenerator, Task, TaskGenerator, iteratetask, value
from jug.backends.base import BaseStore
from jug.code import code_of
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.jugfile import Jugfile
from jug.session import use_store
from jug.task import alltasks, describe

pytestmark = pytest.mark.usefixtures("store")

Work = Callable[[], Summary]

CALLS: list[object] = []


@pytest.fixture(autouse=True)
def no_calls() -> Iterator[None]:
    CALLS.clear()
    yield


@TaskGenerator
def half(x: float) -> float:
    return x / 2


def quarter(x: float) -> Task[float]:
    CALLS.append(x)
    return half(half(x))


generated_quarter = CompoundTaskGenerator(quarter)


def halves(x: float) -> list[Task[float]]:
    return [half(x), half(x)]


def read_again() -> Task[float]:
    """Return the compound task as the next reading of a jugfile makes it."""
    alltasks.clear()
    return CompoundTask(quarter, 100)


def test_its_value_is_that_of_the_tasks_that_were_made(work: Work) -> None:
    fourth = CompoundTask(quarter, 100)

    assert work().executed == {f"{__name__}.half": 2, f"{__name__}.quarter": 1}
    assert fourth.value() == 25


def test_it_shows_under_its_functions_name_and_hashes_by_its_call() -> None:
    fourth = CompoundTask(quarter, 100)
    other = CompoundTask(halves, 100)

    assert [task.name for task in alltasks] == [
        *[f"{__name__}.half"] * 2,
        f"{__name__}.quarter",
        f"{__name__}.half",
        f"{__name__}.half",
        f"{__name__}.halves",
    ]
    assert fourth.hash() == Task(quarter, 100).hash()
    assert other.hash() != fourth.hash()


def test_the_function_is_called_at_each_reading_until_the_result_is_there(work: Work) -> None:
    CompoundTask(quarter, 100)
    read_again()
    assert CALLS == [100, 100]
    work()

    fourth = read_again()

    assert CALLS == [100, 100]
    assert alltasks == [fourth]
    assert fourth.value() == 25
    assert fourth.name == f"{__name__}.quarter"
    assert work().loaded == {f"{__name__}.quarter": 1}


def test_after_an_invalidation_it_is_called_again(work: Work) -> None:
    CompoundTask(quarter, 100)
    work()

    read_again().invalidate()
    fourth = read_again()

    assert CALLS == [100, 100]
    assert work().executed == {f"{__name__}.quarter": 1}
    assert fourth.value() == 25


def test_a_result_removed_after_the_reading_says_what_to_do(
    work: Work, fail: Callable[[], str]
) -> None:
    CompoundTask(quarter, 100)
    work()

    read_again().invalidate()

    assert fail().endswith(
        f"the result of compound task '{__name__}.quarter' was removed after the jugfile was read, "
        "so its inner tasks were not made: run `jug execute` again"
    )


def test_the_code_that_a_record_tells_of_is_the_functions(work: Work, store: BaseStore) -> None:
    fourth = CompoundTask(quarter, 100)
    work()

    plain = Task(quarter, 100)
    record = store.record(fourth.digest)

    assert record is not None
    assert record.code == code_of(plain).text
    assert record.code == code_of(read_again()).text


def test_the_function_may_return_a_list_or_a_value(work: Work) -> None:
    both = CompoundTask(halves, 8)
    plain = CompoundTask(abs, -3)

    work()

    assert both.value() == [4, 4]
    assert plain.value() == 3


def test_arguments_may_be_tasks_and_keywords(work: Work) -> None:
    def scaled(x: object, *, by: int) -> object:
        return Task(Counter, [x] * by)

    counted = CompoundTask(scaled, half(4), by=3)

    work()

    assert counted.value() == Counter({2.0: 3})


def test_parameters_may_have_any_name(work: Work) -> None:
    def made(**named: int) -> Task[float]:
        return half(named["f"] * named["self"])

    found = [CompoundTask(made, f=2, self=3), CompoundTaskGenerator(made)(f=2, self=4)]

    work()

    assert value(found) == [3, 4]


def test_it_is_an_argument_of_other_tasks_and_of_itself(work: Work) -> None:
    sixteenth = generated_quarter(generated_quarter(32))
    after = half(sixteenth)

    work()

    assert sixteenth.value() == 2
    assert after.value() == 1


def test_a_generator_makes_compound_tasks_and_keeps_its_function(work: Work) -> None:
    fourth = generated_quarter(100)

    assert fourth.hash() == CompoundTask(quarter, 100).hash()
    assert generated_quarter.f is quarter
    assert isinstance(generated_quarter.options(retries=2), CompoundTaskGenerator)
    work()
    assert fourth.value() == 25


def test_its_parts_can_be_taken(work: Work) -> None:
    first, second = iteratetask(CompoundTask(halves, 6), 2)
    work()

    assert value([first, second]) == [3, 3]


def test_it_is_described_with_the_tasks_that_it_is_made_of() -> None:
    told = describe(CompoundTask(quarter, 100))

    assert told["name"] == f"{__name__}.quarter"
    assert told["args"][0]["name"] == f"{__name__}.half"


def test_without_a_store_it_can_be_made_all_the_same() -> None:
    use_store(None)

    assert CompoundTask(quarter, 100).name == f"{__name__}.quarter"


JUGFILE = """
from jug import CompoundTask, Task, TaskGenerator, barrier, bvalue

@TaskGenerator
def part(i):
    return i

@TaskGenerator
def total(xs):
    return sum(xs)

def parts(n):
    return total([part(i) for i in range(bvalue(n))])

whole = CompoundTask(parts, part(4))
barrier()
last = total([whole, 1])
"""


def test_it_may_wait_for_a_value_itself(tmp_path: Path, store: BaseStore) -> None:
    (tmp_path / "waiting_compound.py").write_text(JUGFILE)
    jugfile = Jugfile(tmp_path / "waiting_compound.py")

    worker = Worker(jugfile.read(), jugfile.read_again)
    summary = worker.run()

    assert summary.ending is Ending.DONE
    assert worker.jugspace.names["last"].value() == 7
    assert summary.executed == {
        "waiting_compound.part": 5,
        "waiting_compound.total": 2,
        "waiting_compound.parts": 1,
    }


def test_a_jugfile_that_uses_one_as_its_value_is_told_so(tmp_path: Path, store: BaseStore) -> None:
    (tmp_path / "adding.py").write_text(
        "from jug import CompoundTask, Task\nCompoundTask(Task, abs, -1) + 1\n"
    )

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        Jugfile(tmp_path / "adding.py").read()

    assert "a task is not its value" in caught.value.__notes__[0]


def test_another_version_of_a_compound_function_is_another_task() -> None:
    first, second = (CompoundTaskGenerator(quarter, version=version) for version in ("1", "2"))

    assert len({one(8).hash() for one in (first, second, CompoundTaskGenerator(quarter))}) == 3
    assert first(8).hash() == CompoundTask(first, 8).hash() == first(8).hash()
    assert first(8).options.version == "1"
    assert CompoundTaskGenerator(quarter)(8).hash() == CompoundTask(quarter, 8).hash()
