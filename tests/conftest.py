"""What tests of every distribution need: a clean home, and services that may be missing."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

settings.register_profile("jug", deadline=None)  # a busy machine is not a failure
settings.load_profile("jug")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core is idle at the end while another runs it.

    What looks at the clock is one group, and those of it that do next to nothing but wait are
    another, named `waits`: `--dist=loadgroup` runs one of each group at a time.
    """
    items.sort(key=_time_limit, reverse=True)
    for item in items:
        if item.get_closest_marker("clock") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("clock"))


def _time_limit(item: pytest.Item) -> float:
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit is not None and limit.args else 0.0


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_as_in_the_foreground() -> None:
    """Undo what a shell does to programs in the background: they and theirs ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hide the settings of whoever runs the tests, and have Python as users have it."""
    for name in os.environ:
        if name.startswith("JUG_") or name in ("PYTHONUNBUFFERED", "PYTHONHASHSEED"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture(scope="session")
def unavailable() -> Callable[[str], NoReturn]:
    """Call with what is missing: skips the test, or fails it in continuous integration."""

    def stop(what: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(f"{what} is missing, and continuous integration must have it")
        pytest.skip(f"{what} is missing")

    return stop


@pytest.fixture(scope="session")
def program(unavailable: Callable[[str], NoReturn]) -> Callable[[str], str]:
    """Call with the name of a program that a test needs: returns its path."""

    def find(name: str) -> str:
        return shutil.which(name) or unavailable(f"the program {name}")

    return find


@pytest.fixture(scope="session")
def pythons() -> list[Path]:
    """Return every Python from 3.11 on that this machine has, as far as it is easily found."""
    names = [f"python3.{minor}" for minor in range(11, 15)]
    folders = [Path(folder) for folder in os.get_exec_path() if "shims" not in folder]
    folders += Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin")
    found = {n: folder / n for n in names for folder in folders if (folder / n).exists()}
    return list(found.values())
