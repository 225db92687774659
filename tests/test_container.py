"""The container file is held against the project: this needs nothing that builds it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "containers" / "worker.Dockerfile").read_text()


def instructions() -> Iterator[tuple[str, str]]:
    """Yield each instruction and what it is given."""
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    for line in code.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, " ".join(rest.split())


def given(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


@pytest.fixture(scope="module")
def projects() -> list[dict[str, object]]:
    """The [project] table of each distribution."""
    files = ROOT.glob("packages/*/pyproject.toml")
    return [tomllib.loads(file.read_text())["project"] for file in files]


def test_it_is_built_on_one_python_that_all_distributions_are_tested_with(projects) -> None:
    images = {image.split()[0] for image in given("FROM")}

    assert len(images) == 1
    (python,) = re.findall(r"^python:(3\.\d+)-slim$", images.pop())
    for project in projects:
        assert f"Programming Language :: Python :: {python}" in project["classifiers"]


def test_it_gets_the_sources_of_all_distributions_and_installs_what_is_made_of_them() -> None:
    (copied, target), (build, install) = given("COPY")[0].split(), given("RUN")
    (wheels,) = re.findall(r"--wheel-dir (\S+)", build)

    assert {file.parents[1].name for file in ROOT.glob("*/*/pyproject.toml")} == {copied}
    assert f"!{copied}" in (ROOT / ".dockerignore").read_text().split()
    assert build.split()[-1] == f"{target}/*"
    assert f"from=wheels,source={wheels},target={wheels} " in install
    assert f" {wheels}/*.whl " in install


def test_it_runs_jugs_command_as_nobody_where_the_jugfile_is_mounted(projects) -> None:
    scripts = {name for project in projects for name in project.get("scripts", {})}

    assert json.loads(given("ENTRYPOINT")[0])[0] in scripts
    assert given("USER") == ["65534:65534"]
    mounted = re.search(r'-v "\$PWD:(\S+)"', TEXT)
    assert mounted is not None and given("WORKDIR") == [mounted[1]]


def test_what_its_head_says_to_type_is_right() -> None:
    build, run = (shlex.split(line[1:]) for line in re.findall(r"^#   docker.*", TEXT, re.M))

    assert (ROOT / build[build.index("-f") + 1]).read_text() == TEXT
    assert build[build.index("-t") + 1] in run
    assert (ROOT / "examples" / run[-1]).exists()
