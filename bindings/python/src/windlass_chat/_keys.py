"""What opens a store, as it is kept in a variable or a file. Bots and the command line read it here, and so alike."""

from __future__ import annotations

import os
import re
from pathlib import Path

from windlass_chat._native import StoreKey

KEY_BYTES = 32
DIGITS = re.compile(r"[0-9A-Fa-f]{64}")


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
    return of_content(Path(path).read_bytes(), os.fspath(path))


def of_content(content: bytes, place: str) -> StoreKey:
    """The same of what stands in a file."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    # A passphrase may be as long as a key; a key is never text, short of a chance that nobody will see.
    if len(content) == KEY_BYTES and (text is None or not text.rstrip("\r\n").isprintable()):
        return StoreKey.from_bytes(content)
    if text is None:
        raise KeyUnreadable(f"{place} holds neither {KEY_BYTES} bytes nor text")
    return of_text(text, place)


def hexadecimal(text: str) -> bytes | None:
    """The key that is written as 64 hexadecimal digits; nothing if these are none."""
    return bytes.fromhex(text) if DIGITS.fullmatch(text := text.strip()) else None


def of_text(text: str, place: str) -> StoreKey:
    """A key as 64 hexadecimal digits, or else a passphrase."""
    key = hexadecimal(text)
    if key is not None:
        return StoreKey.from_bytes(key)
    # An editor ends the last line.
    passphrase = text.rstrip("\r\n")
    if not passphrase:
        raise KeyUnreadable(f"{place} is empty")
    try:
        return StoreKey.from_passphrase(passphrase)
    except UnicodeEncodeError:
        # A variable may hold bytes that are no text. Without the cause, which quotes it.
        raise KeyUnreadable(f"{place} holds no text") from None
