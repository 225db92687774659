from far import *
import far


def middle(x):
    return far.deep(x) + SHIFT
