"""The promises of `windlass.bot`, over mail in memory and real stores."""

import asyncio
import enum
import json
import logging
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

import windlass
from windlass import Body, Client, TrustPolicy, events
from windlass.bot import Bot, ContactRequest, JsonFormatter, Message, Next, SettingsError, UsageError
from windlass.testing import Faults, Simulation
from windlass.transport import Incoming, NoMailbox, Transport, TransportError, register, transport_of
from windlass.transport.memory import MemoryTransport

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
        self.heard: asyncio.Queue[windlass.Message] = asyncio.Queue()
        self.told: asyncio.Queue[windlass.Event] = asyncio.Queue()

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

    async def learn(self, wanted: Callable[[windlass.Event], bool]) -> None:
        """Waits for an event."""
        while not wanted(await asyncio.wait_for(self.told.get(), PATIENCE)):
            pass

    async def ask(self, bot: Bot, text: str) -> str:
        """Writes and waits for the answer."""
        await self.write(bot, text)
        return await self.hear()


def new_bot(folder: Path, url: str, trust: TrustPolicy | None = None) -> Bot:
    return Bot(folder / "bot.wl", key=KEY, transport=url, trust=trust)


def told(client: Client, address: str) -> list[str | None]:
    return [message.text for message in client.conversation(address).messages(limit=1000)]


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
    assert windlass.Bundle.from_uri(uri).identity().address() == bot.address
    assert len(code) > 20
    bot.client.close()


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


def test_commands_get_what_their_annotations_say_and_answer_with_a_sentence_otherwise(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.command("add")
        async def add(message: Message, a: int, b: float = 0.5) -> None:
            """Adds two numbers."""
            await message.reply(str(a + b))

        @bot.command("paint")
        async def paint(m: Message, colour: Colour, how: Literal["thick", "thin"], twice: bool | None = None) -> None:
            await m.reply(f"{colour.name} {how} {twice}")

        @bot.command("say")
        async def say(message: Message, times: int, *words: str) -> None:
            if times > 9:
                raise UsageError("That is too often.")
            await message.reply("|".join(words * times))

        asked = {
            "/add 1 2": "3.0",
            "/ADD  -3": "-2.5",
            "/add": "a is missing. Usage: /add a [b]",
            "/add one": "a must be a whole number, not one. Usage: /add a [b]",
            "/add 1 nan": "b must be a number, not nan. Usage: /add a [b]",
            "/add " + "9" * 5000: f"a must be a whole number, not {'9' * 40}.... Usage: /add a [b]",
            "/add 1 2 3": "That is too much. Usage: /add a [b]",
            "/paint Green thin yes": "GREEN thin True",
            "/paint red thick": "RED thick None",
            "/paint blue thick": "colour must be red or green, not blue. Usage: /paint colour how [twice]",
            "/paint red wide": "how must be thick or thin, not wide. Usage: /paint colour how [twice]",
            "/paint red thin maybe": "twice must be yes or no, not maybe. Usage: /paint colour how [twice]",
            '/say 1 don\'t "two \\"words\\"" ""': 'don\'t|two "words"|',
            "/say 10 a": "That is too often.",
            "/say 2\na\nb": "a|b|a|b",
            "/nothing": "There is no such command. /help lists them.",
            "/help": "/add a [b] - Adds two numbers.\n/paint colour how [twice]\n/say times [words...]",
        }
        async with User(tmp_path, url) as user, bot:
            for question, answer in asked.items():
                assert await user.ask(bot, question) == answer, question

    asyncio.run(talk())


def test_a_command_that_cannot_be_read_is_refused_when_it_is_written(tmp_path: Path) -> None:
    bot = new_bot(tmp_path, office())

    async def wrong(message: Message, when: bytes) -> None: ...

    async def named(message: Message, *, by: str) -> None: ...

    def blocking(message: Message) -> None: ...

    async def good(message: Message) -> None: ...

    for handler in (wrong, named):
        with pytest.raises(TypeError):
            bot.command("x")(handler)
    with pytest.raises(TypeError):
        bot.on_message(blocking)  # type: ignore[type-var]
    with pytest.raises(ValueError):
        bot.command("two words")(good)
    bot.command("once")(good)
    with pytest.raises(ValueError):
        bot.command("Once")(good)


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
        first, second = bot.client.unhandled()
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
        handling._sent = sent
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
                answer = windlass.OutgoingMessage(to=user.client.address(), body=Body.TEXT("3"))
                client.handled(waiting.number, [answer])
                with pytest.raises(windlass.UnknownMessage):
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
            bot.client.close()

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


def test_strangers_wait_until_they_are_accepted_and_are_told_again_at_the_next_start(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        calls: list[str] = []

        def careful(decide: Callable[[ContactRequest], Awaitable[object]]) -> Bot:
            bot = new_bot(tmp_path, url, TrustPolicy.FIRST_USE)
            asked.clear()

            @bot.on_message
            async def echo(message: Message) -> None:
                calls.append(message.text)
                await message.reply(message.text)

            @bot.on_contact_request
            async def decided(request: ContactRequest) -> None:
                assert request.address in repr(request)
                await decide(request)
                asked.set()

            return bot

        asked = asyncio.Event()

        async def later(request: ContactRequest) -> None:
            pass

        async with User(tmp_path, url) as user:
            async with careful(later) as bot:
                await user.write(bot, "may I?")
                await asyncio.wait_for(asked.wait(), PATIENCE)
                # Whoever adds the bot is not accepted by it; nobody was answered.
                assert not bot.client.contact(user.client.address()).accepted
            assert calls == [] and user.heard.empty()
            async with careful(ContactRequest.accept) as bot:
                assert await user.hear() == "may I?"
            async with careful(later) as bot:
                await bot.block(user.client.address())
                await user.write(bot, "and now?")
                assert await bot.flush(PATIENCE)
            assert calls == ["may I?"]

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

        @bot.background(every=0)
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


def test_somebody_unknown_is_found_by_the_address_and_only_by_their_own_bundle(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        with pytest.raises(RuntimeError):
            await bot.flush()
        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            to_alice, to_carol = alice.client.address(), carol.client.address()
            with pytest.raises(windlass.UnknownContact):
                await bot.send(to_alice, "nobody knows you")
            # Somebody else's under her address.
            await alice.transport.publish_bundle(to_alice, carol.client.bundle().encode())
            with pytest.raises(windlass.UnknownContact):
                await bot.send(to_alice, "not to carol")
            await alice.transport.publish_bundle(to_alice, alice.client.bundle().encode())
            await bot.send(to_alice, "found")
            assert await alice.hear() == "found"

            # In a handler too, together with the reply.
            await carol.transport.publish_bundle(to_carol, carol.client.bundle().encode())

            @bot.on_message
            async def tell(message: Message) -> None:
                await message.reply("told")
                await bot.send(to_carol, message.text)

            assert await alice.ask(bot, "to carol") == "told"
            assert await carol.hear() == "to carol"

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
                await bot.send(windlass.Identity.generate().address(), "?")
            await message.reply("x" * (300_000 if message.text == "long" else 1))

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(error)

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "long", "to nobody", "short")
            assert await user.hear() == "x"
            with pytest.raises(RuntimeError):
                await late[0].reply("too late")
        assert [type(error) for error in errors] == [windlass.ContentTooLarge, windlass.UnknownContact]

    asyncio.run(talk())


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


def test_settings_come_from_the_environment_before_the_file_before_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text('store = "file.wl"\ntrust = "first_use"\nprefix = "!"\nkey_env = "IN_FILE"\n')
    secret = "correct horse"

    def settings() -> object:
        bot = Bot("code.wl", passphrase=secret, transport=office(), prefix="?", grace=1, config=file)
        assert secret not in repr(bot.settings)
        chosen = bot.settings
        return chosen.store, chosen.trust, chosen.prefix, chosen.grace, chosen.passphrase, chosen.key_env, chosen.create

    assert settings() == ("file.wl", TrustPolicy.FIRST_USE, "!", 1, None, "IN_FILE", True)
    monkeypatch.setenv("WINDLASS_STORE", "environment.wl")
    monkeypatch.setenv("WINDLASS_TRUST", "verified_only")
    monkeypatch.setenv("WINDLASS_CREATE", "no")
    monkeypatch.setenv("WINDLASS_GRACE", "2.5")
    monkeypatch.setenv("WINDLASS_PASSPHRASE", "battery staple")
    assert settings() == ("environment.wl", TrustPolicy.VERIFIED_ONLY, "!", 2.5, "battery staple", None, False)
    for name, value in [("TRUST", "everybody"), ("CREATE", "perhaps"), ("GRACE", "long"), ("KEY", "00")]:
        with monkeypatch.context() as context, pytest.raises(SettingsError):
            context.setenv(f"WINDLASS_{name}", value)
            settings()
    for line in ('passphrase = "x"', f'key = "{"00" * 32}"', 'colour = "red"', "store ="):
        file.write_text(line)
        with pytest.raises(SettingsError):
            settings()


def test_the_key_comes_as_bytes_in_a_variable_or_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, key_file = tmp_path / "bot.wl", tmp_path / "key"
    key_file.write_text(KEY.hex() + "\n")
    monkeypatch.setenv("BOT_KEY", KEY.hex())
    addresses = set()
    for bot in (Bot(path, key=KEY), Bot(path, key_env="BOT_KEY"), Bot(path, key_file=key_file, create=False)):
        addresses.add(bot.address)
        bot.client.close()
    assert len(addresses) == 1
    monkeypatch.setenv("BOT_KEY", "correct horse")
    with pytest.raises(windlass.WrongKey):
        Bot(path, key_env="BOT_KEY").client
    with pytest.raises(windlass.StoreNotFound):
        Bot(tmp_path / "none.wl", key=KEY, create=False).client
    for wrong in (Bot(path), Bot(path, key=KEY, passphrase="x"), Bot(path, key_env="NOT_SET"), Bot(key=KEY)):
        with pytest.raises(SettingsError):
            wrong.client
    with pytest.raises(SettingsError):
        asyncio.run(Bot(path, key=KEY).start())


def test_a_url_that_nobody_knows_is_refused_without_showing_its_password() -> None:
    with pytest.raises(ValueError) as caught:
        transport_of("carrier-pigeon://me:hunter2@loft")
    assert "carrier-pigeon" in str(caught.value) and "hunter2" not in str(caught.value)


def test_json_logs_have_a_line_for_each_record_without_texts_of_errors() -> None:
    record = logging.LogRecord("windlass.bot", logging.INFO, __file__, 1, "started as %s", ("wl1",), None)
    record.event = "started"
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["event"], line["level"]) == ("started as wl1", "started", "info")
    try:
        raise ValueError("what somebody wrote")
    except ValueError:
        record.exc_info = sys.exc_info()
    shown = JsonFormatter().format(record)
    assert json.loads(shown)["error"] == "ValueError" and "somebody" not in shown


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
            with pytest.raises(windlass.StoreClosed):
                await asyncio.wait_for(running, PATIENCE)

    asyncio.run(talk())


@pytest.mark.skipif(os.name == "nt", reason="this system knows no SIGTERM")
def test_run_ends_well_when_it_is_asked_to(tmp_path: Path) -> None:
    script = f"""
from windlass.bot import Bot
bot = Bot({str(tmp_path / "bot.wl")!r}, key=bytes(32), transport="memory://")
@bot.background(every=1000)
async def ready() -> None:
    print("ready", flush=True)
bot.run()
bot.client.close()
print("stopped")
"""
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, rest) == (0, "stopped\n")


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


def test_a_bundle_that_has_run_out_is_renewed_from_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        url = office()
        world = Simulation(seed=3)
        user, person = world.add_person(), world.add_person()
        world.introduce(user, person)
        user_client, client = world.client(user), world.client(person)
        address = user_client.address()
        before = client.contact(address).bundle_expires_at
        assert before is not None
        world.advance(timedelta(days=31))
        later = before.timestamp() + 24 * 3600
        monkeypatch.setattr("windlass.bot.bot.time", SimpleNamespace(time=lambda: later))
        user_client.keep_up_now()
        transport = transport_of(url)
        await transport.publish_bundle(address, user_client.bundle().encode())
        async with Bot(client=client, transport=url):
            while client.contact(address).bundle_expires_at == before:
                await asyncio.sleep(0.01)
        after = client.contact(address).bundle_expires_at
        assert after is not None and after > before

    asyncio.run(asyncio.wait_for(talk(), PATIENCE))
