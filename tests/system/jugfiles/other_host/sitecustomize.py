"""Makes a Python that finds this module believe that it runs on the host `TEST_HOST`.

Processes of two such hosts cannot judge each other by the process table.
"""

import os

from jug.backends import process

process._boot = lambda: os.environ["TEST_HOST"]
