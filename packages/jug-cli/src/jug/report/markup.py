"""HTML and SVG, with all that comes from elsewhere as text.

Only what `tag` and `joined` return is markup.  Any other text is escaped where it is put in, so
a name, an argument or a traceback can never be more than text, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

__all__ = ["Markup", "joined", "shown", "tag"]

_EMPTY: Final = frozenset({"br", "circle", "input", "line", "link", "meta", "path", "rect"})
_ODD: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tabs and ends of lines
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"  # these two: what can't be seen, or turns text
    "\ud800-\udfff\ufffe\uffff]"  # what no file can have
)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Iterable[str] | None
Attribute = str | int | bool | None


def tag(name: str, /, *contents: Content, **attributes: Attribute) -> Markup:
    """Return an element.  Its contents are markup, or text to be escaped, or some of them.

    An underscore at the end of an attribute's name is left out, and others are dashes.
    Without a value, None or False, it is left out, and True is one without a value.

    >>> tag("td", "a < b", tag("b", "c"), class_="number", data_key=1, hidden=True, title=None)
    '<td class="number" data-key="1" hidden>a &lt; b<b>c</b></td>'
    """
    given = "".join([_attribute(key, value) for key, value in attributes.items()])
    if name in _EMPTY and not contents:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(*contents)}</{name}>")


def joined(*contents: Content) -> Markup:
    """Return contents one after the other.

    >>> joined("a & ", (tag("i", one) for one in "bc"), None)
    'a &amp; <i>b</i><i>c</i>'
    """
    return Markup("".join(map(_content, contents)))


def _content(content: Content) -> str:
    if content is None or isinstance(content, Markup):
        return content or ""
    if isinstance(content, str):
        return escape(shown(content, None))
    return "".join(map(_content, content))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(shown(str(value), None))}"'


def shown(text: str, limit: int | None) -> str:
    r"""Return a text as it can be shown: what can't be seen as its code, and not too long.

    >>> shown("a\x1b[2J\u202eb\ud800", 80), shown("a long text", 6), shown("short", 6)
    ('a\\x1b[2J\\u202eb\\ud800', 'a lon…', 'short')
    """
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return _ODD.sub(lambda found: ascii(found[0])[1:-1], text)
