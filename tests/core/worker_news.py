"""What a worker does when others remove results and make them anew, whichever store it uses.

A subclass in a test file gives the fixture `opener`, as for `jug.testing.stores`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jug import CachedFunction, Task, codec, run
from jug.backends.base import BaseStore, Frame, Kind
from jug.execution.settings import Settings
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.session import use_store

Opener = Callable[[], BaseStore]

ACTIONS: dict[str, Callable[[], Any]] = {}


def act(name: str) -> Any:
    """Do what a test has put under a name: what a function closes over would enter its hash."""
    return ACTIONS[name]()


def act_with(name: str, value: Any) -> list[Any]:
    return [act(name), value]


def gather(*values: Any) -> list[Any]:
    return list(values)


def frame(task: Task[Any], value: Any) -> Frame:
    return Frame(Kind.RESULT, task.digest, pack(Record(task.name)), codec.encode(value))


class WorkerNews:
    """A worker runs in `store`, and other workers act on views of their own meanwhile."""

    @pytest.fixture
    def store(self, opener: Opener) -> Iterator[BaseStore]:
        with opener() as store:
            before = use_store(store)
            yield store
            use_store(before)

    def work(self, store: BaseStore, *tasks: Task[Any]) -> Summary:
        jugspace = Jugspace(store, [*tasks])
        return Worker(jugspace, lambda at_barrier: jugspace, Settings()).run()

    def test_a_value_in_memory_is_not_used_once_its_result_was_made_anew(
        self, store: BaseStore, opener: Opener
    ) -> None:
        def make_anew() -> int:
            with opener() as remover, opener() as maker:
                remover.poll()
                remover.discard([source.digest])
                maker.poll()
                maker.put(frame(source, "new"))
            return 0

        ACTIONS["make anew"] = make_anew
        source = Task(str, "old")
        between = Task(act, "make anew")
        user = Task(gather, source, between)

        assert self.work(store, source, between, user).ending is Ending.DONE

        store.poll()
        assert store.load_digest(source.digest) == "new"
        assert store.load_digest(user.digest) == ["new", 0]

    def test_an_input_made_anew_while_a_task_runs_has_the_task_run_again(
        self, store: BaseStore, opener: Opener
    ) -> None:
        seen: list[str] = []

        def user_function() -> str:
            if not seen:
                with opener() as remover, opener() as maker:
                    remover.poll()
                    remover.discard([source.digest])
                    maker.poll()
                    maker.put(frame(source, "new"))
            seen.append("run")
            return "user"

        ACTIONS["user"] = user_function
        source = Task(str, "old")
        user = Task(act_with, "user", source)

        assert self.work(store, source, user).ending is Ending.DONE

        store.poll()
        assert store.load_digest(user.digest) == ["user", "new"]
        assert seen == ["run", "run"]

    def test_code_in_a_task_takes_no_news_from_the_worker_around_it(
        self, store: BaseStore, opener: Opener
    ) -> None:
        def nosy() -> list[Any]:
            with opener() as other:
                other.put(frame(second, "of another worker"))
            inner = run(Task(gather, 1))
            return [inner, CachedFunction(gather, 2), second.value()]

        ACTIONS["nosy"] = nosy
        first = Task(act, "nosy")
        second = Task(str, "never run")

        assert self.work(store, first, second).ending is Ending.DONE

        store.poll()
        assert store.load_digest(first.digest) == [[1], [2], "of another worker"]

    def test_a_task_that_code_in_another_has_run_is_not_run_again(self, store: BaseStore) -> None:
        ACTIONS["nested"] = lambda: run(inner)
        outer = Task(act, "nested")
        inner = Task(gather, "inner")

        summary = self.work(store, outer, inner)

        assert summary.ending is Ending.DONE
        assert outer.value() == ["inner"]
        assert summary.executed.total() == 1

    def after_saving(self, store: BaseStore, patch: Any, task: Task[Any], act: Any) -> None:
        """Act once, after the task was saved and before the worker takes the next one."""
        done: list[Any] = []

        def commit_and_acquire(lease: Any, frame: Frame, inputs: Any, candidates: Any) -> Any:
            outcome = store.commit(lease, frame, inputs)
            if lease.digest == task.digest and not done:
                done.append(act())
            return outcome, store.acquire(candidates)

        patch.setattr(store, "commit_and_acquire", commit_and_acquire)

    def test_a_value_that_was_replaced_as_soon_as_it_was_saved_is_not_used(
        self, store: BaseStore, opener: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = Task(str, "old")
        user, another = Task(gather, source), Task(gather, source, 3)

        def make_anew() -> None:
            with opener() as remover, opener() as maker:
                remover.poll()
                remover.discard([source.digest])
                maker.poll()
                maker.put(frame(source, "new"))

        self.after_saving(store, monkeypatch, source, make_anew)

        assert self.work(store, source, user, another).ending is Ending.DONE
        assert store.load_digest(user.digest) == ["new"]

    def test_a_task_whose_input_was_removed_as_it_was_taken_is_given_back(
        self, store: BaseStore, opener: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = Task(str, "value")
        user = Task(gather, source)
        acquire, given = store.acquire, list[bytes]()

        def remove() -> None:
            with opener() as remover:
                remover.poll()
                remover.discard([source.digest])

        def look_and_acquire(candidates: Any) -> Any:
            assert user.digest not in store.holders()
            lease = acquire(candidates)
            given.extend([] if lease is None else [lease.digest])
            return lease

        self.after_saving(store, monkeypatch, source, remove)
        monkeypatch.setattr(store, "acquire", look_and_acquire)

        assert self.work(store, source, user).ending is Ending.DONE
        assert store.load_digest(user.digest) == ["value"]
        assert given.count(user.digest) == 2
