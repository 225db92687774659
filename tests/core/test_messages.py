"""What jug tells, as a library and as a command."""

import io
import logging
import sys

from jug.messages import Log, set_level, telling_by_itself

log = Log("part")


def test_a_library_tells_by_the_loggers_of_its_program(caplog):
    with caplog.at_level(logging.INFO, "jug"):
        log.info("%d of %d", 1, 2)
        log.debug("too much")

    (record,) = caplog.records
    assert (record.name, record.message) == ("jug.part", "1 of 2")
    assert record.funcName == test_a_library_tells_by_the_loggers_of_its_program.__name__


def test_a_command_tells_by_itself(caplog, capsys):
    with telling_by_itself():
        log.info("of no interest")
        log.warning("of %s", "interest")
        set_level("info")
        log.info("now")
    log.warning("as a library again")

    assert capsys.readouterr().err == "jug: of interest\njug: now\n"
    assert [record.message for record in caplog.records] == ["as a library again"]


def test_a_command_tells_on_the_standard_error_that_it_began_with(monkeypatch, capsys):
    with telling_by_itself():
        monkeypatch.setattr(sys, "stderr", None)
        set_level("error")
        log.error("here")

    assert capsys.readouterr().err == "jug: here\n"


def test_a_standard_error_that_is_closed_ends_nothing(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    stream.close()

    with telling_by_itself():
        log.error("unheard")
