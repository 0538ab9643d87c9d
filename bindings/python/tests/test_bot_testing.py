"""A bot of a program is tested by what is said to it, without a network and without waiting."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from windlass_chat import TrustPolicy
from windlass_chat.bot import Bot, Message
from windlass_chat.testing import BotTestClient


def program(folder: Path) -> Bot:
    """As a program has it: its store is never made."""
    bot = Bot(folder / "never.wl", key_env="NO_SUCH_KEY", transport="mqtt://nowhere.invalid", trust=TrustPolicy.FIRST_USE, name="bot")

    @bot.command("add")
    async def add(message: Message, a: int, b: int) -> None:
        message.state["sum"] = message.state.get("sum", 0) + a + b
        await message.reply(str(a + b))

    @bot.on_message
    async def other(message: Message) -> None:
        if message.text == "silence":
            return
        if message.text == "fail":
            raise ZeroDivisionError
        await message.reply("first")
        await message.reply(f"sum {message.state.get('sum', 0)}")

    return bot


def test_what_is_said_is_answered(tmp_path: Path) -> None:
    async def talk() -> None:
        client = BotTestClient(program(tmp_path))
        assert await client.say("/add 1 2") == "3"
        assert await client.say("/add 1") == "b is missing. Usage: /add a b"
        assert await client.say("silence") == ""
        assert await client.say("hello") == "first\nsum 3"
        client.crash()
        assert await client.say("hello") == "first\nsum 3"
        assert await client.advance(timedelta(days=3)) == ""
        with pytest.raises(ZeroDivisionError):
            await client.say("fail")
        assert await client.say("/add 2 2") == "4"
        assert list(tmp_path.iterdir()) == []

    asyncio.run(talk())


def test_friends_and_groups(tmp_path: Path) -> None:
    async def talk() -> None:
        anne = BotTestClient(program(tmp_path))
        mary = anne.friend()
        group = anne.create_group("crew", mary)
        assert await mary.say("hello", to=group) == ""
        assert await mary.say("@bot hello", to=group) == "first\nsum 0"
        assert len(await anne.heard(group)) == 2 and await anne.heard(group) == []
        assert await mary.say("/add 1 1") == "2"
        assert await anne.say("hello") == "first\nsum 0"

    asyncio.run(talk())


def test_the_errors_of_a_bot_that_handles_them_are_its_own(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = program(tmp_path)

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            assert message is not None
            await message.reply("sorry")

        assert await BotTestClient(bot).say("fail") == "sorry"

    asyncio.run(talk())
