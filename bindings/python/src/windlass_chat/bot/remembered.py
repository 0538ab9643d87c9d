"""What a bot remembers: small documents in its store, that change together with what the bot says."""

from __future__ import annotations

import json
from typing import Any

from windlass_chat._native import StateChange, StateOwner
from windlass_chat.client import Client

Document = dict[str, Any]
"""What JSON can say, under names."""


class Remembered:
    """A document as the store had it when it was read, and as it is now."""

    def __init__(self, client: Client, owner: StateOwner, name: str) -> None:
        self._owner = owner
        self._name = name
        self._before = client.state(owner, name)
        self.document: Document = read(self._before) if self._before is not None else {}

    def change(self) -> StateChange | None:
        """What is to be written; nothing if it says what it said. Raises `TypeError` or `ValueError` for what JSON cannot say."""
        after = written(self.document) if self.document else None
        if after == self._before:
            return None
        return StateChange(owner=self._owner, name=self._name, before=self._before, after=after)

    def keep(self, change: StateChange) -> None:
        """The change is durable."""
        self._before = change.after


def read(document: bytes) -> Document:
    """A document of the store."""
    found: Document = json.loads(document)
    return found


def written(document: Document) -> bytes:
    """A document as the store has it. Raises `TypeError` or `ValueError` for what JSON cannot say."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
