"""Several processes are one bot, on a store in a database and with one mailbox. Each message is answered once, and jobs are done once, though the server dies.

`WINDLASS_WORKERS_MESSAGES=5000 WINDLASS_WORKERS_KILLS=40 pytest -s bindings/python/tests/test_bot_workers.py` is a long run of it, in which workers
die, too.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker
from postgresql import Server

from windlass_chat import Bundle, Client, EncryptedStore, StoreKey, WindlassError
from windlass_chat.bot import Bot, Message, Settings, SettingsError
from windlass_chat.transport import TransportError, transport_of

MESSAGES = int(os.environ.get("WINDLASS_WORKERS_MESSAGES", "32"))
KILLS = int(os.environ.get("WINDLASS_WORKERS_KILLS", "0"))
WORKERS = 3
USERS = 4
KEY = bytes(range(32))

PROGRAM = '''
from datetime import timedelta
from windlass_chat.bot import Bot, Job, Message

bot = Bot(retries=1000, answers_per_minute=100_000, keep_up_every=5)

@bot.job("remind")
async def remind(job: Job) -> None:
    await job.send(job.data["to"], f"Remember: {job.data['what']}")

@bot.on_message
async def answer(message: Message) -> None:
    message.state["count"] = message.state.get("count", 0) + 1
    if message.state["count"] % 4 == 0:
        await bot.jobs.at(timedelta(seconds=0), "remind", {"to": message.author, "what": message.text})
    await message.reply(f"{message.state['count']}. {message.text}")

bot.run()
'''


@pytest.fixture
def database() -> Iterator[Server]:
    with Server() as server:
        yield server


class Worker:
    """One of the processes."""

    def __init__(self, folder: Path, place: int, store: str, transport: str) -> None:
        self.folder = folder
        self.log = folder / f"worker-{place}.log"
        settings = {"STORE": store, "TRANSPORT": transport, "WORKER": f"worker-{place}", "KEY": KEY.hex()}
        self.environment = os.environ | {f"WINDLASS_{name}": value for name, value in settings.items()}

    def start(self) -> None:
        with self.log.open("a") as log:
            command = [sys.executable, "program.py"]
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL: nothing is given back but by its end."""
        assert self.process.poll() is None, self.log.read_text()
        self.process.kill()
        self.process.wait()


class User:
    """Somebody who writes, and counts what they hear."""

    def __init__(self, folder: Path, number: int, url: str, heard: asyncio.Queue[str]) -> None:
        self.bot = Bot(folder / f"user-{number}.wl", key=KEY, transport=url, answers_per_minute=100_000, keep_up_every=5)
        self.heard: Counter[str] = Counter()

        @self.bot.on_message
        async def hear(message: Message) -> None:
            self.heard[message.text] += 1
            heard.put_nowait(message.text)

    def assert_each_once(self, count: int) -> None:
        """Each message has an answer, the answers are counted without a gap, and every fourth was remembered."""
        assert set(self.heard.values()) == {1}, self.heard
        answers = [text.split(". ") for text in self.heard if not text.startswith("Remember")]
        assert sorted(int(number) for number, _ in answers) == list(range(1, count + 1))
        assert sorted(int(word.split()[1]) for _, word in answers) == list(range(count))
        assert self.heard.total() == count + count // 4


async def each_is_answered_once(folder: Path, server: Server, url: str) -> None:
    began = time.monotonic()
    store = EncryptedStore.create(server.address("bot"), StoreKey.from_bytes(KEY))
    client = Client.create(store)
    invitation = Bundle.decode(client.bundle().encode())
    address = client.address()
    client.close()
    (folder / "program.py").write_text(PROGRAM)
    workers = [Worker(folder, place, server.address("bot"), url) for place in range(WORKERS)]
    for worker in workers:
        worker.start()
    heard: asyncio.Queue[str] = asyncio.Queue()
    users = [User(folder, number, url, heard) for number in range(USERS)]
    each = MESSAGES // USERS
    total = (each + each // 4) * USERS
    chance = random.Random(3)
    due = sorted(chance.choices(range(1, total), k=KILLS))
    async with AsyncExitStack() as running:
        for user in users:
            await running.enter_async_context(user.bot)
            user.bot.client.add_contact(invitation)
            for number in range(each):
                await user.bot.send(address, f"word {number}")
        for count in range(1, total + 1):
            try:
                await asyncio.wait_for(heard.get(), PATIENCE)
            except asyncio.TimeoutError:
                pytest.fail("\n".join([str([user.heard for user in users]), *(worker.log.read_text() for worker in workers)]))
            while due and count >= due[0]:
                due.pop(0)
                worker = chance.choice(workers)
                await asyncio.to_thread(worker.kill)
                worker.start()
            if count == total // 2:
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.to_thread(server.start)
        for user in users:
            user.assert_each_once(each)
    for worker in workers:
        worker.kill()
    print(f"{each * USERS} messages, {KILLS} kills, a restart, {time.monotonic() - began:.1f} s")


def test_each_message_is_answered_once_by_several_workers(tmp_path: Path, database: Server) -> None:
    with Broker(tmp_path) as broker:
        asyncio.run(each_is_answered_once(tmp_path, database, broker.url))


def test_workers_need_a_store_and_a_transport_that_can_be_shared(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="in a database"):
        Bot(tmp_path / "bot.wl", key=KEY, worker="one").invite()
    with pytest.raises(SettingsError, match="without spaces"):
        Bot(tmp_path / "bot.wl", key=KEY, worker="number one")
    with pytest.raises(TransportError, match="one process alone"):
        transport_of("memory://mail").use_worker("one")
    with pytest.raises(TransportError, match="MQTT 5 alone"):
        transport_of("mqtt://localhost?version=3").use_worker("one")
    transport_of("mqtt://localhost").use_worker("one")


def test_a_worker_makes_no_store(database: Server) -> None:
    with pytest.raises(WindlassError.StoreNotFound):
        Bot(database.address("nothing"), key=KEY, worker="one").invite()


def test_the_examples_of_the_guide_name_settings_and_programs_that_there_are() -> None:
    guide = (Path(__file__).parents[3] / "docs/guide/fleets.md").read_text()
    blocks = "".join(re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL))
    named = {name.lower() for name in re.findall(r"\bWINDLASS_([A-Z_]+)", blocks)}
    assert {"store", "worker", "transport"} <= named <= {setting.name for setting in fields(Settings)}
    modules = re.findall(r'"-m", "([a-z_.]+)"', blocks)
    assert modules and all(importlib.util.find_spec(module) for module in modules)
