"""A store that breaks a promise fails the test of that promise."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules

import pytest

import jug.testing
from jug.backends.base import Changes, Kind, Lease
from jug.backends.dict_store import DictStore
from jug.testing.stores import StoreContract


class ReleasesWhatIsNotItsOwn(DictStore):
    def release(self, lease):
        self.break_leases([lease.digest])


class GivesWhatIsHeld(DictStore):
    def acquire(self, candidates):
        self.break_leases(candidates)
        return super().acquire(candidates)


class RunsAgainWhatIsDone(DictStore):
    def acquire(self, candidates):
        lease = super().acquire(candidates)
        return lease or Lease(candidates[0])


class ForgetsInputs(DictStore):
    def commit(self, lease, frame, inputs=()):
        return super().commit(lease, frame)


class ReplacesResults(DictStore):
    def put(self, frame):
        if frame.kind is Kind.RESULT:
            self._memory.results.pop(frame.digest, None)
        super().put(frame)


class BelievesWhatItReads(DictStore):
    def read(self, digest):
        return self._memory.results[digest].encoded


class KeepsTheObject(DictStore):
    def put(self, frame):
        super().put(frame)
        self._live = frame.payload

    def read(self, digest):
        return b"".join(self._live)


class RepeatsItsNews(DictStore):
    def refresh(self, reader):
        changes = super().refresh(reader)
        self._told = Changes([*getattr(self, "_told", Changes()).finished, *changes.finished])
        return Changes(self._told.finished, changes.failed, changes.removed)


class OversleepsAReleasedLease(DictStore):
    def wait(self, reader, seconds):
        self._released = self._memory.released
        return super().wait(reader, min(seconds, 0.2))


class TellsNobody(DictStore):
    def _note(self, digest, before, after):
        pass


class TakesItFromAll(DictStore):
    def reader(self):
        if not hasattr(self, "_reader"):
            self._reader = super().reader()
        return self._reader


class TellsOfNewResultsAlone(DictStore):
    def _note(self, digest, before, after):
        if before.result is None:
            super()._note(digest, before, after)


class ComparesResultsByTheirTasks(DictStore):
    def discard(self, digests):
        for digest in list(digests):
            self._memory.results.pop(digest, None)
        return 0


class MindsNoDiscardOfARun(DictStore):
    def _note(self, digest, before, after):
        super()._note(digest, before, after._replace(discards=0))


class TellsOfSignsToCome(DictStore):
    def holders(self):
        later = self.now() + 3600
        return {d: one._replace(last_sign=later) for d, one in super().holders().items()}


class ForgetsWhoIsThere(DictStore):
    def present(self):
        return []


class DescribesAll(DictStore):
    def workers_of(self, ids):
        return self.workers()


class KeepsItsLeases(DictStore):
    def close(self):
        self.flush()


class DiscardsResultsOnly(DictStore):
    def discard(self, digests):
        return super().discard(self._memory.results.keys() & set(digests))


class RemovesWhateverIsThere(DictStore):
    def discard_frame(self, digest, frame):
        self.discard([digest])


class KeepsCodeForItself(DictStore):
    """Says of code only what this view has kept."""

    def keep_code(self, pieces):
        self.own_code = {**self.kept_code(), **pieces}

    def kept_code(self):
        return getattr(self, "own_code", {})


class ForgetsCode(DictStore):
    """Removes code with results."""

    def discard(self, digests):
        self._memory.code = {}
        return super().discard(digests)


BROKEN = {
    "release_leaves_a_lease_alone_that_another_took": ReleasesWhatIsNotItsOwn,
    "a_lease_is_given_to_one_of_two_views": GivesWhatIsHeld,
    "a_result_that_was_not_polled_yet_is_not_run_again": RunsAgainWhatIsDone,
    "an_input_computed_again_meanwhile_makes_stale_too": ForgetsInputs,
    "put_leaves_a_result_that_is_there": ReplacesResults,
    "a_damaged_result_is_told_and_removed_for_everybody": BelievesWhatItReads,
    "what_took_the_place_of_a_damaged_result_stays": RemovesWhateverIsThere,
    "what_was_saved_does_not_change_with_the_object": KeepsTheObject,
    "each_kind_of_change_is_told_once": RepeatsItsNews,
    "a_lease_that_ended_before_the_wait_is_not_missed": OversleepsAReleasedLease,
    "each_view_is_told_of_each_change": TellsNobody,
    "what_one_reader_takes_stays_for_another": TakesItFromAll,
    "a_result_made_anew_between_two_readings_is_told_as_removed_and_as_finished": (
        TellsOfNewResultsAlone
    ),
    "what_was_made_from_a_removed_result_is_stale": ComparesResultsByTheirTasks,
    "a_task_that_is_discarded_while_it_runs_is_not_saved": MindsNoDiscardOfARun,
    "holders_tell_when_they_last_showed_that_they_live": TellsOfSignsToCome,
    "workers_that_hold_something_are_present": ForgetsWhoIsThere,
    "what_some_workers_said_of_themselves_is_told_alone": DescribesAll,
    "close_gives_all_leases_back": KeepsItsLeases,
    "discard_removes_results_and_failures_for_everybody": DiscardsResultsOnly,
    "what_is_kept_is_there_for_everybody": KeepsCodeForItself,
    "code_is_no_result_and_outlasts_results": ForgetsCode,
}


class Contract(StoreContract):
    wakes_within = 0.15

    def damage(self, store, digest):
        kept = store._memory.results[digest]
        spoilt = kept.encoded[:-1] + bytes([kept.encoded[-1] ^ 1])
        store._memory.results[digest] = replace(kept, encoded=spoilt)


@pytest.mark.parametrize(("promise", "store"), BROKEN.items(), ids=BROKEN)
def test_a_broken_promise_is_noticed(promise, store, caplog):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(promise, store, caplog)


@pytest.mark.parametrize("promise", BROKEN)
def test_a_kept_promise_passes(promise, caplog):
    check(promise, DictStore, caplog)


def check(promise, store_class, caplog):
    opener = partial(store_class.sharing, store_class())
    given = {"opener": opener, "store": opener(), "other": opener(), "caplog": caplog}
    given |= {"changes": given["other"].reader(), "what": "result"}
    test = getattr(Contract(), f"test_{promise}")
    test(**{name: given[name] for name in signature(test).parameters})


@pytest.mark.parametrize("name", [one.name for one in iter_modules(jug.testing.__path__)])
def test_an_assert_that_fails_says_what_it_has_compared(name):
    module = import_module(f"jug.testing.{name}")

    assert type(module.__loader__).__name__ == "AssertionRewritingHook"
