"""What pyright, which editors have, makes of the code in `tests/typing`: mypy's part is in
`hatch run types`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
RULES = {
    "typeCheckingMode": "strict",
    "extraPaths": ["site"],
    "reportUnnecessaryTypeIgnoreComment": True,  # each line that must be an error is one
}


@pytest.fixture
def errors_of(
    tmp_path: Path, program: Callable[[str], str], unavailable: Callable[[str], NoReturn]
) -> Callable[[Mapping[str, str]], list[str]]:
    """Call with programs: returns what pyright says of them where jug is as installed."""
    program("node")
    if find_spec("pyright") is None:
        unavailable("pyright")
    for source in ROOT.glob("packages/*/src"):
        for path in source.rglob("*.py*"):
            if path.suffix in (".py", ".typed"):
                link = tmp_path / "site" / path.relative_to(source)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(RULES))

    def check(programs: Mapping[str, str]) -> list[str]:
        for name, text in programs.items():
            (tmp_path / name).write_text(text)
        command = [sys.executable, "-m", "pyright", "--outputjson", *programs]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert said.stdout, said.stderr
        report = json.loads(said.stdout)
        assert report["summary"]["filesAnalyzed"] == len(programs)
        return [
            f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}: {one['message']}"
            for one in report["generalDiagnostics"]
        ]

    return check


@pytest.mark.slow
def test_pyright_accepts_and_reports_what_it_should(
    errors_of: Callable[[Mapping[str, str]], list[str]],
) -> None:
    codes = {path.name: path.read_text() for path in ROOT.glob("tests/typing/*.py")}

    assert codes and errors_of(codes) == []


@pytest.mark.slow
def test_it_reports_a_plain_argument_of_a_wrong_type(
    errors_of: Callable[[Mapping[str, str]], list[str]],
) -> None:
    wrong = (
        "from jug import TaskGenerator\n\n\n"
        "@TaskGenerator\ndef double(x: int) -> int:\n    return 2 * x\n\n\n"
        'double(double(1))\ndouble("a")\n'
    )

    errors = errors_of({"wrong.py": wrong})

    assert errors and all(error.startswith("wrong.py:10: ") for error in errors)
