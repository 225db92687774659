"""`jug failures`: what failed, grouped by exception and place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click import unstyle
from click.testing import Result
from tests.cli.conftest import FAILING

from jug import Task, set_jugdir
from jug.backends.dict_store import DictStore
from jug.backends.frames import Frame, Kind
from jug.cli.failures import head
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.session import use_store
from jug.views.failures import FailureGroup, failure_groups, last_own_line

Jug = Callable[..., Result]


def test_a_failure_is_shown_with_line_call_host_and_traceback(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_going=True)

    result = jug("failures", "failing.py", status=1)

    assert result.output.startswith(
        "1 task: ValueError at failing.py:12, in bad\n  failing.bad()\n  on "
    )
    assert result.output.endswith("\n    ValueError: no such luck\n\n1 task failed.\n")


def test_where_nothing_failed_a_sentence_says_so(jug: Jug, executed: Callable[..., None]) -> None:
    assert jug("failures", "primes.py").output == "No task has failed.\n"
    executed()
    assert jug("failures", "primes.py").output == "No task has failed.\n"
    assert json.loads(jug("failures", "--json", "primes.py").output) == {"failed": 0, "groups": []}


def test_what_has_succeeded_since_is_no_failure_any_more(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_going=True)
    (folder / "failing.py").write_text(FAILING.replace('raise ValueError("no such luck")', "pass"))
    executed("failing.py")

    assert jug("failures", "failing.py").output == "No task has failed.\n"


def test_a_name_that_fits_no_task_is_wrong_usage(jug: Jug) -> None:
    result = jug("failures", "--name", "isprime", "primes.py", status=2)

    assert "is 'primes.is_prime' meant?" in result.output


# Groups


@pytest.fixture
def groups() -> Iterator[Callable[..., list[FailureGroup]]]:
    """Call with records of failures: returns their groups."""
    store = set_jugdir("dict_store")

    def group(*records: Record) -> list[FailureGroup]:
        tasks = [Task(abs, number) for number in range(len(records))]
        for task, record in zip(tasks, records, strict=True):
            store.put(Frame(Kind.FAILURE, task.digest, pack(record)))
        return failure_groups(Jugspace(store, tasks), tasks)

    yield group
    use_store(None)


def failure(exception: str, *lines: str, worker: str = "") -> Record:
    text = "".join(f'  File "{line}\n    code()\n' for line in lines)
    traceback = f"Traceback (most recent call last):\n{text}{exception}\n" if lines else ""
    return Record("builtins.abs", 1.0, 1.0, exception=exception, traceback=traceback, worker=worker)


OWN = '/home/me/primes.py", line 7, in is_prime'
OTHER = '/home/me/primes.py", line 8, in is_prime'
LIBRARY = '/usr/lib/python3.11/subprocess.py", line 571, in run'
INSTALLED = '/home/me/env/lib/python3.12/site-packages/numpy/core.py", line 3, in f'


def test_one_exception_in_one_line_is_one_group_whatever_it_says(
    groups: Callable[..., list[FailureGroup]],
) -> None:
    found = groups(
        failure("ValueError: 1", OTHER),
        failure("ValueError: 2", OWN, LIBRARY),
        failure("ValueError: 3", OWN, INSTALLED),
        failure("KeyError: 4", OWN),
    )

    assert [(group.exception, str(group.line), len(group.failures)) for group in found] == [
        ("ValueError", "/home/me/primes.py:7, in is_prime", 2),
        ("ValueError", "/home/me/primes.py:8, in is_prime", 1),
        ("KeyError", "/home/me/primes.py:7, in is_prime", 1),
    ]


def test_what_has_no_line_is_grouped_by_name(groups: Callable[..., list[FailureGroup]]) -> None:
    why = "WorkerDied: 5 workers died of it, each was ended by SIGKILL"
    (group,) = groups(failure(why), failure(why))

    assert (group.exception, group.line, group.traceback) == ("WorkerDied", None, why)


def test_hosts_are_counted_also_those_that_are_not_known(
    groups: Callable[..., list[FailureGroup]],
) -> None:
    places = ["node1:17", "node2:3", "node1:18", "0123456789abcdef"]
    (group,) = groups(*(failure("ValueError", OWN, worker=worker) for worker in places))

    assert group.hosts() == {"node1": 2, "node2": 1, "": 1}


def test_a_record_that_cannot_be_read_is_a_failure_all_the_same(
    groups: Callable[..., list[FailureGroup]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DictStore, "records", lambda store, digests: [None for _ in digests])

    (group,) = groups(failure("ValueError", OWN))

    assert (group.exception, group.line, len(group.failures)) == ("", None, 1)
    assert unstyle(head(group)) == "1 task: a record that can't be read in builtins.abs"


def test_a_library_alone_has_a_line_too() -> None:
    text = f'  File "{LIBRARY}\n    run()\n  File "<frozen runpy>", line 1, in f\n'

    assert last_own_line(text) == ("<frozen runpy>", 1, "f")
    assert last_own_line("ValueError") is None


def test_lines_of_exception_groups_are_found() -> None:
    assert last_own_line(f'  | Traceback\n  |   File "{OWN}\n  +-+---- 1 ----\n') == (
        "/home/me/primes.py", 7, "is_prime",
    )  # fmt: skip
