"""What a release writes: the version, and the changelog out of the fragments."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import make_conda_recipe  # noqa: E402
import release  # noqa: E402

sys.path.pop(0)
DAY = date(2030, 1, 2)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a distribution whose version 1.2.3 is released, with fragments for the next."""
    package = tmp_path / "jug-any"
    (package / "changes").mkdir(parents=True)
    (package / "pyproject.toml").write_text('[project]\nname = "jug-any"\nversion = "1.2.3"\n')
    (package / "CHANGELOG.md").write_text(
        "# Changelog of jug-any\n\n## 1.2.3 (2029-01-01)\n\nOld.\n"
    )
    (package / "changes" / "README.md").write_text("How to.\n")
    (package / "changes" / "b.bugfix.md").write_text("One.\nTwo.\n")
    (package / "changes" / "a.bugfix.md").write_text("Zero.\n")
    (package / "changes" / "z.feature.md").write_text("Newest.\n")
    return package


def test_the_fragments_become_a_part_of_the_changelog_and_are_gone(package: Path) -> None:
    assert release.prepare(package, "minor", DAY) == "1.3.0"

    assert (package / "CHANGELOG.md").read_text() == (
        "# Changelog of jug-any\n\n## 1.3.0 (2030-01-02)\n\n### New\n\n- Newest.\n\n"
        "### Mended\n\n- Zero.\n- One.\n  Two.\n\n## 1.2.3 (2029-01-01)\n\nOld.\n"
    )
    assert release.project_of(package)["version"] == "1.3.0"
    assert [path.name for path in (package / "changes").iterdir()] == ["README.md"]


def test_a_version_that_waits_is_released_under_the_words_that_are_there(package: Path) -> None:
    log = package / "CHANGELOG.md"
    log.write_text(log.read_text().replace("2029-01-01", "unreleased"))

    assert release.prepare(package, "", DAY) == "1.2.3"

    assert log.read_text() == (
        "# Changelog of jug-any\n\n## 1.2.3 (2030-01-02)\n\nOld.\n\n### New\n\n- Newest.\n\n"
        "### Mended\n\n- Zero.\n- One.\n  Two.\n"
    )


def test_a_version_that_waits_keeps_its_headings_and_stays_above_others(package: Path) -> None:
    log = package / "CHANGELOG.md"
    log.write_text(
        "# Changelog of jug-any\n\n## 1.2.3 (unreleased)\n\n### Running\n\n- New.\n\n"
        "## 1.2.2 (2029-01-01)\n\nOld.\n"
    )
    for name in "a.bugfix.md", "b.bugfix.md":
        (package / "changes" / name).unlink()

    release.prepare(package, "", DAY)

    assert log.read_text() == (
        "# Changelog of jug-any\n\n## 1.2.3 (2030-01-02)\n\n### Running\n\n- New.\n\n"
        "### New\n\n- Newest.\n\n## 1.2.2 (2029-01-01)\n\nOld.\n"
    )


def test_a_version_that_waits_needs_no_fragments(package: Path) -> None:
    log = package / "CHANGELOG.md"
    log.write_text("# Changelog of jug-any\n\n## 1.2.3 (unreleased)\n\nNew.\n")
    for fragment in release.fragments_of(package):
        fragment.unlink()

    assert release.prepare(package, "", DAY) == "1.2.3"
    assert log.read_text() == "# Changelog of jug-any\n\n## 1.2.3 (2030-01-02)\n\nNew.\n"


@pytest.mark.parametrize("text", ['version="1.2.3"\n', 2 * '\nversion = "1.2.3"\n'])
def test_a_version_that_is_not_on_one_line_is_not_set(text: str, package: Path) -> None:
    file = package / "pyproject.toml"
    file.write_text(text)

    with pytest.raises(release.Refused, match="exactly one line"):
        release.set_version(file, "1.2.3", "1.2.4")
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("patch", "1.2.4"), ("minor", "1.3.0"), ("major", "2.0.0"), ("1.10.0", "1.10.0")],
)
def test_the_next_version_is_counted_or_said(wanted: str, version: str) -> None:
    assert release.next_version("1.2.3", wanted, is_waiting=False) == version


@pytest.mark.parametrize(
    "wanted", ["", "1.2.3", "1.1.9", "2", "next", "2.0.0rc1", "02.0.0", "2.0.0.0"]
)
def test_a_version_that_is_not_next_is_refused(wanted: str) -> None:
    with pytest.raises(release.Refused):
        release.next_version("1.2.3", wanted, is_waiting=False)


def test_a_release_without_news_is_refused(package: Path) -> None:
    for fragment in release.fragments_of(package):
        fragment.unlink()

    with pytest.raises(release.Refused, match="nothing is new"):
        release.prepare(package, "minor", DAY)
    assert release.project_of(package)["version"] == "1.2.3"


def test_a_fragment_of_no_type_is_refused(package: Path) -> None:
    (package / "changes" / "odd.fix.md").write_text("Odd.\n")

    with pytest.raises(release.Refused, match=r"odd\.fix\.md"):
        release.prepare(package, "minor", DAY)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout of what a release writes to, all of it committed."""
    for path in ROOT.glob("packages/*/pyproject.toml"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
    siblings = tmp_path / "packages/jug-core/src/jug/_siblings.py"
    siblings.parent.mkdir(parents=True)
    shutil.copy(ROOT / siblings.relative_to(tmp_path), siblings)
    (tmp_path / "conda").mkdir()
    make_conda_recipe.write(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    person = ["-c", "user.name=any", "-c", "user.email=any@localhost"]
    subprocess.run(["git", "-C", folder, *person, *words], check=True)


def test_a_new_version_is_also_written_where_others_say_it(checkout: Path) -> None:
    file = checkout / "packages" / "jug" / "pyproject.toml"
    current = tomllib.loads(file.read_text())["project"]["version"]
    release.set_version(file, current, "98.7.6")

    release.tell_others(checkout, "jug", "98.7.6")

    recipe = make_conda_recipe.path_of(checkout).read_text()
    siblings = checkout / "packages/jug-core/src/jug/_siblings.py"
    assert recipe == make_conda_recipe.recipe(checkout)
    assert recipe.count("version: 98.7.6\n") == 2  # of all packages, and of this one
    assert '\n_RELEASE: Final = "98.7.6"\n' in siblings.read_text()


def test_a_version_of_a_part_is_not_that_of_the_whole(checkout: Path) -> None:
    siblings = checkout / "packages/jug-core/src/jug/_siblings.py"
    before = siblings.read_text()

    release.tell_others(checkout, "jug-core", "98.7.6")

    assert siblings.read_text() == before


def test_what_is_committed_can_be_released(checkout: Path) -> None:
    release.refuse_uncommitted(checkout)


def test_what_is_not_committed_is_not_released(checkout: Path) -> None:
    (checkout / "scratch.py").touch()
    with pytest.raises(release.Refused, match=r"^scratch\.py: not committed; "):
        release.refuse_uncommitted(checkout)

    (checkout / "conda" / "recipe.yaml").write_text("changed")
    with pytest.raises(release.Refused, match=r"^conda/recipe\.yaml and 1 more: not committed"):
        release.refuse_uncommitted(checkout)


def test_a_release_begins_by_looking_for_what_is_not_committed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(root: Path) -> None:
        raise release.Refused(f"not so in {root}")

    monkeypatch.setattr(release, "refuse_uncommitted", refuse)

    assert release.main(["no-such-distribution"]) == 1
    assert capsys.readouterr().err == f"release: not so in {ROOT}\n"


def test_what_cannot_be_installed_and_imported_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dist").mkdir()
    wheel = tmp_path / "dist" / "jug_any-1.0.0-py3-none-any.whl"
    for artifact in wheel, wheel.with_name("jug_any-1.0.0.tar.gz"):
        artifact.touch()
    answers = {
        "build": [wheel],
        "misplaced_files": [],
        "missing_licences": [],
        "install_and_import": (False, "no module named so\n"),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(release.check_wheels, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(release, "run", lambda *_, **__: None)

    with pytest.raises(release.Refused, match=wheel.name):
        release.verified(tmp_path, "jug-any")
    assert capsys.readouterr().out == "no module named so\n"


@pytest.mark.parametrize("package", sorted(ROOT.glob("packages/*")), ids=lambda path: path.name)
def test_every_fragment_that_waits_has_a_type(package: Path) -> None:
    assert release.changes_in(release.fragments_of(package)).count("\n- ") == len(
        release.fragments_of(package)
    )
