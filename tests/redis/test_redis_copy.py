"""`jug copy` to a server and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jug.backends.registry import open_store

pytest.importorskip("jug.cli.copy", reason="jug-cli is not installed", exc_type=ImportError)


def digits(number: int) -> str:
    return f"{number:040x}"


def copy(source: object, target: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "jug", "copy", str(source), str(target)])


@pytest.mark.slow
def test_a_copy_that_is_killed_on_the_way_is_finished_by_the_next(
    server: Any, tmp_path: Path
) -> None:
    url = server.url("copied")
    values = {digits(number): [number] * number for number in range(2000)}
    with open_store(tmp_path / "from") as store:
        for name, value in values.items():
            store.dump(value, name)

    killed = copy(tmp_path / "from", url)
    with open_store(url) as store, store.reader() as changes:
        while not list(store.list()):
            store.wait(changes, 1.0)
    killed.kill()
    killed.wait()

    assert copy(tmp_path / "from", url).wait() == 0
    assert copy(url, tmp_path / "back").wait() == 0
    with open_store(tmp_path / "back") as store:
        assert {name: store.load(name) for name in values} == values
