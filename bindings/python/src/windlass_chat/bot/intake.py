"""Takes in what the transport brings: commits, then acknowledges, then tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event
from windlass_chat.bot.logs import describe, short, trouble
from windlass_chat.bot.tasks import LONGEST_PAUSE, end, insisting
from windlass_chat.client import Client
from windlass_chat.transport import Incoming, Transport, TransportError

BATCH = 64
BATCH_BYTES = 4 * 1024 * 1024

log = logging.getLogger("windlass_chat.bot")


class Intake:
    """The way in. What comes together becomes durable together."""

    def __init__(
        self,
        client: Client,
        transport: Transport,
        taken: Callable[[], None],
        tell: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._client = client
        self._transport = transport
        self._taken = taken
        self._tell = tell
        # Bounded, so that a flood waits at the transport.
        self._came: asyncio.Queue[Incoming] = asyncio.Queue(2 * BATCH)
        self._events: asyncio.Queue[Event] = asyncio.Queue(1_000)

    async def run(self) -> None:
        """Ends when the transport does."""
        reading = asyncio.create_task(self._read())
        try:
            while True:
                batch = await self._batch(reading)
                if not batch:
                    return reading.result()
                await self._take(batch)
        finally:
            await end([reading])

    async def tell(self) -> None:
        """Calls the handlers of events, one after the other. Never ends."""
        while True:
            await self._tell(await self._events.get())

    async def _read(self) -> None:
        pause = 1.0
        while True:
            try:
                async for incoming in self._transport.receive():
                    await self._came.put(incoming)
                    pause = 1.0
                return
            except (TransportError, OSError) as error:
                kind, _ = describe(error)
                log.warning("cannot receive: %s; again in %.0f s", kind, pause, extra={"error": kind})
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _batch(self, reading: asyncio.Task[None]) -> list[Incoming]:
        """What is there by now, at least one; nothing when the transport has ended."""
        getting = asyncio.ensure_future(self._came.get())
        try:
            await asyncio.wait([getting, reading], return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                return []
            batch = [getting.result()]
        finally:
            getting.cancel()
        size = len(batch[0].envelope)
        while len(batch) < BATCH and size < BATCH_BYTES and not self._came.empty():
            batch.append(self._came.get_nowait())
            size += len(batch[-1].envelope)
        return batch

    async def _take(self, batch: list[Incoming]) -> None:
        envelopes = [incoming.envelope for incoming in batch]
        answers = await insisting(self._client.receive_many, envelopes)
        self._taken()
        for incoming in batch:
            try:
                await incoming.acknowledge()
            except Exception as error:
                # It comes again, and is known then.
                log.info("cannot acknowledge: %s", trouble(error))
        for answer in answers:
            if answer.refused is not None:
                log.info("refused an envelope: %s", answer.refused, extra={"event": "refused", "cause": answer.refused})
            for event in answer.events:
                _note(event)
                await self._events.put(event)


def _note(event: Event) -> None:
    """Logs what the bot's operator may want to know."""
    match event:
        case Event.UNDECRYPTABLE(cause=cause, address=address):
            name = short(address) if address is not None else "somebody"
            extra = {"event": "undecryptable", "cause": cause.name.lower(), "address": address}
            log.warning("cannot read an envelope of %s: %s", name, cause.name.lower(), extra=extra)
        case Event.ROLLBACK_NOTICED():
            log.warning("the store is an older copy; what is missing is asked for", extra={"event": "rollback"})
        case Event.IDENTITY_CHANGED(address=address):
            extra = {"event": "identity", "address": address}
            log.warning("%s goes on as another identity", short(address), extra=extra)
        case Event.DEVICES_CHANGED(address=address):
            log.info("the devices of %s have changed", short(address), extra={"event": "devices", "address": address})
