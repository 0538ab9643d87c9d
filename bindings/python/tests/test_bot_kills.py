"""The to-do bot of the guide over a real broker, killed again and again: nothing twice, nothing lost, jobs once."""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from mosquitto import PATIENCE, Broker

from windlass_chat import Bundle
from windlass_chat.bot import Bot, Message

MESSAGES = int(os.environ.get("WINDLASS_TODO_MESSAGES", "60"))
KILLS = int(os.environ.get("WINDLASS_TODO_KILLS", "10"))
USERS = 4
KEY = bytes(range(32))
GUIDE = Path(__file__).parents[3] / "docs/guide/todo-bot.md"


class Program:
    """The program of the guide, as it stands there."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        program = re.search(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
        assert program is not None
        (folder / "todo.py").write_text(program[1])
        self.log, self.shown = folder / "log.txt", folder / "shown.txt"
        self.environment = os.environ | {"WINDLASS_TRANSPORT": url, "BOT_KEY": KEY.hex()}

    def start(self) -> None:
        with self.log.open("a") as log, self.shown.open("w") as shown:
            command = [sys.executable, "todo.py"]
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=shown, stderr=log)

    def invitation(self) -> Bundle:
        deadline = time.monotonic() + PATIENCE
        while "WINDLASS:" not in (shown := self.shown.read_text(errors="replace")) or not shown.endswith("\n"):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
        return Bundle.from_uri(shown.splitlines()[-1])

    def kill(self) -> None:
        """SIGKILL: nothing is saved, nothing is closed."""
        self.process.kill()
        self.process.wait()


class User:
    """Somebody who writes down things, and is reminded at once of every second one."""

    def __init__(self, folder: Path, number: int, url: str, heard: asyncio.Queue[str]) -> None:
        self.bot = Bot(folder / f"user-{number}.wl", key=KEY, transport=url, answers_per_minute=10_000)
        self.heard: Counter[str] = Counter()

        @self.bot.on_message
        async def hear(message: Message) -> None:
            self.heard[message.text] += 1
            heard.put_nowait(message.text)

    async def write(self, bot: str, things: int) -> None:
        for number in range(1, things + 1):
            await self.bot.send(bot, f"/add thing {number}")
            if number % 2:
                await self.bot.send(bot, f"/remind 0 {number}")

    def expected(self, things: int) -> Counter[str]:
        reminded = range(1, things + 1, 2)
        said = Counter(f"{number}. thing {number}" for number in range(1, things + 1))
        said.update(f"Remember: thing {number}" for number in reminded)
        said["In 0 minutes."] = len(reminded)
        return said


def test_each_thing_is_on_the_list_once_and_each_job_is_done_once(tmp_path: Path) -> None:
    async def run(url: str) -> None:
        began = time.monotonic()
        # Two messages of three add something.
        things = MESSAGES * 2 // 3 // USERS
        program = Program(tmp_path, url)
        program.start()
        invitation = program.invitation()
        address = invitation.identity().address()
        heard: asyncio.Queue[str] = asyncio.Queue()
        users = [User(tmp_path, number, url, heard) for number in range(USERS)]
        total = sum(users[0].expected(things).values()) * USERS
        due = sorted(random.Random(1).sample(range(1, total), KILLS))
        async with AsyncExitStack() as running:
            for user in users:
                await running.enter_async_context(user.bot)
                user.bot.client.add_contact(invitation)
                await user.write(address, things)
            for count in range(1, total + 1):
                await asyncio.wait_for(heard.get(), PATIENCE)
                while due and count >= due[0]:
                    due.pop(0)
                    await asyncio.to_thread(program.kill)
                    program.start()
            # What came twice would have come in the place of these.
            for user in users:
                assert user.heard == user.expected(things)
                await user.bot.send(address, "/list")
            for user in users:
                listed = "\n".join(f"{number}. thing {number}" for number in range(1, things + 1))
                assert await asyncio.wait_for(heard.get(), PATIENCE) == listed
            assert [user.heard.total() for user in users] == [total // USERS + 1] * USERS
        program.kill()
        print(f"{USERS * things * 3 // 2} messages, {KILLS} kills, {time.monotonic() - began:.1f} s")

    with Broker(tmp_path) as broker:
        asyncio.run(run(broker.url))
