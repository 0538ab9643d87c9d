"""Calls the handler of a message, which takes answers as long as it runs."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Iterator

from windlass_chat._native import WindlassError
from windlass_chat.bot.calling import outcome_of
from windlass_chat.bot.message import Message
from windlass_chat.bot.services import Services
from windlass_chat.bot.turn import Turn

current: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("current", default=None)
"""The message that is being handled, or the job that is being done."""

reacting: contextvars.ContextVar[bool] = contextvars.ContextVar("reacting", default=False)
"""Whether we were called because somebody did something: what is written now is an answer."""


def turn_of(bot: Services) -> Turn | None:
    """What a change belongs to that is made because of a message or a job; nothing elsewhere."""
    turn = current.get()
    return turn if turn is not None and turn.bot is bot and turn._open else None


@contextlib.contextmanager
def answering(message: Turn) -> Iterator[None]:
    """As long as it lasts the message, or the job, takes answers, and `Bot.send` adds to them."""
    token, said = current.set(message), reacting.set(message.is_answer)
    message._open = True
    try:
        yield
    finally:
        message._open = False
        current.reset(token)
        reacting.reset(said)


async def run_handler(
    message: Message,
    handler: Callable[[Message], Awaitable[None]],
    failed: Callable[[BaseException, Message | None], Awaitable[None]],
    timeout: float,
) -> None:
    """Calls the handler. If it fails, nothing of what it replied is kept, but what the error handler replies is."""
    with answering(message):
        error = await outcome_of(handler(message), timeout, "the handler of a message")
        if isinstance(error, WindlassError.StateChanged) and not message._committed:
            # It committed itself, and somebody was quicker.
            message._drop()
            message._outdated = True
        elif error is not None:
            message._drop()
            await failed(error, message)
