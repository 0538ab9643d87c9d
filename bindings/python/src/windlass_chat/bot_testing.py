"""`BotTestClient`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from windlass_chat._native import Body, Message, RichText
from windlass_chat._threads import in_thread
from windlass_chat.bot import Bot
from windlass_chat.bot import Message as BotMessage
from windlass_chat.bot import Says
from windlass_chat.client import Client
from windlass_chat.simulated import Simulation

BOT = 0
"""The bot is the first person of its world."""

EPOCH = datetime.fromtimestamp(0, timezone.utc)

SAID = (Body.TEXT, Body.DATA, Body.OPAQUE, Body.ATTACHMENT)
"""The rest of a conversation is about it."""


class BotTestClient:
    """A person who talks with a bot, in a small world of their own: `assert await client.say("/add 1 2") == "3"`.

    The bot is the one of your program, which does not run: here it gets a store in memory, and mail without a transport. What it
    raises and has no error handler for is raised by `say`.
    """

    def __init__(self, bot: Bot, *, seed: int = 1) -> None:
        self.bot = bot
        self.world = Simulation(seed)
        """Where all of that happens: `windlass_chat.testing.Simulation`."""
        self.world.add_person()
        self._errors: list[BaseException] = []
        self._take_up()
        if not bot._errors:
            bot.on_error(self._failed)
        self._join()

    def _join(self) -> None:
        self.person = self.world.add_person()
        """Which person of the world it is."""
        self.world.introduce(self.person, BOT)
        self._known: set[str] = set()

    def _take_up(self) -> None:
        self.bot._use(self.world.client(BOT))
        self.bot.prepare()

    async def _failed(self, error: BaseException, message: BotMessage | None) -> None:
        self._errors.append(error)

    @property
    def client(self) -> Client:
        """The person's client."""
        return self.world.client(self.person)

    @property
    def address(self) -> str:
        """The person's address."""
        return self.client.address()

    def friend(self) -> BotTestClient:
        """Another person in the same world, who knows this one and the bot."""
        other = object.__new__(BotTestClient)
        other.bot, other.world, other._errors = self.bot, self.world, self._errors
        other._join()
        self.world.introduce(self.person, other.person)
        return other

    def create_group(self, name: str, *others: BotTestClient) -> str:
        """A group with the bot and others; its address, for `say(..., to=address)`."""
        members = [self.bot.address, *(other.address for other in others)]
        group = self.client.create_group(name, members).address()
        self.world.run()
        for person in (BOT, *(other.person for other in others)):
            self.world.client(person).conversation(group).join()
            self.world.run()
        return group

    async def say(self, text: Says, *, to: str | None = None) -> str:
        """Says something to the bot, or in a group; what the bot says there then. Several messages of its are lines, none is an empty text."""
        where = to or self.bot.address
        await self.heard(where)
        if isinstance(text, RichText):
            await in_thread(self.client.conversation(where).send_rich, text)
        else:
            await in_thread(self.client.send_body, where, Body.TEXT(text) if isinstance(text, str) else text)
        await self.settle()
        return "\n".join(message.text or "" for message in await self.heard(where))

    async def advance(self, time: timedelta) -> str:
        """Moves the clock of the world, from job to job, and does what is due by then; what the bot says of it to this person."""
        # What the bot plans by itself, it plans now.
        await self.settle()
        await self.heard()
        over = self.bot.client.now() + time
        while (left := over - self.bot.client.now()) > timedelta():
            due = self.bot.jobs.next_due(self.bot._jobs)
            rest = left if due is None else timedelta(seconds=due) - (self.bot.client.now() - EPOCH)
            # A millisecond is what the clock of the world counts.
            await in_thread(self.world.advance, min(left, max(rest, timedelta(milliseconds=1))))
            await self.settle()
        return "\n".join(message.text or "" for message in await self.heard())

    async def settle(self) -> None:
        """Carries what is on its way, and has the bot handle it, until nothing happens any more."""
        while True:
            await in_thread(self.world.run)
            if not await self.bot.handle_waiting():
                break
        await in_thread(self.world.run)
        if self._errors:
            raise self._errors.pop(0)

    async def heard(self, address: str | None = None) -> list[Message]:
        """What the bot wrote to this person since this was last asked, or in a group."""
        address = address or self.bot.address
        conversation = self.client.conversation(address)
        history = await in_thread(conversation.messages, 1000)
        theirs = (one for one in history if one.author == self.bot.address and isinstance(one.body, SAID))
        new = [one for one in theirs if one.id not in self._known]
        self._known.update(one.id for one in new)
        return new

    def crash(self) -> None:
        """The bot's machine loses power, and starts again."""
        self.world.crash(BOT, 0)
        self._take_up()
