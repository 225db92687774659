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


def filled(template: str, fields: Fields) -> str:
    """Return a template with the values of its fields.

    >>> template = "#SBATCH --mem={{memory}}\\n{{setup}}\\nexec {{command}}\\n"
    >>> fields = {"memory": (), "setup": ("module load a", "module load b"), "command": ("jug",)}
    >>> print(filled(template, fields), end="")
    module load a
    module load b
    exec jug
    """
    return "".join(f"{line}\n" for row in template.splitlines() for line in _lines(row, fields))


def _lines(row: str, fields: Fields) -> Iterator[str]:
    names = list(dict.fromkeys(_FIELD.findall(row)))
    for values in product(*(_values(name, fields) for name in names)):
        given = dict(zip(names, values, strict=True))
        yield _FIELD.sub(lambda found, given=given: given[found[1]], row)  # type: ignore[misc]


def _values(name: str, fields: Fields) -> tuple[str, ...]:
    if name not in fields:
        known = ", ".join(sorted(fields))
        raise OptionError(f"the template has a field {name!r}: the fields are {known}", name=name)
    return fields[name]


def fields_in(template: str) -> Collection[str]:
    """Return the names of the fields of a template."""
    return set(_FIELD.findall(template))
