"""`Turn`: what comes of one event, a message or a job. What is said and remembered because of it becomes durable together."""

from __future__ import annotations

import os

from windlass_chat._native import Body, OutgoingFile, StateChange, StateOwner
from windlass_chat.bot.attached import uploaded
from windlass_chat.bot.remembered import Document, Remembered
from windlass_chat.bot.sent import Says, SentMessage, outgoing_message
from windlass_chat.bot.services import Services


class User:
    """A person, as the bot knows them."""

    def __init__(self, turn: Turn, address: str) -> None:
        self._turn = turn
        self.address = address
        """Their address."""

    @property
    def state(self) -> Document:
        """What the bot remembers of them, in whatever conversation: see `Message.state`. It is erased with the contact."""
        return self._turn._remember(StateOwner.PERSON(self.address), "state").document

    def __repr__(self) -> str:
        return f"<User {self.address}>"


class Turn:
    """What is written and remembered because of one event, until all of it is durable."""

    is_answer = True
    """Whether what is written says that a program answers."""

    def __init__(self, bot: Services) -> None:
        self.bot = bot
        self.answers: list[SentMessage] = []
        """What will be sent when the handler has returned."""
        self._open = True
        self._committed = False
        self._outdated = False
        """Something that was read is not so any more; the handler is to be called again."""
        self._remembered: dict[tuple[str, str, str], Remembered] = {}

    def state_of(self, conversation: str) -> Document:
        """What the bot remembers of a conversation, as `Message.state`."""
        return self._remember(StateOwner.CONVERSATION(conversation), "state").document

    def user(self, address: str) -> User:
        """A person, and what the bot remembers of them."""
        return User(self, address)

    def _remember(self, owner: StateOwner, name: str) -> Remembered:
        """A document of the store; the same one each time."""
        key = (type(owner).__name__, str(vars(owner)), name)
        if key not in self._remembered:
            if not self._open:
                raise RuntimeError("the handler has returned; what it changed now would be lost")
            self._remembered[key] = Remembered(self.bot.client, owner, name)
        return self._remembered[key]

    def _changes(self) -> list[tuple[Remembered, StateChange]]:
        """What is to be written of what was remembered."""
        changed = ((one, one.change()) for one in self._remembered.values())
        return [(one, change) for one, change in changed if change is not None]

    async def send_file(
        self, to: str, path: str | os.PathLike[str], media_type: str | None = None
    ) -> SentMessage:
        """Sends a file to somebody, or to a group: see `Message.reply_file`."""
        return await self._write_file(to, path, media_type)

    async def _write_file(
        self, to: str, path: str | os.PathLike[str], media_type: str | None, reply_to: str | None = None
    ) -> SentMessage:
        file = await uploaded(self.bot.files, path, media_type)
        return await self._write(to, Body.ATTACHMENT(file.attachment.info()), reply_to, file)

    async def _write(
        self, to: str, says: Says, reply_to: str | None = None, file: OutgoingFile | None = None
    ) -> SentMessage:
        if not self._open:
            raise RuntimeError("the handler of this message has returned; bot.send writes at any time")
        outgoing = outgoing_message(to, says, reply_to, self.is_answer)
        outgoing.file = file
        message = SentMessage(self.bot, outgoing)
        if self._silences(to):
            message._silent = True
            message._settle(None)
        elif self._committed:
            await message._send()
        else:
            self.answers.append(message)
        return message

    def _silences(self, to: str) -> bool:
        """Whether nothing goes there because of this."""
        return False

    def _drop(self) -> None:
        """The answers so far will never be sent, and nothing that was changed is remembered."""
        for answer in self.answers:
            if not self._committed:
                answer._settle(None)
        self.answers.clear()
        self._remembered.clear()
