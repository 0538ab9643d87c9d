"""`extended`."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


def extended(made: object, kind: type[_T]) -> _T:
    """The same object, with what this package adds to its generated class, which is methods alone."""
    made.__class__ = kind
    assert isinstance(made, kind)
    return made
