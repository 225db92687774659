"""Take one distribution from its change fragments to artifacts that can be uploaded.

    hatch run release:make jug-redis minor     or major, patch, or a version such as 1.2.0
    hatch run release:make jug-redis           the version that CHANGELOG.md calls unreleased
    hatch run release:try jug-redis minor      the same in a copy, which is thrown away

Sets the version, also where others say it, gathers the fragments of ``changes/`` into
``CHANGELOG.md``, builds all distributions, checks the metadata and the contents of this one,
installs it beside its siblings in a new environment, and imports it there.  What is left to do,
the commit, the tag and the upload, is printed and not done.

All must be committed before, so that what is built is what the commit and its tag will have,
and nothing else.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
import tomllib
from pathlib import Path
from shutil import copytree, ignore_patterns
from subprocess import CalledProcessError, check_output, run
from tempfile import TemporaryDirectory
from typing import Any, Final

import check_wheels
import make_conda_recipe

ROOT: Final = Path(__file__).resolve().parent.parent
KINDS: Final = {
    "removal": "Removed",
    "feature": "New",
    "bugfix": "Mended",
    "docs": "Documentation",
}
"""The types of fragments, and the headings that they go under, in this order."""
WANTED: Final = "W002,W004,W007,W008,W009"
"""What is meant to be as it is in a wheel: jug-core has the second copies and the stand-in that
`stand_in.py` tells of, it alone has `jug/__init__.py`, and the meta-package has no modules."""
PARTS: Final = ("major", "minor", "patch")


class Refused(Exception):
    """Why there can't be a release."""


def main(words: list[str] | None = None) -> int:
    """Make a release, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("distribution")
    parser.add_argument("version", nargs="?", default="")
    parser.add_argument("--try", action="store_true", dest="in_copy", help="in a copy")
    asked = parser.parse_args(words)
    try:
        if not asked.in_copy:
            refuse_uncommitted(ROOT)
            release(ROOT, asked.distribution, asked.version)
        else:
            with TemporaryDirectory() as folder:
                copy = Path(folder, "copy")
                copytree(ROOT, copy, ignore=ignore_patterns(".*", "dist", "tests", "docs"))
                release(copy, asked.distribution, asked.version)
    except (Refused, CalledProcessError) as refusal:
        print(f"release: {refusal}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, distribution: str, wanted: str) -> None:
    """Make the artifacts of a version, and print what is left to do."""
    package = root / "packages" / distribution
    if not (package / "pyproject.toml").exists():
        raise Refused(f"there is no packages/{distribution}")
    version = prepare(package, wanted, datetime.date.today())
    tell_others(root, distribution, version)
    artifacts = verified(root, distribution)
    files = " ".join(str(path.relative_to(root)) for path in artifacts)
    print(f"""
{distribution} {version} is built and checked.  What is left:
  git commit -am "Release {distribution} {version}" && git tag {distribution}-v{version}
  twine upload {files}""")
    if not {"Homepage", "Source"} & project_of(package)["urls"].keys():
        print("Note: [project.urls] has no Homepage or Source, so an index shows no way there.")


def refuse_uncommitted(root: Path) -> None:
    """Refuse to build what no commit has."""
    changed = check_output(["git", "-C", root, "status", "--porcelain"], text=True).splitlines()
    if changed:
        others = f" and {len(changed) - 1} more" if changed[1:] else ""
        raise Refused(
            f"{changed[0][3:]}{others}: not committed; what a release left that did not get "
            "to its end is taken back by `git restore .`"
        )


def project_of(package: Path) -> dict[str, Any]:
    """Return the table `project` of a distribution."""
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return table


def prepare(package: Path, wanted: str, day: datetime.date) -> str:
    """Set the version and write the changelog; return the version."""
    log = package / "CHANGELOG.md"
    current = project_of(package)["version"]
    unreleased = f"## {current} (unreleased)\n"
    is_waiting = unreleased in log.read_text()
    version = next_version(current, wanted, is_waiting)
    fragments = fragments_of(package)
    if not fragments and not is_waiting:
        raise Refused(f"{package.name} has no fragments in changes/: nothing is new")
    news, head = changes_in(fragments), f"## {version} ({day})\n"
    text = log.read_text()
    if is_waiting:
        text = text.replace(unreleased, head)
        end = text.find("\n## ", text.index(head) + 1)
        place = len(text) if end < 0 else end
        text = f"{text[:place].rstrip()}\n{news}{text[place:]}"
    else:
        title, _, rest = text.partition("\n")
        text = f"{title}\n\n{head}{news}{rest}"
    log.write_text(text)
    set_version(package / "pyproject.toml", current, version)
    for fragment in fragments:
        fragment.unlink()
    return version


def next_version(current: str, wanted: str, is_waiting: bool) -> str:
    """Return the version to release.

    >>> next_version("1.2.3", "minor", False), next_version("1.0.0", "", True)
    ('1.3.0', '1.0.0')
    """
    if not wanted:
        if not is_waiting:
            raise Refused(f"{current} is released: say major, minor, patch or a version")
        return current
    if wanted in PARTS:
        numbers = [int(number) for number in current.split(".")]
        at = PARTS.index(wanted)
        wanted = ".".join(map(str, [*numbers[:at], numbers[at] + 1, *[0] * (2 - at)]))
    if not re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}", wanted):
        raise Refused(f"{wanted!r} is no version such as 1.2.0")
    if tuple(map(int, wanted.split("."))) <= tuple(map(int, current.split("."))):
        raise Refused(f"{wanted} does not come after {current}")
    return wanted


def fragments_of(package: Path) -> list[Path]:
    """Return the fragments of a distribution, in the order of their names."""
    found = sorted(path for path in package.glob("changes/*.md") if path.name != "README.md")
    for path in found:
        if path.name.split(".")[1:-1][-1:] not in [[kind] for kind in KINDS]:
            raise Refused(f"{path.name} is none of <what>.{{{','.join(KINDS)}}}.md")
    return found


def changes_in(fragments: list[Path]) -> str:
    """Return what the fragments say, one item each under the heading of its type."""
    text = ""
    for kind, heading in KINDS.items():
        of_kind = [path for path in fragments if path.name.endswith(f".{kind}.md")]
        if of_kind:
            items = (path.read_text().strip().replace("\n", "\n  ") for path in of_kind)
            text += f"\n### {heading}\n\n" + "".join(f"- {item}\n" for item in items)
    return text


def set_version(file: Path, current: str, version: str) -> None:
    """Write another version into a pyproject.toml."""
    text = file.read_text()
    line = f'\nversion = "{current}"\n'
    if text.count(line) != 1:
        raise Refused(f"{file} has not exactly one line with its version")
    file.write_text(text.replace(line, f'\nversion = "{version}"\n'))


def tell_others(root: Path, distribution: str, version: str) -> None:
    """Write a new version where others than the distribution say it."""
    if distribution == "jug":
        siblings = root / "packages" / "jug-core" / "src" / "jug" / "_siblings.py"
        line = re.compile(r'^_RELEASE: Final = ".*"$', re.MULTILINE)
        text, found = line.subn(f'_RELEASE: Final = "{version}"', siblings.read_text())
        assert found == 1, siblings
        siblings.write_text(text)
    make_conda_recipe.write(root)


def verified(root: Path, distribution: str) -> list[Path]:
    """Build all distributions; return the files of this one when they have passed."""
    check_wheels.ROOT, check_wheels.DIST = root, root / "dist"
    wheels = check_wheels.build()
    stem = distribution.replace("-", "_")
    artifacts = sorted((root / "dist").glob(f"{stem}-[0-9]*"))
    if sorted(path.suffix for path in artifacts) != [".gz", ".whl"]:
        raise Refused(f"built were {[path.name for path in artifacts]}, not a wheel and a source")
    problems = [*check_wheels.misplaced_files(wheels), *check_wheels.missing_licences(wheels)]
    if problems:
        raise Refused("; ".join(problems))
    wheel = next(path for path in artifacts if path.suffix == ".whl")
    command = [sys.executable, "-m"]
    run([*command, "twine", "check", "--strict", *artifacts], check=True)
    run([*command, "check_wheel_contents", "--ignore", WANTED, wheel], check=True)
    works, said = check_wheels.install_and_import([wheel], wheels)
    print(said, end="")
    if not works:
        raise Refused(f"{wheel.name} cannot be installed and imported, see above")
    return artifacts


if __name__ == "__main__":
    sys.exit(main())
