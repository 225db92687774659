"""Workers on hosts with kernels of their own, which share a store by NFS; one host dies.

The hosts are guests of User-Mode Linux (`tests/system/nfs`); skipped where that is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RUN = Path(__file__).parent / "nfs" / "run.py"
NEEDED = ("linux.uml", "rpc.nfsd", "mount.nfs4", "modprobe", "mkfs.ext4", "unshare", "ip", "cc")


@pytest.fixture
def hosts(program, unavailable, monkeypatch):
    """Call with options of `run.py`: returns what it says of a round."""
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin", prepend=os.pathsep)
    for name in NEEDED:
        program(name)
    if os.geteuid():
        pytest.skip("only root may make a network")
    if not os.path.exists("/dev/net/tun"):
        unavailable("/dev/net/tun")

    def run(*options):
        alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        done = subprocess.run(
            [*alone, sys.executable, RUN, *options], capture_output=True, text=True, timeout=880
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.timeout(900)
def test_tasks_are_done_once_though_a_host_dies(hosts):
    outcome = hosts("--tasks", "200", "--kill")  # a thousand take ten minutes

    assert outcome["said"] == {}
    assert outcome["tasks"] == 200
    assert outcome["wrong values"] == 0
    assert set(outcome["by"]) == {"client1", "client2"}
    # Of the host that died each of the two workers had at most one task in progress.
    assert outcome["runs"] <= 202
    assert {first for _, first, *_ in outcome["repeats"]} <= {"client2"}


def test_no_lease_is_given_of_what_is_done_where_the_server_computes_too(hosts):
    outcome = hosts("--tasks", "60", "--on-server")

    assert outcome["said"] == {}
    assert (outcome["tasks"], outcome["runs"], outcome["repeats"]) == (60, 60, [])
    assert outcome["wrong values"] == 0
