"""`SentMessage`."""

from __future__ import annotations

import asyncio
from typing import Union

from windlass_chat import _native
from windlass_chat._native import Body, OutgoingMessage, RichText, WindlassError
from windlass_chat._text import checked
from windlass_chat._threads import in_thread
from windlass_chat.bot.outbox import Outbox

Says = Union[str, Body, RichText]
"""What a message can be told to say: words alone, anything, or a text with mentions, looks and suggested answers."""


class SentMessage:
    """A message of ours: one that is sent when its handler has returned, or one that was sent."""

    def __init__(self, bot: Outbox, outgoing: OutgoingMessage) -> None:
        self.bot = bot
        self.outgoing = outgoing
        """What it said first."""
        self._id: str | None = None
        self._sealed = False
        self._silent = False
        """It answers a bot, and is not sent."""
        self._settled = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def id(self) -> str | None:
        """Its id, the same for everybody; nothing as long as it is not durable."""
        return self._id

    @property
    def conversation(self) -> str:
        """Address of the conversation that it is in."""
        return self.outgoing.to

    async def edit(self, text: str | RichText) -> None:
        """Makes it say something else.

        Within the handler that wrote it that is all. Once it is durable the others are sent the change, and it is
        durable when this returns; so a task that the handler began can let an answer grow. A message that was dropped,
        for its handler failed, cannot be changed: `RuntimeError`.
        """
        said = outgoing_message(self.conversation, text if isinstance(text, RichText) else Body.TEXT(text))
        if self._silent:
            return
        if not self._sealed:
            self.outgoing.body, self.outgoing.rich_text = said.body, said.rich_text
            return
        await self._settled.wait()
        if self._id is None:
            raise RuntimeError("this message was not sent")
        # One after the other, so that the last word is the last one.
        async with self._turn:
            await in_thread(self._edit, self._id, text)

    def _edit(self, number: str, text: str | RichText) -> None:
        conversation = self.bot.client.conversation(self.conversation)
        try:
            if isinstance(text, RichText):
                conversation.edit_rich(number, text)
            else:
                conversation.edit_message(number, text)
        except WindlassError.UnknownMessage:
            raise RuntimeError("this message is not there any more") from None

    async def _send(self) -> None:
        """Writes it now, in a transaction of its own."""
        self._settle(await self.bot._send_outgoing(self._seal()))

    def _seal(self) -> OutgoingMessage:
        """It is being written, as it is now."""
        self._sealed = True
        return self.outgoing

    def _settle(self, number: str | None) -> None:
        """It was written, or will never be."""
        self._sealed = True
        self._id = number
        self._settled.set()


def outgoing_message(
    to: str, says: Says, reply_to: str | None = None, is_answer: bool = False
) -> OutgoingMessage:
    """A message that can be written, as far as one can tell before it is. Raises `TypeError` or `InvalidContent`."""
    checked(to)
    body, rich = (body_of(says.text), says) if isinstance(says, RichText) else (body_of(says), None)
    return OutgoingMessage(to=to, body=body, reply_to=reply_to, is_answer=is_answer, rich_text=rich)


def body_of(says: str | Body) -> Body:
    """What a message says. Annotations stop nobody, and later nobody would know which call was wrong."""
    body = Body.TEXT(says) if isinstance(says, str) else says
    match body:
        case Body.TEXT(text=text):
            checked(text)
        case Body.DATA(media_type=media_type, data=data):
            checked(media_type)
            memoryview(data)
        case Body.OPAQUE(data=data):
            memoryview(data)
        case Body():
            # Whether that can be sent is known to the client.
            pass
        case _:
            raise TypeError(f"a message is a str, a RichText or a Body, not {type(body).__name__}")
    return body
