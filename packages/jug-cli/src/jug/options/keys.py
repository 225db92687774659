"""What can be configured: each key, its default, and what may be given for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

from jug.errors import OptionError
from jug.named_tuple import NamedTuple
from jug.needs import memory_size

_TRUE: Final = ("1", "true", "yes", "y", "on")
_FALSE: Final = ("0", "false", "no", "n", "off")


def _text(given: Any) -> str:
    if not isinstance(given, str | os.PathLike):
        raise ValueError("must be text")
    return os.fspath(given)


def _some_text(given: Any) -> str:
    if not _text(given):
        raise ValueError("must not be empty")
    return _text(given)


def _texts(given: Any) -> str | tuple[str, ...]:
    """Return one text as it is, and several as a tuple."""
    return tuple(map(_some_text, given)) if isinstance(given, list | tuple) else _some_text(given)


def _path(given: Any) -> str:
    return os.path.expanduser(_some_text(given))


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
    try:
        number = _number(given)
    except ValueError:
        number = 0.0
    if not number:
        raise ValueError("must be a number above 0")
    return number


def _count(given: Any) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number from 0 up")
    return int(text)


def _port(given: Any) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise ValueError("must be a port, from 0 to 65535")
    return int(text)


def _cpus(given: Any) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError("must be a whole number from 1 up")
    return int(text)


def _moment(given: Any) -> float:
    from jug.moments import moment  # which is seldom needed

    return moment(given, time.time())


def _span(given: Any) -> float:
    from jug.moments import span

    return span(given)


def _level(given: Any) -> str:
    word = _text(given).strip().lower()
    if word not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return "warning" if word == "quiet" else word


def _progress(given: Any) -> str:
    word = _text(given).strip().lower()
    if word not in DISPLAYS:
        raise ValueError(f"must be one of {', '.join(DISPLAYS)}")
    return word


def _anything(given: Any) -> Any:
    return given


LEVELS: Final = ("debug", "info", "warning", "error", "critical", "quiet")
"""How much to tell; "quiet" is what jug 2.x calls "warning"."""

DISPLAYS: Final = ("live", "plain", "none")
"""How progress is shown: by a block at the bottom of a terminal, by lines, or not at all."""

_NO_EFFECT: Final = "accepted, and without effect"


class Key(NamedTuple):
    """Something that can be configured."""

    section: str
    name: str
    default: Any
    convert: Callable[[Any], Any]
    help: str
    attribute: str = ""
    """The name that it has in Python, where that is not `plain_name`."""

    @property
    def has_effect(self) -> bool:
        """Whether it is there for more than files of jug 2.x."""
        return self.help is not _NO_EFFECT

    @property
    def python_name(self) -> str:
        """The attribute of `Options`."""
        return self.attribute or self.plain_name

    @property
    def plain_name(self) -> str:
        """The name in Python that follows from section and name, which is accepted too."""
        return self.variable.removeprefix("JUG_").lower()

    def converted(self, given: Any, where: str) -> Any:
        """Return what is given as a value of the right type; `where` is for the error."""
        try:
            return self.convert(given)
        except ValueError as error:
            raise OptionError(f"{where}: {given!r} {error}", name=self.name, given=given) from None

    @property
    def variable(self) -> str:
        """The environment variable."""
        section = "" if self.section == "main" else f"{self.section}_"
        return f"JUG_{section}{self.name}".replace("-", "_").upper()


KEYS: Final = (
    Key("main", "jugfile", "jugfile.py", _path, "the jugfile, where none is named"),
    Key(
        "main",
        "jugdir",
        "%(jugfile)s.jugdata",
        _some_text,
        "where results are kept: a folder or the URL of a store",
    ),
    Key(
        "main",
        "verbose",
        "warning",
        _level,
        f"how much to tell: {', '.join(LEVELS[:-1])}; quiet is warning",
    ),
    Key("main", "short", False, _truth, "whether to print less"),
    Key("main", "debug", False, _truth, "whether to check that no task changes its arguments"),
    Key("main", "pdb", False, _truth, "whether to debug a task that fails"),
    Key(
        "main",
        "capture",
        None,
        _truth,
        "whether to keep the output of each task in its record, not that of failures alone",
    ),
    Key(
        "main",
        "strict-code",
        False,
        _truth,
        "whether `execute` and `check` refuse to go on on top of results that came from older code",
    ),
    Key("main", "aggressive-unload", False, _truth, "whether workers keep no results in memory"),
    Key(
        "main",
        "progress",
        None,
        _progress,
        f"how to show progress: {', '.join(DISPLAYS)}",
    ),
    Key("main", "will-cite", False, _truth, _NO_EFFECT),
    Key(
        "main",
        "lease-seconds",
        None,
        _positive,
        "after how many seconds without a sign of life a worker on another host is taken for dead",
    ),
    Key(
        "main",
        "runs-kept",
        None,
        _count,
        "how many runs of a task are remembered besides the one that counts; "
        "in a directory `jug pack` removes the others",
    ),
    Key("main", "prefix", None, _some_text, "what keys on a server begin with"),
    Key("execute", "jobs", 1, _count, "how many workers to run; 0 for one per usable core"),
    Key("execute", "name", None, _texts, "the tasks to run, by name"),
    Key("execute", "target", None, _texts, "another spelling of name", "execute_name"),
    Key("execute", "invalid", None, _texts, "another spelling of name", "execute_name"),
    Key("execute", "pattern", None, _texts, "the tasks to run, by a part of their name"),
    Key("execute", "tag", None, _texts, "the tasks to run, by their tags"),
    Key("execute", "without-tag", None, _texts, "the tags of tasks that are not to be run"),
    Key("execute", "failed", False, _truth, "whether to run only what has failed"),
    Key(
        "execute",
        "downstream",
        False,
        _truth,
        "whether to run also what depends on the tasks that are chosen",
    ),
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
    Key("execute", "cpus", None, _cpus, "how many CPUs the workers together may use"),
    Key("execute", "memory", None, memory_size, "how much memory they may use, such as 64GB"),
    Key("execute", "gpus", None, _count, "how many GPUs they may use"),
    Key("execute", "no-wait", False, _truth, "whether to wait for nobody else"),
    Key("execute", "until", None, _moment, "when workers must end, such as 17:30"),
    Key("execute", "for", None, _span, "how long workers may take, such as 3h50m"),
    Key(
        "execute",
        "margin",
        None,
        _span,
        "how long before the end the last task must be saved",
    ),
    Key(
        "execute",
        "no-check-environment",
        False,
        _truth,
        "whether to ignore JUG_MAX_TASKS and the like, and __jug_please_stop_running.txt",
    ),
    *(
        Key("execute", name, default, convert, f"another spelling of {name} in main", attribute)
        for name, default, convert, attribute in (
            ("verbose", "warning", _level, "verbose"),
            ("short", False, _truth, "short"),
            ("debug", False, _truth, "debug"),
            ("pdb", False, _truth, "pdb"),
            ("aggressive-unload", False, _truth, "aggressive_unload"),
        )
    ),
    Key("status", "cache", False, _truth, _NO_EFFECT),
    Key("status", "cache-file", None, _anything, _NO_EFFECT),
    Key("status", "cache-clear", False, _anything, _NO_EFFECT),
    Key("status", "clear", False, _anything, _NO_EFFECT),
    Key("cleanup", "locks-only", False, _truth, "whether to remove locks alone"),
    Key("cleanup", "failed-only", False, _truth, "whether to forget failures alone"),
    Key("cleanup", "keep-locks", False, _truth, "whether to remove results alone"),
    Key("submit", "to", None, _some_text, "the batch system"),
    Key("submit", "workers", None, _count, "how many workers there may be in all jobs of a kind"),
    Key("submit", "jobs", 1, _count, "how many workers a job has"),
    Key("submit", "time", None, _span, "how long a job may take, such as 4:00:00"),
    Key("submit", "mem", 0, memory_size, "the memory of a job, such as 8G"),
    Key("submit", "gpus", 0, _count, "the GPUs of a job"),
    Key("submit", "account", "", _text, "the account that pays"),
    Key("submit", "partition", "", _text, "the partition or queue"),
    Key("submit", "setup", None, _texts, "lines of shell that come before jug in a job"),
    Key("submit", "template", None, _path, "a script of your own for jobs"),
    Key("submit", "image", "", _text, "the image of a pod"),
    Key("submit", "secret", "jug", _some_text, "the secret with the URL of the store"),
    Key("graph", "file-format", "png", _some_text, "the format of the picture"),
    Key(
        "graph", "format", "png", _some_text, "another spelling of file-format", "graph_file_format"
    ),
    Key("graph", "no-status", False, _truth, "whether to leave out the states of the tasks"),
    Key("webstatus", "port", 8080, _port, "the port of `jug webstatus`; 0 for any that is free"),
    Key("webstatus", "ip", "127.0.0.1", _some_text, "the address at which it listens"),
    Key("invalid", "name", None, _anything, _NO_EFFECT),
    Key("invalid", "pattern", None, _anything, _NO_EFFECT),
    Key("install-skills", "output", None, _anything, _NO_EFFECT),
    Key("install-skills", "force", False, _anything, _NO_EFFECT),
)
