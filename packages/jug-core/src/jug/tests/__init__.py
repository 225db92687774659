"""Helpers for the tests of programs that are built on jug, under the names of jug 2.x."""
