"""What handlers are called with."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from windlass_chat import _native
from windlass_chat._native import Body, Contact, Event, MessageOrigin, WindlassError
from windlass_chat._threads import in_thread
from windlass_chat.bot.attached import LARGEST, saved
from windlass_chat.bot.dialogue import A_DAY, note, question_of, step_of
from windlass_chat.bot.logs import short
from windlass_chat.bot.remembered import Document
from windlass_chat.bot.role import Role
from windlass_chat.bot.sent import Says, SentMessage
from windlass_chat.bot.services import Services
from windlass_chat.bot.turn import Turn, User

log = logging.getLogger("windlass_chat.bot")


class PoisonMessage(Exception):
    """The process died each time when this message was handled, so it is set aside. Its handlers are not called again."""


class Message(Turn):
    """A message that came, and the answers to it."""

    def __init__(self, bot: Services, stored: _native.Message) -> None:
        super().__init__(bot)
        self.stored = stored
        """The message as the store has it."""
        self._silent = stored.origin == MessageOrigin.BOT_ANSWER and not bot.settings.answer_bots
        """Another bot's answer. Two bots that answered each other would never end."""
        self.match: re.Match[str] | None = None
        """What `filters.regex` found in its text."""
        self._commit: Callable[[], Awaitable[None]] | None = None

    @property
    def id(self) -> str:
        """Its id, the same for everybody."""
        return self.stored.id

    @property
    def author(self) -> str:
        """Address of its author."""
        return self.stored.author

    @property
    def conversation(self) -> str:
        """Address of the conversation that it is in: the author's, or that of a group."""
        return self.stored.conversation

    @property
    def in_group(self) -> bool:
        """Whether it was written in a group. Then answers go to the group."""
        return self.conversation != self.author

    @property
    def text(self) -> str:
        """What it says; empty if it is no text: then `body` has it."""
        return self.stored.text or ""

    @property
    def body(self) -> Body:
        """What it is: `Body.TEXT`, `DATA`, `OPAQUE` or `ATTACHMENT`.

        Of an attachment it has name, size, kind, and where the encrypted file is. That is yours to fetch; then
        `bot.client.conversation(message.conversation).save_attachment(message.stored, fetched, path)` decrypts it.
        """
        return self.stored.body

    @property
    def reply_to(self) -> str | None:
        """Id of the message that it answers."""
        return self.stored.reply_to

    @property
    def sender(self) -> User:
        """Its author, and what the bot remembers of them."""
        return self.user(self.author)

    @property
    def role(self) -> Role | None:
        """What its author is to the bot, as `bot.roles` says."""
        return self.bot.role_of(self.author)

    @property
    def state(self) -> Document:
        """What the bot remembers of the conversation: a dict of what JSON can say, at most 16 KiB of it.

        What a handler changes in it becomes durable with its answer, in one transaction; if the handler fails, nothing does. It is erased with the
        conversation. What is remembered of a person is `message.sender.state`; if two handlers change that at once, one of them is called again.
        """
        return self.state_of(self.conversation)

    @property
    def sent_at(self) -> datetime:
        """When, by its author's clock."""
        return self.stored.sent_at

    @property
    def from_bot(self) -> bool:
        """Whether a program wrote it, as it says itself. What one answered by itself is not answered, unless `answer_bots` is on."""
        return self.stored.origin != MessageOrigin.PERSON

    async def reply(self, answer: Says, *, quote: bool = True) -> SentMessage:
        """Answers, when the handler has returned and only if it has not failed; `quote` refers to this message.

        What it says can be changed later: see `SentMessage.edit`.
        """
        return await self._write(self.conversation, answer, self.id if quote else None)

    async def reply_file(
        self, path: str | os.PathLike[str], media_type: str | None = None, *, quote: bool = True
    ) -> SentMessage:
        """Answers with a file, as with `reply`. It is encrypted, and put where the setting `files` says, before this returns.

        The kind follows from the name if it is not given. What an answer that is never sent left there says nothing to anybody.
        """
        return await self._write_file(self.conversation, path, media_type, self.id if quote else None)

    async def save(self, path: str | os.PathLike[str], *, limit: int = LARGEST) -> Path:
        """Fetches the file that this message is, and decrypts it to a new file, or into a folder under its own name; which one that is.

        Nothing is overwritten, and nothing is fetched from anywhere but the place that `files` names. Raises `FilesError` for
        more than `limit` bytes.
        """
        return await saved(self.bot.client, self.bot.files, self.stored, path, limit)

    async def ask(self, question: Says, *, then: str, within: timedelta = A_DAY, quote: bool = True) -> SentMessage:
        """Asks the author something. Their next message in this conversation that is no command goes to the step `then`:

            @bot.command("register")
            async def register(message: Message) -> None:
                await message.ask("How old are you?", then="age")

            @bot.step("age")
            async def age(message: Message) -> None:
                await message.reply(f"So you are {message.text}.")

        What was asked becomes durable with the question, so that the answer may come after a restart. A step that raises `UsageError` asks again
        with its sentence. `within` is how long an answer is waited for. Another question takes the place of this one.
        """
        note(question_of(self, self.conversation, self.author), self, then, within)
        return await self.reply(question, quote=quote)

    def cancel_question(self) -> bool:
        """Takes back what the author was asked in this conversation; whether anything was."""
        asked = question_of(self, self.conversation, self.author)
        was = step_of(asked, self) is not None
        asked.clear()
        return was

    async def commit(self) -> None:
        """Sends the answers now: they are durable when this returns, and this message counts as handled.

        For answers that grow: what comes after it are changes of what was sent. If the process dies then, this message
        is not handled again, and the answer stays as it is.
        """
        if self._commit is None or not self._open:
            raise RuntimeError("the handler of this message has returned")
        if not self._committed:
            await self._commit()

    async def react(self, emoji: str) -> None:
        """Puts a reaction to it, at once: it is no answer, and the same reaction twice is one."""
        if self._silent:
            self._tell_silence()
            return
        await in_thread(self.bot.client.conversation(self.conversation).react, self.stored, emoji)

    async def unreact(self, emoji: str) -> None:
        """Takes a reaction of ours away again, at once."""
        await in_thread(self.bot.client.conversation(self.conversation).unreact, self.stored, emoji)

    async def replied_to(self) -> _native.Message | None:
        """The message that this one answers, from the history; nothing if it is not there any more."""
        if self.reply_to is None:
            return None
        conversation = self.bot.client.conversation(self.conversation)
        try:
            return await in_thread(conversation.answered, self.author, self.id)
        except WindlassError.UnknownMessage:
            # This one is gone itself: its author, or the user, deleted it.
            return None

    def _silences(self, to: str) -> bool:
        """Whether nothing goes there because of this message."""
        if not self._silent or to != self.conversation:
            return False
        self._tell_silence()
        return True

    def _tell_silence(self) -> None:
        extra = {"event": "bot_not_answered", "address": self.author, "message_id": self.id}
        log.info("what %s answered by itself is not answered", short(self.author), extra=extra)

    def __repr__(self) -> str:
        # Without what it says: this ends up in logs.
        return f"<Message {self.id}>"


class ContactRequest:
    """Somebody wrote first. Their messages are handled once they are accepted: by ACCEPT_ALL at once."""

    def __init__(self, bot: Services, address: str) -> None:
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


class Reaction:
    """Somebody put a reaction to a message, or took it away again."""

    def __init__(self, bot: Services, event: Event.REACTED) -> None:
        self.bot = bot
        self.emoji = event.emoji
        self.removed = event.removed
        """True when it was taken away again."""
        self.by = event.by
        """Address of the person who reacted."""
        self.conversation = event.conversation
        """Address of the conversation that the message is in."""
        self.message_id = event.message_id
        self.author = event.author
        """Address of the message's author."""

    @property
    def to_us(self) -> bool:
        """Whether it is the bot's message that has the reaction."""
        return self.author == self.bot.address

    async def message(self) -> _native.Message | None:
        """The message that has the reaction, from the history; nothing if it is not there any more."""
        conversation = self.bot.client.conversation(self.conversation)
        return await in_thread(conversation.message, self.author, self.message_id)

    def __repr__(self) -> str:
        return f"<Reaction to {self.message_id}>"


class GroupInvitation:
    """Somebody wants us in a group. Messages of the group wait until that is decided."""

    def __init__(self, bot: Services, group: str, name: str, by: str) -> None:
        self.bot = bot
        self.group = group
        """Address of the group."""
        self.name = name
        self.by = by
        """Address of the person who invites us."""

    async def join(self) -> None:
        """We take part."""
        await in_thread(self.bot.client.conversation(self.group).join)
        self.bot._recheck_trust()

    async def decline(self) -> None:
        """We do not."""
        await in_thread(self.bot.client.conversation(self.group).leave)
        self.bot._recheck_trust()

    def __repr__(self) -> str:
        return f"<GroupInvitation {self.group}>"
