"""Who a process is, and what can be said of it where the system tells little."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

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


def test_of_a_process_that_lives_but_cannot_be_looked_at_nothing_is_told(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    that = known(child.pid)

    def refuse(path: str, mode: str) -> None:
        raise OSError(errno.EMFILE, "no files left", path)

    monkeypatch.setattr(process, "open", refuse, raising=False)
    assert that.is_gone() is None

    child.kill()
    child.wait()
    assert that.is_gone() is True


@pytest.mark.parametrize("hidden", ["hidepid=1", "hidepid=2"])
def test_a_process_that_is_hidden_from_another_user_is_not_taken_for_gone(
    child: subprocess.Popen[bytes], program: Callable[[str], str], hidden: str
) -> None:
    code = f"""
import os
from jug.backends.process import Process
that = Process.here()._replace(pid={child.pid}, started={Process.start_of(child.pid)!r})
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(that.is_gone())
"""
    alone = [program("unshare"), "--mount", "sh", "-c"]
    mount = f"mount -t proc -o {hidden} proc /proc"
    if subprocess.run([*alone, mount], capture_output=True).returncode:
        pytest.skip("no other /proc may be mounted here")
    command = [*alone, f'{mount} && exec "$0" -c "$1"', sys.executable, code]

    assert subprocess.check_output(command, text=True) == "None\n"


def test_a_number_that_no_process_has_is_that_of_none() -> None:
    assert Process.here()._replace(pid=1 << 40).is_gone() is True


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
