"""What a display promises."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from jug.progress.snapshot import Snapshot

__all__ = ["Display"]


class Display(Protocol):
    """Shows how far a run is while it goes on."""

    interval: float
    """Seconds between two snapshots that it wants to have."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how far all is."""

    def write(self, descriptor: int, data: bytes, source: Hashable = None) -> None:
        """Write what others print to a file descriptor, so that both can be read.

        Of what comes from several at once `source` tells apart from whom it comes.
        """

    def pause(self) -> None:
        """Leave the place where it draws, as others will use it meanwhile."""

    def close(self) -> None:
        """Show no more; what was shown last stays, as far as that is of use."""
