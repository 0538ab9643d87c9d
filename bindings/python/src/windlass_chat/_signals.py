"""`stop_signalled`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def stop_signalled() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT, as of Ctrl-C, and SIGTERM set; a second one ends the process as if nobody listened."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def signalled() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        stopped.set()

    # Not everywhere, and in the main thread only.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in numbers:
            loop.add_signal_handler(number, signalled)
    try:
        yield stopped
    finally:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in numbers:
                loop.remove_signal_handler(number)
