"""`python -m jug`: the command `jug`."""

from jug.cli import main

if __name__ == "__main__":  # pragma: no branch
    main(prog_name="jug")
