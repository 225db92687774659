import functools
from functools import partial

import params

HANDLERS = {}
CACHE = {}


def handler(f):
    HANDLERS[f.__name__] = f
    return f


@handler
def one(x):
    return x + 100


def logged(f):
    "Says what it does."
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args) + 1
    return wrapper


def scaled(k):
    def scale(x):
        return x * k
    return scale


def remembered(x):
    if x not in CACHE:
        CACHE[x] = x * x
    return CACHE[x]


@functools.singledispatch
def area(x):
    return 0


@area.register
def _(x: int):
    return x * 3


def times(k, x):
    return k * x


doubled = partial(times, 2)


def unused(x):
    return x
