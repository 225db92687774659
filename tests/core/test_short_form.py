"""Arguments in short, and what they are again."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from jug import Task, Tasklet
from jug.task.short_form import arguments_in, short_form

atoms = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(),
    st.text(max_size=8), st.binary(max_size=8), st.text(alphabet="'\"\\,(<[ ]>)", max_size=60),
)  # fmt: skip
objects = st.sampled_from(
    [
        object(), {1, 2}, Task(abs, -1), Task(lambda x: x, 1), np.zeros((3, 4)), np.array(["abc"]),
        Task(abs, -1)[0], Task(abs, -1)[1:, "a"], Tasklet(Task(abs, -1), sorted), slice(1, None),
        Tasklet(object(), lambda x: x)[0], Tasklet([1, 2], set.pop)[Task(abs, -2)],
        np.zeros(2, dtype=[("a", "<i4"), ("bb", ">f8"), ("ccc", "<U5"), ("d", "<i4")]),
    ]
)  # fmt: skip
values = st.recursive(
    atoms | objects,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


LONG = tuple({"key": 1e300j, "other": 1.23456789e300 + 1.23456789e300j} for _ in range(4))


@example([LONG, None], {})
@given(st.lists(values, max_size=3), st.dictionaries(st.sampled_from("abc"), values, max_size=2))
def test_each_argument_is_found_again(args: list[object], kwargs: dict[str, object]) -> None:
    each = [short_form((one,), {}) for one in args]
    each += [short_form((), {name: one}) for name, one in kwargs.items()]
    whole = ", ".join(each)

    assert arguments_in(whole) == tuple(each)
    if len(whole) <= 200 - 2:
        assert short_form(tuple(args), kwargs) == whole


def test_parts_of_a_result_say_how_they_were_derived() -> None:
    task = Task(divmod, 7, 2)
    deep = task
    for _ in range(9):
        deep = deep[0]

    assert short_form((task[0], task[-1], task[:1], task["a", 2]), {}) == (
        "builtins.divmod()[0], builtins.divmod()[-1], builtins.divmod()[:1], "
        "builtins.divmod()[('a', 2)]"
    )
    assert short_form((Tasklet(task, sorted), Tasklet(task[0], abs)), {}) == (
        "sorted(builtins.divmod()), abs(builtins.divmod()[0])"
    )
    assert short_form((deep,), {}) == "…[0][0][0]"


def test_a_form_that_was_cut_ends_with_what_says_so() -> None:
    cut = short_form(("x" * 30,) * 20, {})

    assert arguments_in(cut)[-1] == "…"
    assert set(arguments_in(cut)[:-1]) == {repr("x" * 30)}
