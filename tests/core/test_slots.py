"""The slots of shared memory that a supervisor and its workers share."""

import os

import pytest

from jug import Task, TaskGenerator
from jug.execution.slots import NO_TASK, WorkerSlots
from jug.progress import Spent


def test_what_one_publishes_others_see(store):
    slots = WorkerSlots.for_workers(3)
    task = TaskGenerator(abs, retries=4, timeout=60)(-1)

    seen_elsewhere = WorkerSlots(os.dup(slots.descriptor))
    slots.publish(1, task)

    running = seen_elsewhere.running(1)
    assert (running.digest, running.name) == (task.digest, "builtins.abs")
    assert (running.limit, running.retries) == (60, 4)
    assert not running.deadline
    slots.set_deadline(1, 60)
    assert seen_elsewhere.running(1).deadline > 60
    slots.set_deadline(1, None)
    assert not seen_elsewhere.running(1).deadline
    assert seen_elsewhere.is_anybody_busy()
    assert seen_elsewhere.running(0).digest == seen_elsewhere.running(2).digest == NO_TASK
    slots.clear(1)
    assert seen_elsewhere.running(1).digest == NO_TASK
    assert not seen_elsewhere.is_anybody_busy()
    slots.note_taking(2)
    assert seen_elsewhere.is_anybody_busy() and not seen_elsewhere.digests()
    slots.publish(2, task)
    slots.clear(2)
    assert not seen_elsewhere.is_anybody_busy()
    slots.note_taking(0)
    slots.clear(0)
    assert not seen_elsewhere.is_anybody_busy()
    slots.stop()
    assert seen_elsewhere.is_stopped()
    slots.close()
    seen_elsewhere.close()


def test_a_long_name_is_cut_to_fit(store):
    slots = WorkerSlots.for_workers(1)
    task = TaskGenerator(abs)(-1)
    task.name = "ä" * 1000

    slots.publish(0, task)

    assert slots.running(0).name.startswith("ä" * 100)
    slots.close()


def test_a_name_that_is_no_text_in_utf_8_is_shown_all_the_same():
    task = Task(abs, -1)
    task.name = "f\udcff"
    slots = WorkerSlots.for_workers(1)

    slots.publish(0, task)

    assert slots.running(0).name == "f\\udcff"
    slots.close()


def test_a_report_is_claimed_by_one_and_put_off_but_never_brought_forward():
    slots = WorkerSlots.for_workers(2)

    assert slots.claim_report(100.0, 1.0)
    assert not slots.claim_report(100.5, 1.0)
    slots.delay_report(110.0)
    slots.delay_report(105.0)
    assert not slots.claim_report(109.9, 1.0)
    assert slots.claim_report(110.0, 1.0)
    slots.close()


def test_who_has_read_the_jugfile_furthest_speaks_and_no_other():
    slots = WorkerSlots.for_workers(2)

    assert [slots.claim_reading(tasks) for tasks in (3, 2, 3, 5, 5)] == [
        True, False, False, True, False,
    ]  # fmt: skip
    slots.close()


def test_the_first_task_of_a_name_counts_with_its_time():
    slots = WorkerSlots.for_workers(1)

    assert slots.tally(0).add("m.f", 1.5)

    assert slots.executed() == {"m.f": Spent(1, 1.5)}
    slots.close()


def test_arguments_are_those_of_one_task_and_cut_to_fit():
    slots = WorkerSlots.for_workers(2)
    one, other = b"1" * 20, b"2" * 20

    slots.show_arguments(0, one, "3, key='ä'")
    slots.show_arguments(1, other, "ä" * 200)

    assert slots.arguments(0, one) == "3, key='ä'"
    assert slots.arguments(0, other) is None
    assert slots.arguments(1, other) == "ä" * 116
    assert slots.last_outputs(1)[1].of_task() == ""  # nothing of others is written over
    slots.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="it is in a file")
def test_no_disk_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    slots = WorkerSlots.for_workers(2)

    assert not slots.is_stopped()
    slots.close()
