"""What `jug adopt` prints in the end: a table by task name, and what was refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import click

from jug.adopt.adopting import Seen, State
from jug.adopt.reading import Outcome
from jug.cli.reading import tell_of_barrier
from jug.tables import table
from jug.wording import counted

_TITLES: Final = {
    State.ADOPTED: "Adopted",
    State.THERE: "Already",
    State.MISSING: "Not there",
    State.REFUSED: "Refused",
}
_MOST: Final = 20  # lines about what was refused


def show(outcome: Outcome, *, as_json: bool, short: bool, is_trial: bool) -> None:
    """Print what became of all tasks; what went wrong goes to the standard error."""
    counts = _counts(outcome.seen.values())
    if as_json:
        click.echo(json.dumps(_as_data(outcome, counts), indent=2))
    elif short:
        total = sum(counts.values(), Counter())
        words = {State.ADOPTED: "to adopt" if is_trial else "adopted", State.THERE: "already there"}
        parts = (f"{total[state]} {words.get(state, state.value)}" for state in State)
        click.echo(f"{counted(total.total(), 'task')}: {', '.join(parts)}")
    else:
        titles = [*_TITLES.values()]
        if is_trial:
            titles[0] = "To adopt"
        rows = {name: [count[state] for state in State] for name, count in counts.items()}
        click.echo(table(titles, rows))
    _tell(outcome, is_trial)


def _counts(seen: Iterable[Seen]) -> dict[str, Counter[State]]:
    """Return for each name of tasks how many are in which state."""
    counts: dict[str, Counter[State]] = {}
    for one in seen:
        counts.setdefault(one.name, Counter())[one.state] += 1
    return counts


def _as_data(outcome: Outcome, counts: dict[str, Counter[State]]) -> dict[str, Any]:
    return {
        "old": outcome.old,
        "tasks": [
            {"name": name} | {state.value.replace(" ", "_"): count[state] for state in State}
            for name, count in sorted(counts.items())
        ],
        "refused": [
            {"task": seen.task, "hash": digest.hex(), "why": seen.why}
            for digest, seen in outcome.seen.items()
            if seen.state is State.REFUSED
        ],
        "unclaimed": outcome.unclaimed,
        "damage": outcome.damage,
        "barrier": outcome.at_barrier,
    }


def _tell(outcome: Outcome, is_trial: bool) -> None:
    refused = [seen for seen in outcome.seen.values() if seen.state is State.REFUSED]
    for seen in refused[:_MOST]:
        _say(f"refused {seen.task}: {seen.why}")
    if refused[_MOST:]:
        _say(f"refused {counted(len(refused) - _MOST, 'other task')}: --json lists them all")
    if any(seen.is_ambiguous for seen in refused):
        _say("--accept-ambiguous takes what jug 2.x can't tell apart, if all of it is right")
    if outcome.damage:
        _say(outcome.damage)
    if outcome.at_barrier:
        tell_of_barrier(", which --dry-run does not open" if is_trial else "")
    if outcome.failure is not None:
        click.echo(getattr(outcome.failure, "traceback", ""), err=True, nl=False)
        _say(f"{outcome.failure}; what it made before was looked at")
    _tell_of_unclaimed(outcome)


def _tell_of_unclaimed(outcome: Outcome) -> None:
    is_whole = not (outcome.at_barrier or outcome.failure)
    whose = "of the jugfile" if is_whole else "that the jugfile has made so far"
    if not outcome.held:
        _say(f"{outcome.old!r} holds no results")
    elif outcome.has_nothing:
        doubt = ": is it the right one, unchanged, with its arguments?" if is_whole else ""
        results = counted(outcome.held, "result")
        _say(f"none of the {results} in {outcome.old!r} is of a task {whose}{doubt}")
    elif outcome.unclaimed:
        results, are = counted(outcome.unclaimed, "result"), _are(outcome.unclaimed)
        _say(f"{results} in {outcome.old!r} {are} of no task {whose}, and stay there")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _say(message: str) -> None:
    click.echo(f"jug: {message}", err=True)
