"""All tasks that were made in this process, which is what a jugfile leaves behind."""

from __future__ import annotations

from typing import Any

alltasks: list[Any] = []
"""All tasks made so far, in order."""
