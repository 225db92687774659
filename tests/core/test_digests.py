"""Hash functions without OpenSSL are those of hashlib."""

import hashlib
import subprocess
import sys

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
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "", run.stdout
    assert not run.stderr
