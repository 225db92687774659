"""How commands are framed, beside how redis-py frames them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection

from jug.backends._redis import connection
from jug.backends._redis.connection import framed

LARGE = 16

words = st.lists(
    st.one_of(
        st.binary(max_size=2 * LARGE),
        st.binary(max_size=2 * LARGE).map(memoryview),
        st.binary(max_size=2 * LARGE).map(bytearray),
        st.text(max_size=2 * LARGE),
        st.integers(),
    )
)


@given(words)
def test_a_command_is_sent_as_redis_py_would(words: list[Any]) -> None:
    theirs = [bytes(word) if isinstance(word, bytearray) else word for word in words]
    sent = b"".join(Connection().pack_command("HSET", *theirs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_LARGE", LARGE)
        assert b"".join(framed(["HSET", *words])) == sent


def test_what_is_large_is_not_copied() -> None:
    result = memoryview(bytes(1 << 20))
    assert any(piece is result for piece in framed(["HSET", "key", "0", result, "last"]))
