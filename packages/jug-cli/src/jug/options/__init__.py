"""What can be configured, and where from.

From the weakest to the strongest:

1. what jug comes with,
2. ``~/.config/jugrc`` and ``~/.config/jug/jugrc``, or where neither is there jug 2.x's
   ``~/.jug/configrc``,
3. ``jugrc``, ``.jugrc`` and the table ``[tool.jug]`` of ``pyproject.toml``, in the
   folders from the repository's root down to the working directory (outside a
   repository in the working directory alone),
4. environment variables: ``JUG_JUGDIR``, ``JUG_EXECUTE_KEEP_GOING``, …,
5. what a program or jugfile sets on `default_options`,
6. the command line.

In a file a key stands in the section of its command, those for all commands in
``[main]``, and is spelled as on the command line; ``-`` and ``_`` are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from jug._former import tell_what_is_gone
from jug.collector import importing
from jug.errors import OptionError
from jug.options.keys import DISPLAYS, KEYS, LEVELS, Key
from jug.session import is_jug_running

if TYPE_CHECKING:
    from os import PathLike

    from jug.backends.base import BaseStore

__all__ = [
    "DISPLAYS",
    "KEYS",
    "LEVELS",
    "Key",
    "Options",
    "configure",
    "configured",
    "default_options",
    "read_configuration",
    "set_jugdir",
]

_BY_ATTRIBUTE: Final[dict[str, Key]] = {}
for _key in KEYS:
    _BY_ATTRIBUTE.setdefault(_key.python_name, _key)  # the first of several spellings
_BY_NAME: Final = {key.plain_name: key for key in KEYS} | _BY_ATTRIBUTE
_DEFAULTS: Final = {name: key.default for name, key in _BY_ATTRIBUTE.items()}


class Options:
    """Options by name; one that is not set here comes from the next, weaker ones.

    >>> options = Options({"execute_keep_going": True}, default_options)
    >>> options.execute_keep_going, options.execute_keep_failed
    (True, False)
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, weaker: Options | None = None
    ) -> None:
        self.__dict__["_given"] = dict(given or {})
        self.__dict__["_weaker"] = weaker

    def __getattr__(self, name: str) -> Any:
        """Return what is set, here or in the weaker options."""
        if name in _BY_NAME:
            name = _BY_NAME[name].python_name
        if name in self.__dict__.get("_given", ()):
            return self._given[name]
        weaker = self.__dict__.get("_weaker")
        if weaker is None:
            raise AttributeError(f"there is no option {name!r}", name=name, obj=self)
        return getattr(weaker, name)

    def __setattr__(self, name: str, given: Any) -> None:
        """Set an option by its name in Python; unknown names and bad values are errors."""
        if name not in _BY_NAME:
            known = ", ".join(name for name, key in _BY_ATTRIBUTE.items() if key.has_effect)
            raise OptionError(f"unknown option {name!r}: the options are {known}", name=name)
        if name == "jugdir" and _is_too_late():
            raise OptionError(
                "the jugdir can't be set by an option once the jugfile is being read: "
                "call jug.set_jugdir(...) there",
                name=name,
            )
        self.set(name, given, f"the option {name!r}")

    def set(self, name: str, given: Any, called: str) -> None:
        """Set an option; where the value is bad, the error says what the user called it."""
        key = _BY_NAME[name]
        self._given[key.python_name] = key.converted(given, called)

    def __dir__(self) -> list[str]:
        """Return the names of all options."""
        return [*_BY_ATTRIBUTE]

    def given(self) -> dict[str, Any]:
        """Return what is set here."""
        return dict(self._given)

    def replace(self, given: Mapping[str, Any]) -> None:
        """Set these options and no others; they are not checked."""
        self._given.clear()
        self._given.update(given)

    def every(self) -> dict[str, Any]:
        """Return all options, with what is set here or in weaker ones."""
        return {name: getattr(self, name) for name in _BY_ATTRIBUTE}

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Undo, at the end, what is set meanwhile."""
        before = dict(self._given)
        try:
            yield
        finally:
            self.replace(before)


_configured = Options(_DEFAULTS)

default_options = Options({}, _configured)
"""What holds unless the command line says otherwise.

What a jugfile sets on it holds for its own run:

>>> with default_options.restored():
...     default_options.execute_wait_cycle_time_secs = 1
"""


def _is_too_late() -> bool:
    """Return whether a jugfile is being read or has been, so that its store is open."""
    from jug.jugfile import is_any_being_read

    return is_jug_running() or is_any_being_read()


def set_jugdir(jugdir: str | PathLike[str] | BaseStore) -> BaseStore:
    """Do what `jug.set_jugdir` does, which had its place here in jug 2.x."""
    from jug.jugfile import jugdir as place

    return place.set_jugdir(jugdir)


def read_configuration(
    folder: str | PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return all that files and environment say, by the names of `Options`."""
    with importing():
        from jug.options import files

    return files.read(folder, environ)


def configured() -> Options:
    """Return `default_options` after reading files and environment anew."""
    configure(read_configuration())
    return default_options


def configure(configuration: Mapping[str, Any]) -> None:
    """Make `default_options` begin with what files and environment say."""
    _configured.replace(_DEFAULTS | dict(configuration))


tell_what_is_gone(__name__)
