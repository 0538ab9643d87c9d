"""People who write to bots, for tests: real clients, mail in memory."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import windlass_chat
from windlass_chat import Client, TrustPolicy, events
from windlass_chat.bot import Bot
from windlass_chat.transport import transport_of

KEY = bytes(range(32))
PATIENCE = 120.0
"""Seconds after which what was waited for will not come any more."""


def office() -> str:
    """A URL under which nobody else in this process gets mail."""
    return f"memory://{uuid.uuid4().hex}"


class User:
    """Somebody who writes to bots, by the bare client."""

    def __init__(self, folder: Path, url: str, name: str = "user") -> None:
        self.client = Client.create(folder / f"{name}.wl", key=KEY)
        self.transport = transport_of(url)
        self.heard: asyncio.Queue[windlass_chat.Message] = asyncio.Queue()
        self.told: asyncio.Queue[windlass_chat.Event] = asyncio.Queue()

    async def __aenter__(self) -> "User":
        await self.transport.start(self.client.address(), self.client.device_id())
        self.task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.transport.close()
        self.client.close()

    async def _listen(self) -> None:
        async for incoming in self.transport.receive():
            for event in self.client.receive(incoming.envelope):
                if isinstance(event, events.Message):
                    self.heard.put_nowait(event.message)
                self.told.put_nowait(event)
            await incoming.acknowledge()
            await self._post()

    async def _post(self) -> None:
        for envelope in self.client.outbox():
            await self.transport.deliver(envelope.to, envelope.bytes)
            self.client.mark_sent([envelope.id])

    async def write(self, bot: Bot, *texts: str) -> None:
        """Writes to a bot, as if by its invitation."""
        self.client.add_contact(bot.client.bundle())
        for text in texts:
            self.client.send(bot.address, text)
        await self._post()

    async def hear(self) -> str:
        """The next message that comes."""
        return (await asyncio.wait_for(self.heard.get(), PATIENCE)).text or ""

    async def learn(self, wanted: Callable[[windlass_chat.Event], bool]) -> None:
        """Waits for an event."""
        while not wanted(await asyncio.wait_for(self.told.get(), PATIENCE)):
            pass

    async def ask(self, bot: Bot, text: str) -> str:
        """Writes and waits for the answer."""
        await self.write(bot, text)
        return await self.hear()


def new_bot(folder: Path, url: str, trust: TrustPolicy | None = None, **settings: Any) -> Bot:
    return Bot(folder / "bot.wl", key=KEY, transport=url, trust=trust, **settings)


def told(client: Client, address: str) -> list[str | None]:
    return [message.text for message in client.conversation(address).messages(limit=1000)]
