"""Results do not pile up in a worker's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

MB = 1 << 20

PROGRAM = """
import sys, zlib
from pathlib import Path
from jug import TaskGenerator

if sys.argv[1:] == ["arrays"]:
    import numpy

    def make_one(i):
        return numpy.full(16 * 2**20 // 8, i, dtype=float)
else:
    def make_one(i):
        return bytes([i]) * (16 * 2**20)

def note_peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            Path("peak").write_text(line.split()[1])

@TaskGenerator
def make(i):
    note_peak()
    return make_one(i)

@TaskGenerator
def shrink(result):
    checksum = zlib.crc32(result)  # reads all of it
    note_peak()
    return checksum

@TaskGenerator
def total(parts):
    note_peak()
    return sum(parts)

total([shrink(make(i)) for i in range(30)])
"""

ALL_AT_ONCE = PROGRAM.replace(
    "total([shrink(make(i)) for i in range(30)])",
    "made = [make(i) for i in range(30)]\nbarrier()\ntotal([shrink(one) for one in made])",
).replace("import TaskGenerator", "import TaskGenerator, barrier")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "kind", "jobs"),
    [(PROGRAM, "bytes", "1"), (PROGRAM, "arrays", "2"), (ALL_AT_ONCE, "arrays", "1")],
    ids=["bytes", "arrays by two workers", "arrays that all lie there"],
)
def test_thirty_results_of_sixteen_megabytes_take_less_than_two_hundred(
    write, jug, program, kind, jobs
):
    write(program)

    status, out, err = jug("execute", "-j", jobs, "jugfile.py", kind)

    assert (status, err) == (0, "")
    assert int(Path("peak").read_text()) * 1024 < 200 * MB
