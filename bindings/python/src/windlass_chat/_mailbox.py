"""`transport_secret`: what a transport may name the mailbox of a store by, so that nobody else can."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets

from windlass_chat import _native

MAGIC = b"WLKEYSLT"
SLOT = 512
ID = slice(12, 28)
"""Where the store's id stands in a key slot: 16 random bytes that never change and never leave the machine (docs/store.md)."""

log = logging.getLogger("windlass_chat")
_unfiled: dict[tuple[str, int], bytes] = {}
"""Of clients that have no file, for as long as the process lives."""


def remember(made: object, path: str | os.PathLike[str] | None) -> None:
    """Where a store, or the client in it, has its file."""
    if path is not None:
        # The working directory may change.
        setattr(made, "_path", os.path.abspath(os.fspath(path)))


def path_of(made: object) -> str | None:
    """Where it has its file, if it was opened by its path."""
    path: str | None = getattr(made, "_path", None)
    return path


def transport_secret(client: _native.Client) -> bytes:
    """32 bytes, the same each time this store is opened. A copy of the store has the same, a backup of it another one."""
    path = path_of(client)
    store_id = _store_id(path) if path is not None else None
    if store_id is None:
        if path is not None:
            log.warning("the key slots of the store cannot be read: its mailbox has another name now")
        store_id = _unfiled.setdefault((client.address(), client.device_id()), secrets.token_bytes(16))
    return hmac.new(store_id, b"windlass transport secret", hashlib.sha256).digest()


def _store_id(path: str) -> bytes | None:
    for name in dict.fromkeys((os.path.realpath(path), path)):
        try:
            with open(f"{name}.keys", "rb") as file:
                slots = file.read(2 * SLOT)
        except OSError:
            continue
        # One of the two may have been torn, or never written.
        for slot in (slots[:SLOT], slots[SLOT:]):
            if slot.startswith(MAGIC) and len(slot[ID]) == ID.stop - ID.start:
                return slot[ID]
    return None
