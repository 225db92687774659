"""The connection to a server that may be away for a while.

An operation that meets no answer is tried again with a growing delay, and a log
line says so once.  So a server that restarts, or a failover, costs a worker
some time and nothing else: every script may be run again, as the ones that
change something know their own traces.  Only when the server has been away for
longer than the *patience* does an operation fail.

That holds from the first operation on: a command may start while the server is away.
From there a wrong address looks the same, so the log line names it at once, and a server
that has never answered is given only a few seconds for its first answer.  There
is little patience only where waiting can't help: for a host name that nobody knows, for
what is still tried after the patience has run out, and in a process that is to end.  A
login that is refused, a file of the URL that can't be read, or something that is not
redis, ends an operation at once.

This module and those that it imports need redis-py, and are imported when a store
is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from time import monotonic
from typing import Any, Final, NoReturn, TypeVar

from redis import exceptions as answers
from redis.backoff import EqualJitterBackoff
from redis.retry import Retry

from jug.backends._redis.client import connect
from jug.backends._redis.connection import Connection
from jug.backends._redis.scripts import FORMAT, Script
from jug.backends._redis.trouble import (
    advice,
    check_files,
    doubt,
    inline,
    is_read_only,
    is_refused,
    is_unknown_host,
)
from jug.backends._redis.url import Address
from jug.errors import OptionError, StoreError, StoreFormatError
from jug.hash import SCHEME_VERSION
from jug.messages import Log

log = Log("redis")

_Answer = TypeVar("_Answer")

_LITTLE_PATIENCE: Final = 1.0
_FIRST_TIMEOUT: Final = 5.0
_AT_ONCE: Final = 1.0  # seconds in which an idle connection that was closed is made anew
_SYNC_MILLISECONDS: Final = 10_000

_AWAY: Final = (
    answers.ConnectionError,
    answers.TimeoutError,
    answers.ClusterDownError,
    answers.ClusterError,
    answers.TryAgainError,
    answers.RedisClusterException,
)

_TROUBLE: Final = (answers.RedisError, answers.RedisClusterException)

# Somebody else's script takes long; too few replicas are there at the moment.
_PASSING: Final = ("BUSY ", "NOREPLICAS ")

# Tell of an eviction policy once, however often a process opens the store.
_warned: set[str] = set()


class Server:
    """The server that an address leads to, and the keys of one project on it."""

    def __init__(self, address: Address, patience: float, timeout: float = 20.0) -> None:
        self.address = address
        self.patience = patience
        self.has_answered = False
        self.has_given_up = False
        """Whether it was waited for in vain, and has not answered since."""
        self.has_written = False
        self._timeout = timeout
        self._link: Any = None
        self._can_sync = True

    def run(self, script: Script, *words: Any) -> Any:
        """Run a script and return its answer."""

        def once() -> Any:
            link = self._connected()
            try:
                return link.execute_command("EVALSHA", script.sha, 1, self.address.tag, *words)
            except answers.NoScriptError:
                return link.execute_command("EVAL", script.source, 1, self.address.tag, *words)

        return self._patiently(once)

    def run_each(self, script: Script, words: Iterable[Any]) -> Iterator[Any]:
        """Yield what a script answers to each word.

        Where there is one connection for all, a word is sent as soon as it is there,
        and no answer is waited for before the last.  What was not answered then is
        asked again, one after another.
        """
        link = self._patiently(self._connected)
        rest, sent, answered = iter(words), list[Any](), 0
        if isinstance(link, Connection):
            try:
                for word in rest:
                    sent.append(word)
                    link.send("EVALSHA", script.sha, 1, self.address.tag, word)
                for _ in sent:
                    yield link.receive()
                    answered += 1
            except _TROUBLE as error:
                log.debug("%s: %s", self.address.shown, error)
            finally:
                if answered < len(sent):
                    self.close()  # answers may be left in it
        for word in chain(sent[answered:], rest):
            yield self.run(script, word)

    def command(self, name: str, *words: Any) -> Any:
        """Run a command and return its answer."""
        return self._patiently(lambda: self._connected().execute_command(name, *words))

    def sync(self) -> None:
        """Return once the server has made durable what was written, if it can tell."""
        if not self._can_sync:
            return
        synced = self._patiently(self._sync_once)
        if not synced:
            raise StoreError(
                f"{self.address.shown} could not write its append-only file in time: "
                "check the server's disk",
                url=self.address.shown,
            )

    def _sync_once(self) -> bool:
        link = self._connected()
        where: dict[str, Any] = {}
        if self.address.kind == "cluster":
            where["target_nodes"] = link.get_node_from_key(self.address.tag)
        try:
            local, _ = link.execute_command("WAITAOF", 1, 0, _SYNC_MILLISECONDS, **where)
        except answers.ResponseError:
            self._can_sync = False  # an older server, or one without an append-only file
            return True
        return bool(local)

    def abandon(self, key: str) -> None:
        """Throw a key away that would go by itself in time, if that can be done now."""
        with suppress(StoreError):
            self.command("UNLINK", key)

    def close(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def give_up(self) -> None:
        """Have little patience until the server answers again."""
        self.hurry()
        self.close()

    def hurry(self) -> None:
        """Have little patience until the server answers again, as this process is to end."""
        self.has_given_up = True

    def forget(self) -> None:
        """Leave the connection to the parent of this process."""
        self._link = None

    def _connected(self) -> Any:
        if self._link is None:
            check_files(self.address)
            try:
                if not self.has_answered:
                    self._ask_first()
                client = connect(self.address, self._timeout)
                self._warn_of_eviction(client)
            except (TypeError, ValueError) as error:  # redis-py hands on all that is in the query
                if isinstance(error, OptionError):
                    raise
                reason = str(error).partition(") ")[2] or str(error).rstrip(".")
                raise OptionError(
                    f"the URL {self.address.shown} has an option that redis-py does not take "
                    f"({reason}): {'remove' if isinstance(error, TypeError) else 'correct'} it",
                    url=self.address.shown,
                ) from None
            # A client of a cluster must look where each command belongs.
            self._link = client if self.address.kind == "cluster" else Connection(client)
            self.has_answered, self.has_given_up = True, False
        return self._link

    def _ask_first(self) -> None:
        """See whether somebody answers there, who need not be a redis server."""
        client = connect(self.address, min(self._timeout, _FIRST_TIMEOUT))
        try:
            self._warn_of_eviction(client)
        finally:
            client.close()

    def _patiently(self, once: Callable[[], _Answer]) -> _Answer:
        began = monotonic()
        try:
            return once()
        except _TROUBLE as error:
            return self._insist(once, began, error)

    def _insist(self, once: Callable[[], _Answer], began: float, first: Exception) -> _Answer:
        def attempt() -> _Answer:
            try:
                return once()
            except answers.ResponseError as error:
                if self._will_pass(error):
                    raise answers.ConnectionError(str(error)) from error
                raise
            except (answers.ConnectionError, answers.TimeoutError):
                if self.address.kind == "sentinel":
                    self.close()  # another machine may be the primary by now
                raise

        absence = _Absence(self, began)
        retry = Retry(EqualJitterBackoff(cap=2.0, base=0.01), -1, _AWAY)
        try:
            if isinstance(first, _AWAY) and monotonic() - began > _AT_ONCE:
                absence.note(first)
            answer = retry.call_with_retry(attempt, absence.note)
        except _TROUBLE as error:
            self._explain(error)
        absence.end()
        return answer

    def _will_pass(self, error: answers.ResponseError) -> bool:
        """Return whether an answer comes from a server that is on its way to another state."""
        if self.has_written and is_read_only(error):
            self.close()  # the name of the server may lead to another machine by now
            return True
        return isinstance(error, answers.MasterDownError) or any(
            word in str(error) for word in _PASSING
        )

    def _warn_of_eviction(self, client: Any) -> None:
        """Warn of a server that may throw results away; also shows whether it lets us in."""
        try:
            policy = str(client.info("memory").get("maxmemory_policy", ""))
        except answers.NoPermissionError:
            return
        if policy.startswith("allkeys") and self.address.shown not in _warned:
            _warned.add(self.address.shown)
            log.warning(
                "%s may throw results away when its memory is full: "
                "its maxmemory-policy is %s, set it to noeviction",
                self.address.shown,
                policy,
            )

    def _explain(self, error: Exception) -> NoReturn:
        """Raise what an answer means for somebody who runs jug."""
        shown, said = self.address.shown, str(error)
        about = {"url": shown, "answer": said}
        if said.startswith("JUGFORMAT "):
            raise StoreFormatError(
                f"{shown} is a store of format {said.partition(' ')[2]}, and this version reads "
                f"format {FORMAT}: upgrade jug-redis",
                **about,
            ) from error
        if said.startswith("JUGHASH "):
            raise StoreFormatError(
                f"{shown} names tasks by the hash scheme {said.partition(' ')[2]}, this jug by "
                f"{SCHEME_VERSION}, and would find none of its results: use the jug-core that "
                "wrote it, or choose another prefix and have them computed again",
                **about,
            ) from error
        raise StoreError(f"{shown} answered {said!r}: {advice(error, said)}", **about) from error


class _Absence:
    """The time in which a server does not answer an operation."""

    def __init__(self, server: Server, since: float) -> None:
        self._server = server
        self._since = since
        self._has_begun = False
        self._told = False

    def note(self, error: Exception) -> None:
        """Give up, or say once that the server is waited for."""
        if is_refused(error):
            raise error
        shown, away = self._server.address.shown, monotonic() - self._since
        if not self._has_begun and away < _AT_ONCE:
            # Perhaps only an idle connection that was closed: the next try makes a new one.
            self._has_begun = True
            return
        limit = self._patience(error)
        if away >= limit:
            self._server.give_up()
            how_long = f" for {away:.1f} seconds" if away >= 0.1 else ""
            raise StoreError(
                f"{shown} did not answer{how_long} ({inline(error)}): "
                f"check that the server runs, and its address{doubt(self._server.address, error)}",
                url=shown,
            ) from error
        if not self._told and limit > _LITTLE_PATIENCE:
            self._told = True
            log.warning(
                "%s does not answer (%s): waiting for it, at most %g seconds%s",
                shown,
                inline(error),
                limit,
                ""
                if self._server.has_answered
                else f"; is its address right{doubt(self._server.address, error)}?",
            )

    def end(self) -> None:
        """Note that the server answers."""
        if self._told:
            shown, away = self._server.address.shown, monotonic() - self._since
            log.info("%s answers again after %.1f seconds", shown, away)

    def _patience(self, error: Exception) -> float:
        server = self._server
        is_hopeless = server.has_given_up or (not server.has_answered and is_unknown_host(error))
        if is_hopeless and not isinstance(error, answers.BusyLoadingError):
            return min(_LITTLE_PATIENCE, server.patience)
        return server.patience
