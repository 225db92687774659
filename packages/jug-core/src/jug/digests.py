"""Hash functions for what is short, without OpenSSL, which `hashlib` loads as it is imported.

Each is the function of that name in `hashlib`, from where Python itself has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["blake2b", "sha1"]

if TYPE_CHECKING:
    from hashlib import blake2b, sha1
else:
    try:
        from _blake2 import blake2b
        from _sha1 import sha1
    except ImportError:  # some Pythons are built without the second
        from hashlib import blake2b, sha1
