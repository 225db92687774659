"""A jugfile may do with `logging` what it likes: jug still says each thing, and once."""

from __future__ import annotations

import pytest

JUGFILE = """
import logging, logging.config
from jug import TaskGenerator

def meddle():
    MEDDLE

@TaskGenerator
def bad(meddles):
    if meddles:
        meddle()
    raise ValueError("no such luck")

"""

WAYS = {
    "doubles": "logging.basicConfig(level=logging.DEBUG)",
    "disables": "logging.config.dictConfig({'version': 1})",
    "mutes": "logging.disable(logging.CRITICAL)",
    "ends": "logging.shutdown()",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("where", "jobs"), [("jugfile", "1"), ("jugfile", "2"), ("task", "1")])
def test_the_traceback_of_a_failed_task_is_seen_once(write, jug, way, where, jobs):
    text = JUGFILE.replace("MEDDLE", WAYS[way])
    write(text + ("bad(True)\n" if where == "task" else "meddle()\nbad(False)\n"))

    status, _, err = jug("execute", "-j", jobs)

    assert status == 1
    given = "True" if where == "task" else "False"
    assert err.count(f"jug: jugfile.bad({given}) failed:\nTraceback") == 1
    assert err.count("Traceback") == 1
    assert err.count('raise ValueError("no such luck")') == 1


@pytest.mark.slow
def test_new_pythons_tell_as_much_as_asked_for(write, jug):
    write("", "polars.py")
    write("import polars\nfrom jug import Task\nTask(abs, -1), Task(abs, -2)\n")

    err = jug("execute", "-j", "2", "--verbose", "info")[2]

    assert err.count("jug: running builtins.abs\n") == 2
