"""An echo bot behind a real mosquitto: answers a second, how long one takes, how many envelopes.

`python benches/echo.py [USERS [QUESTIONS [OUTSTANDING]]]`; needs mosquitto and paho-mqtt.

The bot is on the disk of the temporary folder (TMPDIR says which), its users are another process, with their stores in memory where there
is such a file system: so that the bot has the disk for itself, though not the machine. Of its QUESTIONS each user has OUTSTANDING unanswered
at a time. Beside the answers stands what the disk takes for the least that anything durable is, and how many of these fit into an answer.
"""

import asyncio
import contextlib
import getpass
import json
import logging
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from windlass_chat import Bundle, Client, events
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import Incoming, Transport, transport_of

KEY = bytes(32)
IN_MEMORY = Path("/dev/shm")


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """As `examples/broker` has it, without passwords; its URL, when it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = folder / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "set_tcp_nodelay true"]
    settings.write_text("\n".join([*lines, f"user {getpass.getuser()}"]) + "\n")
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program is not None, "mosquitto is not installed"
    process = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def sync_of_4_kib(folder: Path) -> float:
    """The median, in seconds."""
    took = []
    with open(folder / "sync", "wb") as file:
        for number in range(201):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(4096), 4096 * number)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took)


class User:
    """Asks, and acknowledges what comes."""

    def __init__(self, client: Client, transport: Transport, bot: str) -> None:
        self.client, self.transport, self.bot = client, transport, bot
        self.envelopes = 0
        self._came: asyncio.Queue[Incoming] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for incoming in self.transport.receive():
            self._came.put_nowait(incoming)

    async def _ask(self, count: int) -> None:
        for _ in range(count):
            self.client.send(self.bot, "How are you?")
        await self.post()

    async def post(self) -> None:
        """Empties the outbox."""
        while waiting := self.client.outbox():
            await asyncio.gather(*(self.transport.deliver(envelope.to, envelope.bytes) for envelope in waiting))
            self.client.mark_sent([envelope.id for envelope in waiting])
            self.envelopes += len(waiting)

    async def _answered(self) -> int:
        """Takes in what has come by now, at least one envelope; how many answers were in it."""
        batch = [await self._came.get()]
        while not self._came.empty():
            batch.append(self._came.get_nowait())
        told = self.client.receive_many([incoming.envelope for incoming in batch])
        for incoming in batch:
            await incoming.acknowledge()
        self.envelopes += len(batch)
        return sum(isinstance(event, events.Message) for received in told for event in received.events)

    async def ask(self, questions: int, outstanding: int) -> list[float]:
        """How long each took to be answered."""
        took: list[float] = []
        asked: deque[float] = deque()
        while len(took) < questions:
            count = min(questions - len(took), outstanding) - len(asked)
            asked.extend([time.perf_counter()] * count)
            await self._ask(count)
            for _ in range(await self._answered()):
                took.append(time.perf_counter() - asked.popleft())
        await self.post()
        return took

    async def close(self) -> None:
        self._reading.cancel()
        await self.transport.close()


async def ask(url: str, folder: Path, bot: str, users: int, questions: int, outstanding: int) -> dict[str, float]:
    """The process of the users."""
    people = []
    for number in range(users):
        client = Client.create(folder / f"{number}.wl", key=KEY)
        transport = transport_of(url)
        await transport.start(client.address(), client.device_id())
        bundle = await transport.fetch_bundle(bot)
        assert bundle is not None, "the bot has published its bundle before"
        client.add_contact(Bundle.decode(bundle))
        people.append(User(client, transport, bot))
    await asyncio.gather(*(user.ask(3, 1) for user in people))
    for user in people:
        user.envelopes = 0
    begun = time.perf_counter()
    took = sorted(sum(await asyncio.gather(*(user.ask(questions, outstanding) for user in people)), []))
    whole = time.perf_counter() - begun
    for user in people:
        await user.close()
    p50, p99 = (took[int(len(took) * part)] for part in (0.5, 0.99))
    return {"a second": len(took) / whole, "p50": p50, "p99": p99, "envelopes": sum(user.envelopes for user in people) / len(took)}


async def measure(folder: Path, place: Path, users: int, questions: int, outstanding: int) -> None:
    with broker(folder) as url:
        bot = Bot(folder / "bot.wl", key=KEY, transport=url, answers_per_minute=1_000_000)

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        async with bot:
            mine = transport_of(url)
            await mine.start("bench", 0)
            while await mine.fetch_bundle(bot.address) is None:
                await asyncio.sleep(0.05)
            await mine.close()
            told = [__file__, "--ask", url, str(place), bot.address, str(users), str(questions), str(outstanding)]
            asking = await asyncio.create_subprocess_exec(sys.executable, *told, stdout=subprocess.PIPE)
            before = time.process_time()
            answer, _ = await asking.communicate()
            processor = time.process_time() - before
    said = json.loads(answer)
    sync = sync_of_4_kib(folder)
    print(
        f"{users} users, each with {outstanding} outstanding: {said['a second']:.0f} echoes a second, "
        f"p50 {1000 * said['p50']:.1f} ms ({said['p50'] / sync:.0f} syncs of {1e6 * sync:.0f} us), p99 {1000 * said['p99']:.1f} ms, "
        f"{said['envelopes']:.2f} envelopes each, {1000 * processor / (users * (questions + 3)):.2f} ms of the processor in the bot"
    )


def main() -> None:
    logging.disable()
    if sys.argv[1:2] == ["--ask"]:
        url, folder, bot, *numbers = sys.argv[2:]
        print(json.dumps(asyncio.run(ask(url, Path(folder), bot, *map(int, numbers)))))
        return
    asked = [int(argument) for argument in sys.argv[1:]]
    in_memory = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=in_memory) as place:
        asyncio.run(measure(Path(folder), Path(place), *(asked + [1, 200, 1][len(asked) :])))


if __name__ == "__main__":
    main()
