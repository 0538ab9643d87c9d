"""Takes in what the transport brings: commits, then acknowledges, then tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from windlass_chat._native import Event, Received, WindlassError
from windlass_chat.bot.logs import describe, note, trouble
from windlass_chat.bot.tasks import LONGEST_PAUSE, end, happens, insisting
from windlass_chat.bot.telling import Telling
from windlass_chat.client import Client
from windlass_chat.transport import Incoming, Transport, TransportError

BATCH = 64
BATCH_BYTES = 4 * 1024 * 1024
LOOK_AGAIN = 1.0
"""Seconds after which it is looked again whether there is room, if nothing was handled."""

log = logging.getLogger("windlass_chat.bot")


class Intake:
    """The way in. What comes together becomes durable together."""

    def __init__(
        self, client: Client, transport: Transport, telling: Telling, taken: Callable[[], None] = lambda: None
    ) -> None:
        """`taken` is called when something was taken in."""
        self._client = client
        self._transport = transport
        self._taken = taken
        self._telling = telling
        # Bounded, by number and by bytes, so that a flood waits at the transport.
        self._came: asyncio.Queue[Incoming] = asyncio.Queue(2 * BATCH)
        self._held = 0
        self._fewer = asyncio.Event()
        self.handled = asyncio.Event()
        """A message was handled, so there may be room for others."""

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

    async def _read(self) -> None:
        pause = 1.0
        while True:
            try:
                async for incoming in self._transport.receive():
                    self._held += len(incoming.envelope)
                    await self._came.put(incoming)
                    while self._held > 2 * BATCH_BYTES:
                        self._fewer.clear()
                        await self._fewer.wait()
                    pause = 1.0
                return
            except (TransportError, OSError) as error:
                kind, _ = describe(error)
                log.warning("cannot receive: %s; again in %.0f s", trouble(error), pause, extra={"error": kind})
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
        self._held -= size
        self._fewer.set()
        return batch

    async def _take(self, batch: list[Incoming]) -> None:
        await self._telling.room()
        answers = await self._receive([incoming.envelope for incoming in batch])
        self._taken()
        for incoming in batch:
            try:
                await incoming.acknowledge()
            except Exception as error:
                # It comes again, and is known then.
                log.info("cannot acknowledge: %s", trouble(error))
        events: list[Event] = []
        for answer in answers:
            if answer.refused is not None:
                log.info("refused an envelope: %s", answer.refused, extra={"event": "refused", "cause": answer.refused})
            for event in answer.events:
                note(event)
            events += answer.events
        cursors = [answer.cursor for answer in answers if answer.cursor is not None]
        self._telling.put(events, cursors[-1] if cursors else None)

    async def _receive(self, envelopes: list[bytes]) -> list[Received]:
        """As long as too much waits to be handled nothing is taken in, nor acknowledged: the transport keeps it."""

        def receive() -> list[Received] | None:
            try:
                return self._client.receive_many(envelopes)
            except WindlassError.BacklogFull:
                return None

        told = False
        while True:
            self.handled.clear()
            answers = await insisting(receive)
            if answers is not None:
                return answers
            if not told:
                told = True
                log.warning("too much waits to be handled; what comes stays with the transport", extra={"event": "backlog_full"})
            await happens(self.handled, LOOK_AGAIN)
