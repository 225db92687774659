"""Build every distribution, and check what a user would install.

First the wheels are looked into: no file may be in two of them, and the
packages that all of them share belong to jug-core.  Then each is installed
alone, in an environment of its own, with just what it declares: the siblings
that it asks for come from ``dist``, the rest from the package index.  Every
module of every jug distribution that came along must be importable, and every
entry point must load.  Last, all of them are installed together.

Not imported are ``jug.testing`` and ``jug.tests``, which need the extra ``testing``,
``jug.__main__``, which runs, and the hashes of a library's values, such as
``jug.hash.numpy``, which are loaded by those who have that library loaded.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.parser import Parser
from pathlib import Path
from shutil import rmtree
from subprocess import PIPE, STDOUT, CalledProcessError, run
from tempfile import TemporaryDirectory
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
UV = os.environ.get("HATCH_UV", "uv")
Command = Sequence[str | Path]
SHARED = ["jug/__init__.py", "jug/backends/__init__.py", "jug/testing/__init__.py", "jug/py.typed"]

IMPORT_ALL = """
from importlib import import_module
from importlib.metadata import distributions

for distribution in distributions():
    if distribution.name == "jug" or distribution.name.startswith("jug-"):
        for file in distribution.files:
            module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            wanted = file.suffix == ".py" and file.stem != "__main__"
            libraries = [
                f"jug.hash.{name}"
                for name in ("numba", "numpy", "pandas", "polars", "pyarrow", "pydantic", "xarray")
            ]
            if wanted and not module.startswith(("jug.test", *libraries)):
                import_module(module)
        for entry_point in distribution.entry_points:
            entry_point.load()
        if distribution.name == "jug-cli":
            import_module("jug.report.page").policy(is_live=True)  # has its style and its script
        print("   ", distribution.name, distribution.version, flush=True)
"""


def main() -> int:
    """Print what is wrong, one line each, and return the exit status."""
    wheels = build()
    problems = [*misplaced_files(wheels), *missing_licences(wheels)]
    trials = {f"{name_of(wheel)} alone": [wheel] for wheel in wheels} | {"all together": wheels}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        outcomes = threads.map(install_and_import, trials.values(), [wheels] * len(trials))
        for trial, (works, said) in zip(trials, outcomes, strict=True):
            print(f"{trial}:\n{said}", end="", flush=True)
            if not works:
                problems.append(f"{trial}: cannot be installed and imported, see above")
    for problem in problems:
        print(problem)
    return bool(problems)


def build() -> list[Path]:
    """Return the wheels, each built from its source distribution."""
    rmtree(DIST, ignore_errors=True)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        [*threads.map(build_one, ROOT.glob("packages/*"))]
    return sorted(DIST.glob("*.whl"))


def build_one(package: Path) -> None:
    """Build the source distribution of a package, and the wheel from that."""
    run([UV, "build", "--quiet", "--out-dir", DIST, package], check=True)


def misplaced_files(wheels: list[Path]) -> list[str]:
    """Return a line for each file that is in two wheels, or in the wrong one."""
    owners: dict[str, list[str]] = defaultdict(list)
    for wheel in wheels:
        for name in ZipFile(wheel).namelist():
            owners[name].append(name_of(wheel))
    return [
        *(f"{name} is in {' and '.join(found)}" for name, found in owners.items() if found[1:]),
        *(f"{name} must come from jug-core" for name in SHARED if owners[name] != ["jug-core"]),
    ]


def missing_licences(wheels: list[Path]) -> list[str]:
    """Return a line for each wheel without the licence of the project."""
    text = (ROOT / "LICENSE").read_bytes()
    return [
        f"{wheel.name} has another LICENSE than the project"
        for wheel in wheels
        if all(
            ZipFile(wheel).read(name) != text
            for name in ZipFile(wheel).namelist()
            if name.endswith("/licenses/LICENSE")
        )
    ]


def install_and_import(chosen: list[Path], wheels: list[Path]) -> tuple[bool, str]:
    """Install the chosen wheels in a new environment and import all that came.

    Returns whether that was possible, and what was printed.
    """
    with TemporaryDirectory() as folder:
        siblings = Path(folder, "siblings.txt")
        siblings.write_text("".join(f"{name_of(w)} @ {w.as_uri()}\n" for w in wheels))
        python = Path(folder, "env", "bin", "python")
        install: Command = [UV, "pip", "install", "--quiet", "--python", python]
        steps: list[Command] = [
            [UV, "venv", "--quiet", "--python", sys.executable, python.parent.parent],
            [*install, "--constraint", siblings, *chosen],
            [python, "-I", "-c", IMPORT_ALL],
        ]
        said = ""
        try:
            for step in steps:
                said += run(
                    step, check=True, cwd=folder, stdout=PIPE, stderr=STDOUT, text=True
                ).stdout
        except CalledProcessError as error:
            return False, said + error.stdout
        return True, said


def name_of(wheel: Path) -> str:
    """Return the name of the distribution in a wheel."""
    with ZipFile(wheel) as archive:
        [metadata] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return str(Parser().parsestr(archive.read(metadata).decode())["Name"])


if __name__ == "__main__":
    sys.exit(main())
