"""What commands of your own are made of.

`jugfile_command` makes one that takes a jugfile and has the options of jug's own commands,
`reading` reads that jugfile, and `Options` is how both say what was asked for:

>>> from jug.commands import Options, jugfile_command, reading
>>> @jugfile_command()
... def names(options: Options) -> None:
...     "List the names of the tasks."
...     with reading(options):
...         click.echo("\\n".join(sorted({task.name for task in alltasks})))
>>> names.name, "--jugdir" in {name for option in names.params for name in option.opts}
('names', True)

That a command is found is said in the documentation, under *Commands of your own*.
"""

from jug.cli.jugfile_command import always, as_json, jugfile_command, task_argument
from jug.cli.reading import reading
from jug.options import Options

__all__ = ["Options", "always", "as_json", "jugfile_command", "reading", "task_argument"]
