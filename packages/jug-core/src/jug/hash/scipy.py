"""Encodings of scipy's sparse matrices and arrays.

By shape and elements in a certain order.  A matrix is put in order, and elements of one
place are added, when it is first printed or summed, and it keeps whether it was: so
neither counts.  Formats that do not change by use are taken apart as any object.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any, Final

from jug.hash.containers import Encoder
from jug.hash.framing import sealed
from jug.hash.objects import attributes

_COMPRESSED: Final = ("bsr", "csc", "csr")
_KEPT: Final = frozenset(
    {
        "_has_canonical_format",
        "_has_sorted_indices",
        "_shape",
        "coords",
        "data",
        "has_canonical_format",
        "has_sorted_indices",
        "indices",
        "indptr",
        "maxprint",
    }
)
"""Attributes of every matrix."""


def encoder(cls: Any) -> Encoder | None:
    """Return the encoder of a class of sparse matrices that change by use, None if it is none."""
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None or not issubclass(cls, (sparse.spmatrix, sparse.sparray)):
        return None
    kinds = [getattr(sparse, f"{name}_{kind}") for name in _NAMES for kind in ("matrix", "array")]
    return _matrix if issubclass(cls, tuple(kinds)) else None


_NAMES: Final = (*_COMPRESSED, "coo")


def _matrix(matrix: Any) -> Generator[Any, bytes, bytes]:
    own = {name: value for name, value in attributes(matrix).items() if name not in _KEPT}
    parts = (matrix.shape, *_elements(matrix))
    return sealed(b"X", [(yield type(matrix)), (yield (*parts, own) if own else parts)])


def _elements(matrix: Any) -> tuple[Any, ...]:
    """Return the numbers that are stored and where they belong."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.format not in _COMPRESSED:
        return (matrix.data, [index.astype("i8") for index in matrix.coords])
    stored = matrix.indptr[-1]
    places = (matrix.indices[:stored].astype("i8"), matrix.indptr.astype("i8"))
    return (matrix.data[:stored], *places)
