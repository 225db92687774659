import far
from far import *


def middle(x):
    return far.deep(x) + SHIFT
