"""Barriers in a jugfile that a worker reads: it works within the call, and reads on."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jug import set_jugdir
from jug.barrier.passage import Passage, count_done, note_done
from jug.code import find_stale
from jug.execution.capacity import Capacity
from jug.execution.reading_on import ReadingOn
from jug.execution.settings import Settings
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.hooks import register_hook, reset_all_hooks
from jug.jugfile import AtBarrier, Jugfile, Jugspace
from jug.selection import selection
from jug.session import current_store
from jug.task import Task, alltasks

HEAD = """
import builtins, os, random, sys
from jug import TaskGenerator, barrier, bvalue, value
from jug.errors import BarrierError

@TaskGenerator
def note(x, *rest):
    builtins.SEEN.append(x)
    return x

bvalue(note("first"))
builtins.SEEN.append("read")
"""
"""From here on the jugfile is read once."""


@pytest.fixture(autouse=True)
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What jugfiles and tasks have noted, in order."""
    found: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.SEEN", found, raising=False)
    monkeypatch.setattr("sys.argv", ["a", "b"])
    set_jugdir("dict_store")
    return found


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Callable[..., Summary]:
    """Call with what follows `HEAD` in a jugfile: a worker runs it."""
    name = f"barriers_{abs(hash(request.node.name))}"

    def run(text: str, **settings: Any) -> Summary:
        Path(f"{name}.py").write_text(HEAD + text)
        alltasks.clear()
        jugfile = Jugfile(f"{name}.py")
        return Worker(jugfile.read(), jugfile.read_again, Settings(**settings)).run()

    yield run
    alltasks.clear()


def test_from_its_second_reading_on_a_jugfile_is_read_once(run, seen):
    summary = run("""
for i in range(5):
    note(f"before {i}")
    barrier()
    builtins.SEEN.append(bvalue(note(i)))
note("last")
""")

    assert summary.ending is Ending.DONE and not summary.at_barrier
    assert seen.count("read") == 1
    assert seen[2:] == [x for i in range(5) for x in (f"before {i}", i, i)] + ["last"]
    assert summary.executed.total() == 12 and summary.left == 0


def test_at_a_barrier_all_is_run_that_was_made_so_far(run, seen):
    run("""
early = [note("not asked for"), note(1)]
bvalue(early[1])
builtins.SEEN.append("further")
late = note(2, early[0])
barrier()
builtins.SEEN.append("end")
""")

    assert seen[2:] == ["not asked for", 1, "further", 2, "end"]


def test_what_a_barrier_waits_for_runs_before_what_is_made_beyond_it(run, seen):
    """A value that several later tasks need, made before the graph was looked at and after."""
    run("""
base = note(1)
others = [note(n, base) for n in range(2, 4)]
bvalue(others)
more = [note(n, base, others[0]) for n in range(4, 6)]
bvalue(more)
note(sum(value(more)), more)
""")

    assert seen[2:] == [1, 2, 3, 4, 5, 9]


def test_the_jugfile_finds_all_as_it_was_but_for_the_results(run, seen, tmp_path):
    run("""
import numpy
made = numpy.random.default_rng(1)
random.seed(1), numpy.random.seed(1)
def state():
    return (os.getcwd(), sys.argv[:], random.getstate()[1][:9], str(made.bit_generator.state),
            str(numpy.random.get_state()[1][:9]), random.getstate()[1][-1])

@TaskGenerator
def disturb(n):
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")
    open("made", "w").close()
    sys.argv[1:] = ["other"]
    note("made in a task")
    builtins.SEEN.append((random.random(), numpy.random.random(), made.random()))

before = state()
for n in range(3):
    bvalue(disturb(n))
    assert state() == before, n
assert os.path.exists("elsewhere/made")
""")

    assert "made in a task" not in seen
    drawn = seen[2:]
    assert len({number for numbers in drawn for number in numbers}) == 9


def test_random_numbers_that_a_task_has_among_its_arguments_are_those_that_were_hashed(run, seen):
    summary = run("""
mine = random.Random(1)

@TaskGenerator
def draw(n, generator):
    builtins.SEEN.append(generator.random())

for n in range(3):
    bvalue(draw(n, mine))
""")

    assert summary.ending is Ending.DONE
    assert len(set(seen[2:])) == 1


def test_where_a_task_changes_its_arguments_the_jugfile_is_read_again(run, seen):
    summary = run("""
class Settings:
    steps = 1

settings = Settings()

@TaskGenerator
def spoil(settings):
    settings.steps += 1

bvalue(spoil(settings))
last = note(settings.steps, settings)
bvalue(note("further"))
bvalue(note("to the end"))
""")

    assert seen == ["first", "read", "read", 1, "further", "to the end"]
    assert summary.executed.total() == 5


def test_a_module_that_makes_tasks_is_read_to_its_barrier_and_again(run, seen, tmp_path):
    (tmp_path / "with_barrier.py").write_text(
        "import builtins\nfrom jug import Task, barrier\n"
        "made = Task(abs, -7)\nbarrier()\nbuiltins.SEEN.append('imported')\n"
    )

    run("import with_barrier\nnote(bvalue(with_barrier.made))\n")

    assert seen == ["first", "read", "read", "imported", 7]


def test_in_another_thread_nobody_works(run, seen):
    summary = run("""
from threading import Thread
task = note("in time")
def ask():
    try:
        bvalue(task)
    except BarrierError:
        builtins.SEEN.append("not there yet")

for thread in (Thread(target=ask), Thread(target=exec, args=("ask()", globals()))):
    thread.start(), thread.join()
""")

    assert seen[2:] == ["not there yet"] * 2 + ["in time"]
    assert summary.ending is Ending.DONE


def test_barriers_in_functions_and_generators_are_passed(run, seen):
    run("""
def steps():
    for n in range(3):
        yield bvalue(note(n))

def total():
    return sum(steps())

class Model:
    answer = bvalue(note("in a class"))

note(total())
""")

    assert seen[2:] == ["in a class", 0, 1, 2, 3]


def test_a_failure_ends_the_worker_whatever_the_jugfile_makes_of_it(run, seen):
    summary = run("""
@TaskGenerator
def fail():
    raise ValueError("no")

try:
    bvalue(fail())
except Exception as error:
    builtins.SEEN.append(type(error).__name__)
note("not begun")
barrier()
builtins.SEEN.append("not reached")
""")

    assert summary.ending is Ending.FAILED and summary.at_barrier
    assert [failure.name.rpartition(".")[2] for failure in summary.failures] == ["fail"]
    assert seen[2:] == ["BarrierError"]


def test_with_keep_going_all_is_run_that_is_known_before_a_failure_ends_the_worker(run, seen):
    summary = run(
        """
@TaskGenerator
def fail():
    raise ValueError("no")

failing = fail()
note(1)
bvalue(note(2))
note(3)
bvalue(failing)
note("not reached")
""",
        keep_going=True,
    )

    assert summary.ending is Ending.FAILED
    assert seen[2:] == [1, 2, 3]


def test_a_task_that_asks_for_a_value_fails_as_everywhere(run, seen):
    summary = run("""
@TaskGenerator
def ask():
    return bvalue(note(1))

bvalue(ask())
""")

    assert summary.ending is Ending.FAILED
    assert "call the plain function, note.f(...)" in summary.failures[0].exception


def test_a_jugfile_that_another_reads_stops_at_its_own_barrier(run, seen, tmp_path):
    (tmp_path / "inner.py").write_text("from jug import Task, bvalue\nbvalue(Task(abs, -1))\nx = 1")

    run("""
import jug
_, names = jug.init("inner.py", "dict_store")
builtins.SEEN.append("x" in names)
bvalue(note(2))
""")

    assert seen[2:] == [False, 2]


def test_what_is_chosen_is_chosen_anew_beyond_each_barrier(run, seen):
    summary = run(
        "bvalue(note(1))\nbarrier()\nTask = TaskGenerator(abs)\nbvalue(Task(-2))\n",
        select=selection("note"),
        patience=0.0,
    )

    assert seen == ["first", "read", 1]
    assert summary.ending is Ending.UNSELECTED and summary.at_barrier


def test_what_needs_more_of_the_machine_is_counted_from_there_on(run, seen):
    summary = run(
        """
bvalue(note(1))
bvalue(note.options(cpus=2)(2))
bvalue(note.options(cpus=64)(3))
""",
        capacity=Capacity(cpus=2),
        patience=0.0,
    )

    assert seen[2:] == [1, 2]
    assert summary.ending is Ending.TOO_LARGE


def test_results_of_what_was_defined_beyond_a_barrier_are_not_stale(run, seen):
    run("""
registry = {}

@TaskGenerator
def apply(name, x):
    return registry[name](x)

def double(x):
    return 2 * x
registry["double"] = double
bvalue(apply("double", 1))

def triple(x):
    return 3 * x
registry["triple"] = triple
bvalue(apply("triple", 1))

@TaskGenerator
def final():
    return helper()

def helper():
    return 1

final()
""")
    tasks = [task for task in alltasks if not task.name.endswith("apply")]
    assert not find_stale(tasks, current_store()).has_stale
    last_apply = [task for task in alltasks if task.name.endswith("apply")][-1]
    assert not find_stale([last_apply], current_store()).has_stale


def test_a_result_that_others_remove_is_made_again_before_the_next_barrier(run, seen):
    run("""
first = note(1)
bvalue(first)
first.invalidate()
barrier()
builtins.SEEN.append(first.value())
""")

    assert seen[2:] == [1, 1, 1]


def test_hooks_hear_of_each_result_that_was_there_once(run, seen):
    run("note(1)\n")
    seen.clear()
    register_hook("execute.task-loadable", lambda task: seen.append(("there", *task.args)))

    run("bvalue(note(2))\nbvalue(note(3))\nold = note(1)\nbvalue(note(4))\nnote(5)\n")
    reset_all_hooks()

    second = seen[seen.index(2) + 1 :]
    assert second == [
        "read", ("there", "first"), ("there", 2), 3, ("there", 1), 4, 5,
    ]  # fmt: skip


def test_a_value_that_the_jugfile_has_changed_reaches_no_task(run, seen):
    summary = run("""
@TaskGenerator
def several(i):
    return [i]

@TaskGenerator
def total(xs):
    return len(xs)

@TaskGenerator
def totals(xs):
    return [*map(len, xs)]

all_of_them = [several(i) for i in range(20)]
for i, task in enumerate([all_of_them[0], all_of_them[1], several(2)]):
    bvalue(task).append("changed")
    again = several(i + 1)
    one, many = total(task), totals([task, again])
    barrier()
    builtins.SEEN.append((value(one), value(many), again.is_loaded()))
""")

    assert summary.ending is Ending.DONE
    assert seen[-3:] == [(1, [1, 1], False)] * 3


def test_what_an_attempt_has_changed_does_not_reach_the_next(run, seen):
    summary = run("""
@TaskGenerator
def one():
    return [1]

@TaskGenerator(retries=2)
def total(xs):
    xs.append("changed")
    builtins.SEEN.append(len(xs))
    if builtins.SEEN[-3:] != [2, 2, 2]:
        raise ValueError("once more")
    return len(xs)

total(one())
""")

    assert summary.ending is Ending.DONE
    assert seen[-3:] == [2, 2, 2]


def test_what_the_jugfile_makes_of_a_value_is_given_to_no_task(run, seen):
    run("""
@TaskGenerator
def many(n):
    return [n]

@TaskGenerator
def copied(x):
    return list(x)

lists = [many(n) for n in range(9)]
barrier()
taken = bvalue(lists[3])
taken.append(99)
builtins.SEEN.append(bvalue(copied(lists[3])))
builtins.SEEN.append(bvalue(lists[3]))
bvalue(note("more"))
[note(n) for n in range(20)]
barrier()
builtins.SEEN.append(bvalue(lists[3]))
bvalue([copied(one) for one in lists])
""")

    assert [one for one in seen if type(one) is list] == [[3], [3, 99], [3, 99]]


def test_values_that_the_jugfile_held_are_forgotten_when_it_has_ended(run, seen):
    run("""
@TaskGenerator
def copied(x):
    return list(x)

first = copied((1,))
bvalue(first).append(2)
builtins.SEEN.append(copied(first))
""")

    assert seen[-1].value() == [1]


def test_tasks_draw_nothing_from_a_generator_of_the_jugfile_wherever_it_is(run, seen):
    run("""
kept = {"random": random.Random(3)}

@TaskGenerator
def draw(x):
    return kept["random"].random() + x

for n in range(3):
    bvalue(draw(n))
    builtins.SEEN.append(kept["random"].random())
""")

    drawn = random.Random(3)
    assert seen[2:] == [drawn.random() for _ in range(3)]


def test_a_task_has_the_whole_stack_however_deep_the_barrier_is(run, seen):
    summary = run("""
def count(n):
    return n and 1 + count(n - 1)

counted = TaskGenerator(count)

def down(n):
    return down(n - 1) if n else bvalue(counted(sys.getrecursionlimit() // 2))

down(sys.getrecursionlimit() // 2)
""")

    assert summary.ending is Ending.DONE and not summary.failures


def test_arguments_that_have_no_hash_any_more_have_changed(run, seen):
    summary = run("""
import threading

class Settings:
    lock = None

settings = Settings()

@TaskGenerator
def spoil(settings):
    settings.lock = threading.Lock()

bvalue(spoil(settings))
note(settings.lock)
""")

    assert summary.ending is Ending.DONE
    assert seen == ["first", "read", "read", None]


def test_a_failure_does_not_come_from_what_the_jugfile_has_caught(run, seen):
    summary = run("""
@TaskGenerator
def fail():
    raise ValueError("here")

try:
    open("nowhere")
except OSError:
    bvalue(fail())
""")

    [failure] = summary.failures
    assert "ValueError" in failure.traceback and "nowhere" not in failure.traceback


def test_who_works_is_told_what_is_more_of_the_same_reading():
    told: list[bool] = []
    jugspace = Jugspace(current_store(), [])

    def work(_: Jugspace, is_more: bool) -> Ending | None:
        told.append(is_more)
        return Ending.DONE if len(told) == 6 else None

    def read(at_barrier: AtBarrier) -> Jugspace:
        for _ in range(2):
            at_barrier(jugspace)
        return jugspace

    assert ReadingOn(read, work).run(jugspace) is Ending.DONE
    first, again, and_again = [False], [False, True, True], [False, True]
    assert told == first + again + and_again


def test_what_was_done_at_one_barrier_is_not_looked_at_again_at_the_next():
    tasks = [Task(abs, n) for n in (-1, -2)]
    with Passage({}).entered():
        before = count_done()
        note_done()
        assert (before, count_done()) == (0, len(alltasks)) and len(alltasks) >= len(tasks)
    assert count_done() == 0


def test_a_folder_that_a_task_removes_ends_no_reading(run, seen):
    summary = run("""
@TaskGenerator
def remove(folder):
    os.chdir("..")
    os.rmdir(folder)

os.mkdir("inner")
os.chdir("inner")
bvalue(remove("inner"))
bvalue(note("beyond"))
""")

    assert summary.ending is Ending.DONE
    assert seen == ["first", "read", "beyond"]


def test_beyond_a_failure_nothing_runs_of_what_the_jugfile_makes_in_spite_of_it(run, seen):
    summary = run("""
@TaskGenerator
def fail():
    raise ValueError("here")

for tried in (fail, lambda: note("beyond")):
    try:
        bvalue(tried())
    except BarrierError:
        builtins.SEEN.append("caught")
""", keep_going=True)  # fmt: skip

    assert summary.ending is Ending.FAILED
    assert seen == ["first", "read", "caught", "caught"]


def test_what_fails_in_the_worker_comes_through_whatever_the_jugfile_catches(run, seen):
    def refuse(task: Task[Any]) -> None:
        if "read" in seen:
            raise OSError("no more")

    register_hook("execute.task-pre-execute", refuse)
    try:
        with pytest.raises(OSError, match="no more"):
            run("""
try:
    bvalue(note("beyond"))
except Exception as error:
    builtins.SEEN.append(type(error))
""")
    finally:
        reset_all_hooks()

    assert seen[:2] == ["first", "read"] and seen[2].__name__ == "BarrierError"
