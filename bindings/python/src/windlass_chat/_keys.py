"""What opens a store, as it is kept in a variable or a file. The core reads it, for every language alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from windlass_chat import _native, _paths

_K = TypeVar("_K", bound="StoreKey")


class StoreKey(_native.StoreKey):
    """What opens a store: a passphrase, or 32 bytes from a keychain, a secret manager or a file."""

    @classmethod
    def from_file(cls: type[_K], path: _paths.Path) -> _K:
        """What a file holds: 64 hexadecimal digits or 32 bytes that are no text, a key; any other line of text, a passphrase."""
        key = super().from_file(_paths.told(path))
        assert isinstance(key, cls)
        return key


class KeyUnreadable(ValueError):
    """There is no key and no passphrase. The text names the place, and never what stands there."""


def of_variable(name: str) -> StoreKey:
    """A key as 64 hexadecimal digits, or else a passphrase."""
    secret = os.environ.get(name)
    if not secret:
        raise KeyUnreadable(f"the variable {name} is empty")
    return of_text(secret, f"the variable {name}")


def of_file(path: str | os.PathLike[str]) -> StoreKey:
    """A key as 32 bytes, or as 64 hexadecimal digits, or else a passphrase."""
    return _read(lambda: StoreKey.from_file(path))


def of_content(content: bytes, place: str) -> StoreKey:
    """The same of what stands in a file."""
    return _read(lambda: StoreKey.from_content(content), f"{place}: ")


def of_text(text: str, place: str) -> StoreKey:
    """A key as 64 hexadecimal digits, or else a passphrase."""
    return _read(lambda: StoreKey.from_text(text), f"{place}: ")


def of_digits(digits: str) -> StoreKey:
    """A key as 64 hexadecimal digits."""
    return _read(lambda: StoreKey.from_hex(digits))


def _read(read: Callable[[], StoreKey], place: str = "") -> StoreKey:
    try:
        return read()
    except _native.WindlassError.KeyUnreadable as error:
        raise KeyUnreadable(f"{place}{error}") from None
    except _native.WindlassError.InvalidContent:
        # A variable may hold bytes that are no text. Without the cause, which quotes it.
        raise KeyUnreadable(f"{place.removesuffix(': ')} holds no text") from None
