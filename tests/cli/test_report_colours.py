"""Whether the colours of the page differ for all eyes: those that see no green or no red too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import combinations
from math import dist

import pytest

# How the cones see who has all of them, and who lacks those for green, or for red
# (Machado, Oliveira and Fernandes 2009).
EYES = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
}
NAMES = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "bad-fill"]
STATES = ["finished", "running", "bad-fill", "ready", "waiting"]
TOLD_APART = 10.0
"""How far two colours that stand beside each other are apart at least, in CIE Lab."""


def palettes() -> dict[str, dict[str, str]]:
    light, dark = (files("jug.report") / "page.css").read_text().split("prefers-color-scheme")[:2]
    found = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    return {"light": dict(found.findall(light)), "dark": dict(found.findall(dark))}


def linear(colour: str) -> list[float]:
    parts = [byte / 255 for byte in bytes.fromhex(colour[1:])]
    return [((one + 0.055) / 1.055) ** 2.4 if one > 0.04 else one / 12.92 for one in parts]


def seen(colour: str, eyes: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return where a colour lies in CIE Lab, for some eyes."""
    given = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(share * one for share, one in zip(row, given, strict=True))))
        for row in eyes
    )
    x = _root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505)
    y = _root(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    z = _root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(share: float) -> float:
    return share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colours", [NAMES, STATES], ids=["names", "states"])
def test_colours_are_told_apart(scheme: str, eyes: str, colours: list[str]) -> None:
    palette = palettes()[scheme]

    alike = [
        (one, other)
        for one, other in combinations(colours, 2)
        if dist(seen(palette[one], EYES[eyes]), seen(palette[other], EYES[eyes])) < TOLD_APART
    ]

    assert alike == []
