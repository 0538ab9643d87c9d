"""Paths as the core takes them: as text, or byte for byte where a name is none."""

from __future__ import annotations

import os

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""What is taken wherever a path goes in."""


def told(path: Path) -> str:
    """The path. Names that are no text, which Python keeps as lone surrogates, as a zero character and the digits of their bytes."""
    name = os.fsencode(path)
    try:
        return name.decode()
    except UnicodeDecodeError:
        return "\0" + name.hex()


def is_database(path: Path) -> bool:
    """Whether it is no path, but the address of a store in a database."""
    return os.fsencode(path).startswith((b"postgresql://", b"postgres://"))
