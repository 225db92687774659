"""Run under jug 2.x beside `every_kind.py`: prints the hash of each task there is, as JSON."""

import json
import os

import jug
from jug.hash import hash_one

with open("data.txt", "w") as file:
    file.write("hello")
os.utime("data.txt", (1_000_000_000.75, 1_000_000_000.75))
_, names = jug.init("every_kind.py", "dict_store")


def hash_of(make):
    try:
        task = make()
        hash = task.hash() if hasattr(task, "hash") else hash_one(task)
    except Exception:  # this version can't
        return None
    return hash.decode() if isinstance(hash, bytes) else hash


print(json.dumps({name: hash_of(make) for name, make in names["MAKERS"].items()}))
