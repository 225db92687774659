"""In a guest: runs the shell commands that come on the console, one at a time."""

import json
import subprocess
import sys

print("\x01ready", flush=True)
for line in sys.stdin:
    done = subprocess.run(
        ["bash", "-c", json.loads(line)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print("\x01" + json.dumps([done.returncode, done.stdout]), flush=True)
