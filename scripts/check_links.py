"""Find links of a built site that lead nowhere: `hatch run docs` runs this on what it has built.

What leads out of the site is not asked for: `hatch run docs-outside` does that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places of one page that links can name, and the links in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def dead_links(site: Path) -> Iterator[str]:
    """Yield a line for each link to a file, or to a place in a page, that is not there."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists():
                yield f"{path.relative_to(site)}: {link}: there is no such file"
            elif place and target in pages and place not in pages[target].places:
                yield f"{path.relative_to(site)}: {link}: there is no such place"


def main() -> int:
    """Print the dead links of the site that is named, and return the exit status."""
    site = Path(sys.argv[1]).resolve()
    found = list(dead_links(site))
    print("\n".join(found) or f"{site / 'index.html'} and all links are there")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
