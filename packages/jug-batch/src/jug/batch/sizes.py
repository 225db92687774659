"""Amounts of memory, as people and batch systems write them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["amount", "in_mebibytes"]

_AMOUNT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(i?B)?\s*", re.IGNORECASE)
_POWERS: Final = {"K": 1, "M": 2, "G": 3, "T": 4}


def amount(given: str) -> int:
    """Return an amount of memory in bytes; as batch systems count, 8G are 8 GiB.

    >>> amount("8G"), amount("8 GB"), amount("500MiB")
    (8589934592, 8000000000, 524288000)
    """
    found = _AMOUNT.fullmatch(given)
    if found is None:
        raise ValueError("must be an amount of memory such as 8G, 500M or 8 GB")
    number, unit, kind = found.groups()
    base = 1000 if (kind or "").upper() == "B" else 1024
    return int(float(number) * base ** _POWERS[unit.upper()])


def in_mebibytes(size: int) -> int:
    """Return an amount in MiB, which all batch systems understand, rounded up.

    >>> in_mebibytes(8 * 1024**3), in_mebibytes(1)
    (8192, 1)
    """
    return -(-size // 1024**2)
