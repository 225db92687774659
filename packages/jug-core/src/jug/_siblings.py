"""Names of `jug` that are fetched when they are first asked for.

`jug` is one package to whoever imports it, whichever of its distributions are
installed.  A name from a sibling, or one that few jugfiles need, is fetched when it
is first asked for, so that `import jug` stays light; and where the sibling is not
installed, the error says what to install rather than that a module does not exist.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from jug._former import refuse_if_gone
from jug.errors import AttributeGone, DistributionMissing

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_RELEASE: Final = "3.0.0"
"""The version of `jug` that its parts make, where only some of them are installed."""

_OWNERS: Final = {
    "jug.backends.file_store": "jug-file",
    "jug.backends.redis_store": "jug-redis",
    "jug.compound": "jug-mapreduce",
    "jug.io": "jug-mapreduce",
    "jug.mapreduce": "jug-mapreduce",
    "jug.unsafe": "jug-mapreduce",
    "jug.utils": "jug-mapreduce",
    "jug.__main__": "jug-cli",
    "jug.cli": "jug-cli",
    "jug.commands": "jug-cli",
    "jug.jug": "jug-cli",
    "jug.options": "jug-cli",
}

_ALIASES: Final = {
    "dict_store": "jug.backends.dict_store",
    "file_store": "jug.backends.file_store",
    "hooks": "jug.hooks",
    "redis_store": "jug.backends.redis_store",
}

_HOMES: Final = {
    "CompoundTask": "jug.compound",
    "CompoundTaskGenerator": "jug.compound",
    "run": "jug.execution.run",
    "init": "jug.jugfile",
    "is_jug_running": "jug.session",
    "set_jugdir": "jug.jugfile",
}


class _LastFinder:
    """Asked when no other finder has the module: says which distribution owns it, or had it."""

    @staticmethod
    def find_spec(name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        refuse_if_gone(name)
        owner = _OWNERS.get(name)
        if owner is None or path is not sys.modules[name.rpartition(".")[0]].__path__:
            return None  # not ours, or a tool that tries a folder of its own choice
        raise DistributionMissing(
            f"{name!r} is part of {owner}, which is not installed: pip install {owner}",
            module=name,
            distribution=owner,
        )


sys.meta_path.append(_LastFinder)


def sibling(name: str) -> ModuleType | None:
    """Return a module of another distribution, None where that is not installed."""
    try:
        return import_module(name)
    except DistributionMissing:
        return None


_offered: list[str] = []


def offer(names: list[str]) -> None:
    """Note what `from jug import *` is to give, as far as it is installed."""
    _offered[:] = names


def _is_installed(name: str) -> bool:
    from importlib.util import find_spec  # which takes long to import

    home = _HOMES.get(name) or _ALIASES.get(name)
    try:
        return home is None or find_spec(home) is not None
    except DistributionMissing:
        return False


def resolve(name: str) -> Any:
    """Return what `jug.<name>` is, importing the module that owns it.

    >>> import jug
    >>> jug.dict_store.__name__
    'jug.backends.dict_store'
    """
    if name == "__version__":
        return _version()
    if name == "__all__":
        return [*filter(_is_installed, _offered)]
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    module = _ALIASES.get(name, f"jug.{name}")
    if name in _ALIASES or module in _OWNERS:
        return import_module(module)
    refuse_if_gone(module, AttributeGone)
    raise AttributeError(f"module 'jug' has no attribute {name!r}")


def _version() -> str:
    """Return the version of the distribution `jug`, or one made of its core's if it is not there.

    The parts have versions of their own, which begin anew: `jug` 3 is of jug-core 1.
    """
    from importlib.metadata import PackageNotFoundError, version

    with suppress(PackageNotFoundError):
        if not (found := version("jug")).startswith("2."):  # such a one is in another folder
            return found
    return f"{_RELEASE}+core.{version('jug-core')}"
