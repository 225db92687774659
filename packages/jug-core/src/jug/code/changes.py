"""Which parts of the code differ, and how.

All is told by source, so what a function reaches changes only where some part does, or where
what can be seen does: a package that is installed in another way, a file that was being edited
or is gone, a function that was moved to another module.  These are no changes; but where a part
can't be seen any more, nobody knows whether it is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from jug.code.fingerprint import Code, Part

__all__ = ["Difference", "PartChange", "difference"]


class PartChange(NamedTuple):
    """A part that is not as it was."""

    name: str
    """Its module and its name there."""
    old: str | None
    """Its source then, None if it was not there."""
    new: str | None
    """Its source now, None if it is not there."""

    def diff(self) -> str:
        """Return what changed, as a unified diff.

        >>> print(PartChange("m.RATE", "RATE = 3\\n", "RATE = 4\\n").diff())
        --- m.RATE (then)
        +++ m.RATE (now)
        @@ -1 +1 @@
        -RATE = 3
        +RATE = 4
        <BLANKLINE>
        """
        from difflib import unified_diff  # workers never show any

        old, new = ((text or "").splitlines() for text in (self.old, self.new))
        lines = unified_diff(old, new, f"{self.name} (then)", f"{self.name} (now)", lineterm="")
        return "".join(f"{line}\n" for line in lines)


class Difference(NamedTuple):
    """How code differs from what it was."""

    parts: list[PartChange]
    """The parts that really differ, by name."""
    is_hidden: bool
    """Whether there is a part that can be seen in one of the two alone, so that nobody knows."""


def difference(old: Code, new: Code) -> Difference:
    """Return how code differs from what it was."""
    is_hidden = False
    before, after = old.parts, new.parts
    same = {part.id for part in old.reached} & {part.id for part in new.reached}
    gone = {name: part for name, part in before.items() if part.id not in same}
    come = {name: part for name, part in after.items() if part.id not in same}
    for name in [name for name in gone if name not in come]:
        moved = _moved_to(gone[name], come, before)
        if moved is not None:
            del gone[name], come[moved]
        elif _is_out_of_sight(gone[name], new):
            del gone[name]
            is_hidden = True
    for name in [name for name in come if name not in gone]:
        if _is_out_of_sight(come[name], old):
            del come[name]
            is_hidden = True
    return Difference([*_changes(gone, come)], is_hidden)


def _moved_to(part: Part, come: dict[str, Part], before: dict[str, Part]) -> str | None:
    """Return under which name a part is now that is the same and was moved."""
    own = part.name.rpartition(".")[2]
    for name, other in come.items():
        if other.fingerprint == part.fingerprint and name.rpartition(".")[2] == own:
            return None if name in before else name
    return None


def _is_out_of_sight(part: Part, code: Code) -> bool:
    """Return whether a part is missing only since less can be seen."""
    unseen = {what.partition(": ")[0] for what in code.unseen}
    is_cut = any(what.startswith("more than") for what in code.unseen)
    return is_cut or part.name in unseen or part.name.partition(".")[0] in code.border


def _changes(gone: dict[str, Part], come: dict[str, Part]) -> Iterator[PartChange]:
    for name in sorted(gone.keys() | come.keys()):
        old, new = gone.get(name), come.get(name)
        yield PartChange(name, old.source if old else None, new.source if new else None)
