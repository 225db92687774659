"""Stores: what keeps the results of tasks and says who works on what."""

from jug import _side_by_side
from jug._former import tell_what_is_gone

__path__ = _side_by_side.folders_of(__name__)

tell_what_is_gone(__name__)
