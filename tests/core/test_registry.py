import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jug.backends import registry
from jug.backends.dict_store import DictStore
from jug.backends.registry import open_store, schemes
from jug.errors import OptionError, StoreError, UnknownStore


class Opened(DictStore):
    """A store that remembers how it was asked for."""

    @classmethod
    def open(cls, url, **options):
        store = cls()
        store.asked = (url, options)
        return store


def opened_by_a_function(url, **options):
    return Opened.open(url, **options)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let each test look anew at what is installed."""
    registry._opener.cache_clear()
    yield
    registry._opener.cache_clear()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution that brings stores."""
    folder = tmp_path / "jug_toy-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: jug-toy\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[jug.stores]\n"
        "toy = jug_toy_stores:Opened\n"
        "toy+call = jug_toy_stores:opened_by_a_function\n"
        "file = jug_toy_stores:Opened\n"
        "broken = jug_toy_stores:nothing\n"
        "gone = jug_toy_stores_elsewhere:Opened\n"
    )
    monkeypatch.setitem(sys.modules, "jug_toy_stores", sys.modules[__name__])
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return schemes()


def test_an_installed_store_opens_by_its_scheme_with_its_options(installed):
    assert sorted(installed) == ["broken", "file", "gone", "toy", "toy+call"]
    assert open_store("toy://host/x?y=1", speed=2).asked == ("toy://host/x?y=1", {"speed": 2})
    assert open_store("toy+call:x", speed=3).asked == ("toy+call:x", {"speed": 3})
    assert open_store("TOY:X").asked == ("toy:X", {})


@pytest.mark.parametrize(
    "path",
    ["results", "./a:b", "sub/dir:1", "/tmp/x.jugdata", "C:\\results", "c:/results", "2026:x"],
)
def test_a_plain_path_is_a_directory(installed, path):
    assert open_store(path).asked == (f"file:{path}", {})


@pytest.mark.parametrize("url", ["~/results", "file:~/results", "FILE:~/results"])
def test_the_home_may_be_written_as_a_tilde(installed, url, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")

    assert open_store(url).asked == ("file:/home/me/results", {})
    assert open_store(Path("~/results")).asked == ("file:~/results", {})


def test_a_path_object_is_a_directory_whatever_it_is_called(installed):
    assert open_store(Path("toy:x"), speed=1).asked == ("file:toy:x", {"speed": 1})


@pytest.mark.parametrize(
    ("scheme", "why"),
    [
        ("broken", "AttributeError: .*'nothing'"),
        ("gone", "ModuleNotFoundError: No module named 'jug_toy_stores_elsewhere'"),
    ],
)
def test_a_store_that_cannot_be_loaded_says_whose_it_is_and_why(installed, scheme, why):
    with pytest.raises(StoreError, match=f"the store '{scheme}' of jug-toy can't be loaded: {why}"):
        open_store(f"{scheme}:x")


def test_a_store_is_returned_as_it_is():
    store = DictStore()

    assert open_store(store) is store
    with pytest.raises(OptionError, match="is open already"):
        open_store(store, speed=1)


def test_dict_stores_open_by_their_urls(tmp_path):
    store = open_store(f"dict_store:{tmp_path / 'results'}", lease_seconds=1.0)
    store.dump(1, b"0" * 40)
    store.close()

    assert open_store(store.url).load(b"0" * 40) == 1
    assert open_store("dict_store").url == "dict_store"
    assert open_store("dict_store:").url == "dict_store"


@pytest.mark.parametrize("scheme", ["dict_store", "file", "file_keepalive"])
def test_a_scheme_may_be_in_capitals(tmp_path, scheme):
    pytest.importorskip("jug.backends.file_store", exc_type=ImportError)
    url = f"{scheme.upper()}:{tmp_path / 'Results'}"
    with open_store(url) as store:
        store.dump(1, b"0" * 40)

    with open_store(url.replace(scheme.upper(), scheme)) as store:
        assert store.load(b"0" * 40) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["Results"]


@pytest.mark.parametrize(
    ("url", "distribution"),
    [("results", "jug-file"), ("file_keepalive:x", "jug-file"), ("rediss://h", "jug-redis")],
)
def test_the_error_names_the_distribution_to_install(monkeypatch, url, distribution):
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(UnknownStore, match=f"is installed: install {distribution}$") as caught:
        open_store(url)

    assert isinstance(caught.value, StoreError)


def test_an_unknown_scheme_is_no_directory_of_that_name(installed):
    with pytest.raises(
        UnknownStore,
        match=r"^no store for 's3', only for broken, file, gone, toy, toy\+call: .* '\./s3:…'",
    ) as caught:
        open_store("s3://bucket")

    assert caught.value.scheme == "s3"


def test_an_error_never_shows_the_password(installed):
    with pytest.raises(UnknownStore) as caught:
        open_store("redis://me:secret@host")

    assert "secret" not in repr(caught.value) + str(vars(caught.value))


def test_an_empty_name_is_refused():
    with pytest.raises(OptionError, match="names no store"):
        open_store("")
