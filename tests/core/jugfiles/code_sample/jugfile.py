"""A project whose tasks reach what they use in many ways."""
import functools
import math

import numba
from jug import TaskGenerator

import helpers
import params
from helpers import HANDLERS, logged, scaled, remembered
from models import Model, Plain
from near import middle

LIMIT = 10  # how far
by_two = scaled(2)
by_three = scaled(3)


@TaskGenerator
def plain(x):
    """Return the next number.

    A docstring of
    three lines.
    """
    # a comment
    return x+1


@TaskGenerator
def two_away(x):
    return middle(x) + 1

@TaskGenerator
def through_module(x): return helpers.params.RATE * x


@TaskGenerator
def with_default(x, y = params.START):
    total : float = 0.5
    for i in range( x ):
        total += y
    return total


@TaskGenerator
@logged
def decorated(x):
    return x


@TaskGenerator
def in_limit(x):
    return (x < LIMIT
            and "yes")


@TaskGenerator
def closed_over(x):
    return by_two(x)


@TaskGenerator
def closed_otherwise(x):
    return by_three(x)


@TaskGenerator
def asks_model(model):
    return model.ask()


@TaskGenerator
def makes_plain(x):
    return Plain(x).value


@TaskGenerator
def handled(x):
    return HANDLERS['one'](x)


@TaskGenerator
def memo(x):
    return remembered(x)


@TaskGenerator
@functools.lru_cache
def cached(x):
    return x * 5


@TaskGenerator
def dispatched(x):
    return helpers.area(x)


@numba.njit
def compiled(x):
    return x * 2


@TaskGenerator
def uses_compiled(x):
    return compiled(x) + 1


@TaskGenerator
def imports_inside(x):
    from far import deep
    return deep(x)


@TaskGenerator
def table(x):
    return params.TABLE['a'][x]


@TaskGenerator
def partly(x):
    return helpers.doubled(x)


@TaskGenerator
def by_name(x, name):
    return getattr(x, name)


@TaskGenerator
def shadowed(x):
    RATE = 5
    LIMIT = x
    return [by_two for by_two in (RATE, LIMIT)]


square, cube = TaskGenerator(lambda x: x ** 2), TaskGenerator(lambda x: x ** 3)
sine = TaskGenerator(math.sin)

tasks = [plain(1), two_away(1), through_module(2), with_default(3), decorated(1), in_limit(1),
         closed_over(1), closed_otherwise(1), asks_model(Model(3)), makes_plain(1), handled(1),
         memo(1), cached(1), dispatched(1), uses_compiled(1), imports_inside(1), table(0),
         partly(1), by_name(1, 'real'), shadowed(1), sine(1)]
