"""What handlers are called with."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from windlass import _native
from windlass._native import Body, Contact, OutgoingMessage

if TYPE_CHECKING:
    from windlass.bot.bot import Bot


class Message:
    """A message that came, and the answers to it."""

    def __init__(self, bot: Bot, stored: _native.Message) -> None:
        self.bot = bot
        self.stored = stored
        """The message as the store has it."""
        self.answers: list[OutgoingMessage] = []
        """What will be sent when the handler has returned."""
        self._open = True

    @property
    def id(self) -> str:
        """Its id, the same for everybody."""
        return self.stored.id

    @property
    def author(self) -> str:
        """Address of whoever wrote it."""
        return self.stored.author

    @property
    def conversation(self) -> str:
        """Address of the conversation that it is in."""
        return self.stored.conversation

    @property
    def text(self) -> str:
        """What it says; empty if it is no text."""
        return self.stored.text or ""

    @property
    def body(self) -> Body:
        """What it is."""
        return self.stored.body

    @property
    def reply_to(self) -> str | None:
        """Id of the message that it answers."""
        return self.stored.reply_to

    @property
    def sent_at(self) -> datetime:
        """When, by the clock of whoever wrote it."""
        return self.stored.sent_at

    async def reply(self, answer: str | Body, *, quote: bool = True) -> None:
        """Answers, when the handler has returned and only if it has not failed; `quote` refers to this message."""
        self._add(self.conversation, answer, self.id if quote else None)

    def _add(self, to: str, answer: str | Body, reply_to: str | None = None) -> None:
        if not self._open:
            raise RuntimeError("the handler of this message has returned; bot.send writes at any time")
        body = Body.TEXT(answer) if isinstance(answer, str) else answer
        self.answers.append(OutgoingMessage(to=to, body=body, reply_to=reply_to))

    def __repr__(self) -> str:
        # Without what it says: this ends up in logs.
        return f"<Message {self.id}>"


class ContactRequest:
    """Somebody wrote first. Their messages are handled once they are accepted: by ACCEPT_ALL at once."""

    def __init__(self, bot: Bot, address: str) -> None:
        self.bot = bot
        self.address = address

    async def accept(self) -> Contact:
        """We want to talk with them."""
        return await self.bot.accept(self.address)

    async def block(self) -> Contact:
        """Nothing of theirs is taken in any more."""
        return await self.bot.block(self.address)

    def __repr__(self) -> str:
        return f"<ContactRequest {self.address}>"
