"""Task-based parallel programs in plain Python, with memoisation."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jug.compound import CompoundTask, CompoundTaskGenerator
else:
    from jug._siblings import resolve as __getattr__

__all__ = [
    # from jug-mapreduce, when it is installed
    "CompoundTask",
    "CompoundTaskGenerator",
]
