"""Find files of which the tests run too little: `hatch run cover` runs this on what it measured.

The total has its floor in `pyproject.toml`.  A file has one here, since a total hides
a file that nothing tests.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from coverage import Coverage

FLOOR: Final = 85.0
"""How many percent of a file's lines and branches the tests have to run."""


def poorly_covered(report: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each file of a report in JSON that is below the floor."""
    for name, file in sorted(report["files"].items()):
        percent = file["summary"]["percent_covered"]
        if percent < FLOOR:
            yield f"{name}: {percent:.1f} % is less than {FLOOR:.0f} %"


def measured() -> dict[str, Any]:
    """Return the report of what `coverage combine` has left here."""
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        coverage.json_report(outfile=str(path))
        report: dict[str, Any] = json.loads(path.read_text())
    return report


def main() -> int:
    lines = list(poorly_covered(measured()))
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
