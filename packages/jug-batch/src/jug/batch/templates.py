"""Scripts with fields, and how they are filled in.

A field is written ``{{name}}``.  A line is repeated for each value that its field has, so where
a field has none its line is left out: all that may be asked for has a line in a template, and
a script has those that were.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Final

from jug.errors import OptionError

__all__ = ["Fields", "fields_in", "filled"]

Fields = Mapping[str, tuple[str, ...]]
"""The values of each field."""

_FIELD: Final = re.compile(r"\{\{\s*(\w*)\s*\}\}")


def filled(template: str, fields: Fields, needed: Collection[str] = ()) -> str:
    """Return a template with the values of its fields; what is `needed` is not left out.

    >>> template = "#SBATCH --mem={{memory}}\\n{{setup}}\\nexec {{command}}\\n"
    >>> fields = {"memory": (), "setup": ("module load a", "module load b"), "command": ("jug",)}
    >>> print(filled(template, fields), end="")
    module load a
    module load b
    exec jug
    """
    return "".join(
        f"{line}\n" for row in template.splitlines() for line in _lines(row, fields, needed)
    )


def _lines(row: str, fields: Fields, needed: Collection[str]) -> Iterator[str]:
    known = {name: _values(name, fields) for name in _FIELD.findall(row)}
    empty = [name for name, values in known.items() if not values]
    lost = [name for name, values in known.items() if values and name in needed]
    if empty and lost:
        raise OptionError(
            f"the template has {{{{{lost[0]}}}}} in a line that is left out, "
            f"as {{{{{empty[0]}}}}} has no value: give it a line of its own"
        )
    for values in product(*known.values()):
        given = dict(zip(known, values, strict=True))
        yield _FIELD.sub(lambda found, given=given: given[found[1]], row)  # type: ignore[misc]


def _values(name: str, fields: Fields) -> tuple[str, ...]:
    if name not in fields:
        known = ", ".join(sorted(fields))
        raise OptionError(f"the template has a field {name!r}: the fields are {known}", name=name)
    return fields[name]


def fields_in(template: str) -> Collection[str]:
    """Return the names of the fields of a template."""
    return set(_FIELD.findall(template))
