"""Print how long it takes to say of tasks what progress is made of, beyond saying nothing."""

import os
import time

from jug import Task, set_jugdir
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection, open_channel
from jug.execution.reporting import Reporter, ToSupervisor
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.jugfile import Jugspace

COUNT = int(os.environ["BENCHMARK_TASKS"])


def say_all(reporter: Reporter, agenda: Agenda, task: Task) -> tuple[float, float]:
    """Say of a task that it begins and has ended, again and again; return how long that takes."""
    began, began_cpu = time.perf_counter(), time.process_time()
    for _ in range(COUNT):
        reporter.look(agenda)
        reporter.publish(task)
        reporter.count_executed(task.name)
    return time.perf_counter() - began, time.process_time() - began_cpu


store, task = set_jugdir("dict_store"), Task(abs, -1)
store.poll()
agenda = Agenda(Jugspace(store, [task]), Settings(), set())
slots = WorkerSlots.for_workers(1)
slots.watch()
_theirs, ours = open_channel()
connection = SupervisorConnection(ours, slots, 0)
said = say_all(ToSupervisor(connection, store, store.reader()), agenda, task)
nothing = say_all(Reporter(), agenda, task)
print(*(one - other for one, other in zip(said, nothing, strict=True)))
