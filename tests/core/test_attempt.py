"""One attempt: what it records, and what of a traceback is shown."""

import pytest

from jug import Task
from jug.records import unpack
from jug.task.attempt import attempt, code_fingerprint, load_arguments
from jug.tracebacks import describe_exception, own_traceback

pytestmark = pytest.mark.usefixtures("store")


def one(x):
    return x + 1


def other(x):
    return x + 2


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
    assert record.code == code_fingerprint(one)


def test_a_long_run_records_its_memory():
    import time

    frame, _ = run(Task(time.sleep, 0.02))

    assert unpack(frame.record).memory > 1e6


def test_the_fingerprint_follows_the_code_and_not_its_place():
    namespaces = [{}, {}, {}]
    exec("def f(x):\n    return x + 1", namespaces[0])
    exec("# a comment\n\n\ndef f(x):\n    return x + 1  # more", namespaces[1])
    exec("def f(x):\n    return x + 2", namespaces[2])
    first, moved, changed = (code_fingerprint(n["f"]) for n in namespaces)

    assert first == moved != changed
    assert len(first) == 16
    assert code_fingerprint(one) != code_fingerprint(other)


def test_what_has_no_code_has_no_fingerprint():
    assert code_fingerprint(abs) == ""


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
