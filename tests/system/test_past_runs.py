"""What commands tell of runs in a directory."""

from __future__ import annotations

import json
import signal

import pytest
from tests.system.past import LOG, PastRuns, by_call


class TestInDirectory(PastRuns):
    @pytest.fixture
    def jugdir(self) -> str:
        return "jugfile.jugdata"

    @pytest.mark.slow
    def test_a_pack_keeps_what_is_told(self, told):
        told("pack")

        assert by_call(told("log", "--short")) == LOG


SLEEPER = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def waits(number):
    log("began", number)
    wait_for_file("go")
    return number

@TaskGenerator
def quick(number):
    return number

quick(1), waits(2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_a_log_that_follows_shows_what_ends_meanwhile_until_ctrl_c(
    form, write, journal, start, wait_for
):
    write(SLEEPER)
    execute = start("execute")
    wait_for(journal)
    log = start("log", "--follow", *form)
    before = 1 if form else 3  # a table has a head
    lines = [log.stdout.readline() for _ in range(before)]
    assert "quick" in lines[-1]

    open("go", "w").close()
    execute.communicate()
    last = log.stdout.readline()

    log.send_signal(signal.SIGINT)
    out, err = log.communicate(timeout=20)
    assert "waits" in last
    assert not form or json.loads(last)["state"] == "finished"
    assert (log.returncode, out, err) == (130, "", "jug: interrupted\n")


@pytest.mark.slow
def test_a_task_that_runs_now_is_shown_with_its_holder(write, journal, start, jug, wait_for):
    write(SLEEPER)
    execute = start("execute")
    wait_for(journal)

    status, out, _ = jug("show", "waits")

    assert status == 0
    assert "  state   running: held by " in out
    open("go", "w").close()
    execute.communicate()
