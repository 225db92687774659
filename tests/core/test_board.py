"""The board that a supervisor and its workers share."""

import os

from jug import TaskGenerator
from jug.board import NO_TASK, Board


def test_what_one_posts_others_see(store):
    board = Board.for_workers(3)
    task = TaskGenerator(abs, retries=4, timeout=60)(-1)

    seen_elsewhere = Board(os.dup(board.descriptor))
    board.post(1, task)

    posted = seen_elsewhere.posted(1)
    assert (posted.digest, posted.name) == (task.digest, "builtins.abs")
    assert (posted.limit, posted.retries) == (60, 4)
    assert not posted.deadline
    board.set_deadline(1, 60)
    assert seen_elsewhere.posted(1).deadline > 60
    board.set_deadline(1, None)
    assert not seen_elsewhere.posted(1).deadline
    assert seen_elsewhere.is_anybody_busy()
    assert seen_elsewhere.posted(0).digest == seen_elsewhere.posted(2).digest == NO_TASK
    board.clear(1)
    assert seen_elsewhere.posted(1).digest == NO_TASK
    assert not seen_elsewhere.is_anybody_busy()
    board.stop()
    assert seen_elsewhere.is_stopped()
    board.close()
    seen_elsewhere.close()


def test_a_long_name_is_cut_to_fit(store):
    board = Board.for_workers(1)
    task = TaskGenerator(abs)(-1)
    task.name = "ä" * 1000

    board.post(0, task)

    assert board.posted(0).name.startswith("ä" * 100)
    board.close()
