"""A Chromium without a window, driven over a pipe: for tests of pages, and pictures of them.

Nothing but Python is needed beside the browser, and no port is open.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PATIENCE = 60.0
"""Seconds after which something that the browser was asked for will not come."""


class PageLeftError(RuntimeError):
    """Raised where the page was left for another one before it could answer."""


class Page:
    """One page of the browser, and what it has written to its console."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._read = b""
        self._asked = 0
        self._session: str | None = None
        self.console: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Ask the browser for something, and return its answer."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": given}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._asked:
                if "error" in said:
                    trouble = f"{method}: {said['error']['message']}"
                    has_left = "navigated or closed" in trouble
                    raise PageLeftError(trouble) if has_left else RuntimeError(trouble)
                answer: dict[str, Any] = said["result"]
                return answer

    def _next(self) -> dict[str, Any]:
        """Return what the browser says next; what its console says is noted."""
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if ready else b""
            if not part:
                raise RuntimeError("the browser does not answer")
            self._read += part
        line, _, self._read = self._read.partition(b"\0")
        said: dict[str, Any] = json.loads(line)
        self._note(said.get("method", ""), said.get("params", {}))
        return said

    def _note(self, method: str, about: dict[str, Any]) -> None:
        if method == "Log.entryAdded":
            self.console.append(about["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(one.get("value")) for one in about["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(about["exceptionDetails"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.console.append(f"dialog: {about['message']}")

    def show(self, url: str, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Show what is at a URL, in a window of this size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=url)
        self.wait_for("location.href != 'about:blank' && document.readyState == 'complete'")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page's script, which may be a promise."""
        said = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in said:
            raise RuntimeError(f"{expression[:200]}: {said['exceptionDetails']}")
        return said["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Return once an expression is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(PageLeftError):
                if self.evaluate(expression):
                    return
            time.sleep(0.05)
        raise RuntimeError(f"it did not come to be that {expression}")

    def picture(self, path: Path, height: int) -> None:
        """Write what is seen of the page, to this height, as a picture."""
        width = self.evaluate("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(b64decode(taken["data"]))


@contextmanager
def browser(chromium: str) -> Iterator[Page]:
    """Start Chromium, and yield a page of it."""
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, str(commands), str(answers), chromium, *_WORDS,
             f"--user-data-dir={folder}"],
            env=os.environ | {"HOME": folder, "TMPDIR": folder}, pass_fds=[commands, answers],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        try:
            yield Page(to_browser, from_browser)
        finally:
            process.terminate()
            process.wait()
            os.close(to_browser)
            os.close(from_browser)


_WORDS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-extensions",
    "--remote-debugging-pipe",
)

# Chromium reads commands from 3 and writes answers to 4, which may be in use here.
_BEGIN = """
import os, sys
ends = [os.dup2(int(end), 100 + place) for place, end in enumerate(sys.argv[1:3])]
for place, end in enumerate(ends):
    os.dup2(end, 3 + place)
os.closerange(5, 200)
os.execvp(sys.argv[3], sys.argv[3:])
"""
