"""Which imported modules make tasks while a jugfile is read.

After a barrier the jugfile may be read again.  The modules that it imports stay as
they are, which is quick; but one that made tasks when it was imported has to run
again, or its tasks would be missing.  A finder in front of all others sees each
module run, and looks whether the list of tasks grew meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from jug.task import alltasks


class TaskModules:
    """Finds out, while it is installed, which source modules make tasks."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __enter__(self) -> TaskModules:
        """See every import from now on."""
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *exc: object) -> None:
        """See no further import."""
        sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the path gives, with a loader that watches."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Watching(spec.loader, self.names)  # type: ignore[assignment]
            return spec
        return None

    def forget(self) -> None:
        """Let the modules that made tasks run again at their next import."""
        while self.names:
            sys.modules.pop(self.names.pop(), None)


class _Watching:
    def __init__(self, loader: SourceFileLoader, names: set[str]) -> None:
        self._loader = loader
        self._names = names

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        module.__loader__ = spec.loader = self._loader
        before = len(alltasks)
        self._loader.exec_module(module)
        if len(alltasks) != before:
            self._names.add(spec.name)
