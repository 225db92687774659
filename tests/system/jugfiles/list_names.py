"""Prints, as JSON, the names and the options of the jug that runs this, by looking at it.

names      what its modules have, with their parameters; a class also by its methods
commands   the options of each command
options    the attributes of `jug.options.default_options`
"""

import importlib
import inspect
import json
import pkgutil

import jug
import jug.options


def modules():
    yield jug
    for found in pkgutil.walk_packages(jug.__path__, "jug."):
        if not found.name.startswith("jug.tests"):
            try:
                yield importlib.import_module(found.name)
            except ImportError:  # needs what is not installed
                continue


def names_of(module):
    for name, thing in vars(module).items():
        is_own = module is jug or getattr(thing, "__module__", None) == module.__name__
        if name.startswith("_") and name != "__version__":
            continue
        if inspect.ismodule(thing) and not (module is jug and thing.__name__.startswith("jug.")):
            continue
        if not is_own and name not in getattr(module, "__all__", ()):
            continue
        yield f"{module.__name__}.{name}", parameters(thing)
        if inspect.isclass(thing) and module is not jug:
            for method, function in vars(thing).items():
                if not method.startswith("_"):
                    yield f"{module.__name__}.{name}.{method}", parameters(function)


def parameters(thing):
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return []
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in signature.parameters.values() if p.kind in named and p.name != "self"]


def commands():
    parser = jug.options.build_parser()
    found = {"": sorted(parser._option_string_actions)}
    for action in parser._subparsers._group_actions:
        for name, command in action.choices.items():
            found[name] = sorted(command._option_string_actions)
    return found


def options():
    jug.options.default_options.jugdir  # reads the files, and with them the defaults
    one = jug.options.default_options
    while one is not None:
        yield from (name for name in vars(one) if name not in ("next", "_autoinit"))
        one = vars(one).get("next")


names = dict(sorted(pair for module in modules() for pair in names_of(module)))
found = {"names": names, "commands": commands(), "options": sorted({*options()})}
print(json.dumps(found, indent=1))
