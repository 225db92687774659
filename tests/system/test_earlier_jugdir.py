"""A jugdir that an earlier version wrote is read as if this one had written it.

It was written when the modules of jug-core had other names than today; only the hashes in it
are those of today's scheme.  Its jugfile has a task of each kind whose hash or whose stored
result names something of jug's own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EARLIER = Path(__file__).parent / "jugfiles" / "earlier_jugdir"

READ_BACK = """
import jug, numpy
from jug.records import Record
from jug.task import describe

store, names = jug.init("jugfile.py")
value = {name: jug.value(thing) for name, thing in names.items() if isinstance(thing, jug.Task)}
assert value["made"] == names["Point"](3, 1.5)
arrays = jug.value(names["several"])
assert arrays["plain"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
assert arrays["strided"].tolist() == [[0, 2], [4, 6]]
assert arrays["masked"].tolist() == [0, None, 2, None, 4, None, 6, None]
assert arrays["days"].dtype == "M8[D]"
assert value["big"].nbytes == 140_000
assert value["kept"].f(1) == 2 and isinstance(value["kept"], jug.TaskGenerator)
assert value["owns"][0] is jug.value and value["owns"][3] is describe
assert value["owns"][1] == Record("m.f", start=1.0)
assert (value["owns"][2].message, value["owns"][2].task) == ("no", "t")
print([value[name] for name in ("total", "closure", "last", "item", "parts", "mapped", "compound")])
"""


@pytest.fixture
def jugdir(folder: Path) -> Path:
    """Return a copy of the earlier jugdir, beside its jugfile."""
    shutil.copy(EARLIER / "jugfile.py", folder)
    store = folder / "jugfile.jugdata"
    shutil.copytree(EARLIER / "store", store)
    (store / "leases").mkdir()  # empty, so it is not in the repository
    return store


def test_nothing_is_computed_again(jugdir: Path, jug: Callable[..., Any]) -> None:
    status, out, err = jug("execute", "--short", "jugfile.py")

    assert status == 0, out + err
    assert out.startswith("0 tasks executed, 36 loaded")


@pytest.mark.parametrize("command", ["status", "execute", "check"])
def test_that_its_hashes_are_others_is_told(
    command: str, jugdir: Path, jug: Callable[..., Any]
) -> None:
    (jugdir / "format").write_text("jug file store 1.0\nhash 1\ncodec 1\n")

    status, out, err = jug(command, "jugfile.py")

    assert (status, out) == (1, "")
    assert "names tasks by the hash scheme 1, this jug by 2, and would find none of its" in err
    assert "choose another --jugdir and have them computed again" in err


def test_nothing_of_it_is_stale(jugdir: Path, jug: Callable[..., Any]) -> None:
    """Its records do not say of which code they are, in a way that can be compared."""
    source = jugdir.parent / "jugfile.py"
    source.write_text(source.read_text().replace("return ", "return 0 or "))

    status, out, err = jug("stale", "--json", "jugfile.py")

    told = json.loads(out)
    assert (status, told["stale"], err) == (0, 0, "")
    assert sum(one["not_known"] for one in told["names"]) == 36
    assert "Stale" not in jug("status", "jugfile.py")[1]
    assert jug("check", "--strict-code", "jugfile.py") == (0, "", "")


def test_every_stored_value_can_be_read(jugdir: Path) -> None:
    done = subprocess.run([sys.executable, "-c", READ_BACK], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "[6, 15, 4, 2, 4, 90, 5.0]\n"


def test_every_task_has_the_hash_that_it_had(jugdir: Path) -> None:
    code = (
        "import json, jug; jug.init('jugfile.py'); "
        "print(json.dumps([task.hash().decode() for task in jug.task.alltasks]))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert sorted(json.loads(done.stdout)) == sorted(
        json.loads((EARLIER / "hashes.json").read_text())
    )
