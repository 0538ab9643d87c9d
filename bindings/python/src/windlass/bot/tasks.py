"""Two things that asyncio does not do by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

PATIENCE = 0.5
TRIES = 20


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels tasks until they have ended.

    Once is not enough: before Python 3.12 `wait_for` loses a cancellation that comes at the same moment as what it
    waits for, and a handler may catch one.
    """
    running = set(tasks)
    for _ in range(TRIES):
        for task in running:
            task.cancel()
        if running:
            _, running = await asyncio.wait(running, timeout=PATIENCE)
        if not running:
            return


async def happens(event: asyncio.Event, timeout: float | None) -> bool:
    """Waits for an event; false if it has not come by then. Never loses a cancellation."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        done, _ = await asyncio.wait([waiting], timeout=timeout)
        return bool(done)
    finally:
        waiting.cancel()
