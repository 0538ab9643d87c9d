"""What `help` and completion show of generated classes: each kind of error and event says what it is, and lists no other.

The generator gives kinds no words of their own. `help` then looks for some in the source, at each place where one is listed, and every error listed
every other one: six thousand times, half an hour.
"""

from __future__ import annotations

from windlass_chat import _native
from windlass_chat._native import ProgressError, WindlassError, error_info


def code_of(kind: type[WindlassError]) -> str:
    """The stable code of an error: the name of its class in snake case."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)[1:]


def _said(kind: type[WindlassError]) -> str | None:
    # Asked for when somebody reads it: an import would ask for all.
    written: str | None = vars(kind).get("__doc__")
    info = error_info(code_of(kind)) if written is None else None
    return info.advice if info is not None else written


def describe() -> None:
    """Done once, when the package is imported."""
    setattr(type(WindlassError), "__doc__", property(_said))
    ProgressError.Stopped.__doc__ = ProgressError.__doc__
    for several in vars(_native).values():
        # Of the members of a class those that the generator gave no words: kinds, and the questions whether it is of one.
        for kind in vars(several).values() if isinstance(several, type) else ():
            if isinstance(kind, type) and kind.__doc__ is None:
                # A class of its own, made of the one that was described.
                kind.__doc__ = next((base.__doc__ for base in kind.__mro__ if base.__doc__), None)
            elif kind.__doc__ is None and getattr(kind, "__name__", "").startswith("is_"):
                kind.__doc__ = f"Whether it is of the kind `{kind.__name__[3:].upper()}`."
