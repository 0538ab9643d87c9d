"""Brings what this device writes to whoever listens, and sends what was written for a time when that has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event
from windlass_chat.bot.tasks import happens, insisting
from windlass_chat.client import Client

LONGEST = 600.0
"""Seconds after which it is looked again, whatever is due then: the clock may have been set."""
SHORTEST = 0.05


class Changes:
    """What is written by whatever call and thread, as events, in its order. Who does not take them is told `Missed` once there are too many."""

    def __init__(self, client: Client, tell: Callable[[Event], Awaitable[None]] | None) -> None:
        """With nobody to tell it keeps the time alone."""
        self._client = client
        self._tell = tell
        self._news = asyncio.Event()
        self._scheduled = asyncio.Event()

    def begin(self) -> None:
        """What is written from now on is told."""
        loop = asyncio.get_running_loop()

        def written() -> None:
            with contextlib.suppress(RuntimeError):
                # The loop may have ended.
                loop.call_soon_threadsafe(self._news.set)

        self._client.set_change_listener(written)

    def end(self) -> None:
        """Nothing more is told."""
        self._client.set_change_listener(None)

    async def run(self) -> None:
        """Never ends."""
        while True:
            self._news.clear()
            while events := await insisting(self._client.take_changes):
                for event in events:
                    if isinstance(event, Event.SCHEDULED_CHANGED):
                        self._scheduled.set()
                    if self._tell is not None:
                        await self._tell(event)
            await self._news.wait()

    async def keep_time(self) -> None:
        """Never ends. A call sends what is due, so it is enough to make one then."""
        while True:
            self._scheduled.clear()
            due = await insisting(self._client.next_due)
            wait = LONGEST if due is None else (due - self._client.now()).total_seconds()
            await happens(self._scheduled, min(max(wait, SHORTEST), LONGEST))
