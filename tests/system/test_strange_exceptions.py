"""What a task raises costs no more than the task, whatever kind of exception it is."""

from __future__ import annotations

import pytest

JUGFILE = """
from jug import TaskGenerator

class Mute(Exception):
    def __str__(self):
        raise LookupError

@TaskGenerator
def long():
    raise ValueError("x" * 9_000_000)

@TaskGenerator
def mute():
    raise Mute

@TaskGenerator(retries=1)
def mute_twice():
    raise Mute

@TaskGenerator
def good(i):
    return i

long(), mute(), mute_twice(), [good(i) for i in range(3)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_exception_that_is_endless_or_mute_is_a_failure_like_others(write, jug, jobs):
    write(JUGFILE)

    status, out, err = jug("execute", "--keep-going", "-j", jobs)

    assert status == 1
    assert "3       0  jugfile.good" in out
    assert "jug: jugfile.mute() failed: jugfile.Mute: <its text can't be made: LookupError>" in err
    assert "jug: jugfile.long() failed: ValueError: xxx" in err
    assert len(err) < 300_000
    assert "3 failed, 3 complete" in jug("status", "--short")[1]
