"""Bots over a real broker: processes that are killed, a broker that is restarted, each message answered once."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PATIENCE, Broker

import windlass_chat
from windlass_chat import Bundle, Client, OutgoingMessage, events
from windlass_chat.bot import Bot, Message
from windlass_chat.testing import Simulation
from windlass_chat.transport import NoMailbox, transport_of

MESSAGES = int(os.environ.get("WINDLASS_MESSAGES", "600"))
KILLS = int(os.environ.get("WINDLASS_KILLS", "4"))
BOTS, USERS, RESTARTS = 3, 20, 2
KEY = bytes(range(32))
ECHO = Path(__file__).parents[3] / "examples/python/echo_bot.py"


class BotProcess:
    """The example, as it stands there, as a process."""

    def __init__(self, folder: Path, number: int, url: str) -> None:
        self.name = f"bot {number}"
        self.store = folder / f"bot-{number}.wl"
        self.log = folder / f"bot-{number}.log"
        self.shown = folder / f"bot-{number}.txt"
        settings = {"WINDLASS_STORE": str(self.store), "WINDLASS_TRANSPORT": url, "BOT_KEY": KEY.hex()}
        self.environment = os.environ | settings
        self.kills = 0

    def start(self) -> None:
        with self.log.open("a") as log, self.shown.open("w") as shown:
            self.logged = log.tell()
            self.process = subprocess.Popen([sys.executable, ECHO], stdout=shown, stderr=log, env=self.environment)

    def invitation(self) -> Bundle:
        """What it shows when it starts: the last line is the URI."""
        deadline = time.monotonic() + PATIENCE
        while "WINDLASS:" not in (shown := self.shown.read_text(errors="replace")) or not shown.endswith("\n"):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
        return Bundle.from_uri(shown.splitlines()[-1])

    def kill(self) -> None:
        """SIGKILL: nothing is saved, nothing is closed."""
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def stop(self) -> None:
        """As a service manager does it, once it has started."""
        deadline = time.monotonic() + PATIENCE
        while "started as" not in self.log.read_text()[self.logged :]:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()


class User:
    """Somebody with a client of their own, who writes to every bot."""

    def __init__(self, folder: Path, number: int, url: str, heard: asyncio.Queue[str]) -> None:
        self.name = f"user-{number:02}"
        self.client = Client.create(folder / f"{self.name}.wl", key=KEY)
        self.address = self.client.address()
        self.transport = transport_of(url)
        self.answers: Counter[tuple[str, str]] = Counter()
        self.heard = heard
        self.posting = asyncio.Lock()

    async def listen(self) -> None:
        """Takes in what comes, for ever."""
        async for incoming in self.transport.receive():
            for event in await asyncio.to_thread(self.client.receive, incoming.envelope):
                if isinstance(event, events.Message):
                    self.answers[event.message.author, event.message.text or ""] += 1
                    self.heard.put_nowait(event.message.author)
            await incoming.acknowledge()
            await self.post()

    async def post(self) -> None:
        """Empties the outbox."""
        async with self.posting:
            for envelope in await asyncio.to_thread(self.client.outbox):
                while True:
                    try:
                        await self.transport.deliver(envelope.to, envelope.bytes)
                        break
                    except NoMailbox:
                        # The bot has not come to open its mailbox yet.
                        await asyncio.sleep(0.1)
                await asyncio.to_thread(self.client.mark_sent, [envelope.id])

    async def write(self, letters: list[tuple[str, str]]) -> None:
        """Writes, a few at a time, so that everybody is heard."""
        for first in range(0, len(letters), 5):
            page = letters[first : first + 5]
            several = [OutgoingMessage(to=to, body=windlass_chat.Body.TEXT(text)) for to, text in page]
            await asyncio.to_thread(self.client.send_many, several)
            await self.post()


async def watch(heard: asyncio.Queue[str], bots: dict[str, BotProcess], broker: Broker, total: int) -> None:
    """Counts the answers, kills and restarts at their numbers, and ends when all are there."""
    chance = random.Random(1)
    share = total // BOTS
    # Not before the first answer, not after the last one.
    due = {address: sorted(chance.sample(range(1, max(share, KILLS + 2)), KILLS)) for address in bots}
    restarts = [total * (i + 1) // (RESTARTS + 1) for i in range(RESTARTS)]
    answered: Counter[str] = Counter()
    while sum(answered.values()) < total:
        address = await asyncio.wait_for(heard.get(), PATIENCE)
        answered[address] += 1
        if due[address] and answered[address] >= due[address][0]:
            due[address].pop(0)
            await asyncio.to_thread(bots[address].kill)
            bots[address].start()
        if restarts and sum(answered.values()) >= restarts[0]:
            restarts.pop(0)
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
    assert not restarts


def test_each_message_is_answered_once_whatever_is_killed(tmp_path: Path) -> None:
    async def run(broker: Broker) -> None:
        began = time.monotonic()
        processes = [BotProcess(tmp_path, number, broker.url) for number in range(BOTS)]
        bots: dict[str, BotProcess] = {}
        invitations = []
        for process in processes:
            process.start()
        for process in processes:
            invitations.append(process.invitation())
            bots[invitations[-1].identity().address()] = process

        heard: asyncio.Queue[str] = asyncio.Queue()
        users = [User(tmp_path, number, broker.url, heard) for number in range(USERS)]
        letters: dict[str, list[tuple[str, str]]] = {user.address: [] for user in users}
        addresses = list(bots)
        for number in range(MESSAGES):
            user = users[number % USERS]
            to = addresses[number // USERS % BOTS]
            letters[user.address].append((to, f"{user.name}, message {number}"))
        for user in users:
            for invitation in invitations:
                user.client.add_contact(invitation)
            await user.transport.start(user.address, user.client.device_id())

        watching = asyncio.create_task(watch(heard, bots, broker, MESSAGES))
        listening = [asyncio.create_task(user.listen()) for user in users]
        everything: list[asyncio.Future[Any]] = [
            asyncio.gather(watching, *(user.write(letters[user.address]) for user in users)),
            *listening,
        ]
        # A transport that listens never ends, but by an error.
        done, _ = await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        seconds = time.monotonic() - began
        for process in processes:
            process.stop()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for user in users:
            await user.transport.close()

        print(f"\n{'':8}{'messages':>10}{'answered':>10}{'repeated':>10}{'lost':>6}{'kills':>7}")
        faults = 0
        for address, process in bots.items():
            sent = [(user, text) for user in users for to, text in letters[user.address] if to == address]
            # As the bot's own store has it: what it wrote and nobody has got yet counts too.
            with Client.open(process.store, key=KEY) as client:
                assert client.unhandled() == []
                wrote = Counter(
                    (user.address, message.text)
                    for user in users
                    for message in client.conversation(user.address).messages(limit=1_000_000)
                    if message.outgoing
                )
            lost = sum(wrote[user.address, text] == 0 for user, text in sent)
            repeated = sum(wrote.values()) - len(wrote)
            got = sum(user.answers[address, text] == 1 for user, text in sent)
            print(f"{process.name:8}{len(sent):>10}{got:>10}{repeated:>10}{lost:>6}{process.kills:>7}")
            faults += lost + repeated + (got != len(sent)) + (len(wrote) != len(sent)) + (process.kills != KILLS)
        print(f"{USERS} users, {RESTARTS} restarts of the broker, {seconds:.1f} s, {MESSAGES / seconds:.0f} messages/s")
        for user in users:
            user.client.close()
        assert faults == 0

    with Broker(tmp_path) as broker:
        asyncio.run(run(broker))


class Killed:
    """A bot and users of it on machines whose clock is moved by hand, over a broker that is killed."""

    def __init__(self, broker: Broker, users: int) -> None:
        self.broker = broker
        self.world = Simulation(seed=7)
        person = self.world.add_person()
        self.bot = self._member(person)
        self.users: list[Bot] = []
        self.heard: list[asyncio.Queue[str]] = []
        for _ in range(users):
            number = self.world.add_person()
            self.world.introduce(person, number)
            user, heard = self._member(number), asyncio.Queue[str]()
            self.users.append(user)
            self.heard.append(heard)

            @user.on_message
            async def hear(message: Message, heard: asyncio.Queue[str] = heard) -> None:
                heard.put_nowait(message.text)

        @self.bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

    def _member(self, person: int) -> Bot:
        return Bot(client=self.world.client(person), transport=self.broker.url)

    async def kill_the_broker(self) -> None:
        """SIGKILL; what was not saved by then, it has never heard of."""
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.start)

    async def write(self, *texts: str) -> None:
        """Every user writes these to the bot."""
        for text in texts:
            await asyncio.gather(*(user.send(self.bot.address, text) for user in self.users))

    async def flush(self) -> None:
        """Everything of the bots that run is with the broker."""
        for one in (self.bot, *self.users):
            assert one._running is None or await one.flush(PATIENCE)

    async def hear(self, last: str) -> None:
        """Every user hears answers until this one."""
        for heard in self.heard:
            while await asyncio.wait_for(heard.get(), PATIENCE) != last:
                pass

    async def later(self, hour: int) -> None:
        """An hour later: what nobody acknowledged is sent again. Behind it a message whose answer shows that it came."""
        self.world.advance(timedelta(hours=1))
        for one in (self.bot, *self.users):
            assert one._running is not None
            one._running.post.look()
        await self.flush()
        await self.write(f"hour {hour}")
        await self.hear(f"hour {hour}")

    def said(self, one: Bot, to: Bot, outgoing: bool) -> Counter[str | None]:
        """What was said, by the store of one of them."""
        history = one.client.conversation(to.address).messages(limit=10_000)
        return Counter(message.text for message in history if message.outgoing == outgoing)


def test_what_a_killed_broker_forgot_is_sent_again_and_answered_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(broker: Broker) -> None:
        everything = Killed(broker, users=4)
        bot, users, write = everything.bot, everything.users, everything.write
        sent: Counter[str | None] = Counter()

        def texts(what: str, count: int) -> list[str]:
            new = [f"{what} {number}" for number in range(count)]
            sent.update(new)
            return new

        async with AsyncExitStack() as running:
            for user in users:
                await running.enter_async_context(user)
            async with bot:
                await write(*texts("before", 3))
                await everything.hear("before 2")
                # In the middle of traffic, again and again; some is lost then, and some comes twice.
                for kill in range(3):
                    writing = asyncio.create_task(write(*texts(f"kill {kill},", 20)))
                    await asyncio.wait_for(everything.heard[0].get(), PATIENCE)
                    await everything.kill_the_broker()
                    await writing
                await write(*texts("there", 1))
                await everything.hear("there 0")
            # The broker takes mail for a bot that is away, and then it forgets it: these are lost for certain.
            lost = texts("lost", 5)
            await write(*lost)
            await everything.flush()
            await everything.kill_the_broker()
            async with bot:
                await write(*texts("after", 1))
                await everything.hear("after 0")
                for user in users:
                    assert not everything.said(bot, user, outgoing=False).keys() & set(lost)
                # Twice, for the answer may have been lost too.
                for hour in range(1, 5):
                    sent[f"hour {hour}"] = 1
                    await everything.later(hour)
                assert bot.client.unhandled() == []
                for user in users:
                    assert everything.said(bot, user, outgoing=False) == sent
                    assert everything.said(bot, user, outgoing=True) == sent
                    assert everything.said(user, bot, outgoing=False) == sent

    with Broker(tmp_path) as broker:
        asyncio.run(run(broker))
    assert "has lost our mailbox" in caplog.text
