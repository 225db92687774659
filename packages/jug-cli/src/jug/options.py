"""What can be configured, and where from.

From the weakest to the strongest:

1. what jug comes with,
2. ``~/.config/jugrc`` and ``~/.config/jug/jugrc``,
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

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jug.errors import OptionError

__all__ = ["KEYS", "Key", "Options", "default_options", "read_configuration"]

_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")


def _text(given: Any) -> str:
    if not isinstance(given, str | os.PathLike):
        raise ValueError("must be text")
    return os.fspath(given)


def _some_text(given: Any) -> str:
    if not _text(given):
        raise ValueError("must not be empty")
    return _text(given)


def _truth(given: Any) -> bool:
    word = str(given).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return word in _TRUE


def _number(given: Any) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(given, bool) or not 0 <= number < float("inf"):
        raise ValueError("must be a number from 0 up")
    return number


def _positive(given: Any) -> float:
    number = _number(given)
    if not number:
        raise ValueError("must be a number above 0")
    return number


def _count(given: Any) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number from 0 up")
    return int(text)


def _level(given: Any) -> str:
    word = _text(given).strip().lower()
    if word not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return word


LEVELS: Final = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class Key:
    """Something that can be configured."""

    section: str
    name: str
    default: Any
    convert: Callable[[Any], Any]
    help: str
    attribute: str = ""
    """The name that it has in Python, where that does not follow from the others."""

    @property
    def python_name(self) -> str:
        """The attribute of `Options`."""
        prefix = "" if self.section == "main" else f"{self.section}_"
        return self.attribute or prefix + self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        section = "" if self.section == "main" else f"{self.section}_"
        return f"JUG_{section}{self.name}".replace("-", "_").upper()


KEYS: Final = (
    Key("main", "jugfile", "jugfile.py", _some_text, "the jugfile, where none is named"),
    Key(
        "main",
        "jugdir",
        "%(jugfile)s.jugdata",
        _some_text,
        "where results are kept: a folder or the URL of a store",
    ),
    Key("main", "verbose", "warning", _level, f"how much to tell: {', '.join(LEVELS)}"),
    Key("main", "short", False, _truth, "whether to print less"),
    Key("main", "debug", False, _truth, "whether to check that no task changes its arguments"),
    Key("main", "pdb", False, _truth, "whether to debug a task that fails"),
    Key("main", "aggressive-unload", False, _truth, "whether workers keep no results in memory"),
    Key("main", "will-cite", False, _truth, "accepted, and without effect"),
    Key(
        "main",
        "lease-seconds",
        None,
        _positive,
        "after how many seconds without a sign of life a worker on another host is taken for dead",
    ),
    Key("main", "prefix", None, _some_text, "what keys on a server begin with"),
    Key("execute", "jobs", 1, _count, "how many workers to run; 0 for one per usable core"),
    Key("execute", "name", None, _some_text, "the tasks to run, by name"),
    Key("execute", "target", None, _some_text, "another spelling of name", "execute_name"),
    Key("execute", "pattern", None, _some_text, "the tasks to run, by a part of their name"),
    Key("execute", "keep-going", False, _truth, "whether to go on after a task failed"),
    Key("execute", "keep-failed", False, _truth, "whether failed tasks are never tried again"),
    Key(
        "execute",
        "wait-cycle-time",
        12.0,
        _number,
        "with nr-wait-cycles, how long to wait for others: their product, in seconds",
        "execute_wait_cycle_time_secs",
    ),
    Key("execute", "nr-wait-cycles", 150, _count, "see wait-cycle-time"),
    Key(
        "execute",
        "no-check-environment",
        False,
        _truth,
        "whether to ignore JUG_MAX_TASKS and the like, and __jug_please_stop_running.txt",
    ),
    Key("status", "cache", False, _truth, "accepted, and without effect"),
    Key("cleanup", "locks-only", False, _truth, "whether to remove locks alone"),
    Key("cleanup", "failed-only", False, _truth, "whether to forget failures alone"),
    Key("cleanup", "keep-locks", False, _truth, "whether to remove results alone"),
    Key("graph", "file-format", "png", _some_text, "the format of the picture"),
    Key("graph", "no-status", False, _truth, "whether to leave out the states of the tasks"),
)

_BY_ATTRIBUTE: Final = {key.python_name: key for key in reversed(KEYS)}
_BY_PLACE: Final = {(key.section, key.name): key for key in KEYS}
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
        if name in self.__dict__.get("_given", ()):
            return self._given[name]
        weaker = self.__dict__.get("_weaker")
        if weaker is None:
            raise AttributeError(f"there is no option {name!r}", name=name, obj=self)
        return getattr(weaker, name)

    def __setattr__(self, name: str, given: Any) -> None:
        """Set an option by its name in Python; unknown names and bad values are errors."""
        if name not in _BY_ATTRIBUTE:
            known = ", ".join(_BY_ATTRIBUTE)
            raise OptionError(f"unknown option {name!r}: the options are {known}", name=name)
        if name == "jugdir" and _is_jug_running():
            raise OptionError(
                "the jugdir can't be set by an option once the jugfile is being read: "
                "call jug.set_jugdir(...) there",
                name=name,
            )
        self.set(name, given, f"the option {name!r}")

    def set(self, name: str, given: Any, called: str) -> None:
        """Set an option; where the value is bad, the error says what the user called it."""
        self._given[name] = _converted(_BY_ATTRIBUTE[name], given, called)

    def __dir__(self) -> list[str]:
        """Return the names of all options."""
        return [*_BY_ATTRIBUTE]

    def given(self) -> dict[str, Any]:
        """Return what is set here."""
        return dict(self._given)

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
            self._given.clear()
            self._given.update(before)


_configured = Options(_DEFAULTS)

default_options = Options({}, _configured)
"""What holds unless the command line says otherwise.

What a jugfile sets on it holds for its own run:

>>> with default_options.restored():
...     default_options.execute_wait_cycle_time_secs = 1
"""


def configure(configuration: Mapping[str, Any]) -> None:
    """Have `default_options` begin with what files and environment say."""
    _configured._given.clear()
    _configured._given.update(_DEFAULTS | dict(configuration))


def _is_jug_running() -> bool:
    from jug.jugfile import is_jug_running

    return is_jug_running()


def _converted(key: Key, given: Any, where: str) -> Any:
    try:
        return key.convert(given)
    except ValueError as error:
        raise OptionError(f"{where}: {given!r} {error}", name=key.name, given=given) from None


# Files and environment


def read_configuration(
    folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return all that files and environment say, by the names of `Options`."""
    found: dict[str, Any] = {}
    for path in _files(Path.cwd() if folder is None else folder):
        if path.is_file():
            found |= _read_file(path)
    return found | _read_environment(os.environ if environ is None else environ)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that may be there, the weakest first."""
    home = Path("~/.config").expanduser()
    yield home / "jugrc"
    yield home / "jug" / "jugrc"
    for place in _folders(folder):
        yield place / "jugrc"
        yield place / ".jugrc"
        yield place / "pyproject.toml"


def _folders(folder: Path) -> list[Path]:
    """Return the folders from the repository's root down to this one."""
    upwards = [folder, *folder.parents]
    for number, place in enumerate(upwards):
        if any((place / mark).exists() for mark in (".git", ".hg", ".svn")):
            return upwards[number::-1]
    return [folder]


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        key.python_name: _converted(key, environ[key.variable], f"the variable {key.variable}")
        for key in KEYS
        if environ.get(key.variable)
    }


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} can't be read: {error}", path=str(path)) from None
    is_toml = path.suffix == ".toml"
    header = _toml_header if is_toml else "[{}]".format
    found = {}
    for section, name, given in _toml_entries(path, text) if is_toml else _ini_entries(path, text):
        where = f"{path}, line {_line_of(text, section, name)}, {header(section)} {name}"
        key = _BY_PLACE.get((section, name.replace("_", "-")))
        if key is None:
            raise OptionError(f"{where}: {_advice(section, header)}", path=str(path), name=name)
        found[key.python_name] = _converted(key, given, where)
    return found


def _advice(section: str, header: Callable[[str], str]) -> str:
    names = [key.name for key in KEYS if key.section == section]
    if names:
        return f"unknown key; those of {header(section)} are {', '.join(names)}"
    sections = ", ".join(dict.fromkeys(header(key.section) for key in KEYS))
    return f"unknown section; the sections are {sections}"


Entry = tuple[str, str, Any]


def _ini_entries(path: Path, text: str) -> Iterator[Entry]:
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, str(path))
    except Error as error:
        message = " ".join(str(error).split())
        raise OptionError(f"{path} is no configuration file: {message}", path=str(path)) from None
    for section in parser.sections():
        for name, given in parser.items(section):
            yield section, name, given


def _toml_entries(path: Path, text: str) -> Iterator[Entry]:
    import tomllib

    try:
        table = tomllib.loads(text).get("tool", {}).get("jug", {})
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is no TOML file: {error}", path=str(path)) from None
    for name, given in table.items():
        if isinstance(given, dict):
            yield from ((name, inner, value) for inner, value in given.items())
        else:
            yield "main", name, given


def _toml_header(section: str) -> str:
    """Return what stands over a section's keys in ``pyproject.toml``."""
    return "[tool.jug]" if section == "main" else f"[tool.jug.{section}]"


def _line_of(text: str, section: str, name: str) -> int:
    """Return the number of the line at which a key stands, as far as a plain look finds it."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip().lower()
        if words.startswith("["):
            header = words.strip("[] ").removeprefix("tool.").removeprefix("jug.")
            inside = header == section or (header == "jug" and section == "main")
        elif inside and words.replace(":", "=").partition("=")[0].strip(" \"'") == name.lower():
            return number
    return 1
