"""Things that asyncio does not do by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from windlass_chat._native import WindlassError
from windlass_chat._threads import in_thread

PATIENCE = 0.5
TRIES = 6
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0

_P = ParamSpec("_P")
_T = TypeVar("_T")

log = logging.getLogger("windlass_chat.bot")


async def insisting(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls in a thread, and again, later and later, as long as that may help: a disk that is full may have room soon."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await in_thread(call, *args, **kwargs)
        except WindlassError as error:
            if not error.retry:
                raise
            log.error("cannot write: %s; again in %.0f s", error.code, pause, extra={"error": error.code})
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


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
    log.error("%d tasks do not end when they are cancelled, and are left behind", len(running), extra={"event": "left_behind"})


async def happens(event: asyncio.Event, timeout: float | None) -> bool:
    """Waits for an event; false if it has not come by then. Never loses a cancellation."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        done, _ = await asyncio.wait([waiting], timeout=timeout)
        return bool(done)
    finally:
        waiting.cancel()
