"""A command that is the first process of a namespace, as in a container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LOADING = """
import time
print("loading", flush=True)
time.sleep(60)
"""

Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def begin(
    folder: Path, program: Callable[[str], str], unavailable: Callable[[str], object]
) -> Iterator[Begin]:
    """Call with the words of a command, to begin it as the first process."""
    alone = [program("unshare"), "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.getuid() != 0:
        alone += ["--user", "--map-root-user"]
    # Whoever runs the tests may ignore a hangup, which is then ignored here too.
    alone += [program("env"), "--default-signal=HUP,TERM"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        unavailable("the right to make a namespace")
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [*alone, sys.executable, "-m", "jug", *words]
        begun.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def send(unshare: subprocess.Popen[str], signum: int) -> None:
    """Send a signal to the first process, once it reads the jugfile."""
    assert unshare.stdout is not None
    assert unshare.stdout.readline() == "loading\n"
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    os.kill(int(children.read_text()), signum)


@pytest.mark.parametrize("words", [("status",), ("execute", "-j", "2")])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_while_it_reads_the_jugfile(
    begin: Begin, folder: Path, words: tuple[str, ...], signum: int
) -> None:
    (folder / "loading.py").write_text(LOADING)
    first = begin(*words, "loading.py")

    send(first, signum)

    assert first.wait(timeout=30) == 128 + signum


def test_one_that_has_begun_its_worker_ends_in_order(begin: Begin, folder: Path) -> None:
    (folder / "loading.py").write_text(LOADING)
    first = begin("execute", "loading.py")

    send(first, signal.SIGTERM)

    assert "Total" in first.communicate(timeout=30)[0]
    assert first.returncode == 130
