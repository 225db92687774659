"""Stands in for ``jug/__init__.py`` where that was removed together with jug 2.x.

jug 2.x has files of this name and of two more, and whoever uninstalls it removes what has these
names by then: ``pip install --upgrade jug`` too, which writes jug-core first and uninstalls
jug 2.x last.  Python looks for ``jug/__init__.py`` first and for ``jug.py``, which this is, next:
so it is run only where the former is gone.  From then on the three are found in their second
copies, which are under a name that jug 2.x does not have, and which type checkers read, too.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from runpy import run_module

SITE = Path(__file__).parent
PACKAGES = {"jug", "jug.backends", "jug.hooks"}


class CopyFinder:
    """Asked before other finders: finds these packages by their second copies."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in PACKAGES:
            return None
        folder = SITE.joinpath(*name.split("."))
        loader = SourceFileLoader(name, str(folder / "__init__.pyi"))
        return spec_from_file_location(
            name, loader=loader, submodule_search_locations=[str(folder)]
        )


sys.meta_path.insert(0, CopyFinder)
if __name__ == "__main__":  # `python -m jug`
    run_module("jug", run_name="__main__", alter_sys=True)
else:
    del sys.modules[__name__]
    import_module(__name__)
