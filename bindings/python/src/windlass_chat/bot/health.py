"""Answers over HTTP whether the bot is alive, and what it counts. It is off unless the setting `health` names a port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator

from windlass_chat._threads import in_thread
from windlass_chat.bot.measures import Measure, as_otlp, as_text
from windlass_chat.bot.places import place_of
from windlass_chat.bot.tasks import end

MOST_AT_ONCE = 8
MOST_BYTES = 8 * 1024
SECONDS = 5.0
"""Within which a request is read, and the store answers."""

log = logging.getLogger("windlass_chat.bot")


class Health:
    """The server."""

    def __init__(self, store: Callable[[], object], measures: Callable[[], Iterator[Measure]], since: float) -> None:
        """`store` asks the store for something."""
        self._store = store
        self._measures = measures
        self._since = since
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[None]] = set()

    async def listen(self, place: str) -> None:
        """Raises `OSError` where that is not possible: whoever asked for it waits for an answer."""
        self._server = await asyncio.start_server(self._came, *place_of(place), limit=MOST_BYTES)
        log.info("health is told at %s:%d", *self.place, extra={"event": "health"})

    @property
    def place(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """Answers nothing more."""
        if self._server is not None:
            self._server.close()
        await end(list(self._asked))

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._asked) >= MOST_AT_ONCE:
            writer.transport.abort()
            return
        self._asked.add(task)
        try:
            with contextlib.suppress(OSError, ValueError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
                writer.write(await self._answer(head))
                await asyncio.wait_for(writer.drain(), SECONDS)
        finally:
            self._asked.discard(task)
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ")[0].split(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            status, kind, body = "405 Method Not Allowed", "text/plain", ""
        elif path == b"/health":
            well = await self._is_well()
            status, kind, body = "200 OK" if well else "503 Service Unavailable", "application/json", json.dumps({"alive": well})
        elif path == b"/metrics":
            status, kind, body = "200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8", as_text(self._measures())
        elif path == b"/v1/metrics":
            status, kind, body = "200 OK", "application/json", json.dumps(as_otlp(self._measures(), self._since))
        else:
            status, kind, body = "404 Not Found", "text/plain", ""
        content = body.encode()
        lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Cache-Control: no-store", "Connection: close")
        return "\r\n".join((*lines, "", "")).encode() + (b"" if method == b"HEAD" else content)

    async def _is_well(self) -> bool:
        """The loop turns, or nobody would ask; whether the store answers too."""
        try:
            await asyncio.wait_for(in_thread(self._store), SECONDS)
        except Exception as error:
            log.warning("the store does not answer: %s", type(error).__name__, extra={"event": "store_silent"})
            return False
        return True
