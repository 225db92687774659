"""How far the work is, how fast it goes, and how long it will take.

What is counted comes from two sides.  Workers of this run count what they have done in
memory that they share with who draws it; what is done by others, and what is left, one of
them reads in the store and says in a `Standing`, about once a second.  A `Tracker` puts
both together over time, and gives a `Snapshot` whenever it is asked for one.

The time left is the mean time of a task of each name, times how many of them are left,
divided by the workers at work.  `means` says how a mean is taken.  It is not known as long
as a name with tasks left was never run.  All is measured by the monotonic clock, so a clock
that is set meanwhile changes nothing.

standing   what a worker says of the tasks
means      the mean time of a task of each name
snapshot   how far all is at one moment
tracker    from standings and counts to snapshots
display    what draws them; `plain` writes lines, `line` rewrites one, `notebook` fills a bar
wording    what they say
"""

from __future__ import annotations

from jug.progress.display import Display
from jug.progress.means import Spent
from jug.progress.snapshot import Activity, NameProgress, Snapshot
from jug.progress.standing import Standing
from jug.progress.tracker import Tracker

__all__ = ["Activity", "Display", "NameProgress", "Snapshot", "Spent", "Standing", "Tracker"]
