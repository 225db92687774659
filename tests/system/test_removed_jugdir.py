"""A jugdir that is removed while workers use it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

JUGFILE = """
import os, shutil
from jug import TaskGenerator

@TaskGenerator
def make(i):
    while i == 3 and os.path.exists("jugfile.jugdata"):  # again if another has written meanwhile
        shutil.rmtree("jugfile.jugdata", ignore_errors=True)
    return bytes(SIZE)

@TaskGenerator
def after(made):
    pass

after([make(i) for i in range(6)])
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("size", ["1", "200_000"])
def test_that_it_was_removed_is_said_and_it_stays_so(folder, write, jug, size, jobs):
    write(JUGFILE.replace("SIZE", size))

    status, _, err = jug("execute", "-j", jobs)

    assert status == 1
    assert "/jugfile.jugdata" in err
    assert "was removed while in use: run again to compute what is lost" in err
    assert "Traceback" not in err
    assert not (folder / "jugfile.jugdata").exists()
