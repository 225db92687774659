"""Check that jug 2.x and jug 3 can follow each other in one environment, by every installer.

jug 2.x is one distribution, ``jug``; jug 3 is eight, and one of them has that name.  An installer
writes the files of a new distribution before or after it removes those of an old one, and what it
removes is whatever has the name by then.  So each history below is gone through with the pip that
Python 3.11 began with, the newest one, and uv, and after each step it is seen what a user would
see: what ``import jug`` gives, and what is found by a task that the command ``jug`` runs.

Needs the wheels that ``check_wheels.py`` leaves in ``dist``, and jug 2.x from the package index.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree
from subprocess import DEVNULL, run
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import ZipFile

from check_wheels import DIST, UV, Command, name_of

ALL = " ".join(sorted(map(name_of, DIST.glob("*.whl"))))
SHARED = {"jug/__init__.py", "jug/backends/__init__.py", "jug/hooks/__init__.py"}
"""The files of ours for which jug 2.x has one of the same name, and jug-core a stand-in."""


class Seen(NamedTuple):
    """The version of jug that a user finds, or how that fails."""

    by_import: str
    by_command: str


def both(found: str) -> Seen:
    """Return what is seen where the command finds what is imported."""
    return Seen(found, found)


def version_of(distribution: str) -> str:
    """Return the version of a distribution that was built."""
    [wheel] = DIST.glob(f"{distribution.replace('-', '_')}-*.whl")
    return wheel.name.split("-")[1]


INSTALLERS = {"pip==22.3": ["pip"], "pip": ["pip"], "uv": ["uv", "pip"]}
"""What is installed, and which module of it is run."""

NOTHING = both("no file is left")
TWO_SEVEN, TWO_FIVE = both("2.7.0"), both("2.5.0")
TOLD = both(
    "ImportError: jug 2.x and parts of jug 3 are installed in one folder, SITE/jug, where neither "
    f'works.  For jug 3: pip install "jug>=3".  For jug 2.x: pip uninstall {ALL}, '
    'then pip install "jug<3"'
)
NO_CLI = (
    "Error while finding module specification for 'jug.__main__' "
    "(DistributionMissing: 'jug.__main__' is part of jug-cli, which is not installed: "
    "pip install jug-cli); 'jug' is a package and cannot be directly executed"
)
NO_CORE = Seen(
    "ModuleNotFoundError: No module named 'jug.backends.base'",
    "ImportError: jug-core is not installed, and nothing of jug works without it: "
    "pip install jug-core",
)
WHOLE = version_of("jug")
PART = f"{WHOLE}+core.{version_of('jug-core')}"
THREE, PARTS = both(WHOLE), both(PART)
PARTS_WITHOUT_COMMAND = Seen(PART, f"python -m jug: {PART}")
PARTS_WITHOUT_CLI = Seen(PART, f"python -m jug: {NO_CLI}")
STAND_IN_WITHOUT_CLI = Seen(PART, f"python -m jug: ImportError: {NO_CLI}")

HISTORIES = {
    "upgraded": [
        ("install jug==2.7.0", TWO_SEVEN),
        ("install --upgrade jug", THREE),
        ("uninstall jug", PARTS_WITHOUT_COMMAND),
        ("install jug", THREE),
        (f"uninstall {ALL}", NOTHING),
    ],
    "upgraded from 2.5, and a part installed anew": [
        ("install jug==2.5.0", TWO_FIVE),
        ("install --upgrade jug", THREE),
        ("install --no-deps --force-reinstall jug-core", THREE),
        (f"uninstall {ALL}", NOTHING),
        ("install jug==2.5.0", TWO_FIVE),
    ],
    "upgraded with extras": [
        ("install jug[completion]==2.7.0", TWO_SEVEN),
        ("install --upgrade jug[completion] jug-cli[shell] jug-mapreduce[numpy,yaml]", THREE),
    ],
    "uninstalled and installed": [
        ("install jug==2.7.0", TWO_SEVEN),
        ("uninstall jug", NOTHING),
        ("install jug", THREE),
        ("uninstall jug-cli", Seen(WHOLE, f"python -m jug: {NO_CLI}")),
        ("install jug-cli", THREE),
    ],
    "one at a time": [
        ("install jug==2.7.0", TWO_SEVEN),
        ("install jug-core", TOLD),
        ("install jug-file", TOLD),
        ("install jug-redis", TOLD),
        ("install jug-mapreduce[numpy,yaml]", TOLD),
        ("install jug-cli[shell]", TOLD),
        ("install jug-adopt[redis]", TOLD),
        ("install jug-batch", TOLD),
        ("install jug>=3", THREE),
    ],
    "down, and up again": [
        ("install jug", THREE),
        ("install jug==2.7.0", TOLD),
        ("install --upgrade jug", THREE),
        ("install jug==2.5.0", TOLD),
        (f"uninstall {ALL}", NOTHING),
        ("install jug<3", TWO_SEVEN),
    ],
    "jug-core beside 2.7, and more later": [
        ("install jug==2.7.0", TWO_SEVEN),
        ("install jug-core", TOLD),
        ("uninstall jug", STAND_IN_WITHOUT_CLI),
        ("install jug-cli", PARTS),
        ("install jug", THREE),
    ],
    "jug-cli beside 2.7": [
        ("install jug==2.7.0", TWO_SEVEN),
        ("install jug-cli", TOLD),
        ("uninstall jug", PARTS_WITHOUT_COMMAND),
        ("install --no-deps --force-reinstall jug-cli", PARTS),
    ],
    "without jug 2.x": [
        ("install jug-core", PARTS_WITHOUT_CLI),
        ("install jug-cli", PARTS),
        ("install jug", THREE),
        ("uninstall jug", PARTS_WITHOUT_COMMAND),
    ],
    "jug-core taken away": [
        ("install jug", THREE),
        ("uninstall jug-core", NO_CORE),
        ("install jug-core", THREE),
    ],
}

IMPORT = """
from jug import *
import jug.backends.base, jug.hooks.exit_checks

print(jug.__version__)
"""

JUGFILE = """
import jug


@jug.TaskGenerator
def tell_version():
    with open("version", "w") as file:
        file.write(jug.__version__)


tell_version()
"""


def main() -> int:
    """Print what is wrong, one line each, and return the exit status."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is compiled has to go as well
    with TemporaryDirectory() as folder:
        begun = {installer: begin(Path(folder, installer), installer) for installer in INSTALLERS}
        wheels = gather_wheels(Path(folder, "wheels"), begun["pip"])
        trials = [
            Trial(history, installer, folder, wheels)
            for installer, folder in begun.items()
            for history in HISTORIES
        ]
        problems = wrongly_shared(wheels)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for found in threads.map(Trial.go_through, trials):
                problems += found
    print(f"{len(trials)} histories of jug 2.x and jug 3 in one environment")
    for problem in problems:
        print(problem)
    return bool(problems)


def begin(folder: Path, installer: str) -> Path:
    """Return a new environment with an installer and all that jug needs, but no jug."""
    run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install: Command = ["install", installer, *DIST.glob("*.whl")]
    for change in install, ["uninstall", *ALL.split()]:
        run([UV, "pip", *change, "--quiet", "--python", folder], check=True)
    return folder


def gather_wheels(folder: Path, environment: Path) -> Path:
    """Return the folder, with all wheels of both jugs, and with what an extra of jug 2.x needs."""
    copytree(DIST, folder)
    for wanted in "jug==2.5.0", "jug==2.7.0", "argcomplete", "shtab":
        download = "-m", "pip", "download", "-qq", "--no-deps", wanted
        run([environment / "bin" / "python", *download], cwd=folder, check=True)
    return folder


def wrongly_shared(wheels: Path) -> list[str]:
    """Return a line for each jug 2.x that has other files of our names than we know of."""
    ours = {name for wheel in DIST.glob("*.whl") for name in ZipFile(wheel).namelist()}
    return [
        f"{former.name} has these of our files: {shared}"
        for former in wheels.glob("jug-2*.whl")
        if (shared := ours.intersection(ZipFile(former).namelist())) != SHARED
    ]


class Trial(NamedTuple):
    """A history that is gone through with an installer, in a copy of an environment."""

    history: str
    installer: str
    begun: Path
    wheels: Path

    def go_through(self) -> list[str]:
        """Return a line for each step after which something else is seen than should be."""
        problems = []
        with TemporaryDirectory(dir=self.wheels.parent) as folder:
            environment = copytree(self.begun, Path(folder, "env"), True, copy_function=os.link)
            for step, expected in HISTORIES[self.history]:
                self.take(step, environment)
                if (seen := look(environment / "bin" / "python")) != expected:
                    problems.append(f"{self.history}: {self.installer} {step}: {seen}")
        return problems

    def take(self, step: str, environment: Path) -> None:
        """Do what a step says."""
        python = environment / "bin" / "python"
        settings = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_INDEX": "1",
            "PIP_YES": "1",
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_PYTHON": str(python),
        }
        command: Command = [python, "-m", *INSTALLERS[self.installer], *step.split(), "-qq"]
        run(command, check=True, env=os.environ | settings)


def look(python: Path) -> Seen:
    """Return what a user sees of jug in an environment."""
    [site] = python.parent.parent.glob("lib/python*/site-packages")
    if not [*files_of_jug(site), *files_of_jug(python.parent)]:
        return NOTHING
    with TemporaryDirectory() as folder:
        Path(folder, "jugfile.py").write_text(JUGFILE)
        by_import = outcome([python, "-c", IMPORT], folder)
        by_command = version_of_command(python, folder)
    return Seen(*(said.replace(str(site), "SITE") for said in (by_import, by_command)))


def files_of_jug(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that are called so, and those in folders that are."""
    for path in folder.glob("jug*"):
        yield from (one for one in (path, *path.rglob("*")) if one.is_file())


def version_of_command(python: Path, folder: str) -> str:
    """Return the version that a task finds, or how the command fails."""
    jug = python.with_name("jug")
    command: Command = [jug] if jug.exists() else [python, "-m", "jug"]
    failure = outcome([*command, "execute"], folder).removeprefix(f"{python}: ")
    version = Path(folder, "version")
    found = version.read_text() if version.exists() else failure
    return found if jug.exists() else f"python -m jug: {found}"


def outcome(command: Command, folder: str) -> str:
    """Return the last line that a program prints, of its errors if it fails."""
    done = run(command, cwd=folder, capture_output=True, text=True, stdin=DEVNULL)
    return (done.stderr if done.returncode else done.stdout).strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main())
