"""Takes in what the transport brings: commits, then acknowledges, then tells."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event, KeptEvent, WindlassError
from windlass_chat._threads import in_thread
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
        tell_again: Callable[[Event], Awaitable[None]] | None = None,
    ) -> None:
        """Without `tell_again` what is kept of events stays as it is, for whoever else uses the store."""
        self._client = client
        self._transport = transport
        self._taken = taken
        self._tell = tell
        self._tell_again = tell_again
        # Bounded, so that a flood waits at the transport.
        self._came: asyncio.Queue[Incoming] = asyncio.Queue(2 * BATCH)
        self._events: asyncio.Queue[Event | KeptEvent | str] = asyncio.Queue(1_000)
        """What came, what was left by a process that died, and cursors up to which all was told."""

    async def run(self) -> None:
        """Ends when the transport does."""
        if self._tell_again is not None:
            await self._remember()
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
            event = await self._events.get()
            if isinstance(event, str):
                await self._handled(event)
            elif isinstance(event, KeptEvent):
                # Before it is told: an event with which the process dies twice does not come a third time.
                await self._handled(event.cursor)
                if self._tell_again is not None:
                    await self._tell_again(event.event)
            else:
                await self._tell(event)

    async def _handled(self, cursor: str) -> None:
        # Somebody else may read the events of a client that was given to us.
        with contextlib.suppress(WindlassError.UnknownCursor):
            await insisting(self._client.events_handled, cursor)

    async def _remember(self) -> None:
        """Before anything new comes: the events whose handlers had not returned when the process ended."""
        cursor: str | None = None
        while page := await in_thread(self._client.events_after, cursor):
            cursor = page[-1].cursor
            for kept in page:
                if isinstance(kept.event, Event.MISSED):
                    _note(kept.event)
                await self._events.put(kept)

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
        cursors = [answer.cursor for answer in answers if answer.cursor is not None]
        if cursors and self._tell_again is not None:
            await self._events.put(cursors[-1])


def _note(event: Event) -> None:
    """Logs what the bot's operator may want to know."""
    match event:
        case Event.UNDECRYPTABLE(cause=cause, address=address):
            name = short(address) if address is not None else "somebody"
            extra = {"event": "undecryptable", "cause": cause.name.lower(), "address": address}
            log.warning("cannot read an envelope of %s: %s", name, cause.name.lower(), extra=extra)
        case Event.ROLLBACK_NOTICED():
            log.warning("the store is an older copy; what is missing is asked for", extra={"event": "rollback"})
        case Event.MISSED(events=count):
            log.warning(
                "%d events were dropped before they were handled", count, extra={"event": "missed", "count": count}
            )
        case Event.IDENTITY_CHANGED(address=address):
            extra = {"event": "identity", "address": address}
            log.warning("%s goes on as another identity", short(address), extra=extra)
        case Event.DEVICES_CHANGED(address=address):
            log.info("the devices of %s have changed", short(address), extra={"event": "devices", "address": address})
