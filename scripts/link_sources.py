"""Merge every package's ``src`` into one tree of links, for editors.

Pyright (Pylance) and ty do not follow how `jug` finds its parts.  They are
pointed at ``.sources`` instead, where ``jug`` is one whole package.
"""

from pathlib import Path
from shutil import rmtree

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".sources"


def main() -> None:
    """Build the tree anew."""
    rmtree(TREE, ignore_errors=True)
    for source in sorted(ROOT.glob("packages/*/src")):
        for path in source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                link = TREE / path.relative_to(source)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)


if __name__ == "__main__":
    main()
