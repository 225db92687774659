"""Encodings of pydantic's models: by their fields.

Which fields were set and which had their default is no part of a model's value, as it
is none of ``==``; private attributes are the model's own, such as caches.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pydantic import BaseModel

from jug.hash.containers import Encoder
from jug.hash.framing import sealed


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a model, None if the class is something else."""
    return _model if issubclass(cls, BaseModel) else None


def _model(model: Any) -> Generator[Any, bytes, bytes]:
    names = type(model).model_fields  # of which `model_construct` may have set some alone
    fields = {name: getattr(model, name) for name in names if hasattr(model, name)}
    return sealed(b"X", [(yield type(model)), (yield (fields, model.model_extra or None))])
