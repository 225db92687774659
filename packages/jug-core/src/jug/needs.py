"""What a task needs of the machine that runs it: CPUs, memory, GPUs; and its tags.

Nothing of this enters a task's hash: a task that is run with more memory is the same task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from math import inf
from typing import Any, Final, Self

from jug.named_tuple import NamedTuple
from jug.wording import counted

__all__ = ["NOTHING", "SIZES", "Needs", "memory_size", "most_of"]

SIZES: Final = "a size such as 8 GB, 64G, 1.5 GiB or 500MB"
"""What `memory_size` understands."""

_SIZE: Final = r"(?i)\s*(\d+(?:\.\d+)?)\s*(?:([kmgtp])(i?)b?|b|bytes?)\s*"
_POWERS: Final = " kmgtp"


class Needs(NamedTuple):
    """What a task needs of a machine while it runs, and the tags by which it is chosen.

    >>> Needs.stated(cpus=4, memory="8 GB")
    Needs(cpus=4, memory=8000000000, gpus=0, tags=frozenset())
    >>> print(Needs.stated(cpus=4, memory="1.5 GiB", gpus=1, tags={"licence"}))
    4 CPUs, 1.6 GB of memory, 1 GPU
    """

    cpus: int = 1
    memory: int = 0
    """In bytes; 0 if it does not say."""
    gpus: int = 0
    tags: frozenset[str] = frozenset()
    """They are not counted: a worker may choose tasks by them."""

    @classmethod
    def stated(
        cls, cpus: int = 1, memory: float | str = 0, gpus: int = 0, tags: Iterable[str] = ()
    ) -> Self:
        """Return the needs as users write them; raise ValueError for what can't be meant."""
        return cls(count_of("cpus", cpus), memory_of(memory), count_of("gpus", gpus), _tags(tags))

    def shortages(self, offers: Mapping[str, int]) -> list[tuple[str, str]]:
        """Return what it needs and how much there is, in words, where that is less.

        >>> Needs(cpus=4, gpus=1).shortages({"cpus": 2, "gpus": 2})
        [('4 CPUs', '2 CPUs')]

        What is not among the offers is not counted.
        """
        return [
            (in_words(needed), in_words(offers[name]))
            for name, in_words in _IN_WORDS.items()
            if (needed := getattr(self, name)) > offers.get(name, needed)
        ]

    def without_tags(self) -> Needs:
        """Return the same needs of a machine."""
        return self._replace(tags=frozenset()) if self.tags else self

    def __str__(self) -> str:
        """Return what of a machine it needs, in words."""
        needed = ((in_words, getattr(self, name)) for name, in_words in _IN_WORDS.items())
        return ", ".join(in_words(count) for in_words, count in needed if count)


def _memory_in_words(count: int) -> str:
    from jug.tables import size  # `import jug` stays light

    return f"{size(count)} of memory"


_IN_WORDS: Final[dict[str, Callable[[int], str]]] = {
    "cpus": partial(counted, thing="CPU"),
    "memory": _memory_in_words,
    "gpus": partial(counted, thing="GPU"),
}

NOTHING: Final = Needs()
"""The needs of a task that states none: one CPU."""


def most_of(several: Iterable[Needs]) -> Needs:
    """Return what there must be for each of these; all their tags.

    >>> print(most_of([Needs(cpus=4), Needs(cpus=2, gpus=1)]))
    4 CPUs, 1 GPU
    """
    cpus, memory, gpus, tags = zip(NOTHING, *several, strict=True)
    return Needs(max(cpus), max(memory), max(gpus), frozenset().union(*tags))


def memory_size(given: Any) -> int:
    """Return a size in bytes; a number is one already.

    As on a disk ``k``, ``M``, ``G`` and ``T`` are powers of 1000; ``Ki`` to ``Ti`` are of 1024.

    >>> [memory_size(given) for given in ("8 GB", "64G", "1.5 GiB", "500mb", 4096)]
    [8000000000, 64000000000, 1610612736, 500000000, 4096]
    """
    is_text = isinstance(given, str)
    size = _written(given) if is_text else _number(given)
    if not 0 <= size < inf:
        raise ValueError(
            f"must be {SIZES}" if is_text else f"must be {SIZES}, or a number of bytes"
        )
    return int(size)


def _written(text: str) -> float:
    found = re.fullmatch(_SIZE, text)
    if not found:
        return -1.0
    number, letter, binary = found.groups()
    power = _POWERS.index(letter.lower()) if letter else 0
    return float(number) * (1024.0 if binary else 1000.0) ** power


def _number(given: Any) -> float:
    try:
        return -1.0 if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        return -1.0


def memory_of(given: Any) -> int:
    """Return what `memory_size` does; the error says what was given."""
    try:
        return memory_size(given)
    except ValueError as error:
        raise ValueError(f"memory {error}, not {given!r}") from None


def count_of(name: str, given: Any) -> int:
    """Return a number of cpus, at least one, or of gpus."""
    number, least = _number(given), 1 if name == "cpus" else 0
    if isinstance(given, str) or not least <= number < inf or int(number) != number:
        raise ValueError(f"{name} must be a whole number from {least} up, not {given!r}")
    return int(number)


def _tags(given: Any) -> frozenset[str]:
    is_many = isinstance(given, Collection) and not isinstance(given, str)
    if not is_many or not all(isinstance(tag, str) and tag for tag in given):
        raise ValueError(f"tags must be a set of texts such as {{'licence'}}, not {given!r}")
    return frozenset(given)
