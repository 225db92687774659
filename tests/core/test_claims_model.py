"""An exhaustive search of what workers may do beside each other's claims.

Every worker runs the code of `jug.backends.claims` itself.  What it meets there is a
script: it answers what was asked before as it was answered before, and stops the
worker at the next question.  Between any two steps any worker may act, or crash for ever,
or be called dead though it lives.  Locks of single tasks are one step each here, as
`test_leases_model.py` has searched how they are made.

States that go on alike are one: the numbers of claims, which nothing here asks for, are all 0,
a call ends with its last step, and where the rest of a call depends on little of what it was
answered, a new one begins that knows just this.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import pytest

from jug.backends.claims import Claim, Claims

IDS = "ABC"


class Call(NamedTuple):
    """What a worker is doing, and the answers so far."""

    what: str
    args: tuple[Any, ...]
    answers: tuple[Any, ...] = ()


class Worker(NamedTuple):
    """A worker, as it is between two steps."""

    call: Call | None = None
    calls: int = 0
    """How many calls it has made."""
    known: frozenset[str] = frozenset()
    """The other workers that it knows of."""
    joined: bool = False
    alive: bool = True
    claim: Claim = Claim(0, ())


class State(NamedTuple):
    """All that there is."""

    workers: tuple[Worker, ...]
    locks: frozenset[tuple[bytes, str]] = frozenset()
    running: frozenset[tuple[str, bytes]] = frozenset()
    done: frozenset[bytes] = frozenset()
    doubtful: frozenset[bytes] = frozenset()
    """What a worker had that was called dead and was not."""


class Violation(AssertionError):
    """Raised when something happens that must not."""


class Pause(BaseException):
    """Raised at the first step that the script has no answer for."""

    def __init__(self, step: tuple[Any, ...]) -> None:
        self.step = step


class Turn(BaseException):
    """Raised where the rest of a call depends on no more than the call that this has."""

    def __init__(self, *call: Any) -> None:
        self.call = Call(call[0], call[1:])


class Script:
    """What one worker meets: the answers that are known."""

    def __init__(self, me: str, worker: Worker) -> None:
        assert worker.call is not None
        self.me = me
        self.answers = list(reversed(worker.call.answers))
        self.known = worker.known
        self.done = frozenset[bytes]()

    def step(self, *step: Any) -> Any:
        """Return what was answered, or stop."""
        if self.answers:
            return self.answers.pop()
        raise Pause(step)

    def __getattr__(self, what: str) -> Any:
        return lambda *args: self.step(what, *args)

    def others(self) -> frozenset[str]:
        """Return whom it knows."""
        return self.known

    def poll(self) -> None:
        """Read what is done, and who has joined."""
        self.done, self.known = self.step("poll")

    # What workers do

    def single(self, claims: Claims, task: bytes) -> None:
        """Lock a task, run it, save it, and give it back."""
        if not self.step("link", task):
            return
        raise Turn("locked_one", task, not claims.taken((task,)) and task not in self.done)

    def locked_one(self, _: Claims, task: bytes, is_mine: bool) -> None:
        """Run a task that was locked, if that may be, and give it back."""
        if is_mine:
            self.step("run", task)
            self.step("save", task)
        self.step("unlink", task)

    def several(self, claims: Claims, *tasks: bytes) -> None:
        """Claim tasks, run them, and end the claim."""
        self.step("join")
        given = claims.claim(tasks)
        raise Turn("claimed", claims.tasks, *(task for task in given if task not in self.done))

    def claimed(self, claims: Claims, tasks: tuple[bytes, ...], *given: bytes) -> None:
        """Run the first of the tasks that were given and go on, or end the claim."""
        claims.tasks = tasks
        if given and claims.begin(given[0]):
            self.step("run", given[0])
            self.step("save", given[0])
            raise Turn("claimed", tasks, *given[1:])
        claims.end()

    def insist(self, claims: Claims, worker: str, task: bytes) -> None:
        """Revoke what another has claimed, and take one of its tasks."""
        self.step("revoke", worker)
        self.single(claims, task)


class Search:
    """All states that workers can come to, each of whom makes so many `calls` at most."""

    def __init__(
        self,
        *calls: int,
        crashes: int = 1,
        code: type[Claims] = Claims,
        several: Sequence[tuple[bytes, ...]] = ((b"T", b"U"),),
        single: Sequence[bytes] = (b"T", b"U"),
        doing: Sequence[str] = ("several single insist",) * 3,
        errs: bool = True,
    ) -> None:
        self.ids = IDS[: len(calls)]
        self.calls = calls
        self.crashes = crashes
        self.code = code
        self.several = several
        self.single = single
        self.doing = doing
        """Which calls each of the workers makes."""
        self.errs = errs
        """Whether one that lives may be called dead."""
        self.start = State((Worker(),) * len(calls))
        self.resume = cache(self._resume)
        self.told = cache(self._told)
        self.gets = cache(self._gets)

    def _resume(self, me: str, worker: Worker) -> tuple[tuple[Any, ...] | None, Worker]:
        """Return what a worker does next, None at the end of its call, and what it is then."""
        assert worker.call is not None
        script = Script(me, worker)
        try:
            getattr(script, worker.call.what)(self.code(script), *worker.call.args)
        except Pause as pause:
            return pause.step, worker
        except Turn as turn:
            return self.resume(me, worker._replace(call=turn.call, known=script.known))
        return None, worker._replace(call=None, known=script.known)

    def _told(self, me: str, worker: Worker, answer: Any) -> Worker:
        """Return a worker after a step of which it was answered this."""
        what, args, answers = worker.call or Call("", ())
        return self.resume(me, worker._replace(call=Call(what, args, (*answers, answer))))[1]

    def begun(self, me: str, worker: Worker) -> Iterator[Call]:
        """Yield what an idle worker may do."""
        at = self.ids.index(me)
        if worker.calls >= self.calls[at]:
            return
        others = [other for other in self.ids if other != me]
        calls = [Call("single", (task,)) for task in self.single]
        calls += [Call("several", tasks) for tasks in self.several]
        calls += [Call("insist", (other, task)) for other in others for task in self.single]
        yield from (call for call in calls if call.what in self.doing[at].split())

    def steps(self, state: State) -> Iterator[State]:
        """Yield every state that can come next."""
        may_crash = sum(not worker.alive for worker in state.workers) < self.crashes
        for at, worker in enumerate(state.workers):
            if not worker.alive:
                continue
            if may_crash and worker.call is not None:
                me = self.ids[at]
                running = frozenset(one for one in state.running if one[0] != me)
                crashed = worker._replace(alive=False, call=None)
                yield put(state._replace(running=running), at, crashed)
            if worker.call is not None:
                yield from self.act(state, at)
            else:
                for call in self.begun(self.ids[at], worker):
                    begun = worker._replace(call=call, calls=worker.calls + 1)
                    yield from self.act(put(state, at, begun), at)

    def act(self, state: State, at: int) -> Iterator[State]:
        """Yield what may come of a worker's next step."""
        step, worker = self.resume(self.ids[at], state.workers[at])
        assert step is not None
        state = put(state, at, worker)
        for after, answer in self.answers(state, at, *step):
            yield put(after, at, self.told(self.ids[at], after.workers[at], answer))

    def answers(self, state: State, at: int, what: str, *args: Any) -> Iterator[tuple[State, Any]]:
        """Carry a step out; yield the state after it and the answer."""
        me, mine, locks = self.ids[at], state.workers[at], dict(state.locks)
        match what, args:
            case "link", (task,):
                free = task not in locks or not self.of(state, locks[task]).alive
                locks |= {task: me} if free else {}
                yield state._replace(locks=frozenset(locks.items())), free
            case "unlink", (task,):
                yield state._replace(locks=state.locks - {(task, me)}), None
            case "locked", ():
                alive = {task for task, who in locks.items() if self.of(state, who).alive}
                yield state, frozenset(alive)
            case "poll", ():
                joined = {i for i, w in zip(self.ids, state.workers, strict=True) if w.joined}
                yield state, (state.done, frozenset(joined - {me}))
            case "join", ():
                yield put(state, at, mine._replace(joined=True)), None
            case "clear", ():
                claim = mine.claim._replace(begun=-1, is_revoked=False)
                yield put(state, at, mine._replace(claim=claim)), None
            case "write", (_, tasks):
                claim = mine.claim._replace(tasks=tasks)
                yield put(state, at, mine._replace(claim=claim)), None
            case "mark", (place,):
                yield put(state, at, mine._replace(claim=mine.claim._replace(begun=place))), None
            case "is_revoked", ():
                yield state, mine.claim.is_revoked
            case "claim_of", (worker,):
                yield state, self.of(state, worker).claim
            case "revoke", (worker,):
                other = self.of(state, worker)
                revoked = other._replace(claim=other.claim._replace(is_revoked=True))
                yield put(state, self.ids.index(worker), revoked), None
            case "is_dead", (worker,):
                yield from self.verdicts(state, worker)
            case "run", (task,):
                self.check_alone(state, me, task)
                yield state._replace(running=state.running | {(me, task)}), None
            case "save", (task,):
                running = state.running - {(me, task)}
                yield state._replace(running=running, done=state.done | {task}), None
            case _:
                raise AssertionError(what)

    def of(self, state: State, worker: str) -> Worker:
        """Return the worker of this id."""
        return state.workers[self.ids.index(worker)]

    def verdicts(self, state: State, worker: str) -> Iterator[tuple[State, bool]]:
        """Yield what one may believe: that the dead live, and that the living are dead."""
        other = self.of(state, worker)
        if other.alive and self.errs:
            yield state._replace(doubtful=state.doubtful.union(other.claim.tasks)), True
        yield state, False
        if not other.alive:
            yield state, True

    def check_alone(self, state: State, me: str, task: bytes) -> None:
        """Check that a task that is begun is not done, and no other runs it."""
        runs = {task for _, task in state.running} | state.done
        if task in runs - state.doubtful:
            raise Violation(f"{me} runs {task!r} again")

    def check_way_on(self, state: State) -> None:
        """Check that who is idle gets a task, alone, that no one who lives runs or has locked."""
        idle = [at for at, w in enumerate(state.workers) if w.alive and w.call is None]
        held = {task for task, who in state.locks if self.of(state, who).alive}
        begun = {w.claim.running for w in state.workers if w.alive}
        for task in {*self.single} - held - begun - state.done:
            if idle and not self.gets(as_seen_by(idle[0], state), idle[0], task):
                raise Violation(f"nobody can get {task!r}")

    def _gets(self, state: State, at: int, task: bytes) -> bool:
        """Return whether a worker that acts alone, and judges rightly, gets a task done."""
        others = [other for other in self.ids if other != self.ids[at]]
        for call in (Call("insist", (other, task)) for other in others):
            state = put(state, at, state.workers[at]._replace(call=call))
            while state.workers[at].call is not None:
                *_, state = self.act(state, at)  # of two verdicts the right one is the last
        return task in state.done

    def run(self) -> int:
        """Visit every state; return how many there are."""
        came: dict[State, State | None] = {self.start: None}
        ahead = deque([self.start])
        while ahead:
            state = ahead.popleft()  # breadth first: the shortest story of a violation
            try:
                self.check_way_on(state)
                for after in self.steps(state):
                    if after not in came:
                        came[after] = state
                        ahead.append(after)
            except Violation as violation:
                raise Violation(f"{violation}, after\n{story(came, state)}") from None
        return len(came)

    def walk(self, walks: int) -> int:
        """Follow as many stories to their ends, by chance; return how many steps they took."""
        chance, steps = random.Random(3), 0  # which soon comes to each of the faults below
        for _ in range(walks):
            came: dict[State, State | None] = {self.start: None}
            state = self.start
            try:
                while ahead := [after for after in self.steps(state) if after not in came]:
                    calm = [after for after in ahead if sorrows(after) == sorrows(state)]
                    after = chance.choice(calm if calm and chance.random() > 0.02 else ahead)
                    came[after] = state
                    state, steps = after, steps + 1
            except Violation as violation:
                raise Violation(f"{violation}, after\n{story(came, state)}") from None
        return steps


def sorrows(state: State) -> tuple[int, int]:
    """Return how many workers have crashed, and about how many tasks there was a wrong verdict."""
    return sum(not worker.alive for worker in state.workers), len(state.doubtful)


def put(state: State, at: int, worker: Worker) -> State:
    """Return the state with one worker replaced."""
    _, *rest = state
    return State((*state.workers[:at], worker, *state.workers[at + 1 :]), *rest)


def as_seen_by(at: int, state: State) -> State:
    """Return all of a state that a worker's steps depend on: not what others know or do."""
    workers = [one._replace(call=None, calls=0, known=frozenset()) for one in state.workers]
    return put(state._replace(workers=tuple(workers)), at, state.workers[at])


def story(came: dict[State, State | None], state: State | None) -> str:
    """Return how a state came about, a line a step."""
    lines: list[str] = []
    while state is not None:
        doing = "; ".join(
            f"{who}: {w.call.what} {w.call.args} {w.call.answers[-1:]}"
            if w.call
            else f"{who}: idle"
            for who, w in zip(IDS, state.workers, strict=False)
        )
        lines.append(f"{doing}; done {set(state.done)}")
        state = came[state]
    return "\n".join(reversed(lines))


class LooksFirst(Claims):
    """A worker that looks at what others show before it shows what it wants."""

    def claim(self, tasks: Sequence[bytes]) -> list[bytes]:
        locked = self.files.locked()
        taken = self.taken(tasks)
        self._write(tuple(tasks))
        return [task for task in tasks if task not in locked and task not in taken]


class OverlooksLocks(Claims):
    """A worker that looks at claims alone."""

    def claim(self, tasks: Sequence[bytes]) -> list[bytes]:
        self._write(tuple(tasks))
        taken = self.taken(tasks)
        return [task for task in tasks if task not in taken]


class OverlooksClaims(Claims):
    """A worker that looks at locks alone."""

    def taken(self, tasks: Sequence[bytes]) -> set[bytes]:
        self.files.poll()
        return set()


class PollsFirst(Claims):
    """A worker that reads what is done before it looks at claims."""

    def taken(self, tasks: Sequence[bytes]) -> set[bytes]:
        self.files.poll()
        return set[bytes]().union(*(self._taken_by(one, tasks) for one in self.files.others()))


class OverlooksNewcomers(Claims):
    """A worker that looks at the claims of those that it knew before."""

    def taken(self, tasks: Sequence[bytes]) -> set[bytes]:
        found = set[bytes]().union(*(self._taken_by(one, tasks) for one in self.files.others()))
        self.files.poll()
        return found


class MarksLate(Claims):
    """A worker that looks whether its claim was revoked, and then marks the task."""

    def begin(self, task: bytes) -> bool:
        may_run = not self.files.is_revoked()
        self.files.mark(self.tasks.index(task))
        return may_run


class NeverMarks(Claims):
    """A worker that does not say which task it begins."""

    def begin(self, task: bytes) -> bool:
        return not self.files.is_revoked()


class HeedsNoRevocation(Claims):
    """A worker that goes on though its claim was revoked."""

    def begin(self, task: bytes) -> bool:
        return super().begin(task) or True


class TrustsTheDead(Claims):
    """A worker to whom a dead worker's claim counts."""

    def _taken_by(self, worker: str, tasks: Sequence[bytes]) -> set[bytes]:
        claim = self.files.claim_of(worker)
        return set() if claim is None else {*claim.kept()}.intersection(tasks)


class WaitsForAll(Claims):
    """A worker that leaves even what was given back to the worker that is late with it."""

    def _taken_by(self, worker: str, tasks: Sequence[bytes]) -> set[bytes]:
        claim = self.files.claim_of(worker)
        return set() if claim is None else {*claim.tasks}.intersection(tasks)


def test_two_workers_never_run_a_task_at_once_nor_again() -> None:
    assert Search(1, 1).run() > 5_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nor_do_they_when_one_goes_on() -> None:
    assert Search(2, 1).run() > 50_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("crashes", [0, 1])
def test_nor_do_three_workers_of_which_one_claims(crashes: int) -> None:
    doing = ("several", "insist", "insist")
    assert Search(1, 1, 1, crashes=crashes, single=[b"T"], doing=doing).run() > 25_000


def three(code: type[Claims] = Claims, crashes: int = 0, third: str = "several") -> Search:
    """Return the search of three, of which two claim, and none that lives is called dead."""
    doing = ("several", "several", third)
    return Search(1, 1, 1, crashes=crashes, single=[b"T"], doing=doing, errs=False, code=code)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("third", "crashes"), [("several", 1), ("insist", 0)])
def test_nor_do_three_workers_of_which_two_or_all_claim(third: str, crashes: int) -> None:
    assert three(third=third, crashes=crashes).run() > 300_000


SEVERAL = [(b"T", b"U"), (b"U", b"T"), (b"U", b"V")]


def test_nor_do_three_that_do_anything_as_far_as_chance_finds() -> None:
    assert Search(2, 2, 2, crashes=2, several=SEVERAL).walk(500) > 10_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nor_do_they_in_many_more_stories() -> None:
    assert Search(3, 3, 3, crashes=2, several=SEVERAL).walk(4_000) > 200_000


@pytest.mark.parametrize(
    "code",
    [LooksFirst, OverlooksLocks, OverlooksClaims, MarksLate, NeverMarks, HeedsNoRevocation],
)
def test_chance_finds_too_what_is_wrong_with(code: type[Claims]) -> None:
    with pytest.raises(Violation, match="again"):
        Search(2, 2, 2, crashes=2, several=SEVERAL, code=code).walk(3_000)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (LooksFirst, "again"),
        (OverlooksLocks, "again"),
        (OverlooksClaims, "again"),
        (PollsFirst, "again"),
        (OverlooksNewcomers, "again"),
        (MarksLate, "again"),
        (NeverMarks, "again"),
        (HeedsNoRevocation, "again"),
        (TrustsTheDead, "nobody can get"),
        (WaitsForAll, "nobody can get"),
    ],
)
def test_search_finds_what_is_wrong_with(code: type[Claims], complaint: str) -> None:
    with pytest.raises(Violation, match=complaint):
        Search(1, 1, code=code).run()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("code", "third", "complaint"),
    [
        (LooksFirst, "several", "again"),
        (OverlooksLocks, "insist", "again"),
        (OverlooksClaims, "several", "again"),
        (PollsFirst, "several", "again"),
        (OverlooksNewcomers, "several", "again"),
        (MarksLate, "insist", "again"),
        (NeverMarks, "insist", "again"),
        (HeedsNoRevocation, "insist", "again"),
        (TrustsTheDead, "several", "nobody can get"),
        (WaitsForAll, "insist", "nobody can get"),
    ],
)
def test_the_search_of_three_finds_what_is_wrong_with(
    code: type[Claims], third: str, complaint: str
) -> None:
    with pytest.raises(Violation, match=complaint):
        three(code, crashes=1, third=third).run()
