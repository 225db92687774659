"""How the pages become a site: `hatch run docs`.

The pages are Markdown that reads as well where the sources are shown, so nothing in them is
meant for the site alone.  Its navigation is README.md: each heading there with the list of pages
below it.  At the end of the names it has those of all modules, for who changes jug.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "scripts"

project = "jug"
extensions = ["myst_parser"]
root_doc = "README"
myst_heading_anchors = 4
nitpicky = True
smartquotes = False  # they would make one dash of the two of an option

html_theme = "furo"
html_title = "jug"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it would be fetched, which no browser does from a disk
html_show_copyright = False
html_show_sphinx = False

_SECTION = re.compile(r"^## (.*)\n((?:.*\n)*?)(?=^## |\Z)", re.MULTILINE)
_PAGE = re.compile(r"\[[^]]*\]\(([\w-]+)\.md\)")


def navigation(index: str) -> str:
    """Return the pages that an index names, as lists that are not shown where they stand."""
    parts = [
        "\n".join(
            ["```{toctree}", ":hidden:", f":caption: {name}", "", *_PAGE.findall(text), "```"]
        )
        for name, text in _SECTION.findall(index)
    ]
    return "\n\n".join(parts)


def inside() -> str:
    """Return the table of those names that are not promised."""
    sys.path.insert(0, str(SCRIPTS))
    from make_api_page import inside

    sys.path.remove(str(SCRIPTS))
    return inside()


def complete(_app: Any, page: str, content: list[str]) -> None:
    """Add what only the site has."""
    if page == root_doc:
        content[0] += "\n" + navigation(content[0])
    elif page == "api":
        content[0] += "\n" + inside()


def add_front_door(app: Any, error: Exception | None) -> None:
    """Have the site found under the name that browsers and servers look for."""
    if error is None and app.builder.format == "html":
        site = Path(app.outdir)
        shutil.copy(site / f"{root_doc}.html", site / "index.html")


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", complete)
    app.connect("build-finished", add_front_door)
    return {"parallel_read_safe": True}
