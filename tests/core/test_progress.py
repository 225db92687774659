"""How far the work is and how long it takes, on clocks of the tests' own."""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import StringIO
from types import SimpleNamespace

import pytest

from jug import Task, codec, set_jugdir
from jug.backends.base import Frame, Kind
from jug.errors import OptionError
from jug.execution.slots import WorkerSlots
from jug.execution.summary import Ending, Summary
from jug.execution.watching import Watch
from jug.progress import (
    Activity,
    NameProgress,
    Snapshot,
    Spent,
    Standing,
    Tracker,
    choice,
    notebook,
)
from jug.progress.choice import display_here
from jug.progress.earlier import records_in_history, some_records
from jug.progress.line import LineDisplay
from jug.progress.means import Means
from jug.progress.notebook import NotebookDisplay
from jug.progress.plain import PlainDisplay
from jug.progress.times import times_by_name
from jug.progress.tracker import Rate
from jug.progress.wording import sentence
from jug.records import Record, pack

TICK = 0.25

Tasks = Sequence[tuple[str, float]]
"""The name of each task and what it takes, in the order in which they begin."""


def standing(total: dict[str, int], **fields: object) -> Standing:
    counts = {"elsewhere": Counter[str](), "failed": Counter[str](), "blocked": Counter[str]()}
    return Standing(Counter(total), **(counts | fields))  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def snapshots_of(
    tasks: Tasks, workers: int, earlier: dict[str, Spent] | None = None
) -> Iterator[tuple[float, Snapshot]]:
    """Yield what is shown of a run of these tasks, with the time that it really takes still."""
    clock = Clock()
    tracker = Tracker(clock)
    total = Counter(name for name, _ in tasks)
    tracker.take(standing(dict(total), earlier=earlier or {}), local_workers=workers)
    begin = clock.now
    free = [begin] * workers
    spans = []
    for name, seconds in tasks:
        start = heapq.heapreplace(free, free[0] + seconds)
        spans.append((start, start + seconds, name))
    end = max(free)
    while clock.now < end:
        executed: dict[str, Spent] = {}
        activities = []
        for start, stop, name in spans:
            if stop <= clock.now:
                executed[name] = executed.get(name, Spent()).plus(Spent(1, stop - start))
            elif start <= clock.now:
                activities.append(Activity("worker", name, clock.now - start))
        activities += [Activity("worker", "")] * (workers - len(activities))
        snapshot = tracker.look(executed, activities)
        assert snapshot is not None
        yield end - clock.now, snapshot
        clock.now += TICK


EQUAL = [("m.f", 1.0)] * 200
LONG_LAST = [("m.short", 0.1)] * 100 + [("m.long", 1.0)] * 100
LONG_LAST_OF_ONE_NAME = [("m.f", 0.1)] * 100 + [("m.f", 1.0)] * 100


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize(
    "tasks", [EQUAL, LONG_LAST, LONG_LAST_OF_ONE_NAME], ids=["equal", "long last", "one name"]
)
def test_the_time_left_is_true_within_a_quarter_from_the_middle(tasks: Tasks, workers: int) -> None:
    shown = list(snapshots_of(tasks, workers))

    for truth, snapshot in shown[len(shown) // 2 :]:
        assert snapshot.time_left == pytest.approx(truth, rel=0.25, abs=TICK)


def test_runs_of_before_say_the_time_left_from_the_first_moment() -> None:
    earlier = {"m.short": Spent(20, 2.0), "m.long": Spent(20, 20.0)}

    for truth, snapshot in snapshots_of(LONG_LAST, 2, earlier):
        assert snapshot.time_left == pytest.approx(truth, rel=0.25, abs=TICK)


def test_what_this_run_takes_counts_more_than_what_runs_of_before_took() -> None:
    shown = list(snapshots_of(EQUAL, 2, {"m.f": Spent(1000, 60_000.0)}))

    truth, snapshot = shown[len(shown) // 4]
    assert snapshot.time_left == pytest.approx(truth, rel=0.25)


def test_the_time_left_is_unknown_while_a_name_was_never_run_and_says_what_is_known() -> None:
    shown = list(snapshots_of(LONG_LAST, 1))

    first, middle = shown[0][1], shown[20][1]
    assert first.time_left is None and first.at_least == 0.0
    assert middle.time_left is None
    assert middle.at_least == pytest.approx(5.0, abs=TICK)


def test_a_task_that_takes_longer_than_all_before_it_makes_the_rest_longer_too() -> None:
    tracker = Tracker(Clock())
    tracker.take(standing({"m.f": 12}), local_workers=1)

    lefts = []
    for age in (1.0, 10.0, 100.0):
        snapshot = tracker.look({"m.f": Spent(10, 10.0)}, [Activity("worker 1", "m.f", age)])
        assert snapshot is not None and snapshot.time_left is not None
        lefts.append(snapshot.time_left)

    assert lefts[0] == pytest.approx(1.0)
    assert lefts == sorted(lefts)
    assert min(lefts) >= 0


def test_workers_of_other_hosts_share_what_is_left() -> None:
    tracker = Tracker(Clock())
    spent = {"m.f": Spent(10, 10.0)}
    here = [Activity("worker 1", ""), Activity("worker 2", "")]

    tracker.take(standing({"m.f": 1010}, workers=2), local_workers=2)
    alone = tracker.look(spent, here)
    tracker.take(standing({"m.f": 1010}, workers=10), local_workers=2)
    together = tracker.look(spent, here)

    assert alone is not None and together is not None
    assert (alone.time_left, together.time_left) == (500.0, 100.0)
    assert together.workers == 10


def test_what_was_done_before_the_first_look_has_a_rate() -> None:
    clock = Clock()
    tracker = Tracker(clock)
    tracker.take(standing({"m.f": 8}, elsewhere=Counter({"m.f": 4})), local_workers=2)
    clock.now += 2.0

    snapshot = tracker.look({"m.f": Spent(4, 3.0)}, [])

    assert snapshot is not None
    assert (snapshot.done, snapshot.rate) == (8, 2.0)


def test_what_failed_or_waits_for_it_takes_no_time_any_more() -> None:
    tracker = Tracker(Clock())
    failed, blocked = Counter({"m.f": 1}), Counter({"m.g": 5})
    tracker.take(standing({"m.f": 2, "m.g": 5}, failed=failed, blocked=blocked), local_workers=1)

    snapshot = tracker.look({"m.f": Spent(1, 1.0)}, [Activity("worker 1", "")])

    assert snapshot is not None
    assert (snapshot.left, snapshot.time_left) == (0, 0.0)


def test_what_is_done_elsewhere_and_here_is_done_and_what_others_removed_is_not() -> None:
    tracker = Tracker(Clock())
    tracker.take(standing({"m.f": 10}, elsewhere=Counter({"m.f": 3})), local_workers=1)
    before = tracker.look({"m.f": Spent(4, 4.0)}, [])
    removed = Counter({"m.f": -4})
    tracker.take(standing({"m.f": 10}, elsewhere=removed), local_workers=1)
    after = tracker.look({"m.f": Spent(5, 5.0)}, [])

    assert before is not None and after is not None
    assert (before.done, after.done) == (7, 1)


def test_never_more_tasks_are_done_than_there_are() -> None:
    tracker = Tracker(Clock())
    tracker.take(standing({"m.f": 10}, elsewhere=Counter({"m.f": 8})), local_workers=1)

    snapshot = tracker.look({"m.f": Spent(5, 5.0)}, [])

    assert snapshot is not None
    assert (snapshot.done, snapshot.left) == (10, 0)


def test_a_worker_that_knows_of_no_other_is_one() -> None:
    tracker = Tracker(Clock())
    tracker.take(standing({"m.f": 10}), local_workers=1)

    snapshot = tracker.look({}, [Activity("worker 1", "")])

    assert snapshot is not None
    assert snapshot.workers == 1


def test_at_the_end_it_is_shown_what_the_summary_says() -> None:
    shown: list[Snapshot] = []
    slots = WorkerSlots.for_workers(1)
    watch = Watch(SimpleNamespace(interval=0.0, show=shown.append), slots)  # type: ignore[arg-type]
    watch.take(standing({"m.f": 10}, elsewhere=Counter({"m.f": 2})), workers=1)
    watch.attend([0], dict, [])
    watch.end({"m.f": Spent(3, 3.0)}, Summary(Ending.DONE, loaded=Counter({"m.f": 7})))
    slots.close()

    assert [one.done for one in shown] == [2, 10]


def test_a_worker_that_has_not_read_as_far_says_nothing_new() -> None:
    tracker = Tracker(Clock())
    tracker.take(standing({"m.f": 10, "m.g": 5}), local_workers=2)
    tracker.take(standing({"m.f": 10}, at_barrier=True), local_workers=2)

    snapshot = tracker.look({}, [])

    assert snapshot is not None
    assert (snapshot.total, snapshot.at_barrier) == (15, False)


def test_nothing_is_shown_before_a_worker_has_said_what_there_is_to_do() -> None:
    assert Tracker(Clock()).look({}, []) is None


def test_a_mean_keeps_little_of_many_runs() -> None:
    means = Means()
    for runs in range(0, 1_000_000, 100):
        means.note({"m.f": Spent(runs, runs * 0.5)})

    assert means.seconds("m.f") == pytest.approx(0.5)
    assert len(means._spent["m.f"]) < 50


def test_a_rate_is_that_of_late_but_of_slow_tasks_that_of_the_last_ten() -> None:
    quick, slow = Rate(), Rate()
    done = 0
    for second in range(200):
        done += 10 if second < 100 else 1
        quick.note(second, done)
        slow.note(second * 60, second)

    assert quick.per_second(200.0) == pytest.approx(1.0, rel=0.05)
    assert slow.per_second(200 * 60.0) == pytest.approx(1 / 60, rel=0.1)
    assert Rate().per_second(1.0) is None


# Lines


def snapshot(done: int, elapsed: float = 0.0) -> Snapshot:
    return Snapshot([NameProgress("m.f", 100, done)], elapsed=elapsed)


def test_a_line_comes_at_most_every_ten_seconds_and_only_of_something_new() -> None:
    stream, clock = StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    for second in range(60):
        clock.now = 1000.0 + second
        display.show(snapshot(min(second, 25), second))

    assert stream.getvalue().splitlines() == [
        "jug: 10 of 100 tasks done; time left unknown, 10 s elapsed",
        "jug: 20 of 100 tasks done; time left unknown, 20 s elapsed",
        "jug: 25 of 100 tasks done; time left unknown, 30 s elapsed",
    ]


def test_a_line_comes_after_ten_minutes_in_any_case() -> None:
    stream, clock = StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    for second in range(1300):
        clock.now = 1000.0 + second
        display.show(snapshot(0, second))

    assert len(stream.getvalue().splitlines()) == 3


def test_lines_to_nobody_do_no_harm() -> None:
    stream, clock = StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    stream.close()
    clock.now += 60

    display.show(snapshot(1))


def test_one_line_is_written_over_to_its_end() -> None:
    stream = StringIO()
    display = LineDisplay(stream)
    longer, shorter = snapshot(10, 100.0), snapshot(100)

    display.show(longer)
    display.show(shorter)
    display.close()

    first, second = stream.getvalue().split("\r")[1:]
    assert first == "10 of 100 tasks done; time left unknown, 1 min 40 s elapsed"
    assert second == "100 of 100 tasks done; 0 s elapsed".ljust(len(first)) + "\n"


@pytest.mark.parametrize("kind", [PlainDisplay, LineDisplay])
def test_a_reader_that_stands_still_is_not_waited_for(
    kind: type[PlainDisplay | LineDisplay],
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x")
    os.set_blocking(writer, True)
    clock = iter(range(0, 1000, 20)).__next__
    with os.fdopen(reader, "rb") as far, os.fdopen(writer, "w") as stream:
        display = PlainDisplay(stream, clock) if kind is PlainDisplay else LineDisplay(stream)

        display.show(snapshot(1))  # returns
        far.read1(1 << 20)
        display.show(snapshot(2))

        assert b"2 of 100 tasks done" in far.read1(1 << 20)


def test_a_standard_error_that_can_only_be_written_to_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stream:
        def write(self, text: str) -> None:
            """Take it."""

    monkeypatch.delenv("JUG_PROGRESS", raising=False)
    monkeypatch.setattr("sys.stderr", Stream())

    assert isinstance(display_here(), PlainDisplay)


def test_a_terminal_has_a_line_and_a_notebook_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("JUG_PROGRESS", raising=False)
    monkeypatch.setattr(choice, "_can_be_live", lambda: True)
    assert isinstance(display_here(), LineDisplay)

    monkeypatch.setattr(notebook, "is_in_notebook", lambda: True)
    assert isinstance(display_here(), NotebookDisplay)


def test_a_wish_that_cannot_be_meant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUG_PROGRESS", "loud")

    with pytest.raises(OptionError, match="JUG_PROGRESS: 'loud' must be one of"):
        display_here()


def test_results_that_were_brought_over_say_nothing_of_how_long_tasks_take() -> None:
    store, task = set_jugdir("dict_store"), Task(abs, -1)
    record = Record(task.name, start=5.0, source="elsewhere")
    store.put(Frame(Kind.RESULT, task.digest, pack(record), codec.encode(1)))

    assert times_by_name(store, [task]) == {}
    assert some_records(store, [task]) == []
    assert records_in_history(store, {task.name}) == []
    store.discard([task.digest])
    assert records_in_history(store, {task.name}) == []


def test_a_bar_in_a_notebook_fills_and_says_by_its_colour_how_it_ends() -> None:
    widgets = pytest.importorskip("ipywidgets")
    display = NotebookDisplay(widgets)

    display.show(Snapshot())
    assert (display._bar.max, display._bar.value, display._bar.bar_style) == (1, 0, "success")

    some = NameProgress("m.f", total=4, done=1, running=2)
    for failed, style in ((0, ""), (1, "danger")):
        display._bar.bar_style = ""
        snapshot = Snapshot([some._replace(failed=failed)], elapsed=10.0)
        display.show(snapshot)
        assert (display._bar.max, display._bar.value, display._bar.bar_style) == (4, 1, style)
        assert display._text.value == sentence(snapshot)
    display.close()


def test_what_others_print_in_a_notebook_is_written_as_it_is() -> None:
    ours, theirs = os.pipe()

    NotebookDisplay(pytest.importorskip("ipywidgets")).write(theirs, b"printed\n")

    assert os.read(ours, 100) == b"printed\n"
    os.close(ours)
    os.close(theirs)
