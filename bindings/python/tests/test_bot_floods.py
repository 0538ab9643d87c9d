"""What others make a bot keep and say is bounded, and nobody takes the place of others."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from people import KEY, PATIENCE, User, new_bot, office

import windlass_chat
from windlass_chat import Client, events
from windlass_chat.bot import Message
from windlass_chat.bot import telling as telling_module
from windlass_chat.bot.rate import Rate
from windlass_chat.bot.telling import Telling
from windlass_chat.transport.memory import MemoryTransport


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "event", "") for record in caplog.records]


async def until(condition: Callable[[], bool]) -> None:
    async def looks() -> None:
        while not condition():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(looks(), PATIENCE)


def test_a_flood_leaves_room_and_the_lanes_hold_no_bodies(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that hangs, somebody who floods it, and a friend who is answered meanwhile."""
    caplog.set_level(logging.INFO)

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        free = asyncio.Event()

        @bot.on_message
        async def answer(message: Message) -> None:
            if message.author == flood.client.address():
                await free.wait()
            await message.reply("yes")

        async with User(tmp_path, url, "flood") as flood, User(tmp_path, url, "friend") as friend, bot:
            await flood.write(bot, "first")
            bot.client.add_contact(flood.client.bundle())
            await flood.write(bot, *("x" * 50_000 for _ in range(20)))
            await until(lambda: sum(one.messages for one in bot.client.backlog()) == 21)
            assert await friend.ask(bot, "there?") == "yes"
            (most,) = bot.client.backlog()
            assert most.address == flood.client.address() and most.bytes > 1_000_000
            lanes = bot._running.handling._lanes if bot._running is not None else {}
            assert all(isinstance(one, windlass_chat.WaitingMessage) for lane in lanes.values() for one in lane)
            # One author is dropped, but for the message that is being handled.
            dropped = await bot.drop_backlog(flood.client.address())
            assert dropped == most.messages and bot.client.backlog() == []
            free.set()
            assert await friend.ask(bot, "and now?") == "yes"
        assert "backlog_dropped" in reasons(caplog)

    asyncio.run(talk())


def test_above_the_mark_nothing_is_acknowledged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Full(Client):
        full = True

        def receive_many(self, envelopes: object) -> list[windlass_chat.Received]:
            if self.full:
                raise windlass_chat.BacklogFull("full")
            return super().receive_many(envelopes)  # type: ignore[arg-type]

    async def talk() -> None:
        url = office()
        client = Full.create(tmp_path / "bot.wl", key=KEY)
        bot = windlass_chat.bot.Bot(client=client, transport=url)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(message.text)

        async with User(tmp_path, url) as user, bot:
            box = MemoryTransport(url.removeprefix("memory://"))._office.boxes[bot.address][client.device_id()]
            await user.write(bot, "one")
            await until(lambda: "backlog_full" in reasons(caplog))
            (kept,) = box.mail
            assert user.heard.empty()
            client.full = False
            assert bot._running is not None
            bot._running.intake.handled.set()
            assert await user.hear() == "one"
        assert kept not in box.mail and reasons(caplog).count("backlog_full") == 1
        client.close()

    asyncio.run(talk())


def test_a_conversation_is_answered_so_often_and_no_more() -> None:
    now = 100.0
    rate = Rate(6, lambda: now)
    for _ in range(6):
        assert rate.rest("loud") == 0
        rate.charge("loud", 1)
    assert rate.rest("loud") == pytest.approx(10) and rate.rest("quiet") == 0
    now += 10
    assert rate.rest("loud") == 0
    # Whoever got many at once waits until it is even.
    rate.charge("loud", 6)
    assert rate.rest("loud") == pytest.approx(60)
    for number in range(2_000):
        rate.charge(str(number), 1)
    now += 3_600
    rate.charge("loud", 1)
    assert len(rate._even_at) == 1


def test_one_that_is_answered_too_often_holds_up_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, answers_per_minute=2, concurrency=1)

        @bot.on_message
        async def answer(message: Message) -> None:
            if message.text != "nothing":
                await message.reply(message.text)

        async with User(tmp_path, url, "loud") as loud, User(tmp_path, url, "quiet") as quiet, bot:
            # What is not answered costs nothing.
            await loud.write(bot, "nothing", "nothing", "nothing", "1", "2", "3")
            assert [await loud.hear(), await loud.hear()] == ["1", "2"]
            assert await quiet.ask(bot, "hello") == "hello"
            assert loud.heard.empty() and [one.messages for one in bot.client.backlog()] == [1]
        assert "rate" in reasons(caplog)

    asyncio.run(talk())


def test_events_never_hold_up_mail_and_come_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling_module, "MOST_BATCHES", 1)

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        free = asyncio.Event()
        told: list[str] = []
        enough = asyncio.Event()

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(message.text)

        @bot.on_event(events.Reacted)
        async def reacted(event: events.Reacted) -> None:
            await free.wait()
            told.append(event.emoji)
            if len(told) == 6:
                enough.set()

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "begin") == "begin"
            history = user.client.conversation(bot.address)
            mine = history.messages()[0]
            for number, emoji in enumerate("👍👎😀🎉🔥🚀"):
                history.react(mine, emoji)
                assert await user.ask(bot, str(number)) == str(number)
            assert told == [] and "events_behind" in reasons(caplog)
            free.set()
            await asyncio.wait_for(enough.wait(), PATIENCE)
        assert told == list("👍👎😀🎉🔥🚀")

    asyncio.run(talk())


def test_without_anybody_to_tell_events_cost_nothing(tmp_path: Path) -> None:
    client = Client.create(tmp_path / "a.wl", key=KEY)

    async def nobody(event: windlass_chat.Event) -> None:
        raise AssertionError

    async def put() -> None:
        telling = Telling(client, lambda event: False, nobody)
        telling.put([events.RollbackNoticed()], None)
        assert not telling._batches

    asyncio.run(put())
    client.close()
