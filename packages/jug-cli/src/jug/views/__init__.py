"""What the history of a jugfile tells: gathered here, printed by the commands of `jug.cli`.

Nothing here runs a task or changes anything.  What was not noted, or can't be read, is
``None`` in JSON and a dash in a table, and the rest is shown all the same.
"""
