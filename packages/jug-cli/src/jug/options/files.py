"""What configuration files and the environment say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jug.errors import OptionError
from jug.messages import Log
from jug.named_tuple import NamedTuple
from jug.options.keys import KEYS, Key

if TYPE_CHECKING:
    import configparser
    from os import PathLike

log = Log("options")

_BY_PLACE: Final = {(key.section, key.name): key for key in KEYS}

_MARKS: Final = (".git", ".hg", ".svn")
"""What the root of a repository has."""

_DEFAULT: Final = "DEFAULT"
"""The section whose keys hold for each other section of its file that has them."""

_VARIABLE: Final = "JUG_"
"""How the names of all variables begin."""

_OTHER_VARIABLES: Final = (
    "JUG_END_TIME",
    "JUG_EXIT_IF_FILE_EXISTS",
    "JUG_MAX_HOURS",
    "JUG_MAX_MINUTES",
    "JUG_MAX_SECONDS",
    "JUG_MAX_TASKS",
    "JUG_REDIS_PATIENCE",
)
"""Those that are no options."""


def read(folder: str | PathLike[str] | None, environ: Mapping[str, str] | None) -> dict[str, Any]:
    """Return all that files and environment say, by the names of `Options`."""
    found: dict[str, Any] = {}
    for path in _files(os.getcwd() if folder is None else os.fspath(folder)):
        if os.path.isfile(path):  # in a folder that may not be entered there is none
            found |= _read_file(path)
    return found | _read_environment(os.environ if environ is None else environ)


def _files(folder: str) -> Iterator[str]:
    """Yield the files that may be there, the weakest first."""
    of_user = [os.path.expanduser(f"~/.config/{name}") for name in ("jugrc", "jug/jugrc")]
    former = [os.path.expanduser("~/.jug/configrc")]
    yield from of_user if any(map(os.path.isfile, of_user)) else former
    for place in _folders(folder):
        for name in ("jugrc", ".jugrc", "pyproject.toml"):
            yield os.path.join(place, name)


def _folders(folder: str) -> list[str]:
    """Return the folders from the repository's root down to this one."""
    upwards = [folder]
    while not any(os.path.exists(os.path.join(upwards[-1], mark)) for mark in _MARKS):
        above = os.path.dirname(upwards[-1])
        if above == upwards[-1]:
            return [folder]
        upwards.append(above)
    return upwards[::-1]


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    _warn_of_misspelt(name for name in environ if name.startswith(_VARIABLE))
    return {
        key.python_name: key.converted(environ[key.variable], f"the variable {key.variable}")
        for key in KEYS
        if environ.get(key.variable)
    }


def _warn_of_misspelt(variables: Iterable[str]) -> None:
    """Tell of variables that nothing reads and that are like one that is read."""
    unknown = set(variables).difference(_OTHER_VARIABLES, (key.variable for key in KEYS))
    if not unknown:
        return
    from difflib import get_close_matches  # which is seldom needed

    known = sorted([*_OTHER_VARIABLES, *(key.variable for key in KEYS if key.has_effect)])
    for variable in sorted(unknown):
        words = variable.removeprefix(_VARIABLE)
        without_section = [name for name in known if name.endswith(f"_{words}")]
        meant = without_section or get_close_matches(variable, known, n=1, cutoff=0.85)
        if meant:
            log.warning("the variable %s means nothing: is %s meant?", variable, " or ".join(meant))


def _read_file(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} can't be read: {error}", path=path) from None
    is_toml = path.endswith(".toml")
    header = _toml_header if is_toml else "[{}]".format
    found = {}
    for entry in _toml_entries(path, text) if is_toml else _ini_entries(path, text):
        place, name = entry.stands_in, entry.name
        where = f"{path}, line {_line_of(text, place, name)}, {header(place)} {name}"
        key = _key(entry.section, name)
        if key is None:
            raise OptionError(f"{where}: {_advice(entry.section, header)}", path=path, name=name)
        found[key.python_name] = key.converted(entry.given, where)
    return found


def _key(section: str, name: str) -> Key | None:
    return _BY_PLACE.get((section, name.replace("_", "-")))


def _advice(section: str, header: Callable[[str], str]) -> str:
    if section == _DEFAULT:
        return "no section of this file has such a key"
    names = [key.name for key in KEYS if key.section == section]
    if names:
        return f"unknown key; those of {header(section)} are {', '.join(names)}"
    sections = ", ".join(dict.fromkeys(header(key.section) for key in KEYS))
    return f"unknown section; the sections are {sections}"


class _Entry(NamedTuple):
    """A key and what is given for it, in a file."""

    section: str
    name: str
    given: Any
    stands_in: str
    """The section under which it is written."""


def _ini_entries(path: str, text: str) -> Iterator[_Entry]:
    """Yield what stands in the sections; a key with nothing behind it is not set."""
    import configparser

    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, path)
    except configparser.Error as error:
        line, trouble = _trouble(error, text.split("\n"))
        raise OptionError(f"{path}, line {line}: {trouble}", path=path) from None
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    defaults = sections.pop(_DEFAULT, {})
    for section, given in sections.items():
        inherited = [name for name in defaults if _key(section, name) and name not in given]
        yield from (
            _Entry(section, name, defaults[name], _DEFAULT) for name in inherited if defaults[name]
        )
        yield from (_Entry(section, name, given[name], section) for name in given if given[name])
    for name in defaults:
        if not any(_key(section, name) for section in sections):
            yield _Entry(_DEFAULT, name, defaults[name], _DEFAULT)


def _trouble(error: configparser.Error, lines: Sequence[str]) -> tuple[int, str]:
    """Return in which line a file is no configuration file, and why."""
    import configparser

    if isinstance(error, configparser.MissingSectionHeaderError):
        number, otherwise = error.lineno, "stands in no section: write [main] above it"
        return number, _fault_of(lines[number - 1], otherwise)
    if isinstance(error, configparser.ParsingError):
        number, _ = error.errors[0]
        return number, _fault_of(lines[number - 1], "is neither a [section] nor key = value")
    assert isinstance(error, configparser.DuplicateSectionError | configparser.DuplicateOptionError)
    return error.lineno or 1, error.message.partition("]: ")[2]


def _fault_of(line: str, otherwise: str) -> str:
    line = line.strip()
    is_open = line.startswith("[") and "]" not in line
    return f"{line!r} {'begins a section and lacks its ]' if is_open else otherwise}"


def _toml_entries(path: str, text: str) -> Iterator[_Entry]:
    import tomllib

    try:
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is no TOML file: {error}", path=path) from None
    for name in ("tool", "jug"):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise OptionError(f"{path}: {name!r} must be a table, [tool.jug]", path=path)
    for name, given in table.items():
        if isinstance(given, dict):
            yield from (_Entry(name, inner, value, name) for inner, value in given.items())
        else:
            yield _Entry("main", name, given, "main")


def _toml_header(section: str) -> str:
    """Return what stands over a section's keys in ``pyproject.toml``."""
    return "[tool.jug]" if section == "main" else f"[tool.jug.{section}]"


def _line_of(text: str, section: str, name: str) -> int:
    """Return the number of the line at which a key stands, as far as a plain look finds it."""
    inside = False
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.strip().lower()
        if words.startswith("["):
            header = words.strip("[] ").removeprefix("tool.").removeprefix("jug.")
            inside = header == section.lower() or (header == "jug" and section == "main")
        elif inside and words.replace(":", "=").partition("=")[0].strip(" \"'") == name.lower():
            return number
    return 1
