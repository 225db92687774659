"""What notebooks show of tasks, failures and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jug import Task, html, set_jugdir
from jug.execution.summary import Ending, Failure, Summary
from jug.session import use_store
from jug.status import look
from jug.task.attempt import failed_attempt

EVIL = "<script>alert('x')</script> & \"more\""


class Elements(HTMLParser):
    """What there is on a page: that each element is closed, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: Counter[str] = Counter()
        self.text = ""
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.names[tag] += 1
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


@pytest.fixture(autouse=True)
def store() -> Iterator[None]:
    set_jugdir("dict_store")
    yield
    use_store(None)


def shown(thing: object) -> Elements:
    page = thing._repr_html_()  # type: ignore[attr-defined]
    assert not re.search(r"#[0-9a-f]{3}|rgb|white|black|background", page), "a colour of its own"
    elements = Elements(page)
    assert "script" not in elements.names and elements.attributes <= {"style"}
    return elements


def failing(text: str) -> None:
    raise ValueError(text)


def test_a_task_is_shown_with_its_state_and_run() -> None:
    task = Task(abs, -7)

    before = shown(task).text
    task.run()
    after = shown(task).text

    assert "builtins.abs(-7)" in before and "not done" in before
    assert task.digest.hex() in before
    assert (
        "finished" in after and "value\n7\n" in after and re.search(r"ran\n20\d\d-.* for ", after)
    )


def test_a_failed_task_is_shown_with_its_exception_and_traceback() -> None:
    task = Task(failing, EVIL)
    try:
        failing(EVIL)
    except ValueError as error:
        task.store.put(failed_attempt(task, error, start=1.0))

    elements = shown(task)

    assert elements.names["details"] == 1
    assert f"ValueError: {EVIL}" in elements.text
    assert "failed" in elements.text and "Traceback (most recent call last):" in elements.text


def test_a_task_that_somebody_runs_is_shown_so() -> None:
    task = Task(abs, -7)
    assert task.lock()

    assert "running" in shown(task).text


def test_a_task_without_a_store_or_a_hash_is_shown_all_the_same() -> None:
    use_store(None)

    assert "not known: no jugdir was chosen" in shown(Task(abs, -7)).text
    assert "<iterator>" not in shown(Task(sum, iter([1]))).text


def test_a_failure_is_shown() -> None:
    elements = shown(Failure(EVIL, "0" * 40, EVIL, f"Traceback\n{EVIL}"))

    assert elements.text.count("<script>") == 3


def test_tables_are_shown() -> None:
    status = shown(look(Task(abs, -1).store, [Task(abs, -1), Task(sum, [Task(abs, -1)])]))
    summary = shown(Summary(Ending.DONE, Counter({EVIL: 2}), Counter({EVIL: 1, "m.f": 3})))

    assert (
        status.text.split()
        == (
            "Failed Waiting Ready Finished Running Task name "
            "0 0 1 0 0 builtins.abs 0 1 0 0 0 builtins.sum 0 1 1 0 0 Total"
        ).split()
    )
    assert summary.names["tr"] == 4 and EVIL in summary.text
    assert summary.text.splitlines()[-3:] == ["2", "4", "Total"]
    assert "0\nTotal" in Elements(html.table(["Done"], {})).text


def test_pages_are_light_and_dark(tmp_path: Path) -> None:
    """Colours are those of the text around, so one page serves both."""
    page = html.table(["Done"], {"m.f": [1]}) + html.facts("m.f()", {"a": "b"}, {"c": "d"})

    assert set(re.findall(r"currentColor|opacity", page)) == {"currentColor", "opacity"}
