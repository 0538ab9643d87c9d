"""What a bot remembers changes together with what it says, and with nothing else."""

import asyncio
import json
from pathlib import Path

import pytest
from people import KEY, User, new_bot, office

import windlass_chat
from windlass_chat import StateOwner
from windlass_chat.bot import Bot, Message
from windlass_chat.testing import Simulation


def counting(bot: Bot) -> Bot:
    @bot.on_message
    async def count(message: Message) -> None:
        message.state["count"] = message.state.get("count", 0) + 1
        message.sender.state.setdefault("said", []).append(message.text)
        await message.reply(f"{message.state['count']}: {' '.join(message.sender.state['said'])}")
        if message.text == "fails":
            raise ValueError

    @bot.on_error
    async def failed(error: BaseException, message: Message | None) -> None:
        assert message is not None
        await message.reply(type(error).__name__)

    return bot


def test_what_is_remembered_is_there_after_a_restart_and_not_after_a_failure(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        async with User(tmp_path, url) as user:
            for text, answer in (("a", "1: a"), ("fails", "ValueError"), ("b", "2: a b")):
                async with counting(new_bot(tmp_path, url)) as bot:
                    assert await user.ask(bot, text) == answer

    asyncio.run(talk())


def test_what_cannot_be_kept_is_told_and_the_next_message_comes(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        errors: list[type[BaseException]] = []

        @bot.on_message
        async def keep(message: Message) -> None:
            message.state["kept"] = {"large": "x" * 17_000, "strange": message, "numbers": float("nan")}.get(message.text, 5)
            if message.text == "numbers":
                await message.reply("not sent")
            if message.text == "fine":
                await message.reply(json.dumps(message.state))

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(type(error))

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "large", "strange", "numbers")
            assert await user.ask(bot, "fine") == '{"kept": 5}'
            assert errors == [windlass_chat.StateFull, TypeError, ValueError]

    asyncio.run(talk())


def test_after_commit_what_is_changed_becomes_durable_when_the_handler_returns(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        kept: list[bytes | None] = []

        @bot.on_message
        async def keep(message: Message) -> None:
            owner = StateOwner.CONVERSATION(message.conversation)
            message.state["step"] = message.text
            await message.reply("began")
            await message.commit()
            kept.append(bot.client.state(owner, "state"))
            message.state.clear()
            await message.reply("ended")

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "one") == "began"
            assert await user.hear() == "ended"
            assert await user.ask(bot, "two") == "began"
            assert kept == [b'{"step":"one"}', b'{"step":"two"}']
        store = windlass_chat.Client.open(tmp_path / "bot.wl", key=KEY)
        assert store.state(StateOwner.CONVERSATION(user.client.address()), "state") is None
        store.close()

    asyncio.run(talk())


async def in_two_groups(world: Simulation, bot: Bot) -> list[str]:
    """Somebody writes in two conversations, and handlers of both run at once; what was answered."""
    user, person = 0, 1
    client, address = world.client(user), world.client(person).address()
    groups = []
    for name in ("one", "two"):
        group = client.create_group(name, [address])
        groups.append(group)
        world.run()
        world.client(person).conversation(group.address()).join()
        world.run()
    for group in groups:
        group.send("hello")
    world.run()
    assert await bot.handle_waiting() == 2
    world.run()
    said = (message for group in groups for message in group.messages() if not message.outgoing)
    return sorted(message.text for message in said if message.text)


def test_of_two_handlers_that_change_the_same_one_is_called_again() -> None:
    async def talk() -> None:
        world = Simulation(seed=1)
        world.introduce(world.add_person(), world.add_person())
        bot = Bot(client=world.client(1), group_messages="all")
        bot.prepare()
        calls, both = 0, asyncio.Event()

        @bot.on_message
        async def count(message: Message) -> None:
            nonlocal calls
            calls += 1
            state = message.sender.state
            state["count"] = state.get("count", 0) + 1
            if calls == 2:
                both.set()
            await both.wait()
            await message.reply(str(state["count"]))

        assert await in_two_groups(world, bot) == ["1", "2"]
        assert calls == 3

    asyncio.run(talk())


@pytest.mark.parametrize("commits", [False, True])
def test_a_handler_that_is_always_too_late_is_told_as_a_failure(commits: bool) -> None:
    async def talk() -> None:
        world = Simulation(seed=1)
        user, person = world.add_person(), world.add_person()
        world.introduce(user, person)
        bot = Bot(client=world.client(person))
        bot.prepare()
        calls: list[str] = []

        @bot.on_message
        async def late(message: Message) -> None:
            calls.append(message.text)
            owner = StateOwner.CONVERSATION(message.conversation)
            message.state["mine"] = len(calls)
            before = bot.client.state(owner, "state")
            change = windlass_chat.StateChange(owner=owner, name="state", before=before, after=b'{"n":%d}' % len(calls))
            bot.client.commit(None, [], [change])
            if commits:
                await message.commit()

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            assert isinstance(error, windlass_chat.StateChanged) and message is not None
            await message.reply("too busy")

        world.send(user, 0, person, "hello")
        world.run()
        assert await bot.handle_waiting() == 1
        world.run()
        history = world.client(user).conversation(bot.address).messages()
        assert [message.text for message in history] == ["hello", "too busy"]
        assert len(calls) == 10 and bot.client.unhandled() == []

    asyncio.run(talk())
