"""What a bot asked, it knows after a restart; the answer goes to its step, and nothing else does."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from people import User, new_bot, office

from windlass_chat import read_number
from windlass_chat.bot import Bot, Message, UsageError
from windlass_chat.testing import Simulation


def registering(bot: Bot) -> Bot:
    @bot.command("register")
    async def register(message: Message) -> None:
        await message.ask("Name?", then="name")

    @bot.step("name")
    async def name(message: Message) -> None:
        message.state["name"] = message.text
        await message.ask("Age?", then="age", within=timedelta(hours=1))

    @bot.step("age")
    async def age(message: Message) -> None:
        if message.text == "fails":
            raise ValueError
        number = read_number(message.text)
        if number is None:
            raise UsageError("A number, please.")
        await message.reply(f"{message.state['name']}, {number}")

    @bot.command("cancel")
    async def cancel(message: Message) -> None:
        await message.reply(f"cancelled: {message.cancel_question()}")

    @bot.on_message
    async def other(message: Message) -> None:
        await message.reply("Hm?")

    @bot.on_error
    async def failed(error: BaseException, message: Message | None) -> None:
        assert message is not None
        await message.reply("Again?")

    return bot


def test_a_dialogue_goes_on_after_each_restart(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        said = {
            "Ahoy": "Hm?",
            "/register": "Name?",
            "Anne": "Age?",
            "old": "A number, please.",
            "fails": "Again?",
            "/register ": "Name?",
            "/cancel": "cancelled: True",
            "/cancel ": "cancelled: False",
            "Bonny": "Hm?",
            " /register": "Name?",
            "Mary": "Age?",
            "20": "Mary, 20",
            "21": "Hm?",
        }
        async with User(tmp_path, url) as user:
            for text, answer in said.items():
                async with registering(new_bot(tmp_path, url)) as bot:
                    assert await user.ask(bot, text) == answer, text

    asyncio.run(talk())


def test_in_a_group_each_is_asked_apart_and_an_old_question_is_no_question() -> None:
    async def talk() -> None:
        world = Simulation(seed=1)
        people = [world.add_person() for _ in range(3)]
        for one in people[:2]:
            world.introduce(one, 2)
        world.introduce(0, 1)
        bot = registering(Bot(client=world.client(2)))
        bot.prepare()
        addresses = [world.client(one).address() for one in people]
        group = world.client(0).create_group("crew", addresses[1:])
        world.run()
        for one in (1, 2):
            world.client(one).conversation(group.address()).join()
            world.run()

        async def say(person: int, text: str) -> list[str]:
            before = {message.id for message in group.messages()}
            world.client(person).conversation(group.address()).send(text)
            world.run()
            await bot.handle_waiting()
            world.run()
            new = [message for message in group.messages() if message.id not in before]
            return [message.text or "" for message in new if message.author == addresses[2]]

        assert await say(0, "/register") == ["Name?"]
        # Not said to the bot, and not asked of them.
        assert await say(1, "Bonny") == []
        assert await say(0, "Anne") == ["Age?"]
        world.advance(timedelta(minutes=59))
        assert await say(0, "thirty") == ["A number, please."]
        world.advance(timedelta(minutes=2))
        assert await say(0, "30") == []

    asyncio.run(talk())


def test_a_step_that_is_gone_holds_up_nobody(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        async with User(tmp_path, url) as user:
            async with registering(new_bot(tmp_path, url)) as bot:
                assert await user.ask(bot, "/register") == "Name?"
            bot = new_bot(tmp_path, url)

            @bot.on_message
            async def echo(message: Message) -> None:
                await message.reply(message.text)

            @bot.step("else")
            async def step(message: Message) -> None:
                raise AssertionError

            async with bot:
                assert await user.ask(bot, "Anne") == "Anne"

    asyncio.run(talk())


def test_what_is_no_step_is_refused_where_it_is_written(tmp_path: Path) -> None:
    bot = new_bot(tmp_path, office())
    with pytest.raises(TypeError):
        bot.step(registering)  # type: ignore[arg-type]
    registering(bot)
    with pytest.raises(ValueError):
        registering(bot)
