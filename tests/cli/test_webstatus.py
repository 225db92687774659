"""`jug webstatus`: the page live, for who has its URL and for nobody else."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from click.testing import Result

from jug import Task, set_jugdir
from jug.backends.base import BaseStore
from jug.errors import JugError, OptionError, StoreError
from jug.jugfile import Jugspace
from jug.report.findings import Findings, Subject, find
from jug.report.live import LivePage, Unavailable
from jug.report.server import _Answer, serving
from jug.session import use_store

Jug = Callable[..., Result]


@pytest.fixture
def store() -> Iterator[BaseStore]:
    yield set_jugdir("dict_store")
    use_store(None)


class Looks:
    """Looks at two tasks, counts how often, and fails if it is told to."""

    def __init__(self, store: BaseStore) -> None:
        self.count = 0
        self.trouble: JugError | None = None
        task = Task(abs, -1)
        self._jugspace = Jugspace(store, [task, Task(sum, [task])])

    def run(self) -> None:
        """Run the first task."""
        self._jugspace.tasks[0].run()

    def __call__(self) -> Findings:
        self.count += 1
        if self.trouble is not None:
            raise self.trouble
        return find(self._jugspace, Subject("primes.py", "here"))


@pytest.fixture
def looks(store: BaseStore) -> Looks:
    return Looks(store)


@contextmanager
def live_at(looks: Looks, host: str = "127.0.0.1") -> Iterator[str]:
    live = LivePage(looks)
    with serving(live, host, 0) as url:
        maker = Thread(target=live.keep_making)
        maker.start()
        yield url
    maker.join()


@pytest.fixture
def url(looks: Looks) -> Iterator[str]:
    with live_at(looks) as url:
        yield url


class Answer(NamedTuple):
    status: int
    text: str
    headers: HTTPResponse


def ask(url: str, method: str = "GET", path: str | None = None, **headers: str) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.putrequest(
        method, path or f"{parts.path}?{parts.query}", skip_host="Host" in headers
    )
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    try:
        return Answer(response.status, response.read().decode(), response)
    finally:
        connection.close()


# Who may look


def test_who_has_the_url_gets_the_page(url: str) -> None:
    answer = ask(url)

    assert answer.status == 200
    assert answer.text.startswith("<!doctype html>") and "builtins.abs" in answer.text
    assert url not in answer.text and urlsplit(url).query not in answer.text


def test_the_page_says_to_browsers_what_it_may_do(url: str) -> None:
    headers = ask(url).headers

    policy = headers.getheader("Content-Security-Policy", "")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers.getheader("X-Content-Type-Options") == "nosniff"
    assert headers.getheader("X-Frame-Options") == "DENY"
    assert headers.getheader("Cross-Origin-Opener-Policy") == "same-origin"
    assert headers.getheader("Cross-Origin-Resource-Policy") == "same-origin"
    assert headers.getheader("Referrer-Policy") == "no-referrer"
    assert headers.getheader("Cache-Control") == "no-store"
    assert headers.getheader("Content-Type") == "text/html; charset=utf-8"
    assert headers.getheader("Server", "").strip() == "jug"


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=wrong", "/?", "/?token=%ff%00", "/?token=%c3%a9"]
)
def test_without_the_token_nothing_is_told(url: str, path: str, looks: Looks) -> None:
    answer = ask(url, path=path)

    assert (answer.status, answer.text) == (403, "403 Forbidden\n")
    assert looks.count == 0


def test_a_token_that_is_given_twice_is_none(url: str) -> None:
    query = urlsplit(url).query

    assert ask(url, path=f"/?{query}&{query}").status == 403


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil", ""]
)
def test_a_page_that_another_name_leads_to_is_refused(url: str, name: str, looks: Looks) -> None:
    answer = ask(url, Host=name)

    assert (answer.status, answer.text) == (403, "403 Forbidden\n")
    assert looks.count == 0


def test_this_hosts_own_names_are_heard_by_any_port_of_a_tunnel(url: str) -> None:
    port = urlsplit(url).port

    for name in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST:9000", "[::1]:9000"):
        assert ask(url, Host=name).status == 200


def test_two_names_in_one_request_are_refused(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        request = f"GET /?{parts.query} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        connection.sendall(request.encode())

        assert connection.recv(1000).startswith(b"HTTP/1.0 403 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_looking_is_possible(url: str, method: str, looks: Looks) -> None:
    answer = ask(url, method=method)

    assert answer.status == 405
    assert answer.headers.getheader("Allow") == "GET, HEAD"
    assert looks.count == 0


def test_a_head_alone_has_no_body(url: str) -> None:
    answer = ask(url, method="HEAD")

    assert (answer.status, answer.text) == (200, "")
    assert int(answer.headers.getheader("Content-Length", "0")) > 1000


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/etc/passwd", "//etc/passwd", "/%2e%2e/x", "/page.js"],
)
def test_there_are_no_files(url: str, path: str) -> None:
    query = urlsplit(url).query

    assert ask(url, path=path).status == 403
    assert ask(url, path=f"{path}?{query}").status == 404


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the loopback has one address")
def test_where_all_addresses_are_heard_any_of_this_host_may_be_asked(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is another one of the loopback's, as tests listen nowhere else."""
    asked_for: list[Any] = []

    def on_loopback(host: Any, *rest: Any, **options: Any) -> Any:
        asked_for.append(host)
        return addresses_of("127.0.0.3", *rest, **options)

    addresses_of = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", on_loopback)
    with live_at(looks, "0.0.0.0") as url:
        parts = urlsplit(url)
        there = url.replace(parts.hostname or "", "127.0.0.3")

        assert asked_for == ["0.0.0.0"]
        assert parts.hostname == socket.gethostname().lower()
        assert ask(there).status == 200
        assert ask(there, Host=socket.gethostname()).status == 200
        assert ask(there, Host="127.0.0.5").status == 403
        assert ask(there, Host="evil.example").status == 403


# How often it is made


class Clock:
    """Time and work of the pages' maker, which pass where a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.worked = 0.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.worked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("jug.report.live.time", clock)
    return clock


def test_a_page_is_kept_for_a_while(clock: Clock, url: str, looks: Looks) -> None:
    texts = {ask(url).text for _ in range(10)}
    clock.now += 2.0
    texts.add(ask(url).text)
    assert len(texts) == looks.count == 1

    clock.now += 0.1
    ask(url)
    assert looks.count == 2


def test_who_asks_together_gets_one_page(clock: Clock, url: str, looks: Looks) -> None:
    answers: list[int] = []
    threads = [Thread(target=lambda: answers.append(ask(url).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 8
    assert looks.count == 1


def test_a_store_that_fails_for_a_while_ends_nothing(clock: Clock, looks: Looks) -> None:
    looks.trouble = StoreError("the server of 'redis://x' does not answer")
    live = LivePage(looks, kept=0.0)
    with serving(live, "127.0.0.1", 0) as url:
        maker = Thread(target=live.keep_making)
        maker.start()
        failed = ask(url)
        looks.trouble = None
        clock.now += 0.1
        after = ask(url)
    maker.join()

    assert failed.status == 503 and "does not answer" in failed.text
    assert after.status == 200


def test_a_client_that_says_nothing_holds_nobody_up(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)):
        assert ask(url).status == 200


@pytest.mark.parametrize(
    "request_line",
    [
        "PROPFIND /?{} HTTP/1.1", "<b> /?{} HTTP/1.1", "get /?{} HTTP/1.1", "GET /?{} HTTP/9.9",
        "GET http://[x/?{} HTTP/1.1", "GET", "\x16\x03\x01", "GET /?{}" + "a" * 70_000,
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_a_word(url: str, request_line: str, looks: Looks) -> None:
    request = request_line.format(urlsplit(url).query) + "\r\nHost: localhost\r\n\r\n"
    # The server reads no more than this, and what it had not read would cut off its answer.
    answer = spoken(url, request[:65_537])

    assert answer.split()[-1] in (b"Implemented", b"Found", b"Request", b"Supported", b"Long")
    assert b"<" not in answer and urlsplit(url).query.encode() not in answer
    assert b"HTTP/1.0" not in answer or b"Content-Security-Policy: default-src 'none'" in answer
    assert looks.count == 0


def spoken(url: str, text: str) -> bytes:
    """Send this to a server, and return all that it answers."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connected:
        connected.sendall(text.encode("latin-1"))
        return b"".join(iter(lambda: connected.recv(1 << 16), b""))


def test_of_very_many_connections_the_oldest_is_given_up(url: str) -> None:
    parts = urlsplit(url)
    with ExitStack() as stack:
        there = parts.hostname or "", parts.port or 0
        silent = [
            stack.enter_context(socket.create_connection(there, timeout=30)) for _ in range(100)
        ]

        assert ask(url).status == 200
        assert silent[0].recv(1) == b""
        end = time.monotonic() + 30
        while sum("process_request" in one.name for one in enumerate_threads()) > 64:
            assert time.monotonic() < end
            time.sleep(0.01)
        silent[-1].sendall(f"GET /?{parts.query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert silent[-1].recv(12) == b"HTTP/1.0 200"


@contextmanager
def made(look: Callable[[], Findings], kept: float) -> Iterator[LivePage]:
    """Have somebody make a page whenever it is wanted."""
    live = LivePage(look, kept=kept)
    maker = Thread(target=live.keep_making)
    maker.start()
    try:
        yield live
    finally:
        live.close()
        maker.join()


@pytest.mark.parametrize(
    ("kept", "work", "wait", "enough"),
    [(60.0, 0.0, 0.0, 60.0), (0.0, 0.3, 0.0, 3.0), (2.0, 0.1, 5.0, 2.0)],
    ids=["long enough", "ten times its work", "no longer for a store that is long in answering"],
)
def test_a_page_is_kept_for_long_enough_and_for_ten_times_its_work(
    clock: Clock, looks: Looks, kept: float, work: float, wait: float, enough: float
) -> None:
    def look() -> Findings:
        clock.worked += work
        clock.now += work + wait
        return looks()

    with made(look, kept) as live:
        live.get()
        clock.now += enough - 0.01
        live.get()
        assert looks.count == 1

        clock.now += 0.02
        live.get()
        assert looks.count == 2


def test_who_has_waited_for_long_gets_no_old_page(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_slow = Event()

    def look() -> Findings:
        if looks.count:
            is_slow.wait()
        return looks()

    live = LivePage(look, kept=0.0)
    maker = Thread(target=live.keep_making)
    maker.start()
    try:
        assert live.get()
        monkeypatch.setattr("jug.report.live._PATIENCE", 0.01)
        end = time.monotonic() + 30
        with pytest.raises(Unavailable, match="the store has not answered for 0.01 seconds"):
            while time.monotonic() < end:  # the page is kept for a moment
                live.get()
    finally:
        is_slow.set()
        live.close()
        maker.join()


def test_who_says_nothing_for_long_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = urlsplit(url)
    assert 0 < _Answer.timeout <= 60
    monkeypatch.setattr(_Answer, "timeout", 0.1)

    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as silent:
        assert silent.recv(1) == b""


def test_a_port_that_is_taken_is_told(looks: Looks) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"port {port} of '127.0.0.1' can't be had") as error:
            with serving(LivePage(looks), "127.0.0.1", port):
                pass

    assert "give another one by --port" in str(error.value)


def test_two_of_them_never_share_a_port(looks: Looks, url: str) -> None:
    with pytest.raises(OptionError, match="can't be had"):
        with serving(LivePage(looks), "127.0.0.1", urlsplit(url).port or 0):
            pass


def test_an_address_that_is_none_is_told(looks: Looks) -> None:
    with pytest.raises(OptionError, match="can't be had"):
        with serving(LivePage(looks), "no.such.host.invalid", 0):
            pass


# The command


@pytest.fixture
def started(folder: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Call with the words behind `jug webstatus`: starts it, and returns it with its URL."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "jug", "webstatus", "--port", "0", *words],
            cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert process.stdout.readline() == "Ctrl-C ends it.\n"
        return process, url

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_command_says_its_url_and_ends_by_ctrl_c(
    started: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = started("primes.py")
    answer = ask(url)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert url.startswith("http://127.0.0.1:") and "?token=" in url
    assert answer.status == 200 and "primes.is_prime" in answer.text
    assert (process.returncode, out, err) == (0, "", "\n")


@pytest.mark.slow
def test_it_ends_too_while_a_browser_is_connected(
    started: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = started("primes.py")
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert process.returncode == 0


@pytest.mark.slow
def test_what_workers_do_meanwhile_is_seen(
    folder: Path,
    started: Callable[..., tuple[subprocess.Popen[str], str]],
    jug_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    _, url = started("primes.py")
    before = ask(url).text

    jug_process("execute", "-j", "2", "primes.py")
    after = before
    end = time.monotonic() + 60
    while "7 finished" not in after and time.monotonic() < end:
        time.sleep(0.2)
        after = ask(url).text

    assert "No task has been run yet." in before and "7 finished" not in before
    assert "7 finished" in after


@pytest.mark.slow
def test_once_a_barrier_is_open_the_tasks_beyond_it_are_seen(
    folder: Path,
    started: Callable[..., tuple[subprocess.Popen[str], str]],
    jug_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    (folder / "wall.py").write_text(
        "from jug import Task, barrier\nTask(abs, -1)\nbarrier()\nTask(max, 1, 2)\n"
    )
    _, url = started("wall.py")
    before = ask(url).text

    jug_process("execute", "wall.py")
    after = before
    end = time.monotonic() + 60
    while "builtins.max" not in after and time.monotonic() < end:
        time.sleep(0.2)
        after = ask(url).text

    assert "stops at a barrier" in before
    assert "builtins.max" in after and "stops at a barrier" not in after


@pytest.mark.slow
def test_of_a_jugfile_that_cant_be_read_what_is_recorded_is_shown(
    folder: Path,
    executed: Callable[..., None],
    started: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    executed()
    (folder / "primes.py").write_text("1 / 0\n")

    _, url = started("primes.py")

    shown = ask(url).text
    assert "The jugfile can&#x27;t be read." in shown and "7 finished" in shown


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["edited.py", "helper.py"])
def test_that_a_file_was_edited_since_it_was_read_is_told(
    folder: Path, started: Callable[..., tuple[subprocess.Popen[str], str]], edited: str
) -> None:
    (folder / "helper.py").write_text("def less(x): return x - 1\n")
    (folder / "edited.py").write_text("from jug import Task\nimport helper\nTask(helper.less, 1)\n")
    _, url = started("edited.py")
    before = ask(url).text

    with open(folder / edited, "a") as file:
        file.write("more = 2\n")
    after = before
    end = time.monotonic() + 60
    while "edited after being read" not in after and time.monotonic() < end:
        time.sleep(0.2)
        after = ask(url).text

    assert "edited after being read" not in before
    assert f"{edited} was edited after being read for this page" in after


def test_a_browser_is_begun_without_the_token_on_its_command_line(
    jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[tuple[str, str, int]] = []

    def launch(path: str) -> None:
        folder = os.stat(os.path.dirname(path))
        launched.append((path, Path(path).read_text(), stat.S_IMODE(folder.st_mode)))

    def interrupted(live: LivePage) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.launch", launch)
    monkeypatch.setattr(LivePage, "keep_making", interrupted)
    url = jug("webstatus", "--open", "--port", "0", "primes.py").stdout.splitlines()[0]

    ((path, text, mode),) = launched
    assert "token" not in path and f"0; url={url}" in text and mode == 0o700
    assert not os.path.exists(os.path.dirname(path))


def test_without_a_browser_to_be_begun_its_url_is_in_no_file(
    jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(live: LivePage) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LivePage, "keep_making", interrupted)
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")

    assert "/?token=" in jug("webstatus", "--port", "0", "primes.py").stdout


def test_a_port_that_is_none_is_wrong_usage(jug: Jug) -> None:
    assert "65536" in jug("webstatus", "--port", "65536", "primes.py", status=2).output


def test_a_port_of_the_configuration_that_is_none_is_told(jug: Jug, folder: Path) -> None:
    (folder / "jugrc").write_text("[webstatus]\nport = many\n")

    told = jug("webstatus", "primes.py", status=2).output

    assert "'many' must be a port, from 0 to 65535" in told


def test_a_port_that_is_taken_is_wrong_usage(jug: Jug) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        told = jug("webstatus", "--port", port, "primes.py", status=2).output

    assert f"port {port} of '127.0.0.1' can't be had ({os.strerror(98)})" in told
