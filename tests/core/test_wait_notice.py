"""What is said of a wait."""

import re
import time

import pytest

from jug.backends.base import Holder
from jug.backends.process import Process
from jug.backends.wait_notice import WaitNotice

ELSEWHERE = Process("node7", "another boot", "another namespace", 4711, "99")


@pytest.fixture
def notice():
    return WaitNotice()


def held(worker="5f0c", process=ELSEWHERE):
    return Holder(worker, process, alive=True)


def test_task_host_process_and_time_are_told(notice, caplog, monkeypatch):
    then = time.time() - 3600
    with monkeypatch.context() as at:
        at.setattr(time, "time", lambda: then)
        notice.see({b"a": held()})
    notice.see({b"a": held()})

    notice.tell({b"a": "jugfile.slow"}, {b"a": held(), b"b": held()})

    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(then))
    assert caplog.messages == [
        f"waiting for jugfile.slow (held by node7:4711, at least since {shown})"
    ]


def test_the_time_that_the_store_knows_is_told(notice, caplog):
    holder = held()._replace(since=time.time() - 3600)

    notice.tell({b"a": "jugfile.slow"}, {b"a": holder})

    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    assert caplog.messages == [f"waiting for jugfile.slow (held by node7:4711, since {shown})"]


def test_each_holder_is_told_once(notice, caplog):
    for worker in ("5f0c", "5f0c", "77aa", "5f0c"):
        notice.tell({b"a": "jugfile.slow"}, {b"a": held(worker, None)})

    assert [re.findall("held by ....", told) for told in caplog.messages] == [
        ["held by 5f0c"],
        ["held by 77aa"],
    ]


def test_of_many_tasks_a_few_are_told(notice, caplog):
    digests = [bytes([number]) for number in range(40)]

    notice.tell(dict.fromkeys(digests, "f"), {digest: held() for digest in digests})

    assert caplog.text.count("node7") == 5
    assert caplog.text.endswith(", 35 more\n")


def test_nothing_is_told_where_nobody_holds_what_is_waited_for(notice, caplog):
    notice.tell({b"a": "f"}, {b"b": held()})

    assert not caplog.messages
