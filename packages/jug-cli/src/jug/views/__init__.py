"""What the history of runs tells, computed apart from the commands that print it."""
