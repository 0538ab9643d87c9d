"""`run`: an event loop for a bot, which ends whatever the bot's program does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

AT_THE_END = 1.0
"""Seconds that tasks get which the program left running."""


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """As `asyncio.run`, which would wait for ever for a task that refuses to be cancelled."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError(
            "an event loop runs here already, as in a notebook: `await bot.start()` and at the end `await bot.stop()`, or `async with bot`"
        )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main())
    try:
        loop.run_until_complete(task)
    except KeyboardInterrupt:
        # Where no handler for signals can be set. The bot is stopped in order.
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        raise
    finally:
        try:
            others = asyncio.all_tasks(loop)
            for other in others:
                other.cancel()
            if others:
                loop.run_until_complete(asyncio.wait(others, timeout=AT_THE_END))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
