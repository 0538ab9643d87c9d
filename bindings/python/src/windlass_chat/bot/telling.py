"""Brings events to whoever listens to them, beside the mail and never before it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from windlass_chat import _native
from windlass_chat._native import Event, WindlassError
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.logs import note
from windlass_chat.bot.tasks import happens, insisting
from windlass_chat.client import Client

MOST_BATCHES = 16

LOOK_AGAIN = 0.5
"""Seconds after which a worker looks again whether others took in what is to be told."""

log = logging.getLogger("windlass_chat.bot")

Listener = Callable[[Event], Awaitable[None]]


class Telling:
    """Tells events in their order, one at a time. Of what comes faster than it is heard only what the store keeps is told, later."""

    def __init__(
        self,
        client: Client,
        wanted: Callable[[Event], bool],
        tell: Listener,
        tell_again: Listener | None = None,
        claims: Claims | None = None,
    ) -> None:
        """Without `tell_again` what the store keeps stays as it is, for whoever else uses it; then mail waits until events were heard."""
        self._client = client
        self._wanted = wanted
        self._tell = tell
        self._tell_again = tell_again
        self._shared = claims if claims is not None and claims.shared else None
        self._batches: deque[tuple[list[Event], str | None]] = deque()
        self._news = asyncio.Event()
        self._last: str | None = None
        """The cursor up to which all was told."""
        self._behind = False
        """Batches are left out, until what the store keeps was told."""
        self._left_out = False
        self._fewer = asyncio.Event()

    async def room(self) -> None:
        """Waits until nothing has to be left out, where it would be lost."""
        while self._tell_again is None and len(self._batches) >= MOST_BATCHES:
            self._fewer.clear()
            await self._fewer.wait()

    def put(self, events: list[Event], cursor: str | None) -> None:
        """What came together, and the cursor behind it. Never waits."""
        wanted = [event for event in events if self._wanted(event)]
        if not wanted and cursor is None:
            return
        if self._shared is not None and cursor is not None:
            # Whichever worker tells what the store keeps finds it there.
            self._news.set()
            return
        if self._behind or len(self._batches) >= MOST_BATCHES:
            if not self._behind:
                log.warning("events are told slower than they come", extra={"event": "events_behind"})
            self._behind = self._left_out = True
        else:
            self._batches.append((wanted, cursor))
        self._news.set()

    async def run(self) -> None:
        """Never ends. First what was left by a process that died."""
        if self._shared is not None:
            return await self._run_beside_others(self._shared)
        if self._tell_again is not None:
            await self._catch_up(self._tell_again)
        while True:
            self._news.clear()
            while self._batches:
                events, cursor = self._batches.popleft()
                self._fewer.set()
                for event in events:
                    await self._tell(event)
                if cursor is not None and self._tell_again is not None:
                    await self._handled(cursor)
            if self._behind:
                self._left_out = False
                await self._catch_up(None)
                # What was left out until now is in the store, and was told.
                self._behind = self._left_out
            else:
                await self._news.wait()

    async def _run_beside_others(self, claims: Claims) -> None:
        """What the store keeps is told by one worker, in its order, whoever took it in."""
        ours = False
        while True:
            self._news.clear()
            while self._batches:
                for event in self._batches.popleft()[0]:
                    await self._tell(event)
            self._behind = False
            had, ours = ours, await claims.take_one("events")
            if ours:
                await self._catch_up(None if had else self._tell_again)
                await self._catch_up(None)
            await happens(self._news, LOOK_AGAIN)

    async def _catch_up(self, again: Listener | None) -> None:
        """What the store keeps behind the last cursor; `again` is who hears what a process that died may have told."""
        while page := await insisting(self._page):
            for kept in page:
                if isinstance(kept.event, Event.MISSED):
                    note(kept.event)
                if again is not None:
                    # Before it is told: an event with which the process dies twice does not come a third time.
                    await self._handled(kept.cursor)
                    await again(kept.event)
                    continue
                if self._wanted(kept.event):
                    await self._tell(kept.event)
                await self._handled(kept.cursor)

    def _page(self) -> list[_native.KeptEvent]:
        try:
            return self._client.events_after(self._last)
        except WindlassError.UnknownCursor:
            # Another life of the feed; the oldest there is now.
            return self._client.events_after(None)

    async def _handled(self, cursor: str) -> None:
        self._last = cursor
        # Somebody else may read the events of a client that was given to us.
        with contextlib.suppress(WindlassError.UnknownCursor):
            await insisting(self._client.events_handled, cursor)
