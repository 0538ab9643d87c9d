"""How bots start and end: killed, stopped, broken."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from people import KEY, PATIENCE, User, new_bot, office, told

import windlass_chat
from windlass_chat import Body, Client
from windlass_chat.bot import Bot, Message, Reaction
from windlass_chat.transport import TransportError
from windlass_chat.transport.memory import MemoryTransport


def test_what_was_received_and_not_handled_is_answered_once_after_the_store_is_opened_again(tmp_path: Path) -> None:
    """The four places where a process can die, one after the other."""

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        calls: list[str] = []

        def answering(bot: Bot) -> Bot:
            @bot.on_message
            async def echo(message: Message) -> None:
                calls.append(message.text)
                await message.reply(message.text)

            return bot

        async with User(tmp_path, url) as user:
            bot.prepare()
            user.client.add_contact(bot.client.bundle())
            address = bot.address
            sent = user.client.send(address, "1").envelopes[0]

            # Received, and neither acknowledged nor handled.
            bot.client.receive(sent.bytes)
            bot.client.close()
            # So the mailbox brings it again, twice.
            await user.transport.deliver(address, sent.bytes)
            async with answering(new_bot(tmp_path, url)) as bot:
                assert await user.ask(bot, "2") == "1"
                assert await user.hear() == "2"
            assert calls == ["1", "2"]

            # Handled, and not delivered; then delivered, and not marked as sent.
            with Client.open(tmp_path / "bot.wl", key=KEY) as client:
                client.receive(user.client.send(address, "3").envelopes[0].bytes)
                (waiting,) = client.unhandled()
                answer = windlass_chat.OutgoingMessage(to=user.client.address(), body=Body.TEXT("3"))
                client.handled(waiting.number, [answer])
                with pytest.raises(windlass_chat.UnknownMessage):
                    client.handled(waiting.number, [answer])
                for envelope in client.outbox():
                    await user.transport.deliver(envelope.to, envelope.bytes)
            async with answering(new_bot(tmp_path, url)) as bot:
                assert await user.hear() == "3"
                assert await user.ask(bot, "4") == "4"
            assert calls == ["1", "2", "4"]
            history = [one.text for one in user.client.conversation(address).messages() if not one.outgoing]
            assert history == ["1", "2", "3", "4"]

    asyncio.run(talk())


def test_an_event_whose_handlers_had_not_returned_is_told_once_more_after_the_process_died(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        told: list[str] = []

        def listening(bot: Bot) -> Bot:
            @bot.on_event(windlass_chat.events.Edited)
            async def edited(event: windlass_chat.events.Edited) -> None:
                told.append(f"edited {event.message.text}")

            @bot.on_reaction
            async def reacted(reaction: Reaction) -> None:
                told.append(f"reacted {reaction.emoji}")

            @bot.on_message
            async def echo(message: Message) -> None:
                await message.reply(message.text)

            return bot

        async with User(tmp_path, url) as user:
            bot = listening(new_bot(tmp_path, url))
            bot.prepare()
            user.client.add_contact(bot.client.bundle())
            history = user.client.conversation(bot.address)
            sent = [user.client.send(bot.address, "one")]
            sent.append(history.edit(history.messages()[0], "two"))
            sent.append(history.react(history.messages()[0], "1️⃣"))
            # Received; then the process dies.
            for one in sent:
                bot.client.receive(one.envelopes[0].bytes)
            user.client.mark_sent([waiting.id for waiting in user.client.outbox()])
            bot.client.close()
            async with listening(new_bot(tmp_path, url)) as bot:
                assert await user.ask(bot, "three") == "two"
                assert await user.hear() == "three"
                while len(told) < 2:
                    await asyncio.sleep(0.01)
            async with listening(new_bot(tmp_path, url)) as bot:
                assert await user.ask(bot, "four") == "four"
            assert told == ["edited two", "reacted 1️⃣"]
            with Client.open(tmp_path / "bot.wl", key=KEY) as client:
                kinds = (windlass_chat.events.Edited, windlass_chat.events.Reacted)
                assert not [kept for kept in client.events_after() if isinstance(kept.event, kinds)]

    asyncio.run(talk())


def test_stopping_lets_a_handler_finish_and_leaves_what_is_behind_it_for_the_next_start(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        inside, go_on = asyncio.Event(), asyncio.Event()

        @bot.on_message
        async def slow(message: Message) -> None:
            inside.set()
            await go_on.wait()
            await message.reply(message.text)

        async with User(tmp_path, url) as user:
            await bot.start()
            await user.write(bot, "first", "second")
            await asyncio.wait_for(inside.wait(), PATIENCE)
            stopping = asyncio.create_task(bot.stop())
            await asyncio.sleep(0)
            go_on.set()
            await stopping
            assert await user.hear() == "first"
            async with bot:
                assert await user.hear() == "second"

            # One that does not finish is handled again.
            bot.settings.grace = 0.01
            inside.clear()
            go_on.clear()
            await bot.start()
            await user.write(bot, "third")
            await asyncio.wait_for(inside.wait(), PATIENCE)
            await bot.stop()
            go_on.set()
            async with bot:
                assert await user.hear() == "third"
            assert told(user.client, bot.address).count("third") == 2

    asyncio.run(talk())


class Ways:
    """What may end a bot, called within it."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def stop(self) -> None:
        await self.bot.stop()

    async def request(self) -> None:
        self.bot.request_stop()

    async def in_a_task(self) -> None:
        # As of whatever a handler calls.
        await asyncio.gather(self.bot.stop(), self.bot.stop())


@pytest.mark.parametrize("way", [Ways.stop, Ways.request, Ways.in_a_task])
def test_a_command_may_stop_the_bot_and_is_answered(tmp_path: Path, way: Callable[[Ways], Awaitable[None]]) -> None:
    async def talk() -> None:
        url = office()
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=url, grace=PATIENCE)

        @bot.command("stop")
        async def stop(message: Message) -> None:
            await way(Ways(bot))
            await message.reply("Bye.")

        async with User(tmp_path, url) as user:
            for _ in range(2):
                running = asyncio.create_task(bot._run())
                while bot._running is None:
                    await asyncio.sleep(0)
                await user.write(bot, "/stop")
                await asyncio.wait_for(running, PATIENCE / 2)
                assert await user.hear() == "Bye."
        with Client.open(tmp_path / "bot.wl", key=KEY) as client:
            assert client.unhandled() == [] and client.outbox() == []

    asyncio.run(talk())


@pytest.mark.parametrize("way", [Ways.stop, Ways.request, Ways.in_a_task])
def test_background_work_and_events_may_stop_the_bot(tmp_path: Path, way: Callable[[Ways], Awaitable[None]]) -> None:
    async def talk() -> None:
        url = office()
        by_time, by_event = (Bot(tmp_path / f"{name}.wl", key=KEY, transport=url, grace=PATIENCE) for name in "te")

        @by_time.background(every=1_000_000)
        async def work() -> None:
            await way(Ways(by_time))

        @by_event.on_event(windlass_chat.events.Message)
        async def heard(event: windlass_chat.events.Message) -> None:
            await way(Ways(by_event))

        await asyncio.wait_for(by_time._run(), PATIENCE / 2)
        async with User(tmp_path, url) as user:
            running = asyncio.create_task(by_event._run())
            while by_event._running is None:
                await asyncio.sleep(0)
            await user.write(by_event, "enough")
            await asyncio.wait_for(running, PATIENCE / 2)

    asyncio.run(talk())


def test_whoever_stops_the_bot_from_outside_waits_until_it_is_closed(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = new_bot(tmp_path, office())
        for wait in (bot.stop, lambda: asyncio.gather(bot.stop(), bot.stop())):
            await bot.start()
            bot.request_stop()
            await wait()
            Client.open(tmp_path / "bot.wl", key=KEY).close()
        # One that was cancelled before it began.
        await bot.start()
        stopping = asyncio.create_task(bot.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        await bot.stop()
        Client.open(tmp_path / "bot.wl", key=KEY).close()
        bot.request_stop()

    asyncio.run(talk())


def test_a_stopped_bot_opens_nothing_until_it_is_started_again(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = new_bot(tmp_path, office())
        async with bot:
            address = bot.address
        for touch in (lambda: bot.client, bot.invite, bot.prepare):
            with pytest.raises(RuntimeError, match="was stopped"):
                touch()
        assert bot.address == address
        # Nobody has it.
        Client.open(tmp_path / "bot.wl", key=KEY).close()
        async with bot:
            assert bot.client.address() == bot.address == address

    asyncio.run(talk())


def test_stopping_ends_what_lost_a_cancellation(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = new_bot(tmp_path, office())
        inside = asyncio.Event()

        @bot.background(every=1_000_000)
        async def stubborn() -> None:
            inside.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass

        async with bot:
            await asyncio.wait_for(inside.wait(), PATIENCE)
        # Whether there is something new at the very moment when the bot stops.
        for _ in range(5):
            async with bot:
                assert bot._running is not None
                bot._running.post.look()

    asyncio.run(asyncio.wait_for(talk(), PATIENCE))


def test_a_store_that_breaks_ends_the_bot_with_its_error(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        running = asyncio.create_task(bot._run())
        async with User(tmp_path, url) as user:
            while bot._running is None:
                await asyncio.sleep(0)
            await user.write(bot, "hi")
            bot.client.close()
            with pytest.raises(windlass_chat.StoreClosed):
                await asyncio.wait_for(running, PATIENCE)

    asyncio.run(talk())


class Stuck(MemoryTransport):
    """A transport that cannot be closed."""

    async def close(self) -> None:
        if self._box is not None:
            raise TransportError("it does not close")


def test_a_transport_that_does_not_close_keeps_no_store_open(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=Stuck())
        await bot.start()
        await bot.stop()
        Client.open(tmp_path / "bot.wl", key=KEY).close()

    asyncio.run(talk())


@pytest.mark.skipif(os.name == "nt", reason="this system knows no SIGTERM")
def test_run_ends_well_when_it_is_asked_to(tmp_path: Path) -> None:
    script = f"""
from windlass_chat.bot import Bot
bot = Bot({str(tmp_path / "bot.wl")!r}, key=bytes(32), transport="memory://")
@bot.background(every=1000)
async def ready() -> None:
    print("ready", flush=True)
bot.run()
print("stopped")
"""
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, rest) == (0, "stopped\n")
