"""Bots answer: each message once, in its order, whatever a handler does. Over mail in memory and real stores."""

import asyncio
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from people import KEY, PATIENCE, User, new_bot, office

import windlass_chat
from windlass_chat import Client, events
from windlass_chat.bot import Bot, Message, Next
from windlass_chat.testing import Faults, Simulation


def test_an_echo_bot_answers_in_order_and_refers_to_what_it_answers(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.on_message
        async def echo(message: Message) -> None:
            assert message.author == user.client.address() and message.id in repr(message)
            await message.reply(message.text)

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, *map(str, range(20)))
            answers = [await asyncio.wait_for(user.heard.get(), PATIENCE) for _ in range(20)]
            assert [answer.text for answer in answers] == list(map(str, range(20)))
            ids = [one.id for one in user.client.conversation(bot.address).messages() if one.outgoing]
            assert [answer.reply_to for answer in answers] == ids
            assert await bot.flush(PATIENCE)
            assert bot.client.unhandled() == []

    asyncio.run(talk())


def test_the_invitation_is_a_code_and_a_uri_before_the_bot_runs(tmp_path: Path) -> None:
    bot = new_bot(tmp_path, office())
    *code, uri = bot.invite().splitlines()
    assert windlass_chat.Bundle.from_uri(uri).identity().address() == bot.address
    assert len(code) > 20
    bot.client.close()


def test_middleware_stands_around_each_message_and_may_drop_it(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        seen: list[str] = []

        @bot.middleware
        async def outer(message: Message, next: Next) -> None:
            seen.append("in")
            await next(message)
            seen.append("out")

        @bot.middleware
        async def inner(message: Message, next: Next) -> None:
            if message.text != "spam":
                await next(message)

        @bot.on_message
        async def answer(message: Message) -> None:
            seen.append(message.text)
            await message.reply("yes")

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "spam", "ham")
            assert await user.hear() == "yes"
        assert seen == ["in", "out", "in", "ham", "out"]

    asyncio.run(talk())


def test_a_handler_that_fails_sends_nothing_and_is_not_called_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(told_errors: list[str] | None) -> None:
        url = office()
        folder = tmp_path / ("told" if told_errors is not None else "quiet")
        folder.mkdir()
        bot = new_bot(folder, url)
        calls: list[str] = []

        @bot.on_message
        async def fragile(message: Message) -> None:
            calls.append(message.text)
            await message.reply("half")
            await bot.send(message.author, "another half")
            if message.text.startswith("bad"):
                raise ValueError(f"cannot read {message.text}")
            await message.reply("whole")

        if told_errors is not None:

            @bot.on_error
            async def failed(error: BaseException, message: Message | None) -> None:
                assert message is not None
                told_errors.append(str(error))
                await message.reply("sorry")

        async with User(folder, url) as user, bot:
            await user.write(bot, "bad secret-of-the-user", "good")
            expected = ["half", "another half", "whole"]
            if told_errors is not None:
                expected.insert(0, "sorry")
            assert [await user.hear() for _ in expected] == expected
        assert calls == ["bad secret-of-the-user", "good"]

    errors: list[str] = []
    asyncio.run(talk(errors))
    assert errors == ["cannot read bad secret-of-the-user"]
    caplog.set_level(logging.DEBUG)
    asyncio.run(talk(None))
    assert "ValueError" in caplog.text and "fragile" in caplog.text
    assert "secret-of-the-user" not in caplog.text


def test_a_handler_that_hangs_or_was_cancelled_within_is_given_up(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=url, handler_timeout=0.01)
        errors: list[str] = []

        @bot.on_message
        async def slow(message: Message) -> None:
            await message.reply(message.text)
            if message.text == "hang":
                await asyncio.Event().wait()
            if message.text == "cancel" and sys.version_info >= (3, 11):
                raise asyncio.CancelledError

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(type(error).__name__)

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "hang", "cancel", "go")
            while await user.hear() != "go":
                assert sys.version_info < (3, 11)
        assert errors[0] == "TimeoutError"

    asyncio.run(talk())


def test_a_message_that_comes_as_the_one_before_it_is_done_is_not_left_lying(tmp_path: Path) -> None:
    """At the one moment when the lane of a conversation has ended and its task has not."""

    async def talk() -> None:
        bot = new_bot(tmp_path, office())
        bot.prepare()
        user = Client.create(tmp_path / "user.wl", key=KEY)
        user.add_contact(bot.client.bundle())
        for text in "12":
            user.send(bot.address, text)
        bot.client.receive_many([envelope.bytes for envelope in user.outbox()])
        first, second = bot.client.waiting()
        both_told = asyncio.Event()
        told: list[str] = []

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        def sent() -> None:
            # Called in the lane's last step; what is called soon comes before anything that hears of the task's end.
            told.append("sent")
            if len(told) == 1:
                asyncio.get_running_loop().call_soon(handling._put, second)
            else:
                both_told.set()

        handling = bot._handling(bot.client, lambda error: None)
        handling.on_handled = sent
        handling._put(first)
        await asyncio.wait_for(both_told.wait(), PATIENCE)
        assert bot.client.unhandled() == []
        user.close()
        bot.client.close()

    asyncio.run(talk())


def test_a_slow_conversation_holds_up_no_other(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        free = asyncio.Event()
        inside = 0

        @bot.on_message
        async def answer(message: Message) -> None:
            nonlocal inside
            if message.author == alice.client.address():
                inside += 1
                assert inside == 1, "one at a time"
                await free.wait()
                inside -= 1
            await message.reply(message.text)

        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            await alice.write(bot, "1", "2")
            assert await carol.ask(bot, "quick") == "quick"
            assert alice.heard.empty()
            free.set()
            assert [await alice.hear(), await alice.hear()] == ["1", "2"]

    asyncio.run(talk())


def test_handlers_that_wait_in_threads_hold_up_no_other(tmp_path: Path) -> None:
    async def talk() -> None:
        # As many threads as the program has for everything.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        url = office()
        bot = new_bot(tmp_path, url)
        free = threading.Event()

        @bot.on_message
        async def answer(message: Message) -> None:
            if message.text == "slow":
                await asyncio.to_thread(free.wait)
            await message.reply(message.text)

        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            await alice.write(bot, "slow")
            try:
                assert await carol.ask(bot, "quick") == "quick"
                assert alice.heard.empty()
            finally:
                free.set()
            assert await alice.hear() == "slow"

    asyncio.run(talk())


def test_an_answer_that_can_never_be_sent_is_an_error_and_does_not_stop_the_bot(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        errors: list[BaseException] = []
        late: list[Message] = []

        @bot.on_message
        async def answer(message: Message) -> None:
            late.append(message)
            if message.text == "to nobody":
                await bot.send(windlass_chat.Identity.generate().address(), "?")
            await message.reply("x" * (300_000 if message.text == "long" else 1))

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(error)

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "long", "to nobody", "short")
            assert await user.hear() == "x"
            with pytest.raises(RuntimeError):
                await late[0].reply("too late")
        assert [type(error) for error in errors] == [windlass_chat.ContentTooLarge, windlass_chat.UnknownContact]

    asyncio.run(talk())


def test_events_and_background_work_are_called_and_their_errors_told(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        delivered = asyncio.Event()
        errors: list[str] = []
        rounds = 0
        thrice = asyncio.Event()

        @bot.on_message
        async def greet(message: Message) -> None:
            await message.reply("hello")

        @bot.on_event(events.Delivered)
        async def arrived(event: events.Delivered) -> None:
            if event.address == user.client.address():
                delivered.set()
            raise ZeroDivisionError

        @bot.background(every=0.001)
        async def work() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 3:
                thrice.set()
                await asyncio.Event().wait()
            raise KeyError(rounds)

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            assert message is None
            errors.append(type(error).__name__)

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "hi") == "hello"
            await asyncio.wait_for(delivered.wait(), PATIENCE)
            await asyncio.wait_for(thrice.wait(), PATIENCE)
        assert sorted(errors) == ["KeyError", "KeyError", "ZeroDivisionError"]

    asyncio.run(talk())


def test_a_bot_in_a_simulated_world_answers_once_whatever_the_network_does() -> None:
    async def talk() -> None:
        world = Simulation(seed=11)
        alice, person = world.add_person(), world.add_person()
        world.introduce(alice, person)
        world.set_faults(Faults(drop=100, duplicate=100, delay=300, crash=30))

        def bot() -> Bot:
            # A machine that lost power has another client.
            bot = Bot(client=world.client(person))

            @bot.on_message
            async def echo(message: Message) -> None:
                await message.reply(message.text)

            return bot

        bot().prepare()
        for number in range(30):
            world.send(alice, 0, person, str(number))
            world.run()
            if number % 7 == 0:
                world.crash(person, 0)
            await bot().handle_waiting()
        for _ in range(20):
            world.run()
            await bot().handle_waiting()
            # What was lost is sent again after an hour.
            world.advance(timedelta(hours=5))
        history = world.client(alice).conversation(world.client(person).address()).messages(limit=1000)
        answers = [message.text for message in history if not message.outgoing]
        assert sorted(map(str, answers)) == sorted(map(str, range(30)))

    asyncio.run(talk())
