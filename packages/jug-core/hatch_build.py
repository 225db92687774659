"""Add to the wheel what keeps jug-core whole where jug 2.x is uninstalled after it."""

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ["jug", "jug/backends", "jug/hooks"]


class StandIn(BuildHookInterface):
    """Adds the stand-in, and the second copies of ``__init__.py`` that it finds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name them to the builder; an editable install has its files out of reach of jug 2.x."""
        if version == "standard":
            build_data["force_include"]["stand_in.py"] = "jug.py"
            self.copies = TemporaryDirectory()  # the builder takes a file to one place only
            for package in PACKAGES:
                copy = Path(self.copies.name, package.replace("/", "."))
                copyfile(Path(self.root, "src", package, "__init__.py"), copy)
                build_data["force_include"][str(copy)] = f"{package}/__init__.pyi"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        if version == "standard":
            self.copies.cleanup()
