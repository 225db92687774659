"""A file beside the jugfile that has the name of a module of Python's own."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jug as jug_package
from jug.jugfile.hidden_modules import _NEEDED_LATER

Jug = Callable[..., tuple[int, str, str]]

FAILING = "from jug import Task\ndef fail(x):\n    return 1 / x\nTask(fail, 0)\n"

OF_ONE_COMMAND = {
    "__main__", "cProfile", "code", "getpass", "html", "http", "pdb", "pstats", "secrets", "tty",
    "xml", "socketserver",
}  # fmt: skip


@pytest.fixture(params=["jug", "python -m jug"], autouse=True)
def folder_is_searched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Python search the working directory from its beginning, or not as yet."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1" if request.param == "jug" else "")
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)  # with them each Python has imported more


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("file", ["json.py", "random/__init__.py", "traceback.py"])
def test_it_is_named_once(folder: Path, write: Callable[..., object], jug: Jug, file, jobs) -> None:
    write(FAILING)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("")

    _, _, err = jug("execute", "-j", jobs, "jugfile.py")

    name = file.partition("/")[0].removesuffix(".py")
    wanted = f"jug: {str(folder / file)!r} hides Python's own module {name}, which jug and others"
    assert err.count(wanted) == err.count(" hides ") == 1


def test_other_files_are_not_warned_of(folder, write, jug: Jug) -> None:
    write(FAILING)
    for name in ("helpers.py", "os.py", "json.txt", "random.pyi", "chunk.py"):
        (folder / name).write_text("")
    (folder / "logging").mkdir()

    assert " hides " not in jug("execute", "jugfile.py")[2]


def test_what_jug_imports_late_is_looked_for(folder: Path) -> None:
    """All that jug itself imports is there when the jugfile is read, or looked for."""
    (folder / "jugfile.py").write_text("import sys\nprint(*sys.modules)\n")
    command = [sys.executable, "-m", "jug", "execute", "jugfile.py"]
    there = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    imported = set[str]().union(*(imports_of(source) for source in sources()))

    late = imported & sys.stdlib_module_names - set(sys.builtin_module_names) - set(there)

    assert "json" in late
    assert late - OF_ONE_COMMAND <= {*_NEEDED_LATER}


def sources() -> Iterator[Path]:
    """Yield the modules of jug that commands use."""
    for folder in map(Path, jug_package.__path__):
        for source in folder.rglob("*.py"):
            if source.relative_to(folder).parts[0] not in ("testing", "tests"):
                yield source


def imports_of(source: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
