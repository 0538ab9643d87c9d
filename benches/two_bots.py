"""A public bot beside another public bot in a group, over a real mosquitto: how many messages come of it.

`python benches/two_bots.py [SECONDS]`. A person founds a group with both, says one thing, and then one each minute. Each bot answers whatever comes to its
handlers, and names the other in it: as it is by default, with all of the group heard, and in a conversation of the two alone.
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from echo import broker

from windlass_chat import Client, events
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import transport_of

KEY = bytes(32)


def talking(home: str, name: str, other: str, url: str, heard: str) -> Bot:
    bot = Bot(f"{home}/{name}.wl", key=KEY, transport=url, name=name, group_messages=heard, join_groups="all")

    @bot.on_message
    async def answer(message: Message) -> None:
        await message.reply(f"@{other} {name} heard: {message.text[:20]}")

    return bot


async def measure(seconds: float, home: str, url: str, heard: str) -> None:
    bots = talking(home, "anchor", "bell", url, heard), talking(home, "bell", "anchor", url, heard)
    person = Client.create(f"{home}/person.wl", key=KEY)
    way = transport_of(url)
    await way.start(person.address(), person.device_id())

    async def post() -> None:
        for envelope in person.outbox():
            await way.deliver(envelope.to, envelope.bytes)
            person.mark_sent([envelope.id])

    joined = asyncio.Event()

    async def listen() -> None:
        async for incoming in way.receive():
            for event in person.receive(incoming.envelope):
                if isinstance(event, events.GroupChanged) and all(one.joined for one in person.conversation(event.group).members()):
                    joined.set()
            await incoming.acknowledge()
            await post()

    async with bots[0], bots[1]:
        listening = asyncio.create_task(listen())
        for bot in bots:
            person.add_contact(bot.client.bundle())
        # They know each other, and one writes to the other first, outside of any handler.
        bots[0].client.add_contact(bots[1].client.bundle())
        await bots[0].send(bots[1].address, "ahoy")
        group = person.create_group("crew", [bot.address for bot in bots])
        await post()
        await asyncio.wait_for(joined.wait(), 60)
        begun, said = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            if passed >= said * 60:
                said += 1
                group.send(f"@anchor @bell are you there? {said}")
                await post()
            await asyncio.sleep(1)
        texts = [one for one in group.messages(10_000) if one.text]
        by = [sum(one.author == bot.address for one in texts) for bot in bots]
        alone = len([one for one in bots[0].client.conversation(bots[1].address).messages(10_000) if one.text])
        print(f"{heard}, {seconds:.0f} s: the person said {said}, the bots {by[0]} and {by[1]} in the group; between the two alone {alone}", flush=True)
        listening.cancel()
    await way.close()
    person.close()


async def both(seconds: float) -> None:
    async def one(heard: str) -> None:
        with tempfile.TemporaryDirectory() as home, broker(Path(home)) as url:
            await measure(seconds, home, url, heard)

    await asyncio.gather(one("addressed"), one("all"))


if __name__ == "__main__":
    logging.disable()
    asyncio.run(both(float(sys.argv[1]) if len(sys.argv) > 1 else 600))
