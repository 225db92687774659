"""Which results are stale after which edit: exactly those whose code really differs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug.backends.base import BaseStore
from jug.code import Answer, Comparison, accept, code_of, compare
from jug.jugfile import Jugfile
from jug.task import Task, alltasks

SAMPLE = Path(__file__).parent / "jugfiles" / "code_sample"
NOTHING: set[str] = set()


class Project:
    """A copy of the sample project, which can be edited and read anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))

    def read(self) -> list[Task[object]]:
        """Read the jugfile as a new process would."""
        for name in [path.stem for path in self.folder.glob("*.py")]:
            sys.modules.pop(name, None)
        alltasks.clear()
        return Jugfile(self.folder / "jugfile.py").read().tasks

    def run(self) -> None:
        for task in self.read():
            task.run()

    def compare(self, store: BaseStore) -> Comparison:
        return compare(self.read(), store)

    def stale(self, store: BaseStore) -> set[str]:
        """Return the functions whose results are stale, without their module."""
        return {one.name.removeprefix("jugfile.") for one in self.compare(store).stale}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: BaseStore) -> Iterator[Project]:
    folder = tmp_path / "project"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["jug"])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Project(folder)
    for path in SAMPLE.glob("*.py"):
        sys.modules.pop(path.stem, None)


EDITS = [
    # nothing that the code does
    ("a comment", "jugfile.py", "# a comment", "# another\n    # of two lines", NOTHING),
    ("a comment behind code", "jugfile.py", "LIMIT = 10  # how far", "LIMIT = 10", NOTHING),
    ("a docstring", "jugfile.py", "A docstring of\n    three lines.", "Else.", NOTHING),
    ("a docstring that goes", "far.py", '    """Deep."""\n', "", NOTHING),
    ("a docstring of a class", "models.py", '    """A model."""\n', "", NOTHING),
    ("a docstring of a module", "models.py", '"""Classes."""', '"""Models."""', NOTHING),
    ("moved lines", "jugfile.py", "import math\n", "import math\n\n\n# moved\n\n", NOTHING),
    ("spaces", "jugfile.py", "return x+1", "return (x  +  1)", NOTHING),
    ("quotes", "jugfile.py", "HANDLERS['one']", 'HANDLERS["one"]', NOTHING),
    ("a number otherwise", "far.py", "return x * 2", "return x * 0x2", NOTHING),
    ("an annotation", "jugfile.py", "def plain(x):", "def plain(x: int) -> int:", NOTHING),
    ("an annotation inside", "jugfile.py", "total : float = 0.5", "total = 0.5", NOTHING),
    ("an annotation of a method", "models.py", "size: int) -> None", "size: float)", NOTHING),
    ("a pass", "far.py", "return x * 2", "pass\n    return x * 2", NOTHING),
    ("an option of jug's", "jugfile.py", "@TaskGenerator\ndef plain",
     "@TaskGenerator(retries=2)\ndef plain", NOTHING),
    ("an unused function", "helpers.py", "def unused(x):\n    return x",
     "def unused(x):\n    return 2 * x", NOTHING),
    ("an unused value", "params.py", "UNUSED = 1", "UNUSED = 2", NOTHING),
    ("an import that is not used", "helpers.py", "import params", "import math\nimport params",
     NOTHING),
    ("another order of functions", "params.py", "RATE = 3\nSTART = 4", "START = 4\nRATE = 3",
     NOTHING),
    # what some tasks reach
    ("the function", "jugfile.py", "return x+1", "return x+2", {"plain"}),
    ("a helper two modules away", "far.py", "return x * 2", "return x * 3",
     {"two_away", "imports_inside"}),
    ("a value by import of everything", "far.py", "SHIFT = 7", "SHIFT = 8", {"two_away"}),
    ("a value of a module of a module", "params.py", "RATE = 3", "RATE = 4", {"through_module"}),
    ("a default", "params.py", "START = 4", "START = 5", {"with_default"}),
    ("a default that is another one", "jugfile.py", "y = params.START", "y = 4",
     {"with_default"}),
    ("a global number", "jugfile.py", "LIMIT = 10", "LIMIT = 11", {"in_limit"}),
    ("a table", "params.py", "[1, 2]", "[1, 3]", {"table"}),
    ("the project's decorator", "helpers.py", "f(*args) + 1", "f(*args) + 2", {"decorated"}),
    ("a decorator that goes", "jugfile.py", "@TaskGenerator\n@logged\n", "@TaskGenerator\n",
     {"decorated"}),
    ("a value that is closed over", "jugfile.py", "by_two = scaled(2)", "by_two = scaled(4)",
     {"closed_over"}),
    ("the inside of a closure", "helpers.py", "return x * k", "return k * x",
     {"closed_over", "closed_otherwise"}),
    ("a method of an argument", "models.py", "return self.size * self.scale",
     "return self.size", {"asks_model"}),
    ("a method of its base", "models.py", "self.answer() + self.K", "self.answer()",
     {"asks_model"}),
    ("an attribute of a class", "models.py", "K = 5", "K = 6", {"asks_model"}),
    ("an attribute of another class", "models.py", "kind = 'plain'", "kind = 'other'",
     {"makes_plain"}),
    ("a field of a class", "models.py", "scale: int = 1", "scale: int = 2", {"asks_model"}),
    ("a function in a container", "helpers.py", "return x + 100", "return x + 101", {"handled"}),
    ("a cached function", "jugfile.py", "return x * 5", "return x * 6", {"cached"}),
    ("a function that fills a cache", "helpers.py", "CACHE[x] = x * x", "CACHE[x] = x",
     {"memo"}),
    ("one of several by type", "helpers.py", "return x * 3", "return x * 4", {"dispatched"}),
    ("a compiled function", "jugfile.py", "return x * 2", "return x * 3", {"uses_compiled"}),
    ("how it is compiled", "jugfile.py", "@numba.njit", "@numba.njit(fastmath=True)",
     {"uses_compiled"}),
    ("what a partial has", "helpers.py", "partial(times, 2)", "partial(times, 3)", {"partly"}),
    ("what a partial calls", "helpers.py", "return k * x", "return x * k", {"partly"}),
    ("what is seen of a function that is not seen whole", "jugfile.py",
     "return getattr(x, name)", "return getattr(x, name, 0)", {"by_name"}),
    ("a local name", "jugfile.py", "RATE = 5", "RATE = 6", {"shadowed"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS]
)
def test_exactly_those_are_stale_whose_code_differs(
    project: Project, store: BaseStore, file: str, old: str, new: str, stale: set[str]
) -> None:
    project.run()
    assert project.stale(store) == NOTHING

    project.edit(file, old, new)

    assert project.stale(store) == stale


@pytest.mark.parametrize("words", ["black --quiet", "ruff format --quiet --isolated"])
def test_formatting_the_whole_project_makes_nothing_stale(
    project: Project, store: BaseStore, program: Callable[[str], str], words: str
) -> None:
    name, *options = words.split()
    project.run()
    before = [path.read_text() for path in sorted(project.folder.glob("*.py"))]

    subprocess.run([program(name), *options, str(project.folder)], check=True)

    assert [path.read_text() for path in sorted(project.folder.glob("*.py"))] != before
    assert project.stale(store) == NOTHING


def test_running_makes_nothing_stale_in_the_same_process(
    project: Project, store: BaseStore
) -> None:
    """Caches are filled by now, and numba has compiled."""
    project.run()

    assert not compare(list(alltasks), store).has_stale
    assert {code_of(task).text for task in alltasks} == {
        record.code for record in store.records([task.digest for task in alltasks]) if record
    }


def test_what_is_not_seen_whole_is_told(project: Project, store: BaseStore) -> None:
    project.run()

    found = project.compare(store)

    unseen = {one.name: one.unseen for one in found.names.values() if one.unseen}
    assert unseen == {
        "jugfile.by_name": ("jugfile.by_name: calls getattr with a name that is computed",)
    }
    (task,) = [task for task in alltasks if task.name == "jugfile.by_name"]
    assert found.answer(task.digest) is Answer.UNSEEN


def test_a_function_of_c_is_fresh(project: Project, store: BaseStore) -> None:
    project.run()

    found = project.compare(store)

    assert found.names["math.sin"].counts[Answer.FRESH] == 1


def test_a_change_that_was_accepted_is_no_change(project: Project, store: BaseStore) -> None:
    project.run()
    project.edit("far.py", "return x * 2", "return x + x")
    changes = [change for one in project.compare(store).stale for change in one.changes]

    assert accept(store, changes) == 2

    assert project.stale(store) == NOTHING
    project.edit("far.py", "return x + x", "return 2 * x")
    assert project.stale(store) == {"two_away", "imports_inside"}
    project.edit("far.py", "return 2 * x", "return x * 2")
    assert project.stale(store) == NOTHING


def test_a_change_shows_what_was_changed(project: Project, store: BaseStore) -> None:
    project.run()
    project.edit("far.py", "return x * 2", "return x * 3")

    (change,) = project.compare(store).names["jugfile.two_away"].changes

    assert not change.is_own
    assert change.first == change.last > 1e9
    assert [part.diff() for part in change.parts] == [
        "--- far.deep (then)\n"
        "+++ far.deep (now)\n"
        "@@ -1,3 +1,3 @@\n"
        " def deep(x):\n"
        '     """Deep."""\n'
        "-    return x * 2\n"
        "+    return x * 3\n"
    ]


def test_a_helper_that_is_moved_to_another_module_is_no_change(
    project: Project, store: BaseStore
) -> None:
    project.run()
    moved = "def times(k, x):\n    return k * x\n"
    project.edit("helpers.py", moved, "from params import times\n")

    project.edit("params.py", "UNUSED = 1\n", f"UNUSED = 1\n\n\n{moved}")

    assert project.stale(store) == NOTHING
