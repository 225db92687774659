"""What dataclass, attrs, pydantic and TypedDict make of the fields in a class's body.

They take the fields out of the body and keep them, with their defaults and options,
where `vars` of the class does not show them as they were written.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any, Final, is_typeddict

from jug.hash.sources import told

_OF_DATACLASS: Final = {"init": True, "repr": True, "hash": None, "compare": True, "kw_only": False}
_OF_ATTRS: Final = {
    "validator": None,
    "converter": None,
    "repr": True,
    "eq": True,
    "eq_key": None,
    "order": True,
    "order_key": None,
    "hash": None,
    "init": True,
    "kw_only": False,
    "on_setattr": None,
}
_OF_PYDANTIC: Final = {
    "alias": None,
    "validation_alias": None,
    "serialization_alias": None,
    "discriminator": None,
    "frozen": None,
    "init": None,
    "init_var": None,
    "kw_only": None,
    "exclude": None,
    "validate_default": None,
}


def fields_of(cls: type) -> list[Any]:
    """Return what there is to say about the fields of a class; nothing if it has none."""
    own = vars(cls)
    if "__pydantic_fields__" in own:
        return _of_pydantic(cls)
    if "__attrs_attrs__" in own:
        return [_of_attrs(field) for field in own["__attrs_attrs__"]]
    if "__dataclass_fields__" in own:
        real = {field.name for field in dataclasses.fields(cls)}
        return [(f.name in real, *_of_dataclass(f)) for f in own["__dataclass_fields__"].values()]
    if is_typeddict(cls):
        return [cls.__annotations__]
    return []


def _of_dataclass(field: Any) -> tuple[Any, ...]:
    defaults = {name: getattr(field, name) for name in ("default", "default_factory")}
    given = {name: told(v) for name, v in defaults.items() if v is not dataclasses.MISSING}
    return (field.name, given, _options(field, _OF_DATACLASS), dict(field.metadata))


def _of_attrs(field: Any) -> Any:
    attrs = sys.modules["attr"]
    default = field.default
    if default is attrs.NOTHING:
        given = []
    elif isinstance(default, attrs.Factory):
        given = [told(default.factory), default.takes_self]
    else:
        given = [default]
    return (field.name, given, _options(field, _OF_ATTRS), dict(field.metadata))


def _of_pydantic(cls: Any) -> list[Any]:
    fields = [_of_model(name, field) for name, field in cls.__pydantic_fields__.items()]
    decorators = vars(cls).get("__pydantic_decorators__")
    functions = [
        (kind.name, [(name, _told_each(found.info)) for name, found in named.items()])
        for kind in (dataclasses.fields(decorators) if decorators else ())
        if (named := getattr(decorators, kind.name))
    ]
    private = vars(cls).get("__private_attributes__", {})
    return [fields, functions, {name: _told_default(one) for name, one in private.items()}]


def _of_model(name: str, field: Any) -> Any:
    options = _options(field, _OF_PYDANTIC)
    return (name, field.annotation, *_told_default(field), field.metadata, options)


def _told_default(field: Any) -> tuple[Any, Any]:
    return field.default, told(field.default_factory)


def _told_each(info: Any) -> dict[str, Any]:
    """Return the options of a validator, serializer or computed field."""
    names = [one.name for one in dataclasses.fields(info)]
    return {name: told(getattr(info, name)) for name in names if name != "wrapped_property"}


def _options(field: Any, usual: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are other than usual; a later version may not know all."""
    values = {name: getattr(field, name, default) for name, default in usual.items()}
    return {name: told(v) for name, v in values.items() if v is not usual[name]}
