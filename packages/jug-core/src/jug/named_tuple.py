"""Named tuples that cost little to declare, for modules that most commands import.

`typing.NamedTuple` compiles each annotation and a constructor as a class is declared, whether
or not an object of it is ever made.  Some fifty such classes were a tenth of the time in which
a worker starts.  Here the constructor is compiled for the first object, and annotations never.
All else is as there, and for a type checker it is the very same.

>>> class Point(NamedTuple):
...     x: float
...     y: float = 0.0
>>> Point(3.0)._replace(y=4.0)
Point(x=3.0, y=4.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import _tuplegetter

    def _declared(cls: Any) -> Any:
        """Return the named tuple that a class is, or is derived from."""
        return next(one for one in cls.__mro__ if "_fields" in vars(one))

    class _Signature:
        """How an object is made, for who asks a class."""

        def __get__(self, _: object, cls: Any) -> Any:
            from inspect import Parameter, Signature

            kind, defaults = Parameter.POSITIONAL_OR_KEYWORD, cls._field_defaults
            return Signature(
                Parameter(name, kind, default=defaults.get(name, Parameter.empty), annotation=what)
                for name, what in _declared(cls).__annotations__.items()
            )

    class _Tuple(tuple):
        """What every named tuple is: a tuple that knows what its parts are called."""

        __slots__ = ()
        __signature__ = _Signature()

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            """Give the class that was declared its constructor, and call that."""
            names = ", ".join(cls._fields)
            made = f"lambda _cls, {names}: _new(_cls, ({names}, ))"  # no field begins so
            new = eval(made, {"_new": tuple.__new__})
            new.__defaults__ = (*cls._field_defaults.values(),)
            _declared(cls).__new__ = staticmethod(new)
            return new(cls, *args, **kwargs)

        def __getnewargs__(self) -> tuple[Any, ...]:
            return (*self,)

        def __repr__(self) -> str:
            parts = ", ".join(f"{name}={part!r}" for name, part in self._asdict().items())
            return f"{type(self).__name__}({parts})"

        @classmethod
        def _make(cls, parts: Any) -> Any:
            return cls(*parts)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **parts: Any) -> Any:
            return type(self)(**self._asdict() | parts)

        __replace__ = _replace

    class _Declaring(type):
        """Makes a class of the body of one that is declared as a `NamedTuple`."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = (*body.get("__annotations__", ()),)
            defaults = {field: body[field] for field in fields if field in body}
            body |= zip(fields, map(_tuplegetter, range(len(fields)), fields), strict=True)
            body |= {"_fields": fields, "_field_defaults": defaults}
            return type(name, (_Tuple,), {**body, "__match_args__": fields, "__slots__": ()})

    class NamedTuple(metaclass=_Declaring):
        """The base to declare."""
