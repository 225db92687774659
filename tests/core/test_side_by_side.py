"""jug 2.x beside jug-core, and jug-core without what jug 2.x took along."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns, make_archive
from subprocess import run

import pytest

import jug
from jug._side_by_side import folders_of

CORE = Path(jug.__file__).parent
STAND_IN = Path(__file__).parents[2] / "packages" / "jug-core" / "stand_in.py"


def python(*arguments: str, path: list[Path]) -> str:
    """Run Python with these folders and no installed packages; return the last line it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-S", *arguments]
    done = run(command, capture_output=True, text=True, env=environment)
    return (done.stderr if done.returncode else done.stdout).strip().rpartition("\n")[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder that has jug-core alone in it."""
    copytree(CORE, tmp_path / "site" / "jug", ignore=ignore_patterns("__pycache__"))
    return tmp_path / "site"


def test_where_both_are_in_one_folder_it_is_said_what_to_type(site: Path) -> None:
    (site / "jug" / "jug_version.py").touch()

    told = python("-c", "import jug", path=[site])
    assert told.startswith("ImportError: jug 2.x and parts of jug 3 are installed in one folder, ")
    assert 'For jug 3: pip install "jug>=3".' in told


def test_where_jug_2_was_installed_last_its_first_import_says_the_same(site: Path) -> None:
    (site / "jug" / "jug_version.py").touch()
    (site / "jug" / "__init__.py").write_text("from .task import TaskGenerator")

    assert "For jug 2.x: pip uninstall jug jug-adopt" in python("-c", "import jug", path=[site])


def test_of_jug_2_in_another_folder_nothing_is_taken(site: Path, tmp_path: Path) -> None:
    former = tmp_path / "former"
    (former / "jug").mkdir(parents=True)
    for module in "__init__", "jug_version", "compound":
        (former / "jug" / f"{module}.py").touch()

    assert python("-c", "import jug; print(*jug.__path__)", path=[site, former]) == f"{site}/jug"
    assert "pip install jug-mapreduce" in python("-c", "import jug.compound", path=[site, former])


PARTS_FOUND = """
import os, sys
from pathlib import Path
os.chdir(sys.argv[1])
sys.path += [None, b"bytes", Path("path"), "missing", "part", "part"]
import jug
os.chdir("/")
import jug.here, jug.backends.there
print(*jug.__path__, *jug.backends.__path__)
"""


def test_the_parts_are_found_wherever_python_looks_and_however_that_is_said(
    site: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part" / "jug"
    (part / "backends").mkdir(parents=True)
    (part / "here.py").touch()
    (part / "backends" / "there.py").touch()

    told = python("-c", PARTS_FOUND, str(tmp_path), path=[site])
    both = [f"{site}/jug", str(part)]
    assert told.split() == [*both, *(f"{folder}/backends" for folder in both)]


def test_parts_in_zip_files_are_found_too(site: Path, tmp_path: Path) -> None:
    zips = []
    for part, modules in (("core", site), ("more", tmp_path / "more")):
        folder = modules / "jug" / "backends"
        folder.mkdir(parents=True, exist_ok=True)
        if part == "more":
            (folder / "there.py").touch()
            for package in folder, folder.parent:
                (package / "__init__.py").touch()
        zips.append(Path(make_archive(str(tmp_path / part), "zip", modules)))

    assert python("-c", "import jug.backends.there; print('here')", path=zips) == "here"


def test_a_zip_file_is_looked_into_beside_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more" / "jug").mkdir(parents=True)
    (tmp_path / "more" / "jug" / "__init__.py").touch()
    zipped = make_archive(str(tmp_path / "more"), "zip", tmp_path / "more")
    monkeypatch.setattr(sys, "path", [*sys.path, zipped])

    found = folders_of("jug")
    assert found == [*jug.__path__, f"{zipped}/jug"]


def test_jug_is_imported_where_the_working_folder_was_removed(site: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); import jug; print('here')"

    assert python("-c", code, str(gone), path=[site]) == "here"


@pytest.fixture
def what_is_left(site: Path) -> Path:
    """Return the folder as uninstalling jug 2.x leaves it."""
    for package in "jug", "jug/backends", "jug/hooks":
        (site / package / "__init__.py").rename(site / package / "__init__.pyi")
    copyfile(STAND_IN, site / "jug.py")
    return site


def test_what_jug_2_takes_along_is_stood_in_for(what_is_left: Path) -> None:
    code = "import jug, jug.hooks.exit_checks; print(jug.Task(len).name, jug.hooks.KNOWN[2])"

    assert python("-c", code, path=[what_is_left]) == "builtins.len execute.task-executed1"


def test_a_stand_in_spans_the_distributions(what_is_left: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "jug" / "backends").mkdir(parents=True)
    (other / "jug" / "backends" / "theirs.py").touch()

    code = "import jug.backends.theirs as it; print(it.__name__)"
    assert python("-c", code, path=[what_is_left, other]) == "jug.backends.theirs"
    assert python("-c", code, path=[other, what_is_left]) == "jug.backends.theirs"


def test_a_stand_in_can_be_run(what_is_left: Path) -> None:
    (what_is_left / "jug" / "__main__.py").write_text("print(__name__, __spec__.name)")

    assert python("-m", "jug", path=[what_is_left]) == "__main__ jug.__main__"
    assert python("-m", "jug.__main__", path=[what_is_left]) == "__main__ jug.__main__"
