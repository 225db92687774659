"""Workers that must end, by a clock that only tasks move: what they begin, and what they leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jug import Task, TaskGenerator
from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
from jug.execution.budget import Budget
from jug.execution.end_time import EndTime
from jug.execution.longest_runs import LongestRuns, known_runs
from jug.execution.settings import Settings
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.records import Record, RunState, pack
from jug.selection import selection
from jug.task.run_options import RunOptions
from jug.testing.hooks import result

BEGAN = 1_000_000.0


class Clock:
    """Stands still but where it is moved."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.ends: list[tuple[str, float]] = []

    def spend(self, name: str, seconds: float) -> str:
        """Do as if a task of this name took so long."""
        self.now += seconds
        self.ends.append((name, self.now - BEGAN))
        return name


CLOCK = Clock()


def short(number: int, seconds: float, *after: object) -> str:
    return CLOCK.spend("short", seconds)


def long(number: int, seconds: float, *after: object) -> str:
    return CLOCK.spend("long", seconds)


def failing(number: int, seconds: float) -> str:
    raise ValueError(CLOCK.spend("failing", seconds))


FUNCTIONS = {"short": short, "long": long, "failing": failing}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    CLOCK.__init__()  # type: ignore[misc]
    return CLOCK


def remember(store: BaseStore, name: str, seconds: float, state: RunState) -> None:
    store.note(bytes(20), state, pack(Record(f"{__name__}.{name}", duration=seconds)))


def work(
    store: BaseStore, tasks: Sequence[Task[str]], seconds: float, margin: float = 0, **more: Any
) -> Summary:
    """Let a worker that has so many seconds do what it can."""
    CLOCK.__init__()  # type: ignore[misc]
    jugspace = Jugspace(store, list(tasks))
    end = EndTime(BEGAN, BEGAN + seconds, margin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jug.execution.budget.Budget", partial(Budget, clock=lambda: CLOCK.now))
        patch.setattr(time, "time", lambda: CLOCK.now)
        return Worker(jugspace, lambda at_barrier: jugspace, Settings(end=end, **more)).run()


def make(*kinds: tuple[str, float], **options: object) -> list[Task[str]]:
    generators = {name: TaskGenerator(f, **options) for name, f in FUNCTIONS.items()}
    return [generators[name](number, seconds) for number, (name, seconds) in enumerate(kinds)]


def test_a_worker_goes_on_with_shorter_tasks_that_fit(store: BaseStore) -> None:
    tasks = make(("long", 7), ("short", 1), *[("long", 7)] * 5, *[("short", 1)] * 9)

    summary = work(store, tasks, seconds=23)

    # Of the long ones a third might end 0.4 s late, were it a fifth longer than the first two.
    assert CLOCK.ends == [
        ("long", 7), ("short", 8), ("long", 15), *(("short", n) for n in range(16, 23))
    ]  # fmt: skip
    assert (summary.ending, summary.ending.status, summary.left) == (Ending.TIME, 0, 6)
    assert not summary.too_long


def test_the_last_task_is_saved_before_the_margin_begins(store: BaseStore) -> None:
    work(store, make(*[("short", 1)] * 20), seconds=10, margin=4)

    assert CLOCK.ends[-1][1] == 5


def test_runs_of_before_count_and_what_was_cut_off_too(store: BaseStore) -> None:
    remember(store, "long", 7, RunState.DISCARDED)
    remember(store, "short", 2, RunState.FINISHED)
    remember(store, "short", 8.5, RunState.GIVEN_BACK)

    summary = work(store, make(("long", 7), ("short", 1)), seconds=9)

    assert CLOCK.ends == [("long", 7)]
    (too_long,) = summary.too_long
    assert str(too_long) == (
        f"1 task of {__name__}.short is too long for the 9.0 s of this command, "
        "as one was cut off after 8.5 s: ask for 10.2 s or more"
    )


def test_a_name_that_was_never_run_is_begun_in_the_first_half(store: BaseStore) -> None:
    tasks = make(("long", 49), ("short", 2), ("short", 1))
    summary = work(store, tasks, seconds=100)
    assert len(CLOCK.ends) == 3 and summary.ending is Ending.DONE

    other = DictStore()
    tasks = make(("long", 51), ("short", 2), ("short", 1))
    summary = work(other, tasks, seconds=100)
    assert len(CLOCK.ends) == 1 and summary.ending is Ending.TIME
    assert not summary.too_long

    assert work(other, tasks, seconds=100).ending is Ending.DONE


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({"runtime": 30}, True),
        ({"runtime": 50}, False),
        ({"timeout": 30}, True),
        ({"timeout": 50}, False),
        ({"runtime": 50, "timeout": 30}, True),
    ],
)
def test_a_first_estimate_stands_for_what_was_never_run(
    store: BaseStore, options: dict[str, float], begins: bool
) -> None:
    tasks = make(("long", 60)) + make(("short", 2), **options)

    work(store, tasks, seconds=100)

    assert len(CLOCK.ends) == 1 + begins


def test_what_was_seen_replaces_an_estimate_and_a_timeout_bounds_it(store: BaseStore) -> None:
    work(store, make(("short", 2), ("short", 2), runtime=50), seconds=55)
    assert len(CLOCK.ends) == 2

    remember(store, "long", 80, RunState.FINISHED)
    work(store, make(("long", 30), timeout=40), seconds=50)
    assert len(CLOCK.ends) == 1


def test_a_name_that_can_never_fit_is_named_with_what_to_ask_for(store: BaseStore) -> None:
    remember(store, "long", 5 * 3600, RunState.FINISHED)

    summary = work(store, make(*[("long", 1)] * 3, ("short", 1)), seconds=4 * 3600, margin=30)

    assert [str(one) for one in summary.too_long] == [
        f"3 tasks of {__name__}.long are too long for the 4 h of this command, "
        "as one took 5 h: ask for 6 h or more"
    ]
    assert CLOCK.ends == [("short", 1)]


def test_of_tasks_that_say_different_times_the_longest_is_asked_for(store: BaseStore) -> None:
    tasks = [TaskGenerator(long, runtime=60 * minutes)(minutes, 1) for minutes in (20, 30)]

    summary = work(store, tasks, seconds=600)

    assert [str(one) for one in summary.too_long] == [
        f"2 tasks of {__name__}.long are too long for the 10 min of this command, "
        "as one is to take 30 min: ask for 30 min or more"
    ]


def test_an_end_that_is_past_begins_nothing(store: BaseStore) -> None:
    remember(store, "short", 1, RunState.FINISHED)

    summary = work(store, make(("short", 1)), seconds=-5)

    assert (summary.ending, summary.ending.status, summary.left) == (Ending.PAST, 0, 1)
    assert not CLOCK.ends and not summary.too_long


def test_without_an_end_there_is_no_budget(store: BaseStore) -> None:
    jugspace = Jugspace(store, make(("short", 1)))
    worker = Worker(jugspace, lambda at_barrier: jugspace)

    assert worker.run().ending is Ending.DONE
    assert worker.budget is None


seconds_of_tasks = st.lists(
    st.tuples(st.sampled_from(["short", "long"]), st.floats(0.5, 1.0)), max_size=30
)


@settings(max_examples=60)
@given(seconds_of_tasks, st.floats(0.0, 60.0), st.floats(0.0, 5.0), st.booleans())
def test_no_task_is_cut_off_after_the_first_of_its_name(
    kinds: list[tuple[str, float]], seconds: float, margin: float, is_known: bool
) -> None:
    """Where those of a name differ by less than a fifth, and all that fits is done."""
    longest = {"short": 1.0, "long": 7.0}
    store = DictStore()
    if is_known:
        for name, most in longest.items():
            remember(store, name, most, RunState.FINISHED)
    spread = 1.0 if is_known else 0.2
    took = [(name, longest[name] * (1 - spread * (1 - share))) for name, share in kinds]

    summary = work(store, make(*took), seconds, margin)

    seen = set[str]()
    for name, end in CLOCK.ends:
        assert end <= seconds - margin + 1e-6 or (name not in seen and not is_known)
        seen.add(name)
    if is_known:
        now = CLOCK.now - BEGAN
        tasks = make(*took)
        undone = [
            name for task, (name, _) in zip(tasks, took, strict=True) if not store.has(task.digest)
        ]
        assert all(now + 1.2 * longest[name] > seconds - margin - 1e-6 for name in undone)
    late = Ending.TIME if BEGAN + seconds > BEGAN else Ending.PAST
    assert summary.ending is (late if summary.left else Ending.DONE)


# How long runs took


def test_others_runs_are_looked_at_once_a_second(store: BaseStore) -> None:
    moments = iter([0.0, 0.5, 1.5])
    runs = LongestRuns(store, clock=lambda: next(moments))
    task = make(("short", 3.0))[0]
    other = DictStore.sharing(store)
    work(other, [task], 100)
    store.poll()
    assert not runs.look(), "it has heard of nothing"

    runs.hear([task.digest])

    assert runs.look()
    assert set(runs.finished) == {f"{__name__}.short"}
    runs.hear([task.digest])
    assert not runs.look(), "too early, and no longer than before"


def test_what_was_brought_over_says_nothing(store: BaseStore) -> None:
    task, *_ = make(("long", 1.0))
    about = {"name": task.name, "duration": 5.0, "source": "jug 2.x"}
    store.put(result(task.digest, **about))
    store.poll()

    runs = LongestRuns(store)
    runs.hear([task.digest])

    assert not runs.look()
    assert runs.finished == runs.cut_off == {}


def test_a_first_run_of_others_lets_tasks_of_its_name_begin(store: BaseStore) -> None:
    task, *_ = make(("short", 1))
    budget = Budget(EndTime(BEGAN, BEGAN + 100, 0.0), store, clock=lambda: BEGAN + 60)
    assert budget.latest_start(task) == BEGAN + 50
    assert not budget.has_learnt()

    budget.note(task.name, 10.0)

    assert budget.has_learnt() and not budget.has_learnt()
    assert budget.latest_start(task) == BEGAN + 100 - 12


def test_a_longer_run_of_others_has_tasks_of_its_name_begin_earlier(store: BaseStore) -> None:
    task, *_ = make(("short", 1))
    budget = Budget(EndTime(BEGAN, BEGAN + 100, 0.0), store, clock=lambda: BEGAN)
    budget.note(task.name, 5.0)
    assert budget.latest_start(task) == BEGAN + 100 - 6
    store.put(result(task.digest, name=task.name, duration=10.0))
    store.poll()
    budget.runs.hear([task.digest])

    budget.has_learnt()

    assert budget.latest_start(task) == BEGAN + 100 - 12


@given(
    st.floats(0.1, 100), st.floats(0.1, 100), st.none() | st.floats(0.1, 100),
    st.none() | st.floats(0.1, 100),
)  # fmt: skip
def test_longer_runs_let_a_task_begin_earlier_and_never_later(
    first: float, second: float, runtime: float | None, timeout: float | None
) -> None:
    task = Task(short, 1, 2.0)
    task.options = RunOptions(runtime=runtime, timeout=timeout)
    budget = Budget(EndTime(BEGAN, BEGAN + 1000, 0.0), DictStore())
    budget.note(task.name, first)
    before = budget.latest_start(task)

    budget.note(task.name, second)

    after = budget.latest_start(task)
    assert after <= before
    assert after >= BEGAN + 1000 - 1.2 * max(first, second) - 1e-6
    assert timeout is None or after >= BEGAN + 1000 - timeout - 1e-6


def test_what_others_are_to_run_is_waited_for_only_if_it_may_come_in_time(store: BaseStore) -> None:
    remember(store, "long", 7, RunState.FINISHED)
    (first,) = make(("long", 7))
    last = TaskGenerator(short)(1, 1.0, first)

    chosen = selection("short")
    summary = work(store, [first, last], seconds=8, select=chosen)
    assert (summary.ending, summary.left) == (Ending.TIME, 1)
    summary = work(store, [first, last], seconds=20, select=chosen, patience=0.05)
    assert (summary.ending, summary.left) == (Ending.UNSELECTED, 1)


# Attempts


def test_an_attempt_that_would_not_fit_is_left_to_who_has_more_time(
    store: BaseStore, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = make(("failing", 4), ("short", 1), retries=5)
    remember(store, "failing", 3, RunState.FINISHED)
    remember(store, "short", 1, RunState.FINISHED)

    summary = work(store, tasks, seconds=12)

    # What took 4 s takes 4.8 s at most, which are there after the first attempt alone.
    assert CLOCK.ends == [("failing", 4), ("failing", 8), ("short", 9)]
    assert (summary.ending, summary.left, summary.failures) == (Ending.TIME, 1, [])
    assert not store.failures() and not store.holders()
    more, none = caplog.messages
    assert more.endswith("(ValueError: failing): 5 more attempts")
    assert none.endswith("(ValueError: failing): too little time is left to try it again here")
    states = [run.state for run in store.runs()]
    assert states.count(RunState.RETRIED) == 2 and RunState.FAILED not in states


def test_the_last_attempt_fails_whatever_time_is_left(store: BaseStore) -> None:
    summary = work(store, make(("failing", 4), retries=1), seconds=8)

    assert [end for _, end in CLOCK.ends] == [4]
    assert summary.ending is Ending.TIME

    summary = work(store, make(("failing", 4), retries=1), seconds=20)

    assert [end for _, end in CLOCK.ends] == [4, 8]
    assert summary.ending is Ending.FAILED


# What is known


def test_what_is_known_is_not_read_again(store: BaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(store, "long", 7, RunState.FINISHED)
    remember(store, "short", 2, RunState.GIVEN_BACK)
    known = known_runs(store)
    monkeypatch.setattr(store, "each_time", None)

    runs = LongestRuns(store, known)

    assert runs.finished == {f"{__name__}.long": 7}
    assert runs.cut_off == {f"{__name__}.short": 2}
