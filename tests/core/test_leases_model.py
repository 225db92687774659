"""An exhaustive search of what workers may do to each other's leases.

Every worker runs the code of `jug.backends.leases` itself.  Its folder is a
script: it answers the calls that were made before as they were answered before,
and stops the worker at the next one.  So a worker that is in the middle of a
call is a value, the answers that it has got, and can be continued in as many
ways as there are.  Between any two operations on the directory any worker may
act, or crash for ever, or be called dead though it lives; and a link may be made
though its maker is told that the name exists, as on a network file system.

States that go on alike are one.  Who is called A, B and C makes no difference, nor does what a
dead worker knew.  And many series of answers lead to the same place in the code with the same
values of all variables.  What a worker does from there depends on nothing else, so one goes on
for all that come there.  Only an iterator, and what is gathered from it, is no variable's value:
a function that iterates is where another is only if it was given the same answers.  A test sees
that nothing is lost by this: on smaller ground, a search that merges no places comes to the very
same states, and each mutant of the code below is found as well by the one that does.
"""

from __future__ import annotations

import dis
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import permutations
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, NamedTuple

import pytest

from jug.backends.leases import Leases, gate_of

Answers = tuple[Any, ...]


class Call(NamedTuple):
    """What a worker is doing: which method, with what, and the answers so far."""

    method: str
    args: tuple[str, ...]
    answers: Answers = ()


class Worker(NamedTuple):
    """A worker, as it is between two operations on the directory."""

    call: Call | None = None
    held: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()
    links: int = 1
    robbed: frozenset[str] = frozenset()
    """Not its own memory, but ours: what was taken from it since it took it."""
    alive: bool = True


DEAD = Worker(alive=False)


class State(NamedTuple):
    """All that there is: who made each name, and the workers."""

    names: frozenset[tuple[str, str]]
    workers: tuple[Worker, ...]
    lost: int
    """How many answers may still be lost."""

    def maker(self, name: str) -> str | None:
        """Return who made the name."""
        return dict(self.names).get(name)

    def gone(self) -> set[str]:
        """Return who has crashed."""
        return {ids[at] for at, worker in enumerate(self.workers) if not worker.alive}


ids = "ABC"
ALL = ("take", "release", "settle", "steal", "clear", "break_")
"""What workers may do."""


class Pause(BaseException):
    """Raised at the first operation that the script has no answer for."""

    def __init__(self, operation: tuple[str, ...]) -> None:
        self.operation = operation


class Script:
    """A folder that gives the answers that are known and then stops."""

    def __init__(self, answers: Answers, is_certain: bool) -> None:
        self.answers = list(reversed(answers))
        self.is_certain = is_certain

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self.ask, method)

    def ask(self, *operation: str) -> Any:
        """Answer as is known, or else do what comes next."""
        return self.answers.pop() if self.answers else self.beyond(*operation)

    def beyond(self, *operation: str) -> Any:
        """Do what the script does not know."""
        raise Pause(operation)


class Watched(Script):
    """A script that knows which of its answers each function that is running was given."""

    def __init__(self, answers: Answers, is_certain: bool) -> None:
        super().__init__(answers, is_certain)
        self.all = answers
        self.before: dict[FrameType, int] = {}

    def ask(self, *operation: str) -> Any:
        """Note who asks for the first time, and on whose behalf."""
        asking: FrameType | None = sys._getframe(1)
        while asking is not None and isinstance(asking.f_locals.get("self"), Leases):
            self.before.setdefault(asking, len(self.all) - len(self.answers))
            asking = asking.f_back
        return super().ask(*operation)

    def told(self, function: FrameType) -> Answers:
        """Return what a function was answered since it began."""
        return self.all[self.before[function] :]


class Alone(Script):
    """A folder in which, after the answers that were given before, nobody else acts."""

    def __init__(
        self, names: dict[str, str], me: str, gone: frozenset[str], is_certain: bool
    ) -> None:
        super().__init__((), is_certain)
        self.names, self.me, self.gone = names, me, gone

    def beyond(self, *operation: str) -> Any:
        """Do it, and judge rightly who is dead."""
        match operation:
            case ("link_count",):
                return 1 + list(self.names.values()).count(self.me)
            case "link", name:
                free = name not in self.names
                self.names.setdefault(name, self.me)
                return free
            case "maker", name:
                return self.names.get(name)
            case "unlink", name:
                self.names.pop(name, None)
            case "rename", gate, name:
                self.names[name] = self.names.pop(gate)
            case (("is_dead" | "is_gone"), who):
                return who in self.gone
        return None


class Violation(AssertionError):
    """Raised when a worker does what must not happen."""


class Search:
    """All states that some workers can come to, with one or more locks.

    On a local disk no answer is `lost`, and workers know that.
    """

    def __init__(
        self,
        workers: int,
        locks: str = "T",
        crashes: int = 0,
        lost: int = 0,
        is_local: bool = False,
        methods: Iterable[str] = ALL,
        code: type[Leases] = Leases,
        merges: bool = True,
    ) -> None:
        self.locks = tuple(locks)
        self.ids = ids[:workers]
        self.crashes = crashes
        self.methods = frozenset(methods)
        self.code = code
        self.merges = merges
        self.at_place: dict[Hashable, Worker] = {}
        """Who goes on from a place in the code for all that come there."""
        self.is_local = is_local
        self.start = State(frozenset(), (Worker(),) * workers, lost)
        self.resume = cache(self._resume)
        self.reaches = cache(self._reaches)
        self.stand_in = cache(self._stand_in)
        self.place = cache(self._place)

    # One worker's code

    def _resume(self, me: str, worker: Worker) -> tuple[tuple[str, ...] | None, Worker]:
        """Return what a worker is about to do, or None and what it is after its call."""
        assert worker.call is not None
        leases = self.code(Script(worker.call.answers, self.is_local), me)
        recall(leases, worker)
        try:
            answer = getattr(leases, worker.call.method)(*worker.call.args)
        except Pause as pause:
            return pause.operation, worker
        if worker.call.method in ("take", "steal"):
            name = worker.call.args[0]
            if answer and (name not in leases.held or name in leases.owed):
                raise Violation(f"{me} is told that it holds {name}, and does not mean to keep it")
        return None, worker._replace(
            call=None,
            held=frozenset(leases.held),
            owed=frozenset(leases.owed),
            links=leases.count,
        )

    def _stand_in(self, me: str, worker: Worker) -> Worker:
        """Return the worker that goes on for one."""
        return self.at_place.setdefault(self.place(me, worker), worker)

    def _place(self, me: str, worker: Worker) -> Hashable:
        """Return all that a worker's further steps depend on."""
        if worker.call is None:
            return me, worker
        script = Watched(worker.call.answers, self.is_local)
        leases = self.code(script, me)
        recall(leases, worker)
        try:
            getattr(leases, worker.call.method)(*worker.call.args)
        except Pause as pause:
            frames = tuple(frames_of(pause.__traceback__, script))
            return me, worker.robbed, worker.call[:2], memory_of(leases), frames
        raise AssertionError("a call that has ended is in no place")

    def merged(self, state: State) -> State:
        """Return the one state that goes on for all that go on alike, or nearly one."""
        state = self.with_stand_ins(state)
        other = alike(state)
        return state if other is state else self.with_stand_ins(other)

    def with_stand_ins(self, state: State) -> State:
        """Return the state with those workers that go on for its own."""
        if not self.merges:
            return state
        workers = map(self.stand_in, self.ids, state.workers)
        return State(state.names, tuple(workers), state.lost)

    def calls(self, state: State, me: str, worker: Worker) -> Iterator[Call]:
        """Yield what an idle worker may begin."""
        others = [other for other in self.ids if other != me]
        gone = state.gone()
        for lock in self.locks:
            if lock not in worker.held or lock in worker.owed:
                yield Call("take", (lock,))
            if lock in worker.held - worker.owed:
                yield Call("release", (lock,))
            else:
                yield from (Call("steal", (lock, other)) for other in others)
            yield from (Call("break_", (lock, other)) for other in others)
        if worker.owed:
            yield Call("settle", ())
        for name, maker in state.names:
            if maker in gone:
                yield Call("clear", (name, maker))

    # One step

    def steps(self, state: State) -> Iterator[State]:
        """Yield every state that can come next."""
        may_crash = len(state.gone()) < self.crashes
        for at, worker in enumerate(state.workers):
            if not worker.alive:
                continue
            if may_crash:
                yield put(state, at, DEAD)
            if worker.call is not None:
                yield from self.act(state, at)
            else:
                for call in self.calls(state, self.ids[at], worker):
                    if call.method in self.methods:
                        yield from self.act(put(state, at, worker._replace(call=call)), at)

    def act(self, state: State, at: int) -> Iterator[State]:
        """Yield what may come of a worker's next operation on the directory."""
        me = self.ids[at]
        operation, worker = self.resume(me, state.workers[at])
        if operation is None:
            yield self.settled(put(state, at, worker), at)
            return
        for after, answer in self.answers(state, at, operation):
            yield from self.onward(answered(after, at, answer), at)

    def onward(self, state: State, at: int) -> Iterator[State]:
        """Yield what may come of the verdicts that follow; they do not touch the directory."""
        operation, worker = self.resume(self.ids[at], state.workers[at])
        if operation is None:
            yield self.settled(put(state, at, worker), at)
        elif operation[0] in ("is_dead", "is_gone"):
            for answer in self.verdicts(state, *operation):
                yield from self.onward(answered(state, at, answer), at)
        else:
            yield state

    def verdicts(self, state: State, method: str, who: str) -> tuple[bool, ...]:
        """Return what a worker may believe: all, but nobody who lives is certainly gone."""
        return (False,) if method == "is_gone" and who not in state.gone() else (True, False)

    def answers(
        self, state: State, at: int, operation: tuple[str, ...]
    ) -> Iterator[tuple[State, Any]]:
        """Carry an operation out; yield the state after it and the answer."""
        me, method, names = self.ids[at], operation[0], dict(state.names)
        match operation:
            case ("link_count",):
                yield state, 1 + list(names.values()).count(me)
            case "maker", name:
                yield state, names.get(name)
            case "link", name:
                free = name not in names
                after = self.made(state, at, name) if free else state
                yield after, free
                if free and state.lost:
                    yield after._replace(lost=state.lost - 1), False
            case "unlink", name:
                yield self.removed(state, at, name), None
            case "rename", gate, name:
                if names.get(gate) != me:
                    raise Violation(f"{me} renames {gate}, which is not its own")
                after = self.removed(state, at, name)
                after = after._replace(names=after.names - {(gate, me)})
                yield self.made(after, at, name), None
            case _:
                raise AssertionError(method)

    def made(self, state: State, at: int, name: str) -> State:
        """Return the state after a name was made."""
        worker = state.workers[at]
        state = put(state, at, worker._replace(robbed=worker.robbed - {name}))
        return state._replace(names=state.names | {(name, self.ids[at])})

    def removed(self, state: State, at: int, name: str) -> State:
        """Return the state after a name was removed, by somebody who is allowed to."""
        me, maker = self.ids[at], state.maker(name)
        if name in self.locks:
            call = state.workers[at].call
            assert call is not None
            victim = me if call.method in ("release", "settle") else call.args[1]
            if maker != victim:
                raise Violation(f"{me} removes {name} as {victim}'s, but it is {maker}'s")
        elif maker != me and maker not in state.gone():
            raise Violation(f"{me} opens {name}, which is {maker}'s, who lives")
        assert maker is not None
        if maker != me and maker not in state.gone():
            other = self.ids.index(maker)
            robbed = state.workers[other].robbed | ({name} & set(self.locks))
            state = put(state, other, state.workers[other]._replace(robbed=robbed))
        return state._replace(names=state.names - {(name, maker)})

    def settled(self, state: State, at: int) -> State:
        """Return the state after a call, in which a worker must know what it holds."""
        me, worker = self.ids[at], state.workers[at]
        own = {name for name, maker in state.names if maker == me and name in self.locks}
        if own - worker.held:
            raise Violation(f"{me} holds {own} and believes {set(worker.held)}")
        if worker.held - own - worker.robbed:
            raise Violation(f"{me} believes {set(worker.held)} and never lost {worker.held - own}")
        return put(state, at, worker._replace(robbed=worker.robbed & worker.held))

    # Whether there is always a way on

    def check_way_on(self, state: State) -> None:
        """Check that a lock that is free or a dead worker's can be had by somebody alone."""
        gone = frozenset(state.gone())
        for lock in self.locks:
            if state.maker(lock) in (None, *gone) and not any(
                self.reaches(state.names, self.ids[at], worker, gone, lock)
                for at, worker in enumerate(state.workers)
                if worker.alive
            ):
                raise Violation(f"nobody can get {lock}")

    def _reaches(
        self,
        names: frozenset[tuple[str, str]],
        me: str,
        worker: Worker,
        gone: frozenset[str],
        lock: str,
    ) -> bool:
        """Return whether a worker that runs alone, and judges rightly, gets a lock."""
        alone = Alone(dict(names), me, gone, self.is_local)
        leases = self.code(alone, me)
        recall(leases, worker)
        if worker.call is not None:
            alone.answers = list(reversed(worker.call.answers))
            getattr(leases, worker.call.method)(*worker.call.args)
        for _ in range(2):
            leases.settle()
            leases.release(lock)  # which it may believe to hold
            holder = alone.names.get(lock)
            if holder in gone:
                leases.steal(lock, holder)
            leases.take(lock)
        return alone.names.get(lock) == me and lock in leases.held

    # All of it

    def run(self) -> int:
        """Visit every state; return how many there are."""
        return len(self.states())

    def states(self) -> dict[State, State | None]:
        """Visit every state; return of each from which it was first come to."""
        came: dict[State, State | None] = {self.start: None}
        ahead = deque([self.start])
        while ahead:
            state = ahead.popleft()  # breadth first: the shortest story of a violation
            try:
                self.check_way_on(state)
                for after in map(self.merged, self.steps(state)):
                    if after not in came:
                        came[after] = state
                        ahead.append(after)
            except Violation as violation:
                raise Violation(f"{violation}, after\n{story(came, state)}") from None
        return came

    def kinds(self, states: Iterable[State]) -> set[Hashable]:
        """Return how states go on, whoever is called A, B and C."""
        orders = [*permutations(range(len(self.ids)))]
        return {frozenset(self.kind(named(one, order)) for order in orders) for one in states}

    def kind(self, state: State) -> Hashable:
        """Return all that the further steps depend on."""
        return state.names, state.lost, tuple(map(self.place, self.ids, state.workers))


def recall(leases: Leases, worker: Worker) -> None:
    """Give the code what the worker remembers, in one order, so that it replays alike."""
    leases.held, leases.owed = set(sorted(worker.held)), set(sorted(worker.owed))
    leases.count = worker.links


def frames_of(traceback: TracebackType | None, script: Watched) -> Iterator[Hashable]:
    """Yield where each function of the code is that a traceback leads through."""
    while traceback is not None:
        frame, at = traceback.tb_frame, traceback.tb_lasti
        if isinstance(frame.f_locals.get("self"), Leases):
            values = tuple((name, value_of(value)) for name, value in frame.f_locals.items())
            yield frame.f_code, at, values, script.told(frame) if iterates(frame.f_code) else ()
        traceback = traceback.tb_next


def value_of(value: object) -> Hashable:
    """Return what is to be known of a variable's value."""
    match value:
        case Leases() | Iterator():  # whose memory is known apart, and what follows by the answers
            return None
        case set():
            return frozenset(value)
        case partial():
            return value.args
        case FunctionType():
            assert value.__closure__ is None
            return value.__code__
        case None | bool() | int() | str() | tuple() | type():
            return value
    raise AssertionError(f"it is not known whether {value!r} is like another")


def memory_of(leases: Leases) -> Hashable:
    """Return what a worker knows by now."""
    return frozenset(leases.held), frozenset(leases.owed), leases.count


@cache
def iterates(code: CodeType) -> bool:
    """Return whether a function may have an iterator that is no variable."""
    return any(instruction.opname == "FOR_ITER" for instruction in dis.get_instructions(code))


def put(state: State, at: int, worker: Worker) -> State:
    """Return the state with one worker replaced."""
    workers = (*state.workers[:at], worker, *state.workers[at + 1 :])
    return State(state.names, workers, state.lost)


def alike(state: State) -> State:
    """Return a state that differs only in who is called A, B and C; of all those, nearly one."""
    shapes = [*map(shape, state.workers)]
    order = sorted(range(len(shapes)), key=shapes.__getitem__)
    return state if order == [*range(len(order))] else named(state, order)


def named(state: State, order: Sequence[int]) -> State:
    """Return the state with the workers in another order, and with the ids of their new places."""
    new_ids = "".join(ids[order.index(at)] for at in range(len(order)))
    workers = tuple(renamed_worker(state.workers[at], new_ids) for at in order)
    return State(renamed_names(state.names, new_ids), workers, state.lost)


@cache
def shape(worker: Worker) -> tuple[Any, ...]:
    """Return what can be said of a worker without a word about who the others are."""
    call = worker.call or Call("", ())
    answers = tuple(answer if type(answer) in (bool, int) else -1 for answer in call.answers)
    held, owed, robbed = map(sorted, (worker.held, worker.owed, worker.robbed))
    return worker.alive, call.method, len(answers), answers, held, owed, robbed, worker.links


@cache
def renamed_names(names: frozenset[tuple[str, str]], new_ids: str) -> frozenset[tuple[str, str]]:
    """Return the names and their makers with ids replaced."""
    return frozenset((renamed(name, new_ids), renamed(maker, new_ids)) for name, maker in names)


@cache
def renamed_worker(worker: Worker, new_ids: str) -> Worker:
    """Return the worker with others' ids replaced."""
    if worker.call is None:
        return worker
    args = tuple(renamed(arg, new_ids) for arg in worker.call.args)
    answers = tuple(renamed(answer, new_ids) for answer in worker.call.answers)
    return worker._replace(call=Call(worker.call.method, args, answers))


def renamed(text: Any, new_ids: str) -> Any:
    """Return the text with the ids in it replaced."""
    if not isinstance(text, str):
        return text
    return text.translate(str.maketrans(ids[: len(new_ids)], new_ids))


def answered(state: State, at: int, answer: Any) -> State:
    """Return the state after a worker got an answer."""
    worker = state.workers[at]
    assert worker.call is not None
    call = worker.call._replace(answers=(*worker.call.answers, answer))
    return put(state, at, worker._replace(call=call))


def story(came: dict[State, State | None], state: State | None) -> str:
    """Return how a state came about, a line a step; A and B may change their names on the way."""
    lines: list[str] = []
    while state is not None:
        names = " ".join(f"{name}={maker}" for name, maker in sorted(state.names))
        doing = "; ".join(
            f"{who}: {' '.join((w.call.method, *w.call.args)) if w.call else 'idle'}"
            for who, w in zip(ids, state.workers, strict=False)
        )
        lines.append(f"{names or 'nothing':30} {doing}")
        state = came[state]
    return "\n".join(reversed(lines))


class LooksNotAgain(Leases):
    """A thief that trusts what it saw before it shut the gate."""

    def _shut_for(self, name: str, holder: str, verdict: Callable[[str], bool]) -> bool:
        return self._shut(gate_of(name, holder))


class ReleasesWithoutGate(Leases):
    """A worker that sees that a lock is its own, and then removes it."""

    def release(self, name: str) -> bool:
        mine = name in self.held and self.holds(name)
        if mine:
            self.folder.unlink(name)
            self.count -= 1
            self.held.discard(name)
        return mine


class BreaksGatesOfSilent(Leases):
    """A worker that takes silence for certainty when it finds a gate shut."""

    def _shut(self, gate: str, again: bool = True) -> bool:
        if super()._shut(gate, again):
            return True
        maker = self.folder.maker(gate)
        if again and maker is not None and self.folder.is_dead(maker):
            self._remove(gate, maker, self.folder.is_dead)
        return again and self._shut(gate, again=False)


class TrustsAnswers(Leases):
    """A worker that does not look when it is told that a name exists."""

    def take(self, name: str) -> bool:
        if name in self.held or not self.folder.link(name):
            return False
        self.held.add(name)
        self.count += 1
        return True


class CountsOnly(Leases):
    """A worker that goes on with a wrong count, instead of reading names, after a theft."""

    def _recount(self) -> None:
        self.count = self.folder.link_count()


class NeverBreaksGates(Leases):
    """A worker that waits for ever before the gate of a dead one."""

    def _shut(self, gate: str, again: bool = True) -> bool:
        return super()._shut(gate, again) if again else False

    def clear(self, name: str, holder: str) -> bool:
        return False


def test_two_workers_that_crash_and_mistrust_each_other_never_share_a_lock() -> None:
    assert Search(2, crashes=1, lost=1).run() > 10_000


def test_nor_do_they_on_a_local_disk() -> None:
    assert Search(2, crashes=1, is_local=True).run() > 5_000


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("locks", "faults", "methods"),
    [
        ("T", {"crashes": 1, "lost": 1}, ALL),
        ("T", {"crashes": 1, "is_local": True}, ALL),
        ("TU", {"lost": 1}, ("take", "steal")),
    ],
)
def test_no_state_is_lost_by_merging_places(
    locks: str, faults: dict[str, int], methods: tuple[str, ...]
) -> None:
    merging, other = (
        Search(2, locks, **faults, methods=methods, merges=merges) for merges in (True, False)
    )
    few, many = merging.states(), other.states()

    assert merging.kinds(few) == other.kinds(many)
    assert len(few) < 0.7 * len(many)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_workers_two_locks_and_every_fault() -> None:
    methods = ("take", "release", "settle", "steal", "clear")
    assert Search(2, "TU", crashes=1, lost=1, methods=methods).run() > 300_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("is_local", [False, True])
def test_three_workers_of_which_two_crash_never_share_a_lock(is_local: bool) -> None:
    methods = ("take", "release", "steal")
    assert Search(3, crashes=2, is_local=is_local, methods=methods).run() > 100_000


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (LooksNotAgain, "removes T as"),
        (ReleasesWithoutGate, "removes T as"),
        (BreaksGatesOfSilent, "who lives"),
        (TrustsAnswers, "believes"),
        (CountsOnly, "removes [TU] as"),
        (NeverBreaksGates, "nobody can get T"),
    ],
)
def test_search_finds_what_is_wrong_with(code: type[Leases], complaint: str) -> None:
    with pytest.raises(Violation, match=complaint):
        Search(2, "TU" if code is CountsOnly else "T", crashes=1, lost=1, code=code).run()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (LooksNotAgain, "removes T as"),
        (ReleasesWithoutGate, "removes T as"),
        (BreaksGatesOfSilent, "who lives"),
        (NeverBreaksGates, "nobody can get T"),
    ],
)
def test_the_search_of_three_finds_what_is_wrong_with(code: type[Leases], complaint: str) -> None:
    with pytest.raises(Violation, match=complaint):
        Search(3, crashes=2, is_local=True, methods=("take", "release", "steal"), code=code).run()
