"""What the workers in jobs are told, and what is not told to everybody."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jug.batch.names import JobName, family
from jug.batch.purpose import Purpose, far_from
from jug.execution.job import Job
from jug.needs import Needs


def purpose(jugdir, url, arguments=(), choice=()):
    return Purpose(Job("work.py", [*arguments], jugdir), SimpleNamespace(url=url), choice)


REDIS = ("redis://:secret@head.example.org/0", "redis://head.example.org/0?prefix=work")


def test_a_folder_is_named_to_the_workers_by_its_absolute_path():
    one = purpose("work.jugdata", "file:/scratch/100%/work.jugdata")

    assert one.words(4) == (
        "execute", "-j", "4", "--jugdir", "/scratch/100%%/work.jugdata", "work.py"
    )  # fmt: skip
    assert "JUG_JUGDIR" not in one.variables()


def test_a_url_with_its_password_is_in_the_environment_alone():
    one = purpose(*REDIS)

    assert one.words(4) == ("execute", "-j", "4", "work.py")
    assert one.variables()["JUG_JUGDIR"] == REDIS[0]
    assert "secret" not in str(one.name(4))


def test_the_time_of_another_job_is_not_told(monkeypatch):
    monkeypatch.setenv("JUG_END_TIME", "1780200000")
    monkeypatch.setenv("JUG_PREFIX", "mine")

    assert set(purpose(*REDIS).variables()) == {"JUG_JUGDIR", "JUG_PREFIX"}


def test_a_name_differs_where_workers_do_something_else():
    plain = purpose(*REDIS).name(4)

    assert JobName.parse(str(plain)) == plain
    others = [
        purpose(*REDIS, arguments=["10"]).name(4),
        purpose(*REDIS, choice=["--name=fit"]).name(4),
        purpose(*REDIS).name(4, Needs(cpus=2)),
        purpose(*REDIS).name(4, Needs(tags=frozenset({"gpu"}))),
        purpose(*REDIS).name(8),
    ]
    assert len({plain, *others}) == 6
    assert {other.family for other in others} == {plain.family}


def test_the_prefix_of_a_store_is_told_wherever_it_was_set():
    job = Job("work.py", [], REDIS[0], store_options={"prefix": "mine"})

    assert Purpose(job, SimpleNamespace(url=REDIS[1])).variables()["JUG_PREFIX"] == "mine"


def test_jugfiles_that_share_a_store_have_jobs_of_their_own():
    """Their names are cut, and folders are not in them."""
    paths = [
        "a/experiment_2026_first.py",
        "a/experiment_2026_second.py",
        "b/Experiment_2026_first.py",
    ]

    assert len({family(path, REDIS[1]) for path in paths}) == 3


def test_a_jugfile_is_the_same_from_wherever_it_is_named(folder, monkeypatch):
    (folder / "below").mkdir()
    by_name = family("work.py", REDIS[1])
    monkeypatch.chdir("below")

    assert family("../work.py", REDIS[1]) == family(f"{folder}/work.py", REDIS[1]) == by_name


def test_a_name_is_one_that_kubernetes_takes_too():
    longest = JobName(family("A_Very.Long--jugfile name of mine_.py", "x"), "9f3a", 128)

    name = f"{longest}-abcde-1000"
    assert len(name) <= 63
    assert name == name.lower()
    assert "_" not in name and "--" not in name


@pytest.mark.parametrize(
    ("jugdir", "url", "told"),
    [
        ("dict_store", "dict_store", "in the memory of one process"),
        ("x", "file:/tmp/x", "the jugdir /tmp/x is in a folder that each machine has for itself"),
        ("x", "file:/dev/shm/x", "that each machine has for itself"),
        ("redis://localhost", "redis://localhost:6379/0", "is another server on each machine"),
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0", "is another server on each machine"),
        ("redis:///", "redis:///?prefix=x", "is another server on each machine"),
        ("redis://[::1]", "redis://[::1]:6379/0", "is another server on each machine"),
        ("unix:///run/redis", "unix:///run/redis", "is another server on each machine"),
        ("x", "file:/home/ana/tmp/x", ""),
        (*REDIS, ""),
    ],
)
def test_what_others_do_not_see_is_known(jugdir, url, told):
    assert told in "".join(far_from(purpose(jugdir, url)))
    assert bool(told) == bool([*far_from(purpose(jugdir, url))])


def test_a_temporary_folder_is_known_behind_a_link(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "link"))

    assert [*far_from(purpose("x", f"file:{tmp_path}/real/x"))]
