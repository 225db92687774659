"""A worker lets go of what user code has made at its end, private names first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

USERS = """
class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self, write=print):
        write(self.name)

public, _private, last = Noisy("public"), Noisy("private"), Noisy("last")
"""

AS_A_WORKER = """
import sys
from types import SimpleNamespace
import jug
from jug.execution import leaving

last = [*sys.modules][-1]
import users
# The process ends by a `SystemExit` here, as nothing is known of one that C has ended.
leaving.ctypes = SimpleNamespace(CDLL=lambda library: SimpleNamespace(exit=sys.exit))
try:
    leaving.end_own(3, last)
finally:
    print("ended", users.__name__, jug.run is not None)
"""


def test_what_a_module_of_the_user_holds_goes_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "users.py").write_text(USERS)

    done = subprocess.run([sys.executable, "-c", AS_A_WORKER], cwd=tmp_path, stdout=-1, text=True)

    assert done.returncode == 3
    assert done.stdout.splitlines() == ["private", "public", "last", "ended users True"]
