"""A default bot beside somebody who floods it: memory, file, a friend's answer, stop and restart.

`python benches/flood.py [SECONDS]`; mail in memory, so that nothing but the bot is measured.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
import uuid

from windlass_chat import Body, Client, Message, OutgoingMessage, events
from windlass_chat.bot import Bot
from windlass_chat.bot import Message as Asked
from windlass_chat.transport import transport_of

KEY = bytes(32)
PROBES = 4


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 >> 20


async def measure(seconds: float, home: str) -> None:
    url = f"memory://{uuid.uuid4().hex}"
    flood, friend = (Client.create(f"{home}/{name}.wl", key=KEY) for name in ("flood", "friend"))

    def begin() -> Bot:
        bot = Bot(f"{home}/bot.wl", key=KEY, transport=url)

        @bot.on_message
        async def answer(message: Asked) -> None:
            if message.author == flood.address():
                await asyncio.sleep(0.5)  # As a handler that asks somebody else.
            await message.reply("yes")

        return bot

    bot = begin()
    await bot.start()
    for person in (flood, friend):
        person.add_contact(bot.client.bundle())
    # Somebody whom the bot knows: strangers are bounded more narrowly.
    bot.client.add_contact(flood.bundle())
    way, home_way = transport_of(url), transport_of(url)
    await home_way.start(friend.address(), friend.device_id())
    inbox = home_way.receive()

    async def answered() -> Message:
        while True:
            incoming = await anext(inbox)
            for event in friend.receive(incoming.envelope):
                if isinstance(event, events.Message):
                    return event.message

    begun, sent, probes = time.monotonic(), 0, 0
    while (passed := time.monotonic() - begun) < seconds:
        messages = [OutgoingMessage(to=bot.address, body=Body.DATA("a/b", bytes(200_000))) for _ in range(8)]
        for one in flood.send_many(messages):
            for envelope in one.envelopes:
                await way.deliver(envelope.to, envelope.bytes)
                flood.mark_sent([envelope.id])
                sent += len(envelope.bytes)
        await asyncio.sleep(0)
        if passed > seconds * (probes + 1) / (PROBES + 1):
            probes, asked = probes + 1, time.monotonic()
            for envelope in friend.send(bot.address, "there?").envelopes:
                await way.deliver(envelope.to, envelope.bytes)
                friend.mark_sent([envelope.id])
            await answered()
            took = time.monotonic() - asked
            waits = sum(one.bytes for one in bot.client.backlog()) >> 20
            size = os.path.getsize(f"{home}/bot.wl") >> 20
            print(f"{passed:4.0f} s: sent {sent >> 20} MiB, memory {resident()} MiB, file {size} MiB, waits {waits} MiB, answer {took:.2f} s")
    for what, call in (("stop", bot.stop), ("restart", (again := begin()).start), ("stop", again.stop)):
        at = time.monotonic()
        await call()
        print(f"{what}: {time.monotonic() - at:.1f} s")


if __name__ == "__main__":
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 60, folder))
