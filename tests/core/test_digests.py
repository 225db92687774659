"""Hash functions without OpenSSL are those of hashlib."""

import hashlib
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from jug import digests


def test_they_give_what_those_of_hashlib_give() -> None:
    for data in (b"", b"jug", bytes(5000)):
        ours = digests.blake2b(data, digest_size=20).digest()
        assert ours == hashlib.blake2b(data, digest_size=20).digest()
        assert digests.sha1(data, usedforsecurity=False).digest() == hashlib.sha1(data).digest()


def test_no_openssl_is_loaded_for_jug_where_python_has_them_itself() -> None:
    program = (
        "import sys\n"
        "try: import _blake2, _sha1\n"
        "except ImportError: sys.exit()\n"
        "import jug\n"
        "print(*{'_hashlib'} & sys.modules.keys())\n"
    )
    # What measures the coverage of a process loads it.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=alone)
    assert run.stdout.strip() == "", run.stdout
    assert not run.stderr


def test_where_python_has_not_both_itself_they_are_those_of_hashlib(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "_sha1", None)
    spec = spec_from_file_location("digests_elsewhere", digests.__file__)
    assert spec is not None and spec.loader is not None
    elsewhere = module_from_spec(spec)
    spec.loader.exec_module(elsewhere)

    assert (elsewhere.blake2b, elsewhere.sha1) == (hashlib.blake2b, hashlib.sha1)
