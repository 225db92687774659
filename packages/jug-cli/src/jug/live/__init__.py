"""Progress as one block at the bottom of a terminal.

display   draws a block when it is given a snapshot, and what others print above it
layout    what stands in the block, in as many lines and columns as there is room for
block     lines at the bottom of a terminal that are drawn over again

rich makes the colours; it is imported with this package, by whoever draws.
"""

from __future__ import annotations

from jug.live.display import LiveDisplay

__all__ = ["LiveDisplay"]
