"""Results as files and tables."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import yaml

from jug import Task, TaskGenerator
from jug.errors import DistributionMissing, OptionError
from jug.execution.summary import Summary
from jug.io import NoLoad, print_task_summary_table, write_metadata, write_task_out
from jug.mapreduce import map
from jug.unsafe import NoHash

pytestmark = pytest.mark.usefixtures("store")

Work = Callable[[], Summary]


@TaskGenerator
def make(x: Any) -> Any:
    return x


@TaskGenerator
def count(xs: Any) -> int:
    return len(xs)


@TaskGenerator
def array(n: int) -> numpy.ndarray[Any, Any]:
    return numpy.arange(n, dtype="i2")


@TaskGenerator
def told_of(task: Any) -> tuple[str, str, bool, Any]:
    return type(task).__name__, task.name, task.is_loaded(), task.value()


# NoLoad


def test_a_task_that_is_not_loaded_reaches_the_function_as_itself(work: Work) -> None:
    inner = make([1, 2])
    outer = told_of(NoLoad(inner))

    assert list(outer.dependencies()) == [inner]
    work()

    assert outer.value() == ("NoLoad", f"{__name__}.make", False, [1, 2])


def test_it_hashes_otherwise_than_the_task() -> None:
    inner = make(1)

    assert make(NoLoad(inner)).hash() != make(inner).hash()
    assert make(NoLoad(inner)).hash() == make(NoLoad(make(1))).hash()
    assert make(NoLoad(make(2))).hash() != make(NoLoad(inner)).hash()


def test_it_has_the_task_and_nothing_that_the_task_has_not() -> None:
    inner = make(1)

    assert NoLoad(inner).t is inner
    assert NoLoad(inner).hash() == inner.hash()
    assert repr(NoLoad(inner)) == f"NoLoad({inner!r})"
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = NoLoad(inner).no_such_name


# write_task_out and write_metadata


def test_an_array_is_written_as_npy_under_the_name_given(work: Work, tmp_path: Path) -> None:
    write_task_out(array(5), tmp_path / "out")
    work()

    written = numpy.load(tmp_path / "out")
    assert written.dtype == "i2"
    assert written.tolist() == [0, 1, 2, 3, 4]
    assert os.listdir(tmp_path) == ["out"]


def test_anything_else_is_written_as_a_pickle(work: Work, tmp_path: Path) -> None:
    write_task_out(make({"a": 1}), str(tmp_path / "one"))
    write_task_out(map(abs, [-1, -2]), tmp_path / "two")
    write_task_out(make([3, 4])[1], tmp_path / "three")
    work()

    written = [pickle.loads((tmp_path / name).read_bytes()) for name in ("one", "two", "three")]
    assert written == [{"a": 1}, [1, 2], 4]


@pytest.mark.parametrize(("format_", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_metadata_tell_what_a_result_was_made_from(
    format_: str, read: Callable[[str], Any], work: Work, tmp_path: Path
) -> None:
    result = make([make(1), {"b": make(numpy.float32(0.5))}])
    write_task_out(result, tmp_path / "out", tmp_path / "with", metadata_format=format_)
    write_metadata(result, str(tmp_path / "alone"), format_)
    work()

    told = read((tmp_path / "alone").read_text())
    assert told == read((tmp_path / "with").read_text())
    assert told["name"] == f"{__name__}.make"
    first, rest = told["args"][0]
    assert first["args"] == [1]
    assert first["meta"]["completed"] is True
    assert first["meta"]["computed"].endswith("Z")
    assert rest["b"]["args"] == [0.5]


def test_yaml_is_the_default(work: Work, tmp_path: Path) -> None:
    write_metadata(make(1), tmp_path / "metadata")
    work()

    assert (tmp_path / "metadata").read_text().startswith(f"name: {__name__}.make\nargs:\n- 1\n")


class Strange:
    def __repr__(self) -> str:
        return "strange"


class Kind(StrEnum):
    SMALL = "small"


@pytest.mark.parametrize(("format_", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_metadata_tell_of_any_argument(
    format_: str, read: Callable[[str], Any], work: Work, tmp_path: Path
) -> None:
    arguments = {
        "values": [Strange(), numpy.int64(3), Fraction(1, 2), numpy.bool_(True), None],
        numpy.str_("texts"): [numpy.str_("a"), Kind.SMALL],
        ("a", 1): map(abs, [-1, -2, -3], map_step=2)[2:],
        2: NoLoad(make(6)),
    }
    write_metadata(count(arguments), tmp_path / "told", format_)
    work()

    told = read((tmp_path / "told").read_text())["args"][0]
    assert told["values"] == ["strange", 3, 0.5, True, None] and told["values"][3] is True
    assert told["texts"] == ["a", "small"]
    assert [block["args"] for block in told["('a', 1)"]] == [["<built-in function abs>", [-3]]]
    assert told.get(2, told.get("2"))[0]["args"] == [6]


def test_what_many_tasks_share_is_told_once_in_yaml(work: Work, tmp_path: Path) -> None:
    shared = count("a")
    for _ in range(50):
        shared = count([shared, shared])
    write_metadata(shared, tmp_path / "told")
    work()

    assert len((tmp_path / "told").read_text()) < 100_000


def test_metadata_alone_do_not_write_the_result(work: Work, tmp_path: Path) -> None:
    write_metadata(make(1), tmp_path / "metadata.json", "json")
    work()

    assert os.listdir(tmp_path) == ["metadata.json"]


def test_the_tasks_keep_their_name_and_arguments() -> None:
    result = make(1)
    both, one = write_task_out(result, "o", "m", "json"), write_metadata(result, "m", "json")

    for task, oname in ((both, "o"), (one, None)):
        assert task.name == "jug.io._do_write_task_out"
        value, unloaded, *names = task.args
        assert (value, unloaded.t) == (result, result)
        assert names == [oname, "m", "json"]


def test_a_folder_that_is_not_there_is_named(fail: Callable[[], str], tmp_path: Path) -> None:
    write_task_out(make(1), tmp_path / "no folder" / "out")

    assert fail() == (
        f"jug.errors.OptionError: there is no folder {str(tmp_path / 'no folder')!r} "
        "to write 'out' in: make it first"
    )


def test_a_result_that_cannot_be_written_leaves_what_was_there(
    fail: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("old")
    write_task_out(NoHash(line for line in "abc"), tmp_path / "out")

    assert "cannot pickle 'generator' object" in fail()
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "old"


def test_a_format_that_is_not_known_is_refused_at_once() -> None:
    with pytest.raises(OptionError, match="metadata_format must be 'yaml' or 'json', not 'xml'"):
        write_metadata(make(1), "m", "xml")
    with pytest.raises(OptionError, match="metadata_format"):
        write_task_out(make(1), "o", "m", "xml")


def test_without_pyyaml_the_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(DistributionMissing, match=r"pip install 'jug-mapreduce\[yaml\]'"):
        write_metadata(make(1), "m")
    write_metadata(make(1), "m", "json")
    write_task_out(make(1), "o")


IMPORTS = """
import sys
import jug.compound, jug.io, jug.mapreduce, jug.unsafe

jug.run(jug.io.write_task_out(jug.Task(max, 1, 2), "out"), jugdir="dict_store")
print([name for name in ("numpy", "yaml") if name in sys.modules])
"""


def test_numpy_and_yaml_are_not_imported_without_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IMPORTS]

    assert subprocess.check_output(command, cwd=tmp_path, text=True) == "[]\n"


# Tables


GROUPS = [
    ("Executed", {"jugfile.a_very_long_name_that_must_not_be_broken_anywhere_in_it": 3, "b": 10}),
    ("Loaded", {"b": 2}),
]


def test_the_table_has_a_column_per_group_and_a_row_per_name() -> None:
    lines: list[str] = []

    print_task_summary_table(SimpleNamespace(print_out=lines.append, short=False), GROUPS)

    width = len(lines[3])
    assert lines == [
        "Executed  Loaded  Task name",
        "-" * width,
        "      10       2  b",
        "       3       0  jugfile.a_very_long_name_that_must_not_be_broken_anywhere_in_it",
        "." * width,
        "      13       2  Total",
    ]


def test_the_short_table_is_a_line_per_group(capsys: pytest.CaptureFixture[str]) -> None:
    print_task_summary_table(SimpleNamespace(short=True), GROUPS)

    assert capsys.readouterr().out == "Executed:  13 tasks\nLoaded:  2 tasks\n** Total: 15 tasks.\n"


def test_a_table_of_nothing_has_its_totals(capsys: pytest.CaptureFixture[str]) -> None:
    print_task_summary_table(None, [("Failed", {})])

    assert capsys.readouterr().out.splitlines()[-1] == "     0  Total"


def test_a_task_that_is_not_loaded_is_its_base_and_its_t() -> None:
    task = Task(max, 2, 3)

    unloaded = NoLoad(base=task)

    assert unloaded.base is unloaded.t is task
    assert unloaded.name == task.name
