"""What workers of one command take of their machine: counted together, and given back."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug import Task
from jug.errors import JugError, OptionError
from jug.execution.capacity import MOST_GPUS, Capacity
from jug.execution.connection import SupervisorConnection, open_channel
from jug.execution.plan import Plan
from jug.execution.ready_by_needs import ReadyByNeeds
from jug.execution.ready_tasks import READY
from jug.execution.room import Room
from jug.execution.slots import WorkerSlots
from jug.needs import Needs
from jug.task.graph import Graph
from jug.task.run_options import RunOptions

pytestmark = pytest.mark.usefixtures("store")

MACHINE = Capacity(cpus=4, memory=8_000, gpus=("4", "7"))
A_GPU = Needs(gpus=1)


def rooms_in(slots: WorkerSlots, capacity: Capacity) -> list[Room]:
    """Return the room as each worker sees it."""
    ours, theirs = open_channel()
    rooms = [
        Room(capacity, SupervisorConnection(theirs, slots, slot)) for slot in range(slots.count)
    ]
    ours.close()
    theirs.close()
    return rooms


def tasks_with(*needs: Needs) -> list[Task]:
    tasks = [Task(abs, number) for number in range(len(needs))]
    for task, one in zip(tasks, needs, strict=True):
        task.options = RunOptions(cpus=one.cpus, memory=one.memory, gpus=one.gpus)
    return tasks


def test_what_one_takes_the_others_have_not() -> None:
    slots = WorkerSlots.for_workers(3)
    first, second, third = rooms_in(slots, MACHINE)

    assert first.take(Needs(cpus=3, memory=5_000))
    assert second.free() == (1, 3_000, 2)
    assert first.free() == (4, 8_000, 2), "what it has is free for what it does next"
    assert not second.take(Needs(cpus=2))
    assert not second.take(Needs(memory=4_000))
    assert second.take(Needs(memory=3_000))
    assert not third.take(Needs())
    slots.clear(0)  # as the supervisor does where its worker has died
    assert third.free() == (3, 5_000, 2)
    slots.close()


def test_each_has_gpus_of_its_own_and_gets_the_same_again() -> None:
    slots = WorkerSlots.for_workers(3)
    first, second, third = rooms_in(slots, MACHINE)

    assert first.take(A_GPU) and second.take(A_GPU) and not third.take(A_GPU)
    before = [room.environment()["CUDA_VISIBLE_DEVICES"] for room in (first, second)]
    assert sorted(before) == ["4", "7"]
    assert first.take(Needs()) and second.take(Needs())
    assert "CUDA_VISIBLE_DEVICES" not in first.environment()
    assert second.take(A_GPU) and first.take(A_GPU)
    assert [room.environment()["CUDA_VISIBLE_DEVICES"] for room in (first, second)] == before
    assert not first.take(Needs(gpus=2))
    slots.clear(1)
    for room in (first, third, second):
        assert room.take(Needs(gpus=2))
        assert room.environment()["CUDA_VISIBLE_DEVICES"] == "4,7", "in the order of the machine"
        assert room.take(Needs())
    slots.close()


def test_a_worker_that_counts_nothing_yet_takes_a_cpu_while_it_runs_something() -> None:
    slots = WorkerSlots.for_workers(2)
    room = rooms_in(slots, MACHINE)[0]

    slots.publish(1, Task(abs, -1))

    assert room.free().cpus == 3
    slots.clear(1)
    assert room.free().cpus == 4
    slots.close()


def test_only_what_was_said_or_what_a_task_states_is_counted(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    room = Room()
    room.count_for([Needs()])
    assert not room.capacity.is_counted
    room.count_for([A_GPU])
    assert room.capacity == Capacity(gpus=("2", "3"))
    room.count_for([Needs(cpus=2, memory=1)])
    assert room.capacity.cpus and room.capacity.memory
    assert Capacity(cpus=3).for_tasks([Needs(cpus=2)]) == Capacity(cpus=3)


@pytest.mark.parametrize(
    "bad",
    [{"cpus": 0}, {"cpus": "many"}, {"memory": "8 potatoes"}, {"gpus": -1}, {"gpus": 3}],
)
def test_a_bad_capacity_is_refused(bad, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    with pytest.raises(OptionError, match=next(iter(bad))):
        Capacity.given(**bad)
    assert Capacity.given(gpus=1) == Capacity(gpus=("2",))


def test_no_more_gpus_are_given_than_can_be_shared(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(MOST_GPUS + 1))))
    with pytest.raises(OptionError, match="may use only 64"):
        Capacity.given(gpus=MOST_GPUS + 1)


def test_the_environment_is_as_before_afterwards(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    room = Room(MACHINE)
    assert room.take(Needs(cpus=3, gpus=1))

    with room.entered():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "3"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"

    assert os.environ["OMP_NUM_THREADS"] == "9"
    assert "MKL_NUM_THREADS" not in os.environ and "CUDA_VISIBLE_DEVICES" not in os.environ


# Processes


def run_in_children(*works: Callable[[], object]) -> list[int]:
    """Run each in a process of its own; return how these ended."""
    pids = []
    for work in works:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if work() else 1
            finally:
                os._exit(status)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_workers_that_take_at_the_same_time_never_take_more_than_there_is() -> None:
    slots = WorkerSlots.for_workers(4)

    def work(slot: int, room: Room) -> bool:
        choose = random.Random(slot)
        for _ in range(1000):
            if room.take(Needs(cpus=choose.randint(1, 3), memory=choose.choice([0, 3_000]))):
                with slots.shares.locked():
                    shares = slots.shares.all()
                if sum(share.cpus for share in shares) > 4:
                    return False
                if sum(share.memory for share in shares) > 8_000:
                    return False
            slots.clear(slot)
        return True

    rooms = rooms_in(slots, MACHINE)
    works = [lambda slot=slot, room=room: work(slot, room) for slot, room in enumerate(rooms)]
    assert run_in_children(*works) == [0, 0, 0, 0]
    slots.close()


def test_a_worker_that_is_killed_while_it_takes_holds_up_nobody() -> None:
    slots = WorkerSlots.for_workers(2)
    room = rooms_in(slots, MACHINE)[0]

    def die() -> None:
        with slots.shares.locked():
            os.kill(os.getpid(), signal.SIGKILL)

    assert run_in_children(die) == [-signal.SIGKILL]
    assert room.take(Needs())
    slots.close()


def test_a_worker_whose_task_has_closed_all_files_says_why_it_ends() -> None:
    slots = WorkerSlots.for_workers(2)
    room = rooms_in(slots, MACHINE)[0]

    def close_all() -> bool:
        os.closerange(3, 1000)
        with pytest.raises(JugError, match="a task has closed files"):
            room.take(Needs())
        return True

    assert run_in_children(close_all) == [0]
    slots.close()


# What is offered


def test_a_thousand_for_which_there_is_no_room_do_not_hide_one_for_which_there_is() -> None:
    room = Room(Capacity(cpus=4, gpus=("0",)), None)
    tasks = tasks_with(*[Needs(cpus=8)] * 1000, Needs())
    ready = ReadyByNeeds(list(range(1001)), bytearray([READY] * 1001), tasks, room)

    assert ready.first(3) == [1000]
    assert ready.has_too_large() and not ready.waits_for_room


def test_the_first_for_which_there_is_no_room_keeps_its_turn() -> None:
    slots = WorkerSlots.for_workers(3)
    first, second, third = rooms_in(slots, Capacity(cpus=4, gpus=("0", "1")))
    tasks = tasks_with(Needs(), Needs(cpus=4), Needs(), Needs(gpus=1))
    states = bytearray([READY] * 4)
    ready = ReadyByNeeds([0, 1, 2, 3], states, tasks, second)

    assert ready.first(4) == [0] and ready.kept_back == [1], "the large one is next"
    assert first.take(tasks[0].needs)
    states[0] = 0
    assert ready.first(4) == [] and ready.waits_for_room
    assert ready.has_too_large() is False
    slots.clear(0)
    assert ready.first(4) == [1] and not ready.waits_for_room, "it is not to wait again"
    assert third.take(tasks[1].needs)
    states[1] = 0
    slots.clear(2)
    assert ready.first(4) == [2, 3] and not ready.kept_back
    slots.close()


@pytest.mark.parametrize("turn", [0, 1])
def test_a_large_task_has_its_turn_before_the_small_ones_of_any_worker(turn: int) -> None:
    slots = WorkerSlots.for_workers(2)
    room, _ = rooms_in(slots, Capacity(cpus=2))
    tasks = tasks_with(Needs(), Needs(cpus=2), *[Needs()] * 20)
    plan = Plan(Graph(tasks), [False] * len(tasks), {}, set(), room=room)
    plan.take_turns(turn, 2)

    assert plan.candidates() == [0]
    plan.finish(0)
    assert plan.candidates() == [1]
    plan.finish(1)
    assert sorted(plan.candidates()) == [2, 3, 4, 5]
    slots.close()


def test_what_others_of_the_command_have_begun_keeps_no_turn() -> None:
    slots = WorkerSlots.for_workers(2)
    first, second = rooms_in(slots, Capacity(cpus=4))
    tasks = tasks_with(Needs(cpus=3), Needs(), Needs(cpus=8))
    plan = Plan(Graph(tasks), [False] * 3, {}, set(), room=second)
    assert first.take(tasks[0].needs)
    assert plan.candidates() == [] and plan.ready.kept_back == [0]

    slots.publish(0, tasks[0])

    assert plan.candidates() == [1] and not plan.ready.kept_back
    assert plan.held == {0}
    plan.put_aside([tasks[2].digest])
    assert plan.held == {0}, "what is too large is not for this worker, whoever holds it"
    slots.close()


SMALL, LARGE, BOTH = Needs(), Needs(cpus=4), Needs(gpus=1)

OFFERED = [
    ([SMALL, LARGE, SMALL, LARGE._replace(gpus=1)], [0], [1]),
    ([SMALL, LARGE, SMALL, LARGE], [0], [1, 3]),
    ([SMALL, BOTH, SMALL, BOTH], [0, 1, 2, 3], []),
    ([LARGE, SMALL, LARGE, SMALL], [0], [1, 3]),
    ([Needs(cpus=3), SMALL, Needs(cpus=2), SMALL], [0, 1, 3], [2]),
    ([SMALL, Needs(gpus=2), SMALL, SMALL], [0, 2, 3], []),
    ([Needs(cpus=5)], [], []),
]


@pytest.mark.parametrize(("needs", "offered", "kept"), OFFERED)
def test_what_is_offered_and_what_is_kept_back(
    needs: list[Needs], offered: list[int], kept: list[int]
) -> None:
    tasks = tasks_with(*needs)
    room = Room(Capacity(cpus=4, gpus=("0",)))
    ready = ReadyByNeeds([*range(len(tasks))], bytearray([READY] * len(tasks)), tasks, room)

    for count in range(1, 5):
        assert ready.first(count) == offered[:count]
    assert list(ready.kept_back) == kept and not ready.waits_for_room


def test_a_large_one_that_waits_keeps_its_turn_though_another_comes_first() -> None:
    slots = WorkerSlots.for_workers(2)
    first, second = rooms_in(slots, Capacity(cpus=4, gpus=("0",)))
    tasks = tasks_with(SMALL, LARGE, SMALL, Needs(cpus=3))
    ready = ReadyByNeeds([0, 1, 2, 3], bytearray([READY] * 4), tasks, second)

    assert first.take(BOTH)

    assert ready.first(4) == [0] and ready.kept_back == [1]
    slots.close()


def test_what_needs_as_much_as_one_that_is_kept_back_may_begin_before_it() -> None:
    tasks = tasks_with(Needs(memory=3), Needs(memory=6), Needs(memory=3), Needs())
    room = Room(Capacity(cpus=1, memory=8))
    ready = ReadyByNeeds([0, 1, 2, 3], bytearray([READY] * 4), tasks, room)

    assert ready.first(4) == [0] and ready.kept_back == [1], "of memory the next would lack some"
    tasks = tasks_with(Needs(memory=3), Needs(memory=5), Needs(memory=3), Needs())
    ready = ReadyByNeeds([0, 1, 2, 3], bytearray([READY] * 4), tasks, room)
    assert ready.first(4) == [0, 2] and ready.kept_back == [1], "it will have the CPU then"


def test_what_takes_nothing_of_what_another_waits_for_goes_first() -> None:
    slots = WorkerSlots.for_workers(2)
    first, second = rooms_in(slots, Capacity(cpus=4, gpus=("0",)))
    tasks = tasks_with(A_GPU, Needs(cpus=2, gpus=1), Needs(cpus=2), Needs(), Needs(cpus=1))
    states = bytearray([0, READY, READY, READY, READY])
    ready = ReadyByNeeds([1, 2, 3, 4], states, tasks, second)

    assert first.take(tasks[0].needs)

    assert ready.first(4) == [3, 4], "with two CPUs there would be too few for the one that waits"
    slots.close()


some_needs = st.builds(
    Needs, st.integers(1, 4), st.sampled_from([0, 3_000, 8_000]), st.integers(0, 2)
)


@given(st.lists(some_needs, min_size=1, max_size=12), st.integers(1, 4), st.randoms())
def test_all_come_to_run_and_each_of_those_that_wait_in_its_turn(needs, workers, random) -> None:
    slots = WorkerSlots.for_workers(workers)
    rooms = rooms_in(slots, MACHINE)
    tasks = tasks_with(*needs)
    states = bytearray([READY] * len(tasks))
    ready = [ReadyByNeeds(list(range(len(tasks))), states, tasks, room) for room in rooms]
    running: dict[int, int] = {}
    left = set(range(len(tasks)))
    while left:
        slot = random.randrange(workers)
        if slot in running:
            left.remove(running.pop(slot))
            slots.clear(slot)
            continue
        offered = ready[slot].first(2 * workers)
        assert offered or running, "nobody runs anything, and nothing may begin"
        for number in random.sample(offered, min(1, len(offered))):  # whosever turn it is
            waits = next((n for n in sorted(left) if states[n] == READY), number)
            assert number == waits or not _delays(rooms[slot], tasks[number], tasks[waits])
            assert rooms[slot].take(tasks[number].needs)
            states[number] = 0
            running[slot] = number
    slots.close()


def _delays(room: Room, task: Task, waits: Task) -> bool:
    """Return whether one would take what another waits for, or would have to wait for."""
    free, left = room.free(), room.free().beside(task.needs)
    if not free.has(waits.needs):
        return not free.beside(waits.needs).has(task.needs)
    return (
        0 < task.needs.cpus < waits.needs.cpus > left.cpus
        or 0 < task.needs.memory < waits.needs.memory > left.memory
        or 0 < task.needs.gpus < waits.needs.gpus > left.gpus
    )
