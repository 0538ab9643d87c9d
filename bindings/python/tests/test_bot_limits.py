"""Whatever the program's own functions do, the bot goes on, and ends when it is to."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from people import KEY, PATIENCE, User, new_bot, office, told

import windlass_chat
from windlass_chat import Client, events
from windlass_chat.bot import Bot, Message, calling


async def hangs() -> None:
    await asyncio.Event().wait()


async def refuses() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass


@pytest.mark.parametrize("stuck", [hangs, refuses])
def test_every_callback_has_a_limit(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    stuck: Callable[[], Awaitable[None]],
) -> None:
    """Handlers of messages, events, errors, background work: one that hangs holds up no message, and is left behind."""
    monkeypatch.setattr(calling, "LEAVE_AFTER", 0.05)

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, handler_timeout=0.1, event_timeout=0.1, grace=0.1)
        errors: list[str] = []

        @bot.on_message
        async def answer(message: Message) -> None:
            if message.text == "stuck":
                await stuck()
            await message.reply(message.text)

        @bot.on_event(events.Delivered)
        async def arrived(event: events.Delivered) -> None:
            await stuck()

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(type(error).__name__)
            await stuck()

        @bot.background(every=60)
        async def work() -> None:
            await stuck()

        async with User(tmp_path, url) as user:
            await bot.start()
            await user.write(bot, "stuck", "more")
            assert await user.hear() == "more"
            assert await user.ask(bot, "again") == "again"
            await asyncio.wait_for(bot.stop(), PATIENCE)
        assert "TimeoutError" in errors
        happened = [getattr(record, "event", "") for record in caplog.records]
        assert "stalled" in happened and ("left_behind" in happened) == (stuck is refuses)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            # The program's own; they would keep this loop.
            task.get_coro().close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(talk())
    loop.close()


PROGRAM = """
import asyncio, sys
from windlass_chat.bot import Bot
bot = Bot({store!r}, key=bytes(range(32)), transport="memory://here", grace=0.2)

@bot.background(every=60)
async def refuses():
    asyncio.get_running_loop().call_later(0.1, bot.request_stop)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

bot.run()
print("ended")
"""


def test_run_returns_although_a_task_refuses_to_end(tmp_path: Path) -> None:
    program = PROGRAM.format(store=str(tmp_path / "bot.wl"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "ended\n", done.stderr
    assert "left behind" in done.stderr
    Client.open(tmp_path / "bot.wl", key=KEY).close()


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), BaseException("x")])
def test_whatever_a_handler_raises_the_message_is_handled_and_the_bot_ends_in_order_or_not_at_all(
    tmp_path: Path, raised: BaseException
) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        errors: list[BaseException] = []

        @bot.on_message
        async def answer(message: Message) -> None:
            if message.text == "raise":
                raise raised
            await message.reply(message.text)

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            errors.append(error)
            assert message is not None
            await message.reply("sorry")

        async with User(tmp_path, url) as user:
            await bot.start()
            running = bot._running
            assert running is not None
            assert await user.ask(bot, "raise") == "sorry"
            ends = isinstance(raised, (SystemExit, KeyboardInterrupt))
            if ends:
                await asyncio.wait_for(running.asked, PATIENCE)
            else:
                assert await user.ask(bot, "more") == "more"
            await bot.stop()
        assert len(errors) == 1 and not running.broken.done()
        assert (bot._exit is raised) == ends
        with Client.open(tmp_path / "bot.wl", key=KEY) as client:
            assert client.unhandled() == []

    asyncio.run(talk())


def test_a_handler_may_end_the_program_with_its_status(tmp_path: Path) -> None:
    bot = new_bot(tmp_path, office(), log="none")

    @bot.background(every=60)
    async def leave() -> None:
        sys.exit(7)

    with pytest.raises(SystemExit) as ended:
        bot.run()
    assert ended.value.code == 7
    Client.open(tmp_path / "bot.wl", key=KEY).close()


def test_in_a_running_loop_run_says_what_to_do_instead(tmp_path: Path) -> None:
    async def notebook() -> None:
        bot = new_bot(tmp_path, office())
        with pytest.raises(RuntimeError, match=r"await bot\.start"):
            bot.run()
        async with bot:
            pass

    asyncio.run(notebook())


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="this Python has no eager tasks")
def test_a_bot_works_where_tasks_begin_at_once(tmp_path: Path) -> None:
    async def talk() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(message.text)
            if message.text == "stop":
                await bot.stop()

        @bot.background(every=60)
        async def work() -> None:
            pass

        async with User(tmp_path, url) as user:
            await bot.start()
            running = bot._running
            assert running is not None
            assert await user.ask(bot, "hello") == "hello"
            assert await user.ask(bot, "stop") == "stop"
            await asyncio.wait_for(running.asked, PATIENCE)

    asyncio.run(talk())


class Sick(Client):
    """A client whose disk is full now and then."""

    left = 2

    def sick(self) -> None:
        if self.left:
            self.left -= 1
            raise windlass_chat.DiskFull("full")


def test_a_full_disk_ends_no_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever call it is that finds it full."""
    monkeypatch.setattr("windlass_chat.bot.tasks.FIRST_PAUSE", 0.01)
    calls = ("receive_many", "outbox", "mark_sent", "commit", "maintain", "events_handled", "keep_unhandled")

    def sickly(name: str) -> Callable[..., object]:
        def call(self: Sick, *args: object) -> object:
            self.sick()
            return getattr(Client, name)(self, *args)

        return call

    async def talk(name: str) -> None:
        url, folder = office(), tmp_path / name
        folder.mkdir()
        kind: type[Sick] = type("SickOne", (Sick,), {name: sickly(name)})
        client = kind.create(folder / "bot.wl", key=KEY)
        bot = Bot(client=client, transport=url)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(message.text)

        @bot.on_event(events.Delivered)
        async def arrived(event: events.Delivered) -> None:
            pass

        async with User(folder, url) as user, bot:
            assert await user.ask(bot, "hello") == "hello"
            client.left = 2
            assert await user.ask(bot, "once more") == "once more"
            assert bot._running is not None and not bot._running.broken.done()
        client.close()

    for name in calls:
        asyncio.run(talk(name))


def test_what_the_client_writes_leaves_at_once_from_any_thread(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, keep_up_every=3_600)
        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "hello")
            await user.learn(lambda event: isinstance(event, events.Delivered))
            who = user.client.address()
            bot.client.send(who, "of the loop's thread")
            assert await user.hear() == "of the loop's thread"
            thread = threading.Thread(target=lambda: bot.client.conversation(who).send("of another"))
            thread.start()
            assert await user.hear() == "of another"
            thread.join()
            # And the bot's own, from another loop, to somebody whom it has to look for.
            await asyncio.to_thread(lambda: asyncio.run(said(bot, who)))
            assert await user.hear() == "of another loop"

    async def said(bot: Bot, who: str) -> None:
        await bot.send(who, "of another loop")

    asyncio.run(talk())


def test_a_listener_that_fails_is_no_failure_of_the_write(tmp_path: Path) -> None:
    client, other = (Client.create(tmp_path / f"{name}.wl", key=KEY) for name in "ab")
    client.add_contact(other.bundle())
    heard: list[int] = []

    def listener() -> None:
        heard.append(1)
        raise ZeroDivisionError

    client.set_outbox_listener(listener)
    client.send(other.address(), "hello")
    assert told(client, other.address()) == ["hello"] and heard == [1]
    client.contacts()
    client.set_outbox_listener(None)
    client.send(other.address(), "again")
    assert heard == [1]
