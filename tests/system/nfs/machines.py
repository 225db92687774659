"""Machines with kernels of their own: User-Mode Linux, which runs a kernel as a process.

They see this machine's files, read-only, are joined by a network, and one of them has
a disk that it exports by NFS.  All of it lies in the network namespace of the process
that imports this, so run that by `unshare --net --pid --fork --kill-child`.

`JUG_UML` names another kernel than Debian's, and `JUG_UML_MODULES` the folder of its
modules.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

KERNEL: Final = os.environ.get("JUG_UML", "linux.uml")
HERE: Final = Path(__file__).parent
MARK: Final = "\x01"
STORE: Final = "/mnt/store"
LEASE: Final = 10
"""How many seconds a client may be silent before the server takes back what it gave it."""


class Machine:
    """One guest; it has booted when `wait_for_boot` returns."""

    def __init__(self, name: str, number: int, scratch: Path, disk: Path | None = None) -> None:
        self.name, self.address = name, f"10.77.0.{number}"
        _run(f"ip tuntap add dev tap{number} mode tap vnet_hdr")
        _run(f"ip link set tap{number} master br0 up")
        command = [
            KERNEL,
            "mem=256M",
            "rootfstype=hostfs",
            "root=/dev/root",
            "ro",
            f"init={HERE / 'guest.sh'}",
            f"python={sys.executable}",
            f"modules={_modules()}",
            f"notes={scratch}",
            f"name={name}",
            f"address={self.address}",
            f"vec0:transport=tap,ifname=tap{number},depth=64",
            "con=null",
            "con0=fd:0,fd:1",
            "ssl=null",
            "quiet",
            f"umid={name}",
            f"uml_dir={scratch}/",
            *([] if disk is None else [f"ubd0={disk}"]),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | _with_wide_registers(scratch) | {"TMPDIR": "/dev/shm"},
            start_new_session=True,
            text=True,
        )
        self._said: list[str] = []

    def wait_for_boot(self) -> None:
        self._answer()

    def run(self, command: str) -> str:
        """Run a shell command there and return what it printed."""
        status, output = self.try_to_run(command)
        if status:
            raise RuntimeError(f"{self.name}: {command}: status {status}: {output}")
        return output

    def try_to_run(self, command: str) -> tuple[int, str]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        status, output = json.loads(self._answer())
        return status, output

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            before, mark, answer = line.partition(MARK)
            if mark:
                return answer
            self._said.append(before)
        raise RuntimeError(f"{self.name} died: {''.join(self._said[-20:])}")

    def kill(self) -> None:
        """End it as if its power had failed."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    # The file server and its clients

    def load(self, *modules: str) -> None:
        self.run("; ".join(f"modprobe -d /mnt {module}" for module in modules))

    def serve(self) -> None:
        """Export the disk."""
        self.load("nfsd")
        self.run(
            f"mount /dev/ubda {STORE} && chmod 777 {STORE} && cd /var/lib/nfs && "
            "mkdir -p v4recovery rpc_pipefs sm && touch etab rmtab xtab && "
            "mount -t nfsd nfsd /proc/fs/nfsd && "
            f"exportfs -o rw,sync,no_root_squash,no_subtree_check,insecure,fsid=0 '*:{STORE}' && "
            f"rpc.nfsd -L {LEASE} -G {LEASE} --no-nfs-version 3 4 && "
            "rpc.mountd --no-nfs-version 3 && "
            # Linux 7.2 refuses it without a record of clients; then the grace just passes.
            "{ (echo Y > /proc/fs/nfsd/v4_end_grace) 2>/dev/null || true; }"
        )

    def mount(self, server: Machine) -> None:
        """See the server's disk where the server has it."""
        self.load("nfs", "nfsv4")
        self.run(f"mount -t nfs4 {server.address}:/ {STORE}")


def network() -> None:
    """Make what the machines are plugged into."""
    _run("ip link set lo up; ip link add br0 type bridge; ip link set br0 up")


def disk(path: Path, megabytes: int = 256) -> Path:
    """Make a disk with an empty file system."""
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    _run(f"mkfs.ext4 -q {path}")
    return path


def _version() -> str:
    said = subprocess.run([KERNEL, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def _modules() -> Path:
    return Path(os.environ.get("JUG_UML_MODULES", "/usr/lib/uml/modules")) / _version()


def _with_wide_registers(scratch: Path) -> dict[str, str]:
    """Return what lets kernels before 6.13 run on processors of today."""
    if [int(part) for part in _version().split(".")[:2]] >= [6, 13]:
        return {}
    library = scratch / "wide_registers.so"
    if not library.exists():
        _run(f"cc -shared -fPIC -O1 -o {library} {HERE / 'wide_registers.c'}")
    return {"LD_PRELOAD": str(library)}


def _run(command: str) -> None:
    subprocess.run(command, shell=True, check=True)
