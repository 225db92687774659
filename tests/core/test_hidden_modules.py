import sys
from pathlib import Path

import pytest

from jug.jugfile.hidden_modules import warn_of_hidden_modules


@pytest.mark.parametrize("file", ["fractions.py", "fractions/__init__.py"])
def test_a_file_is_warned_of_while_python_has_not_imported_its_own_module(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    file: str,
) -> None:
    for folder in ("before", "after"):
        path = tmp_path / folder / file
        path.parent.mkdir(parents=True)
        path.touch()

    monkeypatch.setitem(sys.modules, "fractions", sys)
    warn_of_hidden_modules(str(tmp_path / "before"))
    assert "hides" not in caplog.text + capsys.readouterr().err

    monkeypatch.delitem(sys.modules, "fractions")
    for _ in range(2):
        warn_of_hidden_modules(str(tmp_path / "after"))

    told = caplog.text + capsys.readouterr().err
    assert told.count(f"{str(path)!r} hides Python's own module fractions, which") == 1
