SHIFT = 7


def deep(x):
    """Deep."""
    return x * 2
