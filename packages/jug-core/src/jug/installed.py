"""What is installed: the versions of distributions, and what they offer by entry points.

All of it stands in folders on `sys.path`, `NAME-VERSION.dist-info`, and is read there, as
`importlib.metadata` takes longer to be imported than a small command to run.  That is asked only
where `sys.path` names a zip file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import Any, Final

from jug.named_tuple import NamedTuple

__all__ = ["EntryPoint", "entry_points", "local_packages", "offered_by", "offers", "versions"]

_SUFFIXES: Final = (".dist-info", ".egg-info")
_SEPARATORS: Final = re.compile("[-_.]+")
"""What stands between the words of a name: all of it means the same."""


class EntryPoint(NamedTuple):
    """An object that a distribution offers."""

    name: str
    value: str
    """Where it is: a module, and for a part of that its name behind a colon."""
    owner: str
    """The distribution."""

    def load(self) -> Any:
        """Import it.

        >>> EntryPoint("join", "os.path:join", "none").load().__name__
        'join'
        """
        module, _, name = self.value.partition("[")[0].strip().partition(":")
        found = import_module(module.strip())
        return attrgetter(name.strip())(found) if name else found


@cache
def versions() -> dict[str, str]:
    """Return the versions of all distributions, by their names in small letters.

    >>> versions()["jug_core"].count(".")
    2
    """
    return {name: version for name, (version, _) in _folders().items()}


def entry_points(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name.

    >>> entry_points("jug.stores")["dict_store"]
    EntryPoint(name='dict_store', value='jug.backends.dict_store:DictStore', owner='jug-core')
    """
    return {name: first for name, (first, *_) in offers(group).items()}


def offers(group: str) -> dict[str, list[EntryPoint]]:
    """Return all entry points of a group by name, those of one name by their distributions.

    >>> [one.owner for one in offers("jug.stores")["dict_store"]]
    ['jug-core']
    """
    are_zipped = any(map(os.path.isfile, sys.path))
    found: dict[str, list[EntryPoint]] = {}
    for one in sorted(_by_metadata(group) if are_zipped else _in_folders(group), key=_order):
        found.setdefault(one.name, []).append(one)
    return found


def offered_by(owner: str, group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group that one distribution offers, by name.

    They are found without those of all others, nothing where it is in a zip file.

    >>> sorted(offered_by("jug-core", "jug.stores"))
    ['dict_store']
    """
    key = owner.replace("-", "_")
    place = _folders(key).get(key)
    return {} if place is None else {one.name: one for one in _of_one(key, place[1], group)}


_order = attrgetter("owner")


def _in_folders(group: str) -> Iterator[EntryPoint]:
    for owner, (_, folder) in _folders().items():
        yield from _of_one(owner, folder, group)


def _of_one(owner: str, folder: str, group: str) -> Iterator[EntryPoint]:
    for name, value in _section(_read(os.path.join(folder, "entry_points.txt")), group):
        yield EntryPoint(name, value, owner.replace("_", "-"))


def _folders(key: str = "") -> dict[str, tuple[str, str]]:
    """Return the version and the folder of each distribution that would be imported.

    With a key only of those whose names begin with that, which takes much less time.
    """
    found: dict[str, tuple[str, str]] = {}
    for folder in sys.path:
        with suppress(OSError):
            for entry in os.listdir(folder or "."):
                begin = entry[: len(key)]
                if entry.endswith(_SUFFIXES) and _SEPARATORS.sub("_", begin).lower() == key:
                    name, _, version = os.path.splitext(entry)[0].partition("-")
                    place = version, os.path.join(folder, entry)
                    found.setdefault(_SEPARATORS.sub("_", name).lower(), place)
    return found


def _section(said: str, group: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of one section of an ``entry_points.txt``."""
    section = ""
    for line in map(str.strip, said.splitlines() if f"[{group}]" in said else ()):
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
            continue
        name, equals, value = line.partition("=")
        if section == group and equals and not line.startswith(("#", ";")):
            yield name.strip(), value.strip()


def _read(file: str) -> str:
    """Return the text of a file, nothing if it is not there."""
    with suppress(OSError, UnicodeDecodeError), open(file, encoding="utf-8") as said:
        return said.read()
    return ""


def _by_metadata(group: str) -> Iterator[EntryPoint]:
    from importlib.metadata import entry_points

    for one in entry_points(group=group):
        yield EntryPoint(one.name, one.value, one.dist.name if one.dist else one.module)


@cache
def local_packages(site: str) -> frozenset[str]:
    """Return the packages in a folder that were installed from elsewhere than an index.

    >>> local_packages("no such folder")
    frozenset()
    """
    found = set[str]()
    with suppress(OSError):
        for entry in os.listdir(site):
            folder = os.path.join(site, entry)
            if not entry.endswith(_SUFFIXES):
                continue
            if os.path.exists(os.path.join(folder, "direct_url.json")):
                files = _read(os.path.join(folder, "RECORD")).splitlines()
                tops = (file.partition(",")[0].partition("/")[0] for file in files)
                found.update(top.removesuffix(".py") for top in tops)
    return frozenset(found)
