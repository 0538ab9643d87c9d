"""Brings what this device writes to whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event
from windlass_chat.bot.tasks import insisting
from windlass_chat.client import Client


class Changes:
    """What is written by whatever call and thread, as events, in its order. Who does not take them is told `Missed` once there are too many."""

    def __init__(self, client: Client, tell: Callable[[Event], Awaitable[None]]) -> None:
        self._client = client
        self._tell = tell
        self._news = asyncio.Event()

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
                    await self._tell(event)
            await self._news.wait()
