"""What distributions offer is found without `importlib.metadata`, and as it would find it."""

import sys
from importlib.metadata import entry_points as by_metadata
from pathlib import Path
from zipfile import ZipFile

import pytest

from jug import installed


@pytest.mark.parametrize("group", ["jug.stores", "jug.commands", "console_scripts", "pytest11"])
def test_entry_points_are_those_of_the_standard_library(group: str) -> None:
    expected = {
        (one.name, one.value, one.dist.name.lower().replace("_", "-").replace(".", "-"))
        for one in by_metadata(group=group)
        if one.dist
    }
    offered = installed.offers(group)

    assert {(*one[:2], one.owner.lower()) for some in offered.values() for one in some} == expected
    assert installed.entry_points(group) == {name: some[0] for name, some in offered.items()}


def offer(folder: Path, text: str, name: str = "some_tool-1.0.dist-info") -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "entry_points.txt").write_text(text)


def test_a_section_is_read_as_people_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "[jug.stores.other]\na=b:c\n\n[jug.stores]\n# one\n\nx = os.path:join\ny=os [more]\n"
    offer(tmp_path, f"{said}[z]\nq = r\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "missing")])
    found = installed.entry_points("jug.stores")
    assert [*found] == ["x", "y"]
    assert found["x"].load().__name__ == "join"
    assert found["y"].load() is sys.modules["os"]
    assert found["x"].owner == "some-tool"
    assert installed.entry_points("none") == {}


@pytest.mark.parametrize(
    "said",
    [
        "[other]\r\n[g]\r\nx = os\r\n[z]\r\n",
        "[g]\n[other]\ny = sys\n[g]\nx = os\n",
        "  [g]  \n  # y = sys\n  x = os\n\t[other]\n  y = sys\n",
        "[g]\nx = os\nno value\n; y = sys",
    ],
)
def test_a_section_ends_where_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    offer(tmp_path, "")
    (tmp_path / "some_tool-1.0.dist-info/entry_points.txt").write_bytes(said.encode())
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert {name: one.value for name, one in installed.entry_points("g").items()} == {"x": "os"}


@pytest.mark.parametrize("other", ["Some.Tool-1.0.dist-info", "some__tool.egg-info"])
def test_a_name_that_is_written_otherwise_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    offer(tmp_path / "first", "[g]\nx = one\n")
    offer(tmp_path / "second", "[g]\nx = two\n", other)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    assert installed.entry_points("g") == {"x": installed.EntryPoint("x", "one", "some-tool")}


def test_what_would_be_imported_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, value in ("first", "one"), ("second", "two"):
        offer(tmp_path / folder, f"[g]\nx = {value}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    assert installed.entry_points("g")["x"].value == "one"


def test_a_distribution_in_a_zip_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ZipFile(tmp_path / "app.zip", "w") as app:
        app.writestr("tool-1.0.dist-info/METADATA", "Name: tool\nVersion: 1.0\n")
        app.writestr("tool-1.0.dist-info/entry_points.txt", "[g]\nx = os\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "app.zip")])
    assert installed.entry_points("g") == {"x": installed.EntryPoint("x", "os", "tool")}


def test_one_distribution_is_found_however_its_folder_is_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "[g]\nx = os\n"
    names = "some_tool-1.0.dist-info", "Some_Tool-1.0-py3.11.egg-info", "some.tool-1.0.dist-info"
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        offer(folder, "[g]\ny = sys\n", "some_tool_kit-1.0.dist-info")
        offer(folder, said, name)
        monkeypatch.setattr(sys, "path", [str(folder)])
        assert [*installed.offered_by("some-tool", "g")] == ["x"]
        assert [*installed.offered_by("some-tool-kit", "g")] == ["y"]
        assert installed.offered_by("some", "g") == {}
