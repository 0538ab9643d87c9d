"""`Outbox`."""

from __future__ import annotations

from typing import Protocol

from windlass_chat._native import OutgoingMessage
from windlass_chat.client import Client


class Outbox(Protocol):
    """The way out of a bot, as far as a message needs it that is sent or edited."""

    @property
    def client(self) -> Client:
        """The client that writes."""

    async def _send_outgoing(self, outgoing: OutgoingMessage) -> str:
        """Writes a message; its id, when it is durable."""
