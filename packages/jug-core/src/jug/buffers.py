"""Bytes in whatever form they come."""

from __future__ import annotations

Buffer = bytes | bytearray | memoryview
"""Anything that bytes can be read from."""
