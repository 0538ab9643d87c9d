"""`commit`: what comes of one event becomes durable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from windlass_chat._native import OutgoingMessage, Sent, StateChange, WindlassError
from windlass_chat.bot.tasks import insisting
from windlass_chat.client import Client


async def commit(
    client: Client,
    find: Callable[[str], Awaitable[bool]],
    handled: int | None,
    messages: list[OutgoingMessage],
    changes: list[StateChange],
) -> list[Sent] | None:
    """What was sent; `None` if the message was handled before, and nothing was written. Who is unknown is looked for once."""
    searched = False
    while True:
        try:
            return await insisting(client.commit, handled, messages, changes)
        except WindlassError.UnknownMessage:
            if handled is None:
                raise
            return None
        except (WindlassError.UnknownContact, WindlassError.NoBundle):
            if searched:
                raise
            searched = True
            for address in {message.to for message in messages}:
                await find(address)
