"""An array of pandas that somebody else has written, as geopandas and pint do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


class LengthDtype(pd.api.extensions.ExtensionDtype):  # type: ignore[misc]
    name = "length"
    type = float

    @classmethod
    def construct_array_type(cls) -> Any:
        return Lengths


class Lengths(pd.api.extensions.ExtensionArray):  # type: ignore[misc]
    """Numbers with a unit that their dtype does not tell."""

    dtype = LengthDtype()

    def __init__(self, values: Any, unit: str) -> None:
        self.values, self.unit = np.asarray(values, "f8"), unit

    def __getitem__(self, item: Any) -> Any:
        found = self.values[item]
        return Lengths(found, self.unit) if isinstance(found, np.ndarray) else found

    def __len__(self) -> int:
        return len(self.values)

    def isna(self) -> Any:
        return np.isnan(self.values)

    def copy(self) -> Lengths:
        return Lengths(self.values.copy(), self.unit)
