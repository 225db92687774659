"""Files of a jugdir that somebody deletes while a command runs, as cleaners do that go by age."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Journal

JUGFILE = """
import glob
import os
from pathlib import Path
from jug import TaskGenerator
from journal import log

@TaskGenerator
def f(number):
    log(number)
    if number == 5 and not Path("deleted").exists():
        Path("deleted").touch()
        for name in glob.glob("jugfile.jugdata/PATTERN"):
            if os.path.isfile(name):
                os.unlink(name)
    return bytes([number]) * SIZE

results = [f(number) for number in range(9)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, 3], ids=["own", "of an earlier run"])
@pytest.mark.parametrize("size", [1, 200_000], ids=["small", "large"])
@pytest.mark.parametrize("pattern", ["format", "segments/*", "big/*/*", "[!l]*/**"])
def test_what_is_called_done_at_the_end_is_there(
    journal: Journal,
    write: Callable[..., None],
    jug: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    size: int,
    before: int,
) -> None:
    write(JUGFILE.replace("PATTERN", pattern).replace("SIZE", str(size)))
    if before:
        with monkeypatch.context() as patch:
            patch.setenv("JUG_MAX_TASKS", str(before))
            assert jug("execute")[0] == 0

    status, out, err = jug("execute")

    assert Path("deleted").exists()
    assert status == 0, out + err
    assert jug("check", "--verify")[0] == 0, out + err
    assert jug("status", "--short")[1] == "All tasks complete (9 tasks).\n"
    assert len(journal()) < 2 * 9
    assert Path("jugfile.jugdata/format").exists()
