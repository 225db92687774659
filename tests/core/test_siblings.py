"""The names of other distributions are found in `jug`, or it is said who owns them."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distributions, version
from operator import attrgetter
from pathlib import Path
from subprocess import check_output, run

import pytest

import jug
from jug._siblings import _ALIASES, _HOMES, _OWNERS

OWNED = [
    *_OWNERS,
    *(f"jug.{name}" for name, home in {**_ALIASES, **_HOMES}.items() if home in _OWNERS),
]


def python_with_core_alone(code: str) -> str:
    """Run code where only jug-core can be imported; return what it printed."""
    source = Path(jug.__file__).parent.parent
    lines = [f"import sys; sys.path[:0] = [{str(source)!r}]", code]
    command = [sys.executable, "-I", "-S", "-c", "\n".join(lines)]
    return run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", sorted(OWNED))
def test_a_name_whose_distribution_is_missing_says_what_to_install(name: str) -> None:
    code = f"""
try:
    package, _, name = {name!r}.rpartition(".")
    exec(f"from {{package}} import {{name}}")
except ImportError as error:
    print(type(error).__name__, error.distribution, error)
"""

    printed = python_with_core_alone(code)

    owner = _OWNERS.get(name) or _OWNERS[_ALIASES.get(name[4:]) or _HOMES[name[4:]]]
    assert printed.startswith(f"DistributionMissing {owner} 'jug.")
    assert printed.endswith(f"is part of {owner}, which is not installed: pip install {owner}\n")


def test_all_names_that_are_installed_can_be_imported_at_once() -> None:
    pytest.importorskip("jug.options", exc_type=ImportError)
    printed = python_with_core_alone(
        "from jug import *\nprint(Task, init, dict_store)\nimport jug\n"
        "print('CompoundTask' in jug.__all__, 'redis_store' in dir(jug), 'init' in jug.__all__)"
    )

    assert "<class 'jug.task.task.Task'>" in printed
    assert printed.endswith("False False True\n")
    names: dict[str, object] = {}
    exec("from jug import *", names)
    assert {*jug.__all__} <= {*names} and "CompoundTask" in names and "redis_store" in names


def test_the_version_of_a_part_is_not_that_of_a_former_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("jug.options", exc_type=ImportError)

    def version_of_part(name: str) -> str:
        if name == "jug":
            raise PackageNotFoundError(name)
        return version(name)

    whole = jug.__version__
    monkeypatch.setattr("importlib.metadata.version", version_of_part)

    assert jug.__version__ == f"{whole}+core.{version('jug-core')}"


def test_a_former_release_in_another_folder_has_no_say_in_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"jug": "2.7.0", "jug-core": "1.0"}.get)

    assert jug.__version__ == "3.0.0+core.1.0"


def test_init_needs_no_command_to_use_the_jugdir_of_the_environment(tmp_path: Path) -> None:
    jugfile = tmp_path / "simple.py"
    jugfile.touch()
    code = f"""
import os, jug
os.environ["JUG_JUGDIR"] = "nowhere:results"
try:
    jug.init({str(jugfile)!r})
except ValueError as error:
    print(type(error).__name__, error.scheme)
"""

    assert python_with_core_alone(code) == "UnknownStore nowhere\n"


def test_a_name_that_nobody_owns_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="module 'jug' has no attribute 'nonsense'"):
        attrgetter("nonsense")(jug)
    with pytest.raises(ModuleNotFoundError, match="No module named 'jug.nonsense'"):
        import_module("jug.nonsense")


def test_names_are_listed_before_they_are_fetched() -> None:
    assert set(jug.__all__) <= set(dir(jug))


def test_the_version_is_that_of_jug_and_of_its_core_where_that_is_alone() -> None:
    pytest.importorskip("jug.options", exc_type=ImportError)
    installed = {found.name for found in distributions()}

    assert jug.__version__ == version("jug" if "jug" in installed else "jug-core")


HEAVY = {
    "ast", "dataclasses", "difflib", "inspect", "json", "logging", "numbers", "numpy", "pathlib",
    "shlex",
}  # fmt: skip


def test_importing_jug_imports_nothing_heavy():
    code = "import sys; before = {*sys.modules}; import jug; print(*{*sys.modules} - before)"
    loaded = check_output([sys.executable, "-c", code], text=True)

    assert HEAVY.isdisjoint(loaded.split())
