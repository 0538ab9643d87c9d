"""`commit`: what comes of one event becomes durable."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

from windlass_chat._native import OutgoingMessage, Sent, StateChange, WindlassError
from windlass_chat.bot.sent import SentMessage
from windlass_chat.bot.tasks import insisting
from windlass_chat.bot.turn import Turn
from windlass_chat.client import Client

TIMES_ANEW = 10
"""How often something is begun while others change what it read. Then it is told as a failure."""


async def commit_turn(
    client: Client, find: Callable[[str], Awaitable[bool]], handled: int | None, turn: Turn
) -> list[SentMessage]:
    """What came of an event, its answers, what is remembered, and that it was handled, in one transaction; which answers these were."""
    answers = [] if turn._committed else list(turn.answers)
    changes = turn._changes()
    if turn._committed and not changes:
        return []
    number = None if turn._committed else handled
    try:
        sent = await commit(client, find, number, [answer._seal() for answer in answers], [change for _, change in changes])
    except BaseException:
        for answer in answers:
            answer._sealed = False
        raise
    turn._committed = True
    for remembered, change in changes if sent is not None else ():
        remembered.keep(change)
    for answer, written in itertools.zip_longest(answers, sent or ()):
        answer._settle(written.message_id if written is not None else None)
    return answers


async def commit(
    client: Client,
    find: Callable[[str], Awaitable[bool]],
    handled: int | None,
    messages: list[OutgoingMessage],
    changes: list[StateChange],
) -> list[Sent] | None:
    """What was sent; `None` if the message was handled before, and nothing was written. Who is unknown is looked for once."""
    searched = False
    while True:
        try:
            return await insisting(client.commit, handled, messages, changes)
        except WindlassError.UnknownMessage:
            if handled is None:
                raise
            return None
        except (WindlassError.UnknownContact, WindlassError.NoBundle):
            if searched:
                raise
            searched = True
            for address in {message.to for message in messages}:
                await find(address)
