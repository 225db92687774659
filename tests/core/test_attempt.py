"""One attempt: what it records, and what of a traceback is shown."""

import pytest

from jug import Task
from jug.code import code_of
from jug.records import unpack
from jug.task.attempt import attempt, load_arguments
from jug.tracebacks import describe_exception, own_traceback

pytestmark = pytest.mark.usefixtures("store")


def one(x):
    return x + 1


def inner(x):
    raise KeyError(x)


def outer(x):
    try:
        inner(x)
    except KeyError as error:
        raise ValueError("outer") from error


def run(task):
    return attempt(task, load_arguments(task))


def test_the_record_tells_name_time_size_and_code():
    task = Task(one, 1)

    frame, result = run(task)

    record = unpack(frame.record)
    assert result == 2
    assert frame.digest == task.digest
    assert record.name == task.name
    assert record.size == sum(map(len, frame.payload))
    assert record.start > 1e9
    assert 0 <= record.duration < 1
    assert record.code == code_of(task).text


def test_a_long_run_records_its_memory():
    import time

    frame, _ = run(Task(time.sleep, 0.02))

    assert unpack(frame.record).memory > 1e6


def test_a_traceback_keeps_its_cause():
    with pytest.raises(ValueError) as caught:
        run(Task(outer, "key"))

    text = own_traceback(caught.value)

    assert "KeyError: 'key'" in text
    assert "direct cause" in text
    assert text.endswith("ValueError: outer\n")


def test_an_exception_on_one_line():
    assert describe_exception(KeyError("a")) == "KeyError: 'a'"
    assert describe_exception(ValueError("one\n  two")) == "ValueError: one two"


class Mute(Exception):
    """Cannot say what is wrong."""

    def __str__(self):
        raise LookupError

    __repr__ = __str__


class Wordless(Exception):
    def __str__(self):
        return 7


class Touchy(Exception):
    def __getattr__(self, name):
        raise LookupError(name)


class Crooked(SyntaxError):
    @property
    def lineno(self):
        raise LookupError


@pytest.mark.parametrize("kind", [Mute, Wordless, Touchy, Crooked])
def test_an_exception_that_can_not_be_shown_is_named_all_the_same(kind):
    with pytest.raises(kind) as caught:
        raise kind

    assert describe_exception(caught.value).startswith(f"{__name__}.{kind.__qualname__}")
    assert kind.__qualname__ in own_traceback(caught.value)
    assert "raise kind" in own_traceback(caught.value)


def test_an_exception_with_an_endless_text_is_shortened_in_the_middle():
    error = ValueError("begin " + "x" * 9_000_000 + " end")

    for text in (describe_exception(error), own_traceback(error)):
        assert "ValueError: begin xxx" in text
        assert text.rstrip().endswith("xxx end")
        assert " characters are left out) " in text
        assert len(text) < 101_000


def test_an_exception_with_many_notes_is_shortened_too():
    error = ValueError("short")
    for number in range(20_000):
        error.add_note(f"note {number}")

    assert len(own_traceback(error)) < 101_000
