"""Many workers on one jugdir: they keep out of each other's way."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.clock

LOCKING = re.compile(r'link(?:at)?\(.*/leases/[0-9a-f]{40}"[^~\n]*\) = (.*)')


@pytest.mark.slow
@pytest.mark.parametrize("commands", [1, 16])
def test_fewer_than_one_in_five_attempts_to_lock_fails(write, program, commands):
    write(
        "import time\n"
        "from jug import TaskGenerator\n"
        "@TaskGenerator\n"
        "def work(i):\n"
        "    time.sleep(0.001)\n"
        "for i in range(5000):\n"
        "    work(i)\n"
    )
    traced = [program("strace"), "-f", "-ff", "--seccomp-bpf", "-qq", "-e", "trace=link,linkat"]
    command = [sys.executable, "-m", "jug", "execute", "-j", str(16 // commands)]

    running = [
        subprocess.Popen([*traced, "-o", f"trace{number}", *command], stdout=subprocess.DEVNULL)
        for number in range(commands)
    ]

    assert [process.wait(40) for process in running] == [0] * commands
    traces = [trace.read_text() for trace in Path().glob("trace*")]
    attempts = [answer for trace in traces for answer in LOCKING.findall(trace)]
    assert len({trace for trace in traces if LOCKING.search(trace)}) == 16
    assert attempts.count("0") >= 5000
    assert sum(answer != "0" for answer in attempts) < len(attempts) / 5
