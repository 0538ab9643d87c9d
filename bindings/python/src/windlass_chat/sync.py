"""`Sync`: carries a client's mail both ways, for as long as it is open.

    async with Sync(client, transport) as sync:
        async for event in sync.events():
            match event:
                case events.Message(message=message): print(message.text)

What the client writes meanwhile, by whatever call, goes out by itself, and is among the events as what another device of the user's would write: so
one loop keeps a screen right. What was scheduled is sent when it is time, bundles are published and prekeys made anew. A bot does this itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType

from windlass_chat._changes import Changes
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
MOST_EVENTS = 256
"""So many events wait to be read; then mail waits at the transport."""


class Sync:
    """Carries a client's mail both ways. What nobody handles stays unhandled, for the bot whose store this may be."""

    def __init__(
        self,
        client: Client,
        transport: Transport,
        tell: Callable[[Event], Awaitable[None]] | None = None,
        *,
        own_writes: bool = True,
    ) -> None:
        """With `tell` that hears the events, and `events` has none. Without `own_writes` only what comes is told."""
        self._client = client
        self._transport = transport
        self._came: asyncio.Queue[Event] = asyncio.Queue(MOST_EVENTS)
        self._post = Post(client, transport)
        self._upkeep = Upkeep(client, transport, KEEP_UP_SECONDS)
        self._hears = self._came.put if tell is None else tell
        self._turn = asyncio.Lock()
        self._telling = Telling(client, lambda event: True, self._tell)
        self._changes = Changes(client, self._tell if own_writes else None)
        self._intake = Intake(client, transport, self._telling)
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when it cannot go on, with the reason."""

    async def open(self) -> None:
        """Opens the mailbox; does not wait for a connection."""
        self._transport.use_secret(self._client.transport_secret())
        await self._transport.start(self._client.address(), self._client.device_id())

    def listen(self) -> None:
        """From now on mail comes and goes."""
        # At once: what is written next is among it.
        self._changes.begin()
        works = [self._post.run(), self._intake.run(), self._telling.run(), self._upkeep.run()]
        for work in (*works, self._changes.run(), self._changes.keep_time()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def events(self) -> AsyncIterator[Event]:
        """What comes, and what this client writes, each event once; raises what broke the line. Read it, for else mail waits at the transport, and of
        more than 1,000 writes `Missed` is told."""
        while True:
            coming = asyncio.ensure_future(self._came.get())
            try:
                await asyncio.wait((coming, self.broken), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    self.broken.result()
            finally:
                coming.cancel()
            yield coming.result()

    async def flush(self) -> bool:
        """Waits until the transport has everything; false if it does not take it in time."""
        return await self._post.flush(GRACE_SECONDS)

    async def close(self) -> None:
        """Ends. Mail that comes from now on waits at the transport."""
        self._changes.end()
        await end(self._tasks)
        await self._transport.close()

    async def __aenter__(self) -> Sync:
        await self.open()
        self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            await self.close()

    async def _tell(self, event: Event) -> None:
        # One at a time, whether it came or was written.
        async with self._turn:
            await self._hears(event)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.broken.done():
            self.broken.set_exception(task.exception() or TransportError("the transport ended"))
            self.broken.exception()  # Nobody may be waiting for it.
