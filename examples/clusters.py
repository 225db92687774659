"""Describe images by features, and find out how many kinds of them there are.

k-means needs to be told the number of clusters, k, and finds another solution from each
start.  So it is run for each k from several starts, the best start of each k is kept, and the
Bayesian information criterion (BIC) chooses among the k.  Every run is a task, and so is
every image's description: on a cluster hundreds of them run at once.

    pip install jug numpy
    jug execute -j 4 clusters.py     the table is in clusters.txt

The images are made here, of four kinds: in a study of your own, `features` would read a file.
"""

import numpy as np

from jug import TaskGenerator

KINDS = 4
HOW_MANY = 60
CLUSTERS = range(2, 9)
STARTS = range(5)


def picture(number):
    """Return an image of kind `number % KINDS`: waves of some direction and width, and noise."""
    random = np.random.default_rng(number)
    kind = number % KINDS
    y, x = np.mgrid[:64, :64]
    across = x if kind % 2 else y
    waves = np.sin(2 * np.pi * (across / (4 if kind < 2 else 8) + random.uniform()))
    return waves + random.normal(0, 1.5, (64, 64))


@TaskGenerator
def features(number):
    """Return what describes an image: how it varies down, and across."""
    pixels = picture(number)
    pixels = (pixels[1:, 1:] + pixels[:-1, 1:] + pixels[1:, :-1] + pixels[:-1, :-1]) / 4
    down, across = (np.diff(pixels, axis=axis).std() for axis in (0, 1))
    return np.array([down, across])


@TaskGenerator
def standardised(rows):
    """Return the features of all images as columns of the same spread."""
    table = np.array(rows)
    return (table - table.mean(axis=0)) / table.std(axis=0)


@TaskGenerator
def kmeans(points, k, start):
    """Return the sum of squared distances, and the cluster of each point."""
    random = np.random.default_rng([k, start])
    centres = points[[random.integers(len(points))]]
    while len(centres) < k:  # k-means++: a point is likelier as a centre the further it is
        far = squares(points, centres).min(axis=1)
        centres = np.vstack([centres, points[random.choice(len(points), p=far / far.sum())]])
    for _ in range(100):
        nearest = squares(points, centres).argmin(axis=1)
        moved = [points[nearest == one].mean(axis=0) for one in range(k) if (nearest == one).any()]
        if len(moved) == len(centres) and np.allclose(moved, centres):
            break
        centres = np.array(moved)
    distances = squares(points, centres)
    return float(distances.min(axis=1).sum()), distances.argmin(axis=1)


def squares(points, centres):
    return ((points[:, None] - centres[None]) ** 2).sum(axis=2)


@TaskGenerator
def best_start(runs):
    return min(runs, key=lambda run: run[0])


@TaskGenerator
def bic(points, run):
    """Return the criterion of a clustering: the smaller, the better."""
    n, dimensions = points.shape
    within, nearest = run
    k = len(np.unique(nearest))
    sizes = np.bincount(nearest)
    variance = within / (dimensions * (n - k))
    fit = (sizes[sizes > 0] * np.log(sizes[sizes > 0] / n)).sum()
    fit -= n * dimensions / 2 * np.log(2 * np.pi * variance) + dimensions * (n - k) / 2
    return float((k * (dimensions + 1)) * np.log(n) - 2 * fit)


@TaskGenerator
def write_table(criteria, runs):
    best = min(criteria, key=criteria.get)
    with open("clusters.txt", "w") as output:
        for k, criterion in criteria.items():
            print(f"k = {k}  BIC {criterion:8.1f}{'  *' if k == best else ''}", file=output)
        print(f"\nimages of each of {best} clusters:", file=output)
        print(*sorted(np.bincount(runs[best][1]).tolist()), file=output)


points = standardised([features(number) for number in range(HOW_MANY)])
runs = {k: best_start([kmeans(points, k, start) for start in STARTS]) for k in CLUSTERS}
criteria = {k: bic(points, run) for k, run in runs.items()}
write_table(criteria, runs)
