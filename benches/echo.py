"""An echo bot behind a real mosquitto: answers a second, how long one takes, and how many envelopes.

`python benches/echo.py [USERS [QUESTIONS]]`; needs mosquitto and paho-mqtt. Users ask one thing after the other; bot and users share the machine.
"""

import asyncio
import getpass
import logging
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from windlass_chat import Client, events
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import Transport, transport_of

KEY = bytes(32)


def broker(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """As `examples/broker` has it, without passwords."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = folder / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "set_tcp_nodelay true"]
    settings.write_text("\n".join([*lines, f"user {getpass.getuser()}"]) + "\n")
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program is not None, "mosquitto is not installed"
    return subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL), f"mqtt://127.0.0.1:{port}"


class User:
    """Asks, and acknowledges what comes."""

    def __init__(self, client: Client, transport: Transport) -> None:
        self.client, self.transport = client, transport
        self.envelopes = 0

    async def post(self) -> None:
        waiting = self.client.outbox()
        await asyncio.gather(*(self.transport.deliver(envelope.to, envelope.bytes) for envelope in waiting))
        self.client.mark_sent([envelope.id for envelope in waiting])
        self.envelopes += len(waiting)

    async def ask(self, bot: str, questions: int) -> list[float]:
        took = []
        incoming = self.transport.receive()
        for number in range(questions):
            begun = time.perf_counter()
            self.client.send(bot, str(number))
            await self.post()
            answered = False
            while not answered:
                came = await anext(incoming)
                told = self.client.receive(came.envelope)
                await came.acknowledge()
                self.envelopes += 1
                answered = any(isinstance(event, events.Message) for event in told)
            took.append(time.perf_counter() - begun)
        await self.post()
        return took


async def measure(folder: Path, users: int, questions: int) -> None:
    process, url = broker(folder)
    await asyncio.sleep(0.5)
    bot = Bot(folder / "bot.wl", key=KEY, transport=url, answers_per_minute=1_000_000)

    @bot.on_message
    async def echo(message: Message) -> None:
        await message.reply(message.text)

    try:
        async with bot:
            people = []
            for number in range(users):
                client = Client.create(folder / f"{number}.wl", key=KEY)
                transport = transport_of(url)
                await transport.start(client.address(), client.device_id())
                while await transport.fetch_bundle(bot.address) is None:
                    await asyncio.sleep(0.05)
                client.add_contact(bot.client.bundle())
                people.append(User(client, transport))
            await asyncio.gather(*(user.ask(bot.address, 3) for user in people))
            for user in people:
                user.envelopes = 0
            begun = time.perf_counter()
            took = sorted(sum(await asyncio.gather(*(user.ask(bot.address, questions) for user in people)), []))
            whole = time.perf_counter() - begun
            envelopes = sum(user.envelopes for user in people) / len(took)
            p50, p99 = (1000 * took[int(len(took) * part)] for part in (0.5, 0.99))
            print(f"{users} users: {len(took) / whole:.0f} echoes a second, p50 {p50:.1f} ms, p99 {p99:.1f} ms, {envelopes:.2f} envelopes each")
            for user in people:
                await user.transport.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    logging.disable()
    asked = [int(argument) for argument in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(measure(Path(place), *(asked + [1, 200][len(asked) :])))
