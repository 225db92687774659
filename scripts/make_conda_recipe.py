"""Write conda/recipe.yaml from the pyproject.toml of each distribution.

    python scripts/make_conda_recipe.py              writes it anew
    hatch run release:recipe                         renders it as rattler-build would

One conda package for each distribution, all from this checkout; what an extra asks for is
asked for by those who ask for the extra, as conda has none.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
CONDA_NAMES: Final = {"redis": "redis-py"}
"""What conda-forge calls a distribution of another name."""

HEAD: Final = (
    "# Made by scripts/make_conda_recipe.py: change the pyproject.toml of a package instead.\n"
)


def main(words: list[str]) -> int:
    """Write the recipe, or render the one that is there, and return the exit status."""
    if words == ["--check"]:
        return rendered()
    write(ROOT)
    return 0


def path_of(root: Path) -> Path:
    """Return where the recipe is in a checkout."""
    return root / "conda" / "recipe.yaml"


def write(root: Path) -> None:
    """Write the recipe of a checkout anew."""
    path_of(root).write_text(recipe(root))


def recipe(root: Path) -> str:
    """Return the text of the recipe."""
    tables = {
        path.name: tomllib.loads((path / "pyproject.toml").read_text())
        for path in sorted(root.glob("packages/*"))
    }
    version = tables["jug"]["project"]["version"]
    content = {
        "schema_version": 1,
        "recipe": {"name": "jug-packages", "version": version},
        "source": {"path": "..", "use_gitignore": True},
        "outputs": [output(table, tables) for table in tables.values()],
    }
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=100)


def output(table: dict[str, Any], tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the conda package of a distribution."""
    project = table["project"]
    name, python = project["name"], project["requires-python"]
    script = [f"python -m pip install ./packages/{name} --no-deps --no-build-isolation -vv"]
    build: dict[str, Any] = {"number": 0, "noarch": "python", "script": script}
    commands = [f"{command} = {where}" for command, where in project.get("scripts", {}).items()]
    if name == "jug":  # its commands are those of jug-cli, which a conda package may not have again
        script += [f"rm -f $PREFIX/bin/{command.split()[0]}" for command in commands]
    elif commands:
        build["python"] = {"entry_points": commands}
    hatchling = f"hatchling {table['build-system']['requires'][0].removeprefix('hatchling')}"
    return {
        "package": {"name": name, "version": project["version"]},
        "build": build,
        "requirements": {
            "host": [f"python {python.removeprefix('>=')}.*", "pip", hatchling],
            "run": [f"python {python}", *needs(project, tables)],
        },
        "tests": [{"script": ["jug --version"]} if commands else {"python": {"imports": ["jug"]}}],
        "about": {
            "summary": project["description"],
            "license": "MIT",
            "license_file": f"packages/{name}/LICENSE",
        },
    }


def needs(project: dict[str, Any], tables: dict[str, dict[str, Any]]) -> list[str]:
    """Return what a distribution needs, and the extras that it asks for, as conda says it."""
    found = set[str]()
    for need in project["dependencies"]:
        name, extras, bounds = parts(need)
        found.add(f"{CONDA_NAMES.get(name, name)} {bounds}")
        for extra in extras:
            for other in tables[name]["project"]["optional-dependencies"][extra]:
                name_of_other, _, bounds_of_other = parts(other)
                found.add(f"{CONDA_NAMES.get(name_of_other, name_of_other)} {bounds_of_other}")
    return sorted(found)


def parts(need: str) -> tuple[str, list[str], str]:
    """Return name, extras and bounds of a requirement.

    >>> parts("jug-cli[shell]>=1.0,<2")
    ('jug-cli', ['shell'], '>=1.0,<2')
    """
    match = re.fullmatch(r"([\w-]+)(?:\[([\w,]+)\])?(.*)", need)
    assert match, need
    return match[1], (match[2] or "").split(",") if match[2] else [], match[3]


def rendered() -> int:
    """Render the recipe as rattler-build does, and print what comes out."""
    from rattler_build import (  # type: ignore[import-not-found]  # of the environment `release`
        RenderConfig,
        Stage0Recipe,
        VariantConfig,
    )

    stage0 = Stage0Recipe.from_file(path_of(ROOT))
    for variant in stage0.render(VariantConfig(), RenderConfig()):
        package = variant.recipe.package
        print(f"{package.name} {package.version}: {variant.recipe.build.string}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
