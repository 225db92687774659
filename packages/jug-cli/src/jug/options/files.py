"""What configuration files and the environment say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jug.errors import OptionError
from jug.options.keys import KEYS

_BY_PLACE: Final = {(key.section, key.name): key for key in KEYS}


def read_configuration(
    folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return all that files and environment say, by the names of `Options`."""
    found: dict[str, Any] = {}
    for path in _files(Path.cwd() if folder is None else folder):
        if os.path.isfile(path):  # in a folder that may not be entered there is none
            found |= _read_file(path)
    return found | _read_environment(os.environ if environ is None else environ)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that may be there, the weakest first."""
    home = Path(os.path.expanduser("~/.config"))
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
        if any(os.path.exists(place / mark) for mark in (".git", ".hg", ".svn")):
            return upwards[number::-1]
    return [folder]


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        key.python_name: key.converted(environ[key.variable], f"the variable {key.variable}")
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
        found[key.python_name] = key.converted(given, where)
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
