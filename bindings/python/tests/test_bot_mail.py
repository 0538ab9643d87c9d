"""The way of mail to and from bots, and mail in memory."""

import asyncio
import re
import textwrap
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from people import KEY, PATIENCE, User

import windlass_chat
from windlass_chat import Client, transport
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import Incoming, NoMailbox, TooLarge, TransportError, register, transport_of
from windlass_chat.transport.memory import MemoryTransport


class Failing(MemoryTransport):
    """A transport that takes nothing for one address, and once forgets to acknowledge."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.out_of_reach = ""
        self.refused = asyncio.Event()
        self.failures = 1

    async def deliver(self, address: str, envelope: bytes) -> None:
        if address == self.out_of_reach:
            self.refused.set()
            raise NoMailbox("nobody there")
        await super().deliver(address, envelope)

    async def receive(self) -> AsyncIterator[Incoming]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("gone")
        async for incoming in super().receive():

            async def acknowledge(incoming: Incoming = incoming) -> None:
                await incoming.acknowledge()
                raise TransportError("and nobody knows whether it arrived")

            yield Incoming(incoming.envelope, acknowledge)


def test_who_cannot_be_reached_rests_and_the_others_do_not_wait(tmp_path: Path) -> None:
    async def talk() -> None:
        name = uuid.uuid4().hex
        register("failing", lambda url: Failing(name))
        transport = transport_of("failing://")
        assert isinstance(transport, Failing)
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=transport)

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        url = f"memory://{name}"
        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            transport.out_of_reach = alice.client.address()
            await alice.write(bot, "1", "2")
            await asyncio.wait_for(transport.refused.wait(), PATIENCE)
            assert await carol.ask(bot, "3") == "3"
            assert not await bot.flush(0.01)
            transport.out_of_reach = ""
            assert [await alice.hear(), await alice.hear()] == ["1", "2"]
            assert await bot.flush(PATIENCE)

    asyncio.run(talk())


def test_memory_brings_again_what_was_not_acknowledged(tmp_path: Path) -> None:
    async def talk() -> None:
        a, b = MemoryTransport(uuid.uuid4().hex), MemoryTransport("other")
        with pytest.raises(TransportError):
            async for _ in a.receive():
                pass
        await a.deliver("here", b"0")
        await a.start("here", 1)
        await b.start("here", 1)
        await a.deliver("here", b"1")
        await b.deliver("here", b"elsewhere")
        incoming = a.receive()
        assert [(await anext(incoming)).envelope for _ in range(2)] == [b"0", b"1"]
        await a.close()
        assert [one.envelope async for one in incoming] == []
        await a.start("here", 1)
        incoming = a.receive()
        await (await anext(incoming)).acknowledge()
        await a.start("here", 1)
        assert (await anext(a.receive())).envelope == b"1"

    asyncio.run(talk())


class Narrow(MemoryTransport):
    """A transport that carries only what is small."""

    async def deliver(self, address: str, envelope: bytes) -> None:
        if len(envelope) > 20_000:
            raise TooLarge("too large")
        await super().deliver(address, envelope)


def test_what_is_too_large_stays_and_what_is_behind_it_goes_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk() -> None:
        name = uuid.uuid4().hex
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=Narrow(name))

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply("x" * 20_000)
            await message.reply("short")

        async with User(tmp_path, f"memory://{name}") as user, bot:
            for _ in range(2):
                assert await user.ask(bot, "?") == "short"
            assert await bot.flush(PATIENCE)
            assert [len(envelope.bytes) > 20_000 for envelope in bot.client.outbox()] == [True, True]

    asyncio.run(talk())
    assert caplog.text.count("is too large") == 2


class HttpError(Exception):
    """As libraries raise them: nothing that a transport is told to raise."""


class ByALibrary(MemoryTransport):
    """A transport that delivers, and does nothing else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.published = asyncio.Event()
        self.acknowledged = 0

    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        self.published.set()
        raise HttpError(address)

    async def fetch_bundle(self, address: str) -> bytes | None:
        raise HttpError(address)

    async def receive(self) -> AsyncIterator[Incoming]:
        async for incoming in super().receive():

            async def acknowledge() -> None:
                self.acknowledged += 1
                raise HttpError

            yield Incoming(incoming.envelope, acknowledge)


def test_what_a_library_raises_stops_no_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def talk() -> None:
        name = uuid.uuid4().hex
        carrier = ByALibrary(name)
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=carrier)
        stranger = windlass_chat.Identity.generate().address()

        @bot.on_message
        async def answer(message: Message) -> None:
            with pytest.raises(windlass_chat.UnknownContact):
                await message.reply("lost")
                await bot.send(stranger, "who?")
                await message.commit()
            message.answers.pop()
            await message.reply(message.text)

        async with User(tmp_path, f"memory://{name}") as user, bot:
            await asyncio.wait_for(carrier.published.wait(), PATIENCE)
            with pytest.raises(windlass_chat.UnknownContact):
                await bot.send(stranger, "who?")
            for text in "12":
                await user.write(bot, text)
                assert [await user.hear(), await user.hear()] == ["lost", text]
            assert carrier.acknowledged >= 2
            assert bot._running is not None and not bot._running.broken.done()

    asyncio.run(talk())
    assert re.search(r"cannot publish our bundle: HttpError at .+ in publish_bundle", caplog.text)
    assert re.search(r"no bundle of \w+: HttpError at .+ in fetch_bundle", caplog.text)


def test_the_loop_of_the_documentation_survives_what_strangers_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = re.search(r"\n\n((?:    .*\n)+)", transport.__doc__ or "")
    assert block is not None
    source = "async def example(transport_of, client, envelope):\n" + textwrap.indent(block[1], "    ")
    names: dict[str, Any] = {}
    exec(source, names)

    async def talk() -> None:
        name = uuid.uuid4().hex
        mailbox = MemoryTransport(name)
        with (
            Client.create(tmp_path / "alice.wl", key=KEY) as alice,
            Client.create(tmp_path / "bob.wl", key=KEY) as bob,
        ):
            alice.add_contact(bob.bundle())
            bob.add_contact(alice.bundle())
            for envelope in (b"junk", alice.send(bob.address(), "Ahoy!").envelopes[0].bytes):
                await mailbox.deliver(bob.address(), envelope)
            (answer,) = bob.send(alice.address(), "Hello?").envelopes
            looping = asyncio.create_task(names["example"](lambda url: mailbox, bob, answer))
            while not looping.done() and (mailbox._box is None or mailbox._box.mail):
                await asyncio.sleep(0)
            await mailbox.close()
            await asyncio.wait_for(looping, PATIENCE)

    asyncio.run(talk())
    # What is printed of an event says that there is a text, and not what it says.
    told = capsys.readouterr().out
    assert "Body.TEXT(5 characters)" in told and "Ahoy!" not in told
