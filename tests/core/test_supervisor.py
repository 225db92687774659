"""A supervisor of workers that follow a script: what it does when they die at a certain moment."""

from __future__ import annotations

import errno
import os
import select
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn

import pytest

from jug.backends.base import BaseStore, Frame
from jug.backends.dict_store import DictStore
from jug.errors import StoreError
from jug.execution import errands
from jug.execution.connection import SupervisorConnection
from jug.execution.death_toll import DeathToll
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.execution.summary import Ending, Summary
from jug.execution.supervisor import Supervisor
from jug.task import Task

Script = Callable[[SupervisorConnection], None]


@contextmanager
def empty_store() -> Iterator[BaseStore]:
    yield DictStore()


class Workers:
    """Starts workers: each new one in a slot follows the next script of that slot."""

    def __init__(self, *scripts: list[Script]) -> None:
        self._scripts = [iter(slot) for slot in scripts]
        self.started = 0

    def start(self, connection: SupervisorConnection) -> int:
        script = next(self._scripts[connection.slot])
        self.started += 1
        pid = os.fork()
        if pid == 0:
            _follow(script, connection)
        return pid


def _follow(script: Script, connection: SupervisorConnection) -> NoReturn:
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        script(connection)
    finally:
        os._exit(3)


def die(connection: SupervisorConnection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_work(connection: SupervisorConnection) -> None:
    connection.publish(Task(abs, -1))
    die(connection)


def finish(connection: SupervisorConnection) -> None:
    connection.send_finished(Summary(Ending.DONE))
    os._exit(0)


def wait_until(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not what():
        if time.monotonic() > end:
            os._exit(4)
        time.sleep(0.002)


def run(workers: Workers, slots: int = 1, open_store: Any = empty_store) -> Summary:
    return Supervisor(workers.start, slots, open_store).run()


def test_an_interrupt_does_not_wait_for_a_store_that_does_not_answer() -> None:
    answers = threading.Event()

    @contextmanager
    def silent() -> Iterator[BaseStore]:
        os.kill(os.getpid(), signal.SIGTERM)
        answers.wait(20)
        yield DictStore()

    began = time.monotonic()
    summary = run(Workers([die_at_work, finish]), open_store=silent)
    answers.set()

    assert summary.ending is Ending.INTERRUPTED
    assert time.monotonic() - began < 10


def test_what_a_worker_said_last_is_heard_though_its_child_keeps_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deaf(selectors.DefaultSelector):
        """Tells nothing, as if all was said after it was asked."""

        def select(self, timeout: float | None = None) -> list[Any]:
            super().select(timeout)
            return []

    def leave_a_child(connection: SupervisorConnection) -> None:
        if os.fork() == 0:
            os.setsid()
            time.sleep(1)
            os._exit(0)
        finish(connection)

    monkeypatch.setattr(selectors, "DefaultSelector", Deaf)
    workers = Workers([leave_a_child, finish])

    assert run(workers).ending is Ending.DONE
    assert workers.started == 1


def test_deaths_before_a_first_task_count_one_after_another() -> None:
    """A worker that has begun meanwhile, and lives, shows that it is not the beginning."""
    told, tell = os.pipe()
    began, begin = os.pipe()

    def work_when_told(connection: SupervisorConnection) -> None:
        os.read(told, 1)
        connection.publish(Task(abs, -1))
        os.write(begin, b".")
        os.read(told, 1)
        finish(connection)

    def finish_and_tell(connection: SupervisorConnection) -> None:
        os.write(tell, b".")
        finish(connection)

    workers = Workers([work_when_told], [die] * 5 + [finish_and_tell])
    real = workers.start

    def start(connection: SupervisorConnection) -> int:
        if workers.started == 5:  # the other one has begun before this one dies
            os.write(tell, b".")
            os.read(began, 1)
        return real(connection)

    assert Supervisor(start, 2, empty_store).run().ending is Ending.DONE
    assert workers.started == 7


def test_what_a_dead_worker_ran_is_not_shown_as_running_before_it_has_a_successor() -> None:
    seen, see = os.pipe()

    def wait_for_the_other(connection: SupervisorConnection) -> None:
        wait_until(lambda: connection.slots.running(1).name)
        wait_until(lambda: not connection.slots.is_anybody_busy())
        os.write(see, b".")
        finish(connection)

    @contextmanager
    def slow() -> Iterator[BaseStore]:
        select.select([seen], [], [], 15)
        yield DictStore()

    workers = Workers([wait_for_the_other], [die_at_work, finish])

    assert run(workers, 2, slow).ending is Ending.DONE
    assert workers.started == 3


def test_of_a_deadly_task_others_wait_until_it_is_recorded_as_failed() -> None:
    task = Task(abs, -1)
    judged, judge = os.pipe()

    def wait_for_the_verdict(connection: SupervisorConnection) -> None:
        wait_until(lambda: connection.slots.deaths.of(task.digest) == 5)
        wait_until(lambda: not connection.slots.is_anybody_busy())
        assert connection.is_on_trial(task.digest)
        os.write(judge, b".")
        wait_until(lambda: not connection.is_on_trial(task.digest))
        finish(connection)

    class Slow(DictStore):
        def put(self, frame: Frame) -> bool:
            assert select.select([judged], [], [], 15)[0]
            return super().put(frame)

    store = Slow()
    workers = Workers([wait_for_the_verdict], [*[die_at_work] * 5, finish])
    summary = run(workers, 2, lambda: nullcontext(store))

    assert [failure.name for failure in summary.failures] == ["builtins.abs"]
    assert [run.state.value for run in store.runs()][-2:] == ["died", "failed"]


class Away(DictStore):
    """A store that other processes can open, but not now."""

    shared = True

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_away, ()


def _open_away() -> NoReturn:
    raise StoreError("the store does not answer")


def test_a_task_past_its_limit_is_ended_though_the_store_never_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hang(connection: SupervisorConnection) -> None:
        connection.publish(Task(abs, -1))
        connection.set_deadline(-60.0)
        time.sleep(60)

    monkeypatch.setattr(errands, "PATIENCE", 0.0)
    began = time.monotonic()

    with pytest.raises(StoreError, match="does not answer"):
        run(Workers([hang]), open_store=_open_away)
    assert time.monotonic() - began < 20


def test_a_task_that_is_tried_again_after_the_verdict_may_cost_as_many_workers_as_before() -> None:
    slots = WorkerSlots.for_workers(1)
    slots.publish(0, Task(abs, -1))
    running, toll = slots.running(0), DeathToll(slots)

    for _ in range(2):
        assert [toll.is_deadly(running) for _ in range(5)] == [False, False, False, False, True]
        toll.settle(running)
        assert slots.deaths.of(running.digest) == 0
    slots.close()


def test_a_worker_may_have_joined_a_store_that_does_not_answer_when_that_is_heard() -> None:
    def join(connection: SupervisorConnection) -> None:
        connection.send_joined(Away(), Settings())
        finish(connection)

    assert run(Workers([join])).ending is Ending.DONE


def test_others_go_on_where_there_is_no_room_for_a_successor() -> None:
    tried, trying = os.pipe()

    def wait_for_the_other(connection: SupervisorConnection) -> None:
        os.read(tried, 1)
        finish(connection)

    workers = Workers([wait_for_the_other], [die_at_work])

    def start(connection: SupervisorConnection) -> int:
        if workers.started == 2:
            os.write(trying, b".")
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return workers.start(connection)

    assert Supervisor(start, 2, empty_store).run().ending is Ending.DONE


def test_no_worker_is_started_once_the_run_is_to_stop() -> None:
    supervisors: list[Supervisor] = []

    @contextmanager
    def stopping() -> Iterator[BaseStore]:
        supervisors[0].slots.stop()
        yield DictStore()

    workers = Workers([die_at_work, finish])
    supervisors.append(Supervisor(workers.start, 1, stopping))

    assert supervisors[0].run().ending is Ending.STUCK
    assert workers.started == 1
