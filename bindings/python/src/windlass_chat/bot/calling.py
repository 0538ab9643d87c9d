"""Calls what the bot's program gave us: for so long, and whatever it raises or swallows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

LEAVE_AFTER = 1.0
"""Seconds that something gets to end when it was cancelled. A task can refuse to; then nobody waits for it any longer."""

log = logging.getLogger("windlass_chat.bot")


async def outcome_of(call: Awaitable[object], limit: float, what: str) -> BaseException | None:
    """What came of a call: nothing, or what it raised, of whatever kind. Only our own cancellation is raised."""
    task = asyncio.ensure_future(_caught(call))
    try:
        done, _ = await asyncio.wait([task], timeout=limit)
        if done:
            return _result(task)
        log.warning("%s is not ready after %.0f s", what, limit, extra={"event": "stalled", "where": what, "seconds": limit})
        await leave([task], what)
        return asyncio.TimeoutError(f"{what} was given up after {limit:g} s")
    except asyncio.CancelledError:
        await leave([task], what)
        raise


async def unlimited(call: Awaitable[object], told_after: float, what: str) -> BaseException | None:
    """The same without a limit. That it takes long is logged once."""
    task = asyncio.ensure_future(_caught(call))
    try:
        done, _ = await asyncio.wait([task], timeout=told_after)
        if not done:
            extra = {"event": "stalled", "where": what, "seconds": told_after}
            log.warning("%s goes on after %.0f s", what, told_after, extra=extra)
            await asyncio.wait([task])
        return _result(task)
    except asyncio.CancelledError:
        await leave([task], what)
        raise


async def leave(tasks: list[asyncio.Task[BaseException | None]], what: str) -> None:
    """Cancels tasks, and goes on without those that do not end by it."""
    for task in tasks:
        task.cancel()
    clock = asyncio.get_running_loop().time
    over, pending, again = clock() + LEAVE_AFTER, set(tasks), False
    while pending and (left := over - clock()) > 0:
        try:
            _, pending = await asyncio.wait(pending, timeout=left)
        except asyncio.CancelledError:
            # Whoever ends us says it more than once; what we called has its time all the same.
            again = True
    if pending:
        extra = {"event": "left_behind", "where": what, "count": len(pending)}
        log.error("%s does not end when it is cancelled, and is left behind", what, extra=extra)
    if again:
        raise asyncio.CancelledError


async def _caught(call: Awaitable[object]) -> BaseException | None:
    try:
        await call
    except (KeyboardInterrupt, SystemExit) as error:
        # The event loop would end with them, and leave everything as it is.
        return error
    return None


def _result(task: asyncio.Task[BaseException | None]) -> BaseException | None:
    if task.cancelled():
        # We did not cancel it: it waited for something else that was.
        return RuntimeError("the handler was cancelled")
    return task.exception() or task.result()


def name_of(handler: object) -> str:
    """How a callback is called in logs."""
    return str(getattr(handler, "__qualname__", None) or type(handler).__name__)
