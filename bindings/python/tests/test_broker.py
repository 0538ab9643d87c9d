"""Bots over a real broker: processes that are killed, a broker that is restarted, each message answered once."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PATIENCE, Broker, tool

import windlass
from windlass import Bundle, Client, OutgoingMessage, events
from windlass.bot import Bot, Message
from windlass.transport import Incoming, NoMailbox, TransportError, transport_of
from windlass.transport.mqtt import MqttTransport

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
            several = [OutgoingMessage(to=to, body=windlass.Body.TEXT(text)) for to, text in letters[first : first + 5]]
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
        # Whoever listens never ends, but by an error.
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


def test_a_transport_over_mqtt_keeps_what_it_says(tmp_path: Path) -> None:
    """Both versions of MQTT, a password, a bundle, mail that waits and comes again until it is acknowledged."""

    async def talk(broker: Broker, version: str) -> None:
        url = f"mqtt://bot:hunter2@127.0.0.1:{broker.port}?version={version}&prefix=test/{version}"
        here, there = transport_of(url), transport_of(url)
        assert isinstance(here, MqttTransport) and "hunter2" not in repr(here)
        await here.start("here", 1)
        await there.start("there", 1)
        if version == "5":
            with pytest.raises(NoMailbox):
                await there.deliver("nowhere", b"?")
        await here.publish_bundle("here", b"old")
        await here.publish_bundle("here", b"bundle")
        assert await there.fetch_bundle("here") == b"bundle"
        with pytest.raises(ValueError):
            await there.fetch_bundle("#")

        async def first(count: int) -> list[Incoming]:
            incoming = here.receive()
            return [await asyncio.wait_for(anext(incoming), PATIENCE) for _ in range(count)]

        await there.deliver("here", b"1")
        await there.deliver("here", b"2")
        one, two = await first(2)
        assert (one.envelope, two.envelope) == (b"1", b"2")
        await one.acknowledge()
        await here.close()
        with pytest.raises(TransportError):
            await here.deliver("there", b"closed")
        # Mail that comes while nobody is there, over a restart of the broker.
        await there.deliver("here", b"3")
        broker.stop()
        broker.start()
        delivering = asyncio.create_task(there.deliver("here", b"4"))
        await here.start("here", 1)
        again = await first(3)
        assert [one.envelope for one in again] == [b"2", b"3", b"4"]
        # An acknowledgement of a connection that is gone goes nowhere.
        await two.acknowledge()
        for one in again:
            await one.acknowledge()
        await delivering
        assert await there.fetch_bundle("here") == b"bundle"
        await here.close()
        await there.close()

    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o700)
    subprocess.run([tool("mosquitto_passwd"), "-b", passwords, "bot", "hunter2"], check=True)
    with Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        for version in ("5", "3"):
            asyncio.run(talk(broker, version))


def test_a_bot_talks_over_tls_and_only_with_the_broker_it_trusts(tmp_path: Path) -> None:
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    command = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)

    async def talk(broker: Broker) -> None:
        url = f"mqtts://localhost:{broker.port}?ca={certificate}"
        bot, user = Bot(tmp_path / "bot.wl", key=KEY, transport=url), Bot(tmp_path / "user.wl", key=KEY, transport=url)
        heard: asyncio.Queue[str] = asyncio.Queue()

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        @user.on_message
        async def hear(message: Message) -> None:
            await heard.put(message.text)

        async with bot, user:
            # By the address alone: the bundle comes from the broker.
            while True:
                try:
                    await user.send(bot.address, "over TLS")
                    break
                except windlass.UnknownContact:
                    pass  # The bot has not published it yet.
            assert await asyncio.wait_for(heard.get(), PATIENCE) == "over TLS"

        stranger = transport_of(f"mqtts://localhost:{broker.port}")
        await stranger.start("stranger", 1)
        delivering = asyncio.create_task(stranger.deliver("stranger", b"?"))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(delivering), 1)
        await stranger.close()
        with pytest.raises(TransportError):
            await delivering

    with Broker(tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}") as broker:
        asyncio.run(talk(broker))
