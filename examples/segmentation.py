"""Compare two ways to find cells in images with what is known to be there.

The usual first question of an analysis of images: which threshold is better, on these
images?  Each image is segmented by both, each segmentation is compared with the reference,
and the means and the worst images go into a table.  Another method, or more images, makes
new tasks for these alone: what was computed is not computed again.

    pip install jug scipy
    jug execute -j 4 segmentation.py     the table is in segmentation.txt

The images are made here, so that the example runs anywhere: in a study of your own, `image`
would read a file, and `reference` another that somebody has drawn.
"""

import numpy as np
from scipy import ndimage

from jug import TaskGenerator

HOW_MANY = 12
SIZE = 128


def cells(number):
    """Return where cells are in image `number`: discs, at random but always the same."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for _ in range(random.integers(4, 16)):
        row, column = random.integers(8, SIZE - 8, size=2)
        mask |= (y - row) ** 2 + (x - column) ** 2 < random.integers(4, 9) ** 2
    return mask


@TaskGenerator
def reference(number):
    return cells(number)


@TaskGenerator
def image(number):
    """Return the cells as a microscope shows them: blurred, on an uneven ground, with noise."""
    random = np.random.default_rng([number, 1])
    ground = 20 + 20 * np.linspace(0, 1, SIZE)
    light = ndimage.gaussian_filter(100.0 * cells(number), 1.5)
    return light + ground + random.normal(0, 12, (SIZE, SIZE))


def mean_threshold(pixels):
    return pixels.mean()


def otsu_threshold(pixels):
    """Return the level that parts the pixels into the two classes that vary least."""
    counts, edges = np.histogram(pixels, bins=256)
    levels = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = counts.sum() - below
    sums = (counts * levels).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return levels[np.nanargmax(between)]


THRESHOLDS = {"mean": mean_threshold, "otsu": otsu_threshold}


@TaskGenerator
def segment(pixels, method):
    """Return where there is something brighter than the threshold, specks left out."""
    smooth = ndimage.gaussian_filter(pixels, 1)
    bright = ndimage.binary_opening(smooth > THRESHOLDS[method](smooth), iterations=2)
    labels, how_many = ndimage.label(bright)
    sizes = ndimage.sum_labels(bright, labels, range(1, how_many + 1))
    return np.isin(labels, 1 + np.flatnonzero(sizes >= 20))


@TaskGenerator
def overlap(found, wanted):
    """Return the Dice coefficient: 1 where both are the same, 0 where they don't meet."""
    total = found.sum() + wanted.sum()
    return float(2 * (found & wanted).sum() / total) if total else 1.0


@TaskGenerator
def write_table(scores):
    with open("segmentation.txt", "w") as output:
        print("method   mean  worst  of image", file=output)
        for method, values in scores.items():
            worst = int(np.argmin(values))
            print(f"{method:6} {np.mean(values):6.3f} {values[worst]:6.3f}  {worst:8}", file=output)


images = [image(number) for number in range(HOW_MANY)]
references = [reference(number) for number in range(HOW_MANY)]
scores = {
    method: [
        overlap(segment(pixels, method), wanted)
        for pixels, wanted in zip(images, references, strict=True)
    ]
    for method in THRESHOLDS
}
write_table(scores)
