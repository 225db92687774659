"""What tests of every distribution need: a clean home, and services that may be missing."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

settings.register_profile("jug", deadline=None)  # a busy machine is not a failure
settings.load_profile("jug")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each of several processes begin with other files than the next.

    Each imports all of them, and who comes first compiles a file, with what its asserts are to
    tell, for the others too.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is not None:
        paths = sorted(_chosen(session.config.args))
        for path in paths[int(worker["workerid"][2:]) :: worker["workercount"]]:
            with suppress(Exception, pytest.skip.Exception):  # which the collection tells
                import_module(".".join(path.with_suffix("").parts))


def _chosen(arguments: list[str]) -> Iterator[Path]:
    """Yield the files of tests that are asked for, as seen from the root."""
    here = Path(__file__).parent
    for argument in arguments:
        path = Path(argument.partition("::")[0]).resolve()
        for file in path.rglob("test_*.py") if path.is_dir() else [path]:
            if file.is_relative_to(here) and file.suffix == ".py":
                yield file.relative_to(here.parent)


@pytest.hookimpl(trylast=True)  # of what is left when -m and -k have chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core is idle at the end while another runs it.

    Each worker of pytest-xdist is given the next part of the list, and what is taken off it
    later is taken from its end; so each part has its share of the long ones, at its head.
    The others stay in order, beside those that use the same fixtures.
    """
    long = sorted(filter(_time_limit, items), key=_time_limit, reverse=True)
    short = [item for item in items if not _time_limit(item)]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    total, items[:] = len(items), []
    for worker in range(workers):
        share = long[worker::workers]
        others = max((total - len(items)) // (workers - worker) - len(share), 0)
        items += share + short[:others]
        del short[:others]


def _time_limit(item: pytest.Item) -> float:
    """Return the seconds that a test asks for by itself; 0 where its whole module does, or none."""
    return max((float(m.args[0]) for m in item.own_markers if m.name == "timeout"), default=0.0)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_as_in_the_foreground() -> None:
    """Undo what a shell does to programs in the background: they and theirs ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


SETTINGS = {
    *("PYTHONUNBUFFERED", "PYTHONHASHSEED"),
    *("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PYTHON_COLORS"),
}
"""What changes how Python and commands behave."""


@pytest.fixture(autouse=True)
def clean_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hide the settings of whoever runs the tests, and have Python as users have it."""
    for name in os.environ:
        if name.startswith("JUG_") or name in SETTINGS:
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
