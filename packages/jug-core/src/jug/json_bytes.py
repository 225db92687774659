"""JSON as bytes, for what a store keeps; most runs need none, and `json` is slow to import."""

from __future__ import annotations

from typing import Any

__all__ = ["from_json", "to_json"]


def to_json(said: Any) -> bytes:
    """Return a value as JSON.

    >>> to_json({"end": 1.5})
    b'{"end": 1.5}'
    """
    import json

    return json.dumps(said).encode()


def from_json(piece: bytes) -> Any:
    """Return the value that was packed; `ValueError` if it is no JSON.

    >>> from_json(b"[1, 2]")
    [1, 2]
    """
    import json

    return json.loads(piece)
