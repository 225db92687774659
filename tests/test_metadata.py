"""What a package index shows of each distribution is complete, and alike where it must be."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import make_conda_recipe  # noqa: E402

sys.path.pop(0)
PACKAGES = sorted(ROOT.glob("packages/*"))
PYTHONS = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]["hatch-test"]["matrix"]


def project_of(package: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_distribution_says_what_it_is_and_what_it_needs(package: Path) -> None:
    project = project_of(package)

    assert project["name"] == package.name
    assert re.fullmatch(r"[A-Z][^\n]{15,80}[^.\n]", project["description"])
    assert len(project["keywords"]) >= 4
    assert project["license"] == "MIT"
    assert project["requires-python"] == f">={PYTHONS[0]['python'][0]}"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_its_classifiers_name_each_python_that_it_is_tested_with(package: Path) -> None:
    classifiers = project_of(package)["classifiers"]
    pythons = [c.rpartition(" ")[2] for c in classifiers if re.search(r"Python :: 3\.\d+$", c)]

    assert pythons == [python for row in PYTHONS for python in row["python"]]
    assert {"Operating System :: POSIX :: Linux", "Operating System :: MacOS"} <= {*classifiers}
    assert classifiers == sorted(set(classifiers))


def test_classifiers_are_the_same_for_all() -> None:
    first, *others = ({*project_of(package)["classifiers"]} for package in PACKAGES)

    assert [first ^ other for other in others] == [set()] * len(others)


def test_all_name_the_paper_that_is_to_be_cited() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["preferred-citation"]["doi"]

    found = {project_of(package)["urls"]["Paper"] for package in PACKAGES}
    assert found == {f"https://doi.org/{cited}"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_its_long_description_has_no_link_that_an_index_cannot_follow(package: Path) -> None:
    text = (package / project_of(package)["readme"]).read_text()

    assert text.startswith(f"# {package.name}\n")
    assert [link for link in re.findall(r"\]\(([^)]*)\)", text) if "://" not in link] == []


def test_public_ci_runs_the_tests_with_each_python_on_both_systems() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    matrix = workflow["jobs"]["fast"]["strategy"]["matrix"]
    local = (ROOT / ".ci" / "run").read_text()

    assert matrix["python"] == [python for row in PYTHONS for python in row["python"]]
    assert [system.partition("-")[0] for system in matrix["os"]] == ["ubuntu", "macos"]
    assert {"run": "bash .ci/run"} in workflow["jobs"]["everything"]["steps"]
    assert f"for version in {' '.join(matrix['python'][:0:-1])}; do" in local


def test_the_conda_recipe_is_that_of_the_distributions() -> None:
    """If not, run `hatch run python scripts/make_conda_recipe.py`."""
    assert make_conda_recipe.path_of(ROOT).read_text() == make_conda_recipe.recipe(ROOT)
