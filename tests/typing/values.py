"""The values of tasks: checked, never run."""

from typing import Any, assert_type

from jug import Task, TaskGenerator, bvalue, run, value


@TaskGenerator
def half(x: float) -> float:
    return x / 2


@TaskGenerator
def name(x: float) -> str:
    return str(x)


task = half(3.0)
tasks = [half(n) for n in range(3)]

assert_type(task.value(), float)
assert_type(task.result, float)
assert_type(task.run(), float)

assert_type(value(task), float)
assert_type(value(tasks), list[float])
assert_type(value([tasks, tasks]), list[list[float]])
assert_type(value({"a": task}), dict[str, float])
assert_type(value((task, name(1))), tuple[float, str])
assert_type(value((task, name(1), task)), tuple[float, str, float])
assert_type(value((task, task, task, task)), tuple[float, ...])
assert_type(value(task[0]), Any)
assert_type(value([1, task]), Any)

assert_type(bvalue(task), float)
assert_type(bvalue(tasks), list[float])
assert_type(bvalue([tasks, tasks]), list[list[float]])
assert_type(bvalue({"a": task}), dict[str, float])
assert_type(bvalue((task, name(1))), tuple[float, str])
assert_type(bvalue((task, name(1), task)), tuple[float, str, float])
assert_type(bvalue((task, task, task, task)), tuple[float, ...])
assert_type(bvalue(task[0]), Any)

assert_type(run(task), float)
assert_type(run(task, 2, "results", keep_going=True, cpus=4), float)
assert_type(run(tasks, workers=4), list[float])
assert_type(run([tasks, tasks]), list[list[float]])
assert_type(run({"a": task}), dict[str, float])
assert_type(run((task, name(1))), tuple[float, str])
assert_type(run((task, name(1), task)), tuple[float, str, float])
assert_type(run((task, task, task, task)), tuple[float, ...])
assert_type(run(task[0]), Any)

for number in range(int(bvalue(task))):
    assert_type(half(number), Task[float])

run(task, workers="2")  # type: ignore
run(task, cores=2)  # type: ignore
bvalue(task).upper()  # type: ignore
run(tasks)["a"]  # type: ignore
