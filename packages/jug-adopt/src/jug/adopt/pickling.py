"""The pickles that jug 2.x hashed: the same bytes, of today's objects.

Most objects are pickled as they are, with protocol 4.  What jug 2.x had under another
name or state, and what another Python or numpy would pickle otherwise, is written by
pickle's own code in Python, which is slower and can be told how.  So first the fast one
tries, and stops where the slow one is needed.
"""

from __future__ import annotations

import pickle
from copyreg import __newobj__  # type: ignore[attr-defined]
from functools import partial
from io import BytesIO
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType
from typing import Any, ClassVar, Final

from jug.adopt.versions import NEWEST, Dialect, Way
from jug.task import TaskGenerator

PROTOCOL: Final = 4

_NUMPY: Final = {"numpy._core": "numpy.core", "numpy.core": "numpy._core"}
_NAMED: Final = (type, FunctionType, BuiltinFunctionType)


class _NotAsIs(Exception):
    """Raised where an object must be written otherwise than pickle would today."""


def pickled(obj: Any, dialect: Dialect, met: set[Way]) -> bytes:
    """Return the pickle that jug 2.x made, and add to `met` the ways that concern it.

    Raises whatever the object raises that can't be pickled.
    """
    file = BytesIO()
    fast = _AsIs(file, PROTOCOL)
    fast.dialect, fast.met = dialect, met
    try:
        fast.dump(obj)
    except _NotAsIs:
        file = BytesIO()
        _Otherwise(file, dialect, met).dump(obj)
    return file.getvalue()


def part_of_tuple(index: int, length: int) -> bytes:
    """Return the pickle of the function behind an item of what `return_tuple` announced."""
    file = BytesIO()
    _Otherwise(file, NEWEST, set()).dump(partial(_get_check, i=index, n=length))
    return file.getvalue()


def _get_check(i: int, n: int) -> None:
    """Stands for the function of that name in jug 2.x's `jug.task`."""


_get_check.__module__ = "jug.task"


class _AsIs(pickle.Pickler):
    """Pickles as ever, up to what must be written otherwise."""

    dialect: Dialect
    met: set[Way]

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, TaskGenerator) or type(obj) is partial:
            raise _NotAsIs
        if isinstance(obj, PurePath):
            way: Way | None = Way.PATHS_IN_PARTS
        elif isinstance(obj, _NAMED):
            way = _way_of_module(obj.__module__)
        else:
            return NotImplemented
        if way is not None:
            self.met.add(way)
            if way in self.dialect:
                raise _NotAsIs
        return NotImplemented


def _way_of_module(module: Any) -> Way | None:
    """Return the way that changes a module's name; raise for one that jug 2.x had elsewhere."""
    if not isinstance(module, str):
        return None
    if module.startswith("jug.task."):
        raise _NotAsIs
    return Way.OTHER_NUMPY if _stem(module) in _NUMPY else None


def _stem(module: str) -> str:
    return ".".join(module.split(".", 2)[:2])


class _Otherwise(pickle._Pickler):
    """Writes names and states as jug 2.x had them."""

    def __init__(self, file: BytesIO, dialect: Dialect, met: set[Way]) -> None:
        super().__init__(file, PROTOCOL)
        self._dialect = dialect
        self._met = met
        self._modules: dict[int, str] = {}
        """Former names of modules, by the ids of today's: pickle writes one object once."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, TaskGenerator):
            return __newobj__, (type(obj),), (obj.f.__module__, obj.f.__name__)
        if type(obj) is partial:  # who looks for its attributes makes a dict of them, not jug 2.x
            made_of = (obj.func, obj.args, obj.keywords or {}, vars(obj) or None)
            return partial, (obj.func,), made_of
        if isinstance(obj, PurePath):
            self._met.add(Way.PATHS_IN_PARTS)
            if Way.PATHS_IN_PARTS in self._dialect:
                return type(obj), obj.parts
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a module and a name in it, without asking whether it is there."""
        name = name or obj.__qualname__
        writer: Any = self  # what follows is not in its type stubs
        module = getattr(obj, "__module__", None)
        if module is None:
            module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
        writer.save(self._former(module))
        writer.save(name)
        writer.write(pickle.STACK_GLOBAL)
        writer.memoize(obj)

    dispatch: ClassVar[dict[type, Any]] = {
        **pickle._Pickler.dispatch,
        FunctionType: save_global,
    }

    def _former(self, module: str) -> str:
        stem = _stem(module)
        if stem == "jug.task":
            former = stem
        elif stem == "pathlib._local" and Way.PATHS_IN_PARTS in self._dialect:
            former = "pathlib"
        elif stem in _NUMPY:
            self._met.add(Way.OTHER_NUMPY)
            if Way.OTHER_NUMPY not in self._dialect:
                return module
            former = _NUMPY[stem] + module.removeprefix(stem)
        else:
            return module
        return self._modules.setdefault(id(module), former)
