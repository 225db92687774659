"""How a task is run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from jug.errors import OptionError, TaskError
from jug.needs import NOTHING, Needs

if TYPE_CHECKING:
    from typing import TypedDict
else:

    class TypedDict:
        """Keeps the annotations of a class, of which the real one looks at each, which is slow."""

        def __init_subclass__(cls, total: bool) -> None: ...


class Stated(TypedDict, total=False):
    """The options that a `TaskGenerator` takes."""

    retries: int
    timeout: float | None
    runtime: float | str | None
    version: str | None
    cpus: int
    memory: float | str
    gpus: int
    tags: Iterable[str]


class RunOptions:
    """How to run a task, of which nothing enters its hash, and the version, which does."""

    __slots__ = ("needs", "retries", "runtime", "timeout", "version")

    def __init__(
        self,
        retries: int = 0,
        timeout: float | None = None,
        runtime: float | str | None = None,
        version: str | None = None,
        **needs: Any,
    ) -> None:
        if not _is_number(retries) or retries < 0 or retries // 1 != retries:
            raise TaskError(f"retries must be a whole number from 0 up, not {retries!r}")
        if timeout is not None and not (_is_number(timeout) and timeout > 0):
            raise TaskError(f"timeout must be a number of seconds above 0, not {timeout!r}")
        self.retries: int = int(retries)
        self.timeout: float | None = timeout
        self.runtime: float | None = None if runtime is None else _runtime(runtime)
        self.version: str = "" if version is None else _version(version)
        """Of the function, empty where none was stated."""
        self.needs: Needs = _needs(needs) if needs else NOTHING


def _runtime(given: float | str) -> float:
    from jug.moments import span  # `import jug` stays light

    try:
        return span(given)
    except ValueError as error:
        raise TaskError(f"runtime {error}, or a number of seconds, not {given!r}") from None


def _version(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise TaskError(f"version must be a text that is not empty, such as '2', not {given!r}")
    return given


def _needs(stated: dict[str, Any]) -> Needs:
    try:
        return Needs.stated(**stated)
    except ValueError as error:
        raise TaskError(str(error)) from None


def _is_number(given: object) -> bool:
    return hasattr(type(given), "__float__")


def check_names(options: Iterable[str]) -> None:
    """Refuse what is no option of how to run a task."""
    known = tuple(Stated.__annotations__)
    for name in options:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            meant = f": is {near[0]!r} meant?" if near else ""
            *first, last = known
            only = f"{', '.join(first)} and {last}"
            raise OptionError(f"TaskGenerator has no option {name!r}, only {only}{meant}")


DEFAULTS: Final = RunOptions()


@lru_cache(maxsize=1024)
def of_version(version: str) -> RunOptions:
    """Return the options that state a version and nothing else."""
    return RunOptions(version=version) if version else DEFAULTS
