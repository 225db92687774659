"""The page as a whole: one file, in which its style and its script are.

It may fetch nothing and run nothing but this script: its own policy says so to the browser,
which holds it to that whatever a task is called.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jug.report.code_section import code_section
from jug.report.failures_section import failures_section
from jug.report.findings import Findings
from jug.report.markup import Markup, joined, shown, tag
from jug.report.summary import head, summary
from jug.report.tasks_section import graph_section, path_section, tasks_section
from jug.report.time_section import time_section
from jug.report.workers_section import machines_section, versions_section, workers_section

__all__ = ["page", "policy"]

_STATES: Final = ("failed", "running", "ready", "waiting", "finished", "stale")


def page(found: Findings, refresh: float = 0.0) -> str:
    """Return the page; a live one looks anew every so many seconds.

    >>> from jug import set_jugdir
    >>> from jug.jugfile import Jugspace
    >>> from jug.report.findings import Subject, find
    >>> made = page(find(Jugspace(set_jugdir("dict_store"), []), Subject("primes.py", "here")))
    >>> made.startswith("<!doctype html>"), "<h1>primes.py</h1>" in made
    (True, True)
    """
    is_live = refresh > 0.0
    title = tag("title", f"{shown(found.title, 100)} – jug")
    secured = tag("meta", http_equiv="Content-Security-Policy", content=policy(is_live))
    headed = tag(
        "head", tag("meta", charset="utf-8"), None if is_live else secured,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"), title, tag("style", _asset("page.css")),
    )  # fmt: skip
    body = tag(
        "body", head(found), _tools(is_live), tag("main", _sections(found)),
        tag("script", _asset("page.js")), data_refresh=f"{refresh:g}" if is_live else None,
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', headed, body, lang='en')}\n"


def _sections(found: Findings) -> Markup:
    return joined(
        summary(found),
        failures_section(found),
        tasks_section(found),
        graph_section(found),
        time_section(found),
        path_section(found),
        code_section(found),
        workers_section(found),
        machines_section(found),
        versions_section(found),
    )


def _tools(is_live: bool) -> Markup:
    """Return what the script needs a reader's word for; without it that is hidden."""
    states = (tag("option", state, value=state) for state in _STATES)
    find = tag("input", type="search", id="find", autocomplete="off", spellcheck="false")
    choose = tag("select", tag("option", "all states", value=""), states, id="state")
    live = (
        tag("button", "Pause", type="button", id="pause"),
        tag("span", id="live", role="status"),
    )
    return tag(
        "div",
        tag("label", "Find ", find),
        tag("label", "State ", choose),
        tag("span", id="found", role="status"),
        live if is_live else None,
        id="tools", role="search", hidden=True,
    )  # fmt: skip


@cache
def _asset(name: str) -> Markup:
    return Markup((files("jug.report") / name).read_text("utf-8"))


@cache
def policy(is_live: bool) -> str:
    """Return what the page may do, as the browser is told: nothing but what it has with it."""
    style, script = (_digest(_asset(name)) for name in ("page.css", "page.js"))
    own = f"default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:"
    more = "; connect-src 'self'; frame-ancestors 'none'" if is_live else ""
    return f"{own}; base-uri 'none'; form-action 'none'{more}"


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
