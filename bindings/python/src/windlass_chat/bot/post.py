"""Carries the outbox to the transport. What the transport has not taken stays in the outbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from windlass_chat._native import OutgoingEnvelope
from windlass_chat.bot.logs import describe, short, trouble
from windlass_chat.bot.tasks import happens, insisting
from windlass_chat.client import Client
from windlass_chat.transport import NoMailbox, TooLarge, Transport

FIRST_REST = 1.0
LONGEST_REST = 600.0

log = logging.getLogger("windlass_chat.bot")


class Post:
    """The way out. An address that cannot be reached rests, longer each time; the others do not wait for it."""

    def __init__(self, client: Client, transport: Transport) -> None:
        self._client = client
        self._transport = transport
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._until: dict[str, float] = {}
        """When an address has rested."""
        self._rests: dict[str, float] = {}
        """How long it rested last."""
        self._too_large: set[int] = set()
        """What stays in the outbox until there is another transport."""

    def look(self) -> None:
        """There may be something in the outbox."""
        self._news.set()

    async def run(self) -> None:
        """Never ends. What is put into the outbox leaves at once, whichever thread writes it."""
        loop = asyncio.get_running_loop()

        def written() -> None:
            with contextlib.suppress(RuntimeError):
                # The loop may have ended; then it goes out at the next start.
                loop.call_soon_threadsafe(self.look)

        self._client.set_outbox_listener(written)
        try:
            await self._run()
        finally:
            self._client.set_outbox_listener(None)

    async def _run(self) -> None:
        after = 0
        while True:
            self._news.clear()
            page = await insisting(self._client.outbox, after)
            if page:
                after = page[-1].id
                await self._carry(page)
                self._moved.set()
                continue
            self._moved.set()
            if not await happens(self._news, self._until_next()):
                # From the beginning: what was passed over for a resting address is there.
                after = 0
                now = time.monotonic()
                self._until = {address: until for address, until in self._until.items() if until > now}

    def _until_next(self) -> float | None:
        return max(0.0, min(self._until.values()) - time.monotonic()) if self._until else None

    async def _carry(self, page: list[OutgoingEnvelope]) -> None:
        waiting: dict[str, list[OutgoingEnvelope]] = {}
        for envelope in page:
            if envelope.to not in self._until and envelope.id not in self._too_large:
                waiting.setdefault(envelope.to, []).append(envelope)
        carried = await asyncio.gather(*(self._carry_to(address, mail) for address, mail in waiting.items()))
        taken = [number for numbers in carried for number in numbers]
        if taken:
            await insisting(self._client.mark_sent, taken)

    async def _carry_to(self, address: str, mail: list[OutgoingEnvelope]) -> list[int]:
        """Which the transport took. In their order, for each is read most cheaply after the one before it."""
        taken: list[int] = []
        try:
            for envelope in mail:
                try:
                    await self._transport.deliver(address, envelope.bytes)
                    taken.append(envelope.id)
                except TooLarge:
                    # Those behind it do not wait for it.
                    self._too_large.add(envelope.id)
                    size = len(envelope.bytes)
                    extra = {"event": "too_large", "address": address, "count": size}
                    log.error("an envelope for %s of %d bytes is too large", short(address), size, extra=extra)
        except Exception as error:
            rest = min(2 * self._rests.get(address, FIRST_REST / 2), LONGEST_REST)
            self._rests[address] = rest
            self._until[address] = time.monotonic() + rest
            kind, _ = describe(error)
            log.log(
                logging.INFO if isinstance(error, NoMailbox) else logging.WARNING,
                "cannot deliver to %s: %s; again in %.0f s",
                short(address),
                trouble(error),
                rest,
                extra={"event": "not_delivered", "address": address, "error": kind, "seconds": rest},
            )
        else:
            self._rests.pop(address, None)
        return taken

    async def flush(self, timeout: float) -> bool:
        """Waits until the outbox is empty; false if it is not by then."""

        async def emptied() -> None:
            while True:
                self._moved.clear()
                if all(envelope.id in self._too_large for envelope in await insisting(self._client.outbox)):
                    return
                self._news.set()
                await self._moved.wait()

        try:
            await asyncio.wait_for(emptied(), timeout)
        except asyncio.TimeoutError:
            return False
        return True
