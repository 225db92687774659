"""What workers print, on its way: nothing is lost or kept in memory, and nobody is waited for."""

from __future__ import annotations

import io
import os
import selectors
from mmap import mmap
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.execution import output_pipe, task_output
from jug.execution.last_output import ROOM, SIZE, LastOutput
from jug.execution.outputs import Outputs
from jug.execution.task_output import TaskOutput


@pytest.fixture
def target(monkeypatch):
    """The reading end of a pipe that is in place of the standard output."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    monkeypatch.setattr(output_pipe, "_DESCRIPTORS", (writer,))
    yield reader
    os.close(reader)
    os.close(writer)


@pytest.fixture
def selector():
    with selectors.DefaultSelector() as selector:
        yield selector


@pytest.fixture
def last():
    return LastOutput(mmap(-1, ROOM), 0), LastOutput(mmap(-1, ROOM), 0)


def attend(selector, times=1):
    for _ in range(times):
        for key, _ in selector.select(0):
            key.data()


def read(descriptor, size=1 << 20):
    try:
        return os.read(descriptor, size)
    except BlockingIOError:
        return b""


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 19))
def test_of_all_that_was_printed_the_last_since_a_task_began_is_there(pieces, begin):
    output = LastOutput(mmap(-1, ROOM), 0)
    output.put(bytes(SIZE - 70))
    for number, piece in enumerate(pieces):
        if number == begin:
            output.begin_task(output.taken)
        output.put(piece)
    if begin < len(pieces):
        expected = b"".join(pieces[begin:])
        assert output.of_task() == expected.decode(errors="backslashreplace")


def test_more_than_is_kept_is_cut_at_its_beginning():
    output = LastOutput(mmap(-1, ROOM), 0)
    output.put(b"before")
    output.begin_task(output.taken)
    output.put(b"a" * SIZE)
    output.put(b"b" * 10)

    assert output.of_task() == "a" * (SIZE - 10) + "b" * 10


def test_before_the_next_worker_begins_its_output_is_forgotten_that_was_in_its_slot(
    target, selector, last
):
    outputs = Outputs(selector)
    (before,) = outputs.begin(last)
    os.write(before.writer, b"of the first")
    before.leave_to_worker()
    outputs.end(last)
    (pipe,) = outputs.begin(last)

    assert last[0].of_task() == ""
    assert last[0].taken == 0
    pipe.leave_to_worker()
    outputs.close()


def test_what_is_printed_is_passed_on_at_once_and_kept(target, selector, last):
    outputs = Outputs(selector)
    (pipe,) = outputs.begin(last)
    os.write(pipe.writer, b"hello")
    assert not pipe.is_empty()

    attend(selector)

    assert read(target) == b"hello"
    assert pipe.is_empty()
    assert last[0].of_task() == "hello"
    pipe.leave_to_worker()
    outputs.close()


def test_of_messages_that_nobody_reads_the_first_are_kept_and_the_rest_is_counted(selector):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    outputs = Outputs(selector)
    for number in range(10_000):
        outputs.tell(writer, f"jug: {number:94}\n".encode())
        outputs.attend()

    text = b""
    while piece := read(reader):
        text += piece
        attend(selector)
        outputs.attend()
    *lines, last = text.decode().splitlines()
    assert lines == [f"jug: {number:94}" for number in range(len(lines))]
    assert 1000 < len(lines) < 2000
    assert last == f"jug: and {10_000 - len(lines)} more messages, while nobody read them"
    outputs.tell(writer, b"jug: again\n")
    outputs.close()
    assert read(reader) == b"jug: again\n"
    os.close(reader)
    os.close(writer)


def test_while_the_reader_stands_still_nothing_more_is_read(target, selector, last):
    outputs = Outputs(selector)
    (pipe,) = outputs.begin(last)
    os.set_blocking(pipe.writer, False)
    written = 0
    for _ in range(1000):
        try:
            written += os.write(pipe.writer, bytes(1 << 14))
        except BlockingIOError:
            attend(selector)
    assert written < 1 << 19  # the pipes', and what waits between them

    passed_on = 0
    while data := read(target):
        passed_on += len(data)
        attend(selector, 4)
    assert passed_on == written
    assert pipe.is_empty()
    pipe.leave_to_worker()
    outputs.close()


def test_a_reader_that_is_gone_is_told_of_once_and_what_is_printed_still_kept(
    monkeypatch, selector, last, caplog
):
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(output_pipe, "_DESCRIPTORS", (writer,))
    outputs = Outputs(selector)
    (pipe,) = outputs.begin(last)
    for text in (b"one ", b"two"):
        os.write(pipe.writer, text)
        attend(selector)

    assert last[0].of_task() == "one two"
    assert caplog.messages == ["what tasks print can't be shown any more: Broken pipe"]
    pipe.leave_to_worker()
    outputs.close()
    os.close(writer)


def test_what_comes_after_the_end_of_a_worker_is_in_no_record(target, selector, last):
    outputs = Outputs(selector)
    (pipe,) = outputs.begin(last)
    os.write(pipe.writer, b"in time ")
    outputs.end(last)
    os.write(pipe.writer, b"late")
    attend(selector)

    assert read(target) == b"in time late"
    assert last[0].of_task() == "in time "
    pipe.leave_to_worker()
    outputs.close()


def test_where_nothing_is_watched_nothing_was_printed():
    output = TaskOutput()
    output.keeps_all = True
    output.begin()

    assert (output.of_success(1.0), output.of_failure()) == ("", "")


def test_what_a_thread_prints_is_counted_before_it_can_be_taken():
    reader, writer = os.pipe()
    counting = task_output._Counting(writer, "w")
    data = bytes(1 << 20)  # more than there is room for in a pipe
    thread = Thread(target=counting.write, args=(data,))
    thread.start()

    taken = len(os.read(reader, 1))
    counted = counting.written
    while taken < len(data):
        taken += len(os.read(reader, 1 << 16))
    thread.join()

    assert counted >= 1
    assert counting.written == len(data)
    counting.close()
    os.close(reader)


def test_what_another_thread_prints_meanwhile_is_counted_too():
    class Meanwhile(io.FileIO):
        """As if another thread wrote just when one does."""

        def write(self, data):
            if data == b"outer":
                counting.write(b"inner")
            return super().write(data)

    class Counting(task_output._Counting, Meanwhile):
        pass

    reader, writer = os.pipe()
    counting = Counting(writer, "w")

    counting.write(b"outer")

    assert counting.written == len(b"outer" + b"inner")
    counting.close()
    os.close(reader)


def test_what_a_thread_prints_while_a_task_begins_was_printed_in_no_other_way(
    target, selector, last
):
    class TakenMeanwhile(LastOutput):
        """A thread prints before it is said how much was taken, and all is taken."""

        @property
        def taken(self):
            counting.written += 5
            return counting.written

    outputs = Outputs(selector)
    (pipe,) = outputs.begin(last)
    counting = task_output._Counting(pipe.writer, "w", closefd=False)
    watched = task_output._WatchedPipe(pipe, TakenMeanwhile(mmap(-1, ROOM), 0))
    watched._counts = [counting]

    for _ in range(3):
        watched.begin_task()

    assert watched._otherwise == 0
    pipe.leave_to_worker()
    outputs.close()
