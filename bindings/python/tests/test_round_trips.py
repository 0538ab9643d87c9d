"""What an echo costs on the wire: a real broker, and a proxy before it that counts packets and holds back what a test names."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PATIENCE, Broker
from people import User, new_bot, office
from scripted_broker import PUBACK, PUBLISH

from windlass_chat import WaitingMessage
from windlass_chat._threads import in_thread
from windlass_chat.bot import Bot, Message
from windlass_chat.transport.mqtt import MqttTransport


class Proxy:
    """Between one client and a broker. A context manager."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.packets: list[tuple[str, int]] = []
        """Direction and kind of each."""
        self.holding = False
        """Whether what the broker confirms is held back."""

    async def __aenter__(self) -> "Proxy":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_us, to_broker = await asyncio.open_connection("127.0.0.1", self.broker.port)
        ways = (self.carry("out", reader, to_broker), self.carry("in", to_us, writer))
        await asyncio.gather(*ways, return_exceptions=True)

    async def carry(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                packet = await reader.readexactly(2)
                while packet[-1] & 128:
                    packet += await reader.readexactly(1)
                length = sum((byte & 127) << 7 * place for place, byte in enumerate(packet[1:]))
                packet += await reader.readexactly(length)
                kind = packet[0] >> 4
                if self.holding and (way, kind) == ("in", PUBACK):
                    continue
                self.packets.append((way, kind))
                writer.write(packet)
        except asyncio.IncompleteReadError:
            writer.close()


def echoing(folder: Path, url: str) -> Bot:
    bot = new_bot(folder, url)

    @bot.on_message
    async def echo(message: Message) -> None:
        await message.reply(message.text)

    return bot


def test_an_answer_leaves_in_the_trip_that_brought_the_question(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        async with Proxy(broker) as proxy, echoing(tmp_path, proxy.url) as bot, User(tmp_path, broker.url) as user:
            while await user.transport.fetch_bundle(bot.address) is None:
                pass  # Its mailbox is there before that.
            assert await user.ask(bot, "one") == "one"
            await bot.flush(PATIENCE)
            # A broker that confirms nothing any more. What a question leads to goes out all the same, one thing behind the other.
            proxy.holding = True
            proxy.packets.clear()
            for text in ("two", "three"):
                assert await user.ask(bot, text) == text
            brought = [kind for way, kind in proxy.packets if way == "in"]
            # Two questions and what acknowledges the answer to the first one, or both; nothing that an answer waited for.
            assert set(brought) == {PUBLISH} and 2 <= len(brought) <= 6
            answers = sum(packet == ("out", PUBLISH) for packet in proxy.packets)
            assert 2 <= answers <= 4
            proxy.holding = False

    with Broker(tmp_path) as broker:
        asyncio.run(talk(broker))


def test_a_connection_sends_what_it_has_at_once(tmp_path: Path) -> None:
    async def look(broker: Broker) -> None:
        transport = MqttTransport(broker.url)
        await transport.start("here", 1)
        await transport.publish_bundle("here", b"bundle")
        assert transport._connection is not None
        opened = transport._connection._client.socket()
        assert isinstance(opened, socket.socket) and opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await transport.close()

    with Broker(tmp_path) as broker:
        asyncio.run(look(broker))


def test_each_message_that_waits_is_looked_up_once_however_many_do(tmp_path: Path) -> None:
    """A backlog is linear: what is taken in does not read again what waits already."""
    count, read = 60, 0

    async def talk(url: str) -> None:
        nonlocal read
        bot, begun, go = new_bot(tmp_path, url), asyncio.Event(), asyncio.Event()
        heard = 0

        @bot.on_message
        async def wait(message: Message) -> None:
            nonlocal heard
            begun.set()
            await go.wait()
            heard += 1

        async with bot, User(tmp_path, url) as user:
            asked = bot.client.waiting

            def counted(after: int = 0, limit: int = 1000) -> list[WaitingMessage]:
                nonlocal read
                found = asked(after, limit)
                read += len(found)
                return found

            bot.client.waiting = counted  # type: ignore[method-assign]
            bot.client.add_contact(user.client.bundle())
            await user.write(bot, "first")
            await begun.wait()
            for number in range(1, count, 10):
                await user.write(bot, *map(str, range(number, min(number + 10, count))))
            go.set()
            while heard < count:
                await asyncio.sleep(0.01)

    asyncio.run(talk(office()))
    assert read == count


def test_an_echo_goes_into_a_thread_no_more_often_than_it_has_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way there and back is dearer than most of what is asked there."""
    calls: Counter[str] = Counter()

    async def counted(call: Callable[..., Any], *args: Any) -> Any:
        calls[call.__name__] += 1
        return await in_thread(call, *args)

    async def talk(url: str) -> None:
        async with echoing(tmp_path, url) as bot, User(tmp_path, url) as user:
            assert await user.ask(bot, "first") == "first"
            monkeypatch.setattr("windlass_chat.bot.tasks.in_thread", counted)
            for text in map(str, range(10)):
                assert bot._running is not None
                # What comes while the lane runs is fetched when it is its turn.
                await bot._running.handling.idle()
                assert await user.ask(bot, text) == text

    asyncio.run(talk(office()))
    # The question and what acknowledges its answer are taken in, and looked for; one commit; what it wrote is read and, together, taken out.
    assert calls["commit"] == 10 and calls["_look_at"] == 0
    assert calls["receive"] <= 20 and calls["_page"] <= 21 and calls["outbox"] <= 21 and calls["mark_sent"] <= 11
