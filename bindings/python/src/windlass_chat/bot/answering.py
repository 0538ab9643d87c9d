"""Calls the handler of a message, which takes answers as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Iterator

from windlass_chat.bot.message import Message

current: contextvars.ContextVar[Message | None] = contextvars.ContextVar("current", default=None)
"""The message that is being handled."""


@contextlib.contextmanager
def answering(message: Message) -> Iterator[None]:
    """As long as it lasts the message takes answers, and `Bot.send` adds to them."""
    token = current.set(message)
    message._open = True
    try:
        yield
    finally:
        message._open = False
        current.reset(token)


async def run_handler(
    message: Message,
    handler: Callable[[Message], Awaitable[None]],
    failed: Callable[[BaseException, Message | None], Awaitable[None]],
    timeout: float,
) -> None:
    """Calls the handler. If it fails, nothing of what it replied is kept, but what the error handler replies is."""
    with answering(message):
        try:
            await asyncio.wait_for(handler(message), timeout)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # The bot stops; or the handler waited for something else that was cancelled.
            if task is None or _cancelling(task):
                raise
            message._drop()
            await failed(RuntimeError("the handler was cancelled"), message)
        except Exception as error:
            message._drop()
            await failed(error, message)


def _cancelling(task: asyncio.Task[None]) -> bool:
    cancelling = getattr(task, "cancelling", None)
    # Python 3.10 cannot tell the two apart; then the message is handled again at the next start.
    return cancelling is None or cancelling() > 0
