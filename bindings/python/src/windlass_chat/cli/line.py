"""The way to the transport and back, for as long as a chat is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event
from windlass_chat.bot.intake import Intake
from windlass_chat.bot.post import Post
from windlass_chat.bot.tasks import end
from windlass_chat.bot.telling import Telling
from windlass_chat.bot.upkeep import Upkeep
from windlass_chat.client import Client
from windlass_chat.transport import Transport, TransportError

KEEP_UP_SECONDS = 600.0
GRACE_SECONDS = 10.0
"""How long the outbox gets to go out at the end. What is left goes out the next time."""


class Line:
    """Carries a client's mail both ways. What nobody handles stays unhandled, for the bot whose store this may be."""

    def __init__(self, client: Client, transport: Transport, tell: Callable[[Event], Awaitable[None]]) -> None:
        self._client = client
        self._transport = transport
        self._post = Post(client, transport)
        self._upkeep = Upkeep(client, transport, KEEP_UP_SECONDS)
        self._telling = Telling(client, lambda event: True, tell)
        self._intake = Intake(client, transport, self._telling)
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the line cannot go on, with the reason."""

    async def open(self) -> None:
        """Opens the mailbox; does not wait for a connection."""
        self._transport.use_secret(self._client.transport_secret())
        await self._transport.start(self._client.address(), self._client.device_id())

    def listen(self) -> None:
        """From now on mail comes and goes."""
        for work in (self._post.run(), self._intake.run(), self._telling.run(), self._upkeep.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def flush(self) -> bool:
        """Waits until the transport has everything; false if it does not take it in time."""
        return await self._post.flush(GRACE_SECONDS)

    async def close(self) -> None:
        """Ends. Mail that comes from now on waits at the transport."""
        await end(self._tasks)
        await self._transport.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.broken.done():
            self.broken.set_exception(task.exception() or TransportError("the transport ended"))
            self.broken.exception()  # Nobody may be waiting for it.
