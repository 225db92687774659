"""Stores: what keeps the results of tasks and says who works on what."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from jug._former import tell_what_is_gone

tell_what_is_gone(__name__)
