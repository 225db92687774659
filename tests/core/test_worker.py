"""The worker, alone and beside others that share its store."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from jug import Task, TaskGenerator, codec
from jug.backends.base import Frame, Kind
from jug.backends.dict_store import DictStore
from jug.execution import one_task
from jug.execution.one_task import TaskRunner
from jug.execution.room import Room
from jug.execution.settings import Settings
from jug.execution.summary import Ending
from jug.execution.task_output import TaskOutput
from jug.execution.worker import Worker
from jug.hooks import register_hook, reset_all_hooks
from jug.hooks.exit_checks import exit_after_time, exit_if_file_exists
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.selection import selection
from jug.task import alltasks

CALLS = []


@pytest.fixture(autouse=True)
def no_calls_and_no_hooks(store):
    CALLS.clear()
    yield
    reset_all_hooks()


@TaskGenerator
def note(x):
    CALLS.append(x)
    return x


@TaskGenerator
def total(xs):
    CALLS.append("total")
    return sum(xs)


@TaskGenerator
def broken(x):
    CALLS.append("broken")
    raise ValueError(f"no {x}")


def make_worker(store, settings=None, tasks=None, barrier_tasks=(), read=None):
    jugspace = Jugspace(
        store, list(alltasks) if tasks is None else tasks, barrier_tasks=list(barrier_tasks)
    )
    return Worker(jugspace, read or (lambda at_barrier: jugspace), settings)


def work(store, **settings):
    return make_worker(store, Settings(**settings)).run()


def other_view(store):
    return DictStore.sharing(store)


def test_everything_runs_once_and_in_order(store):
    result = total([note(1), note(2)])

    summary = work(store)

    assert CALLS == [1, 2, "total"]
    assert result.value() == 3
    assert summary.ending is Ending.DONE
    assert summary.executed == {f"{__name__}.note": 2, f"{__name__}.total": 1}
    assert not summary.loaded


def test_a_second_run_loads_everything(store):
    total([note(1), note(2)])
    work(store)

    summary = work(store)

    assert not summary.executed
    assert summary.loaded == {f"{__name__}.note": 2, f"{__name__}.total": 1}
    assert len(CALLS) == 3


def test_equal_tasks_run_once(store):
    note(1), note(1)

    assert work(store).executed == {f"{__name__}.note": 1}
    assert CALLS == [1]


def test_without_keep_going_nothing_more_starts_after_a_failure(store):
    broken(1)
    note(2)

    summary = work(store)

    assert CALLS == ["broken"]
    assert summary.ending is Ending.FAILED
    assert [failure.exception for failure in summary.failures] == ["ValueError: no 1"]
    assert summary.left == 2


def test_the_traceback_shows_the_users_code_alone(store):
    broken(1)

    (failure,) = work(store).failures

    assert "no {x}" in failure.traceback
    assert failure.traceback.count('File "') == 1
    assert "jug/attempt.py" not in failure.traceback


def test_keep_going_runs_all_that_does_not_depend_on_the_failure(store):
    total([broken(1), note(2)])
    note(3)

    summary = work(store, keep_going=True)

    assert sorted(map(str, CALLS)) == ["2", "3", "broken"]
    assert summary.ending is Ending.FAILED
    assert (summary.left, summary.blocked) == (2, 1)


def test_a_failure_is_recorded_with_exception_and_traceback(store):
    task = broken(1)
    work(store)

    record = store.record(task.digest)

    assert record.name == f"{__name__}.broken"
    assert record.exception == "ValueError: no 1"
    assert "raise ValueError" in record.traceback
    assert task.is_failed()


def test_a_later_worker_tries_a_failed_task_again(store):
    broken(1)
    work(store)

    work(store)

    assert CALLS == ["broken", "broken"]


def test_a_kept_failure_is_not_tried_again(store):
    broken(1)
    work(store, keep_failed=True)

    summary = work(store)

    assert CALLS == ["broken"]
    assert summary.ending is Ending.FAILED
    (failure,) = summary.failures_elsewhere
    assert (failure.name, failure.exception) == (broken(1).name, "ValueError: no 1")
    assert "broken" in failure.traceback
    assert summary.failures == []


def test_of_very_many_failures_elsewhere_some_are_told(store):
    for i in range(1000):
        broken(i)
    work(store, keep_going=True, keep_failed=True)

    summary = work(store)

    assert len(summary.failures_elsewhere) == 10
    assert summary.left == 1000


def test_a_failure_of_another_worker_meanwhile_is_not_tried_again(store):
    task = note(1)

    def fail_it(_):
        other_view(store).put(Frame(Kind.FAILURE, late.digest, b"\0" * 37))

    late = note(2)
    register_hook("execute.task-pre-execute", fail_it)

    summary = work(store, keep_going=True)

    assert CALLS == [1]
    assert task.can_load()
    assert summary.ending is Ending.FAILED


def test_retries_run_a_failing_task_again_at_once(store):
    def twice_bad(calls=CALLS):
        calls.append("try")
        if len(calls) < 3:
            raise OSError("not yet")
        return len(calls)

    task = Task(twice_bad)
    task.options = TaskGenerator(twice_bad, retries=2)._options

    assert work(store).ending is Ending.DONE
    assert task.value() == 3


def test_retries_come_to_an_end(store):
    broken.options(retries=2)(1)

    assert work(store).ending is Ending.FAILED
    assert CALLS == ["broken"] * 3


def test_a_task_past_its_time_limit_fails_and_the_worker_goes_on(store):
    @TaskGenerator(timeout=0.05)
    def forever(event):
        while True:
            pass

    forever(1)
    note(2)

    summary = work(store, keep_going=True)

    assert CALLS == [2]
    assert "TaskTimeout: ran longer than its time limit of 0.05 s" in summary.failures[0].exception


def test_a_task_past_its_limit_is_over_before_what_it_has_started_is_ended(store, monkeypatch):
    """That may take as long as the supervisor waits until it ends the worker."""
    said = []
    connection = SimpleNamespace(output=TaskOutput(), set_deadline=said.append)
    monkeypatch.setattr(one_task, "now", lambda: SimpleNamespace(is_past=lambda seconds: True))
    monkeypatch.setattr(one_task, "end_started_since", lambda moment: said.append("ended"))

    with pytest.raises(ValueError, match="no 1"):
        TaskRunner(store, Settings(), connection, Room()).run(broken.options(timeout=60)(1))

    assert said == [60, None, "ended"]


def test_a_task_that_exits_is_a_failed_task(store):
    task = Task(exit, 3)

    summary = work(store)

    assert summary.ending is Ending.FAILED
    assert task.is_failed()


def test_a_result_that_cannot_be_saved_is_a_failure_that_names_the_task(store):
    @TaskGenerator
    def unsavable():
        return {"model": lambda x: x}

    unsavable()

    (failure,) = work(store).failures

    assert "unsavable" in failure.exception
    assert "lambda" in failure.exception


def test_only_selected_tasks_run(store):
    total([note(1)])

    summary = work(store, select=selection("note"))

    assert CALLS == [1]
    assert summary.ending is Ending.DONE


@pytest.mark.parametrize("patience", [0.0, 0.05])
def test_tasks_that_are_not_selected_are_waited_for(store, patience):
    total([note(1)])

    summary = work(store, select=selection("total"), patience=patience)

    assert summary.ending is Ending.UNSELECTED
    assert summary.left == 1


def test_workers_that_share_tasks_by_name_wait_for_each_other(store):
    first = note(total([note(1)]))
    last = total([note(total([first]))])
    other = make_worker(other_view(store), Settings(select=selection("note")))
    thread = threading.Thread(target=other.run)
    thread.start()

    summary = work(store, select=selection("total"))
    thread.join()

    assert summary.ending is other.summary.ending is Ending.DONE
    assert last.value() == 1 and CALLS == [1, "total", 1, "total", 1, "total"]


def test_a_failure_of_what_is_not_selected_is_not_waited_for(store):
    total([broken(total([note(1)]))])
    other = make_worker(other_view(store), Settings(select=selection("broken")))
    thread = threading.Thread(target=other.run)
    thread.start()
    make_worker(other_view(store), Settings(select=selection("note"))).run()

    summary = work(store, select=selection("total"))
    thread.join()

    assert other.summary.ending is summary.ending is Ending.FAILED
    assert (summary.left, summary.blocked, len(summary.failures)) == (1, 1, 0)
    (failure,) = summary.failures_elsewhere
    assert failure.name == f"{__name__}.broken" and failure.exception == "ValueError: no 1"


@pytest.mark.parametrize("kept", [False, True])
def test_what_failed_before_is_waited_for_if_it_may_be_tried_again(
    store, kept, caplog, monkeypatch
):
    total([broken(1)])
    work(store, keep_failed=kept, select=selection("broken"))

    monkeypatch.setattr("jug.execution.waiting.LONG", 0.0)
    summary = work(store, select=selection("total"), patience=0.05)

    assert summary.ending is (Ending.FAILED if kept else Ending.UNSELECTED)
    assert len(summary.failures_elsewhere) == kept
    assert (f"1 of {__name__}.broken, of which 1 failed before; " in caplog.text) != kept


def test_a_failure_that_nothing_selected_needs_is_none_here(store):
    broken(0)
    work(store, keep_failed=True)
    total([note(1)])

    summary = work(store, select=selection("total"), patience=0.0)

    assert summary.ending is Ending.UNSELECTED
    assert not summary.failures_elsewhere and not summary.blocked


def test_who_waits_at_a_barrier_for_what_is_not_selected_goes_on_beyond_it(store):
    first = note(1)

    def read(at_barrier):
        total([first])
        return Jugspace(store, list(alltasks))

    worker = make_worker(
        store, Settings(select=selection("total")), barrier_tasks=[first], read=read
    )
    thread = threading.Thread(target=worker.run)
    thread.start()

    make_worker(other_view(store), tasks=[first]).run()
    thread.join()

    assert worker.summary.ending is Ending.DONE and CALLS == [1, "total"]


def test_at_a_barrier_that_nobody_opens_the_waiting_time_ends(store):
    first = note(1)

    summary = make_worker(
        store, Settings(select=selection("total"), patience=0.05), barrier_tasks=[first]
    ).run()

    assert summary.ending is Ending.UNSELECTED and summary.at_barrier


def test_a_wait_for_what_nobody_has_begun_is_told_once(store, caplog, monkeypatch):
    monkeypatch.setattr("jug.execution.waiting.LONG", 0.0)
    monkeypatch.setattr("jug.execution.waiting._LOOK", 0.01)
    total([note(1), note(2), total([])])

    work(store, select=selection("total"), patience=0.1)

    assert caplog.messages == [
        "waiting for tasks that are not selected here and that nobody has begun: "
        f"2 of {__name__}.note; "
        "this ends after 100 ms without any change, and with --no-wait at once"
    ]


@pytest.mark.parametrize("reason", ["time", "file"])
def test_limits_of_a_run_end_a_wait_too(store, tmp_path, reason):
    total([note(1)])
    if reason == "time":
        exit_after_time(seconds=0)
    else:
        exit_if_file_exists(tmp_path)

    assert work(store, select=selection("total")).ending is Ending.LIMIT


def test_who_holds_what_is_not_selected_is_told(store, caplog, monkeypatch):
    monkeypatch.setattr("jug.execution.waiting.LONG", 0.0)
    needed = note(1)
    total([needed])
    useless = note(2)
    view = other_view(store)
    lease = view.acquire([useless.digest])

    assert work(store, select=selection("total"), patience=0.05).ending is Ending.UNSELECTED
    assert caplog.text.count("waiting for") == caplog.text.count("nobody has begun: 1 of") == 1
    view.release(lease)
    lease = view.acquire([needed.digest])
    assert work(store, select=selection("total"), patience=0.05).ending is Ending.WAITED
    assert f"waiting for {__name__}.note (held by" in caplog.text
    assert caplog.text.count("nobody has begun") == 1
    view.release(lease)


def test_an_interrupted_task_gives_its_lock_back(store):
    @TaskGenerator
    def interrupted():
        raise KeyboardInterrupt

    task = interrupted()

    assert work(store).ending is Ending.INTERRUPTED
    assert not store.holders()
    assert not task.is_failed()


@pytest.mark.parametrize("hook", ["execute.task-pre-execute", "execute.task-executed1"])
def test_a_hook_may_end_the_worker_between_tasks(store, hook):
    note(1), note(2)
    seen = []

    def leave(task):
        seen.append(task)
        raise SystemExit

    register_hook(hook, leave)
    summary = work(store)

    assert summary.ending is Ending.LIMIT
    assert len(seen) == 1
    assert len(CALLS) == (0 if "pre" in hook else 1)
    assert not store.holders()


@pytest.mark.parametrize("hook", ["execute.task-pre-execute", "execute.task-executed1"])
def test_a_hook_that_fails_leaves_no_lease_behind(store, hook):
    note(1), note(2)

    def fail(task):
        raise ValueError("no")

    register_hook(hook, fail)
    with pytest.raises(ValueError, match="no"):
        work(store)

    assert not store.holders()


def test_a_hook_on_what_is_done_already_may_end_the_worker(store):
    note(1), note(2)
    work(store)
    later = note(3)

    def leave(task):
        raise SystemExit

    register_hook("execute.task-loadable", leave)

    assert work(store).ending is Ending.LIMIT
    assert not later.can_load()


def test_hooks_are_called_with_the_task(store):
    seen = []
    task = note(1)
    for name in ("execute.task-pre-execute", "execute.task-executed1", "execute.task-loadable"):
        register_hook(name, lambda task, name=name: seen.append((name.split("-")[1], task)))

    work(store)
    work(store)

    assert seen == [("pre", task), ("executed1", task), ("loadable", task)]


def test_a_barrier_has_the_jugfile_read_again_as_soon_as_it_opens(store):
    first, later = note(1), note(2)

    def read(at_barrier):
        CALLS.append("read")
        return Jugspace(store, [first, later, note(3)])

    worker = make_worker(store, tasks=[first, later], barrier_tasks=[first], read=read)

    assert worker.run().ending is Ending.DONE
    assert CALLS == [1, "read", 2, 3]


def test_a_barrier_that_another_opens_just_before_the_wait_is_seen(store, monkeypatch):
    held = note(1)
    view = other_view(store)
    lease = view.acquire([held.digest])
    holders = store.holders

    def finish_after_looking():
        found = holders()
        frame = Frame(Kind.RESULT, held.digest, b"\0" * 37, held_result())
        view.commit(lease, frame)
        monkeypatch.undo()
        return found

    monkeypatch.setattr(store, "holders", finish_after_looking)
    worker = make_worker(
        store,
        tasks=[held],
        barrier_tasks=[held],
        read=lambda at_barrier: Jugspace(store, [held, note(2)]),
    )

    assert worker.run().ending is Ending.DONE
    assert CALLS == [2]


def test_what_another_finishes_while_its_leases_are_looked_at_is_seen(store, monkeypatch):
    held = note(1)
    last = total([held])
    view = other_view(store)
    lease = view.acquire([held.digest])

    def finish_before_looking():
        monkeypatch.undo()
        view.commit(lease, Frame(Kind.RESULT, held.digest, b"\0" * 37, held_result()))
        return store.holders()

    monkeypatch.setattr(store, "holders", finish_before_looking)

    assert work(store, select=selection("total")).ending is Ending.DONE
    assert last.value() == 41


def test_a_failure_before_a_barrier_ends_the_worker(store):
    bad = broken(1)

    worker = make_worker(store, Settings(keep_going=True), tasks=[bad], barrier_tasks=[bad])

    assert worker.run().ending is Ending.FAILED


def test_a_worker_waits_for_what_another_holds_and_goes_on_with_its_result(store):
    held = note(1)
    last = total([held])
    view = other_view(store)
    lease = view.acquire([held.digest])
    ran = threading.Event()
    register_hook("execute.task-pre-execute", lambda task: ran.set())

    thread = threading.Thread(target=work, args=(store,))
    thread.start()
    assert not ran.wait(0.1)
    frame = Frame(Kind.RESULT, held.digest, b"\0" * 37, held_result())
    view.commit(lease, frame)
    thread.join(60)

    assert last.value() == 41
    assert CALLS == ["total"]


def held_result():

    return codec.encode(41)


def test_a_worker_takes_over_what_another_released(store):
    held = note(1)
    view = other_view(store)
    lease = view.acquire([held.digest])

    thread = threading.Thread(target=work, args=(store,))
    thread.start()
    view.release(lease)
    thread.join(60)

    assert CALLS == [1]


def test_the_waiting_time_ends(store):
    other = note(1)
    view = other_view(store)
    lease = view.acquire([other.digest])

    summary = work(store, patience=0.05)

    assert summary.ending is Ending.WAITED
    assert summary.left == 1
    view.release(lease)


def test_a_result_of_removed_inputs_is_thrown_away_and_made_again(store):
    source = note(1)
    result = total([source])
    view = other_view(store)
    removed = []

    def remove_source(task):
        if task.name.endswith("total") and not removed:
            removed.append(task)
            view.discard([source.digest])

    register_hook("execute.task-pre-execute", remove_source)
    summary = work(store)

    assert summary.ending is Ending.DONE
    assert CALLS.count(1) == 2
    assert result.value() == 1


def test_a_damaged_input_is_computed_again(store, caplog):
    source = note(1)
    result = total([source])
    make_worker(store, tasks=[source]).run()
    source.unload()
    damage(store, source.digest)

    summary = work(store)

    assert "damaged" in caplog.text
    assert CALLS == [1, 1, "total"]
    assert summary.ending is Ending.DONE
    assert result.value() == 1


def damage(store, digest):
    entry = store._memory.results[digest]
    store._memory.results[digest] = replace(entry, encoded=b"\0" + entry.encoded[1:])


def test_tasks_of_another_store_are_used_and_not_run(store):
    elsewhere = note(5)
    elsewhere.own_store = DictStore()
    elsewhere.run()
    result = total([elsewhere])

    summary = work(store)

    assert summary.ending is Ending.DONE
    assert result.value() == 5
    assert CALLS == [5, "total"]


def test_tasks_of_another_store_that_are_not_done_are_not_run_either(store):
    elsewhere = note(5)
    elsewhere.own_store = DictStore()
    total([elsewhere])

    assert work(store).ending is Ending.STUCK
    assert not CALLS


def test_a_task_waits_for_one_of_another_store_whose_result_is_gone(store):
    elsewhere = note(5)
    elsewhere.own_store = DictStore()
    elsewhere.run()
    total([elsewhere])

    def discard(task):
        elsewhere.own_store.discard([elsewhere.digest])

    register_hook("execute.task-pre-execute", discard)
    summary = work(store)

    assert summary.ending is Ending.STUCK and summary.left == 1
    assert CALLS == [5]


def test_large_values_are_not_kept_in_memory(store):
    @TaskGenerator
    def large(i):
        return bytearray(i)

    @TaskGenerator
    def size(x):
        return len(x)

    first, second = large(1000), note(1)
    size(first), total([second, size(first)])

    work(store)

    assert not first.is_loaded()


def test_aggressive_unload_keeps_nothing(store):
    one = note(1)
    total([one]), total([one, one])

    work(store, aggressive_unload=True)

    assert not any(task.is_loaded() for task in alltasks)


def test_debug_mode_finds_a_function_that_changes_its_arguments(store):
    Task(bytearray.extend, bytearray(b"a"), b"b")

    summary = work(store, debug=True)

    assert "changed its own arguments" in summary.failures[0].exception


def test_debug_mode_does_not_blame_a_task_for_what_a_library_keeps(store, caplog):
    fits = pytest.importorskip("astropy.io.fits")
    Task(str, fits.Card("A", 1, "c"))

    summary = work(store, debug=True)

    assert not summary.failures
    assert "an object of astropy.io.fits.card.Card keeps" in caplog.text


def spoil(data, card):
    data.append(1)
    return str(card)


def test_debug_mode_finds_a_change_beside_what_a_library_keeps(store):
    fits = pytest.importorskip("astropy.io.fits")
    Task(spoil, bytearray(b"a"), fits.Card("A", 1, "c"))

    summary = work(store, debug=True)

    assert "changed its own arguments" in summary.failures[0].exception


def test_what_code_in_a_task_was_told_stays_for_the_worker_around_it(store):
    other = other_view(store)

    def nosy():
        with store.reader() as changes:
            other.put(make_frame(second, "of another worker"))
            assert store.wait(changes, 30).finished == [second.digest]

    ACTIONS["nosy"] = nosy
    first, second = Task(act, "nosy"), Task(abs, -1)

    summary = make_worker(store, tasks=[first, second]).run()

    assert summary.ending is Ending.DONE
    assert second.value() == "of another worker"


def test_a_task_that_code_in_another_task_has_run_is_not_run_again(store):
    def nested():
        CALLS.append(inner.run())

    inner = note(7)
    ACTIONS["nested"] = nested
    outer = Task(act, "nested")

    summary = make_worker(store, tasks=[outer, inner]).run()

    assert summary.ending is Ending.DONE
    assert CALLS == [7, 7]  # what the function noted, and what it gave


def test_a_value_in_memory_is_not_used_once_its_result_was_made_anew(store):
    def long():
        other = other_view(store)
        other.discard([source.digest])
        other.put(make_frame(source, "new"))
        return 0

    source = Task(str, "old")
    ACTIONS["long"] = long
    between = Task(act, "long")
    user = Task(add_all, source, between)

    make_worker(store, tasks=[source, between, user]).run()

    assert user.value() == ["new", 0]


def test_a_value_that_was_loaded_before_the_worker_began_is_not_used(store):
    source = Task(str, "old")
    user = Task(add_all, source)
    source.run()
    assert source.is_loaded()
    other = other_view(store)
    other.discard([source.digest])
    other.put(make_frame(source, "new"))

    make_worker(store, tasks=[user]).run()

    assert user.value() == ["new"]


def test_a_task_that_another_made_anew_while_it_was_discarded_here_is_not_tried_for_ever(store):
    def overtaken():
        other = other_view(store)
        other.discard([task.digest])
        other.break_leases([task.digest])
        other.put(make_frame(task, "of another worker"))

    ACTIONS["overtaken"] = overtaken
    task = Task(act, "overtaken")

    summary = make_worker(store, tasks=[task]).run()

    assert summary.ending is Ending.DONE
    assert task.value() == "of another worker"


ACTIONS = {}


def act(name):
    return ACTIONS[name]()


def add_all(*values):
    return list(values)


def make_frame(task, value):
    payload = codec.encode(value)
    return Frame(Kind.RESULT, task.digest, pack(Record(task.name)), payload)


# Telling of a wait


def lease_of(store, task):
    """Hold a task as another worker; return how to give it back done."""
    view = other_view(store)
    lease = view.acquire([task.digest])
    frame = Frame(Kind.RESULT, task.digest, b"\0" * 37, held_result())
    return lambda: view.commit(lease, frame)


def test_a_worker_that_waits_says_once_for_what_and_for_whom(store, caplog, monkeypatch):
    monkeypatch.setattr("jug.execution.waiting.LONG", 0.0)
    first, second = note(1), note(2)
    finish_first, finish_second = lease_of(store, first), lease_of(store, second)
    wait = store.wait

    def wait_while_others_work(reader, seconds):
        (finish_first, finish_second)[len(store.holders()) == 1]()
        return wait(reader, seconds)

    monkeypatch.setattr(store, "wait", wait_while_others_work)

    assert work(store).ending is Ending.DONE
    (told,) = caplog.messages
    assert told.startswith(f"waiting for {first.name} (held by this process itself, since")
    assert told.count(second.name) == 2


def test_a_short_wait_is_not_told(store, caplog, monkeypatch):
    finish = lease_of(store, note(1))
    wait = store.wait
    monkeypatch.setattr(store, "wait", lambda *how: finish() and wait(*how))

    assert work(store).ending is Ending.DONE
    assert not caplog.messages
