"""Task-based parallel programs in plain Python, with memoisation."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jug.compound import CompoundTask, CompoundTaskGenerator

    __version__: str
else:
    from jug import _siblings

    __getattr__ = _siblings.resolve

__all__ = [
    # from jug-mapreduce, when it is installed
    "CompoundTask",
    "CompoundTaskGenerator",
]
