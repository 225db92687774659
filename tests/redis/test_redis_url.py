"""A redis URL says where a store is, and its secrets are never shown."""

import pickle
import subprocess
import sys

import pytest

from jug.backends._redis.url import Address
from jug.backends.redis_store import RedisStore
from jug.errors import OptionError

SHOWN = {
    "redis://": "redis://?prefix=jugfile",
    "redis://me:secret@example.org:7000/3?prefix=primes": (
        "redis://example.org:7000/3?prefix=primes"
    ),
    "rediss://:secret@[::1]:7000?ssl_ca_certs=/etc/ca.pem&prefix=a b": (
        "rediss://[::1]:7000?ssl_ca_certs=/etc/ca.pem&prefix=a%20b"
    ),
    "unix://me:secret@/run/redis.sock?db=2": "unix:///run/redis.sock?db=2&prefix=jugfile",
    "redis://example.org?password=secret&username=me": "redis://example.org?prefix=jugfile",
    "redis://example.org?ssl_password=secret&socket_timeout=3": (
        "redis://example.org?socket_timeout=3&prefix=jugfile"
    ),
    "redis://secret@example.org": "redis://example.org?prefix=jugfile",
    "redis+sentinel://:secret@a:1,b:2/main/5?sentinel_password=secret&prefix=x": (
        "redis+sentinel://a:1,b:2/main/5?prefix=x"
    ),
    "rediss+cluster://me:secret@a:1,b:2": "rediss+cluster://a:1,b:2?prefix=jugfile",
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.items())
def test_a_url_is_shown_without_its_secrets(url, shown):
    address = Address.parse(url)
    store = RedisStore.open(url)

    assert address.shown == store.url == shown
    for text in (repr(address), repr(store)):
        assert "secret" not in text


@pytest.mark.parametrize("option", ["retry=3", "protocol=3", "decode_responses=True"])
def test_an_option_that_jug_sets_itself_is_refused(option):
    with pytest.raises(OptionError, match=f"jug sets the option '{option.partition('=')[0]}'"):
        Address.parse(f"redis://example.org?{option}")


BAD_VALUE = r"\(Invalid value for 'socket_timeout' .*\): correct it"
# From Python 3.13 on: "... 'socket_timeot'. Did you mean 'socket_timeout'?".
BAD_NAME = r"\(got an unexpected keyword argument 'socket_timeot'[^)]*\): remove it"


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("redis://localhost:1?socket_timeout=abc", BAD_VALUE),
        ("redis+cluster://localhost:1?socket_timeout=abc", BAD_VALUE),
        ("redis+sentinel://localhost:1/x?socket_timeout=abc", BAD_VALUE),
        ("redis://localhost:1?socket_timeot=3", BAD_NAME),
    ],
)
def test_an_option_that_redis_does_not_take_is_named(url, advice):
    store = RedisStore.open(url, patience=0.1)

    with pytest.raises(OptionError, match=f"does not take {advice}$"):
        store.poll()


@pytest.mark.parametrize("shown", sorted(set(SHOWN.values())))
def test_what_is_shown_is_a_url_of_the_same_store(shown):
    again = Address.parse(shown)

    assert again.shown == shown
    assert not again.has_default_prefix


@pytest.mark.parametrize(
    "url",
    [
        "redis://:se/cret@example.org",
        "redis://:se#cret@example.org",
        "redis://:se?cret@example.org",
        "redis://me:12?cret@example.org",
        "redis://example.org:secret",
        "redis://example.org/secret",
        "redis://example.org/1#secret",
        "unix://secret/run/redis.sock",
        "redis+sentinel://:secret@a:1",
        "redis+sentinel://:secret@a:1/main/second",
        "redis+cluster://a:1,b:secret",
    ],
)
def test_a_url_that_does_not_parse_is_not_shown(url):
    with pytest.raises(OptionError, match="percent-code") as caught:
        RedisStore.open(url)

    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_hosts_of_sentinels_and_clusters_are_found():
    sentinel = Address.parse("rediss+sentinel://me:p%40ss@a:1,b/main/5?sentinel_password=other")

    assert sentinel.nodes == (("a", 1), ("b", 26379))
    assert sentinel.service == "main"
    assert sentinel.plain == "rediss://me:p%40ss@a:1/5"
    assert sentinel.sentinel_login == {"password": "other"}
    assert Address.parse("redis+cluster://a,b:2").nodes == (("a", 6379), ("b", 2))


def test_the_prefix_of_the_url_counts_more_than_the_one_given():
    named = RedisStore.open("redis://example.org?prefix=mine", prefix="primes")
    by_default = RedisStore.open("redis://example.org", prefix="primes")

    assert named.url.endswith("?prefix=mine")
    assert not named.has_default_prefix
    assert by_default.url.endswith("?prefix=primes")
    assert by_default.has_default_prefix


def test_the_tag_of_the_keys_is_the_whole_prefix():
    assert Address.parse("redis://?prefix=a:b c").tag == "jug:{a:b c}:"
    with pytest.raises(OptionError, match="braces"):
        Address.parse("redis://?prefix=a}b")


def test_an_address_pickles_with_its_secrets():
    address = Address.parse("redis://me:secret@example.org")

    assert pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize("variable", ["JUG_LEASE_SECONDS", "JUG_REDIS_PATIENCE"])
def test_a_time_that_is_no_number_is_refused(monkeypatch, variable):
    monkeypatch.setenv(variable, "soon")

    with pytest.raises(OptionError, match=f"{variable} is 'soon'"):
        RedisStore.open("redis://example.org")
    monkeypatch.setenv(variable, "nan")
    with pytest.raises(OptionError, match=f"{variable} is 'nan'"):
        RedisStore.open("redis://example.org")
    monkeypatch.setenv(variable, "")  # as good as not set
    RedisStore.open("redis://example.org").close()


def test_a_patience_that_was_given_is_not_called_that_of_the_environment():
    with pytest.raises(OptionError, match="the patience is -1: give a number of seconds"):
        RedisStore.open("redis://example.org", patience=-1)


def test_the_client_library_is_imported_when_a_store_is_used():
    program = (
        "import sys; from jug.backends.registry import open_store;"
        "open_store('dict_store'); assert 'redis' not in sys.modules;"
        "open_store('redis://localhost'); assert 'redis' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
