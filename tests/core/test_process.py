"""Who a process is, and what can be said of it where the system tells little."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jug.backends import process
from jug.backends.process import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until its input is closed."""
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child


def known(pid: int) -> Process:
    """Return the process of this host that has the pid now."""
    return Process.here()._replace(pid=pid, started=Process.start_of(pid))


def test_a_process_is_gone_once_it_has_ended_though_nobody_asked_how(
    child: subprocess.Popen[bytes],
) -> None:
    that = known(child.pid)
    assert that.is_gone() is False

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert that.is_gone() is True
    child.wait()
    assert that.is_gone() is True


def test_another_process_of_the_same_pid_is_not_it(child: subprocess.Popen[bytes]) -> None:
    assert known(child.pid)._replace(started="1").is_gone() is True


def test_where_no_more_files_can_be_opened_a_process_that_lives_is_not_gone(
    child: subprocess.Popen[bytes],
) -> None:
    that = known(child.pid)
    with no_more_files():
        while_it_lives = that.is_gone()
    child.kill()
    child.wait()
    with no_more_files():
        afterwards = that.is_gone()

    assert (while_it_lives, afterwards) == (None, True)


@contextmanager
def no_more_files() -> Iterator[None]:
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


@pytest.mark.parametrize("fact", ["boot", "namespace"])
def test_of_a_process_elsewhere_nothing_can_be_told(fact: str) -> None:
    elsewhere = Process.here()._replace(pid=1, **{fact: "another"})

    assert elsewhere.is_gone() is None
    assert not elsewhere.is_stopped()


@pytest.mark.parametrize(
    ("function", "answer"), [("_boot", ""), ("_namespace", ""), ("_stat", ("", ""))]
)
def test_where_a_fact_cannot_be_had_nothing_can_be_told(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: object
) -> None:
    monkeypatch.setattr(process, function, lambda *pid: answer)

    assert Process.here().is_gone() is None
    assert not Process.here().is_stopped()


def test_other_systems_tell_neither_start_nor_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert Process.here().is_gone() is None
