"""A message that the process does not survive: tried so often, told, and in nobody's way."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import KEY, PATIENCE, new_bot, office

from windlass_chat import Client
from windlass_chat.bot import Bot, Message

DIED = 7
PROGRAM = """
import asyncio, logging, os, sys
from windlass_chat.bot import Bot, Message

bot = Bot(sys.argv[1], key=bytes(range(32)), transport="memory://")

def attempts(text: str) -> int | None:
    # How often it was begun; nothing if it does not wait.
    return next((one.attempts for one in bot.client.unhandled() if one.message.text == text), None)

@bot.on_message
async def answer(message: Message) -> None:
    if message.text == "poison":
        # When others are being handled too.
        while attempts("slow") == 0:
            await asyncio.sleep(0)
        os._exit(7)
    if message.text == "slow" and attempts("slow") == 1:
        # Until the process dies.
        await asyncio.Event().wait()
    await message.reply(message.text)

@bot.on_error
async def failed(error: BaseException, message: Message | None) -> None:
    if "deadly" in sys.argv:
        os._exit(7)
    assert message is not None
    await message.reply(f"{type(error).__name__}: {error}")

async def until_nothing_waits() -> None:
    async with bot:
        while bot.client.unhandled():
            await asyncio.sleep(0.01)

logging.basicConfig()
asyncio.run(until_nothing_waits())
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A bot's store."""
    bot = new_bot(tmp_path, office())
    bot.prepare()
    bot.client.close()
    return tmp_path / "bot.wl"


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[Client]:
    with Client.create(tmp_path / "alice.wl", key=KEY) as client:
        yield client


@pytest.fixture
def carol(tmp_path: Path) -> Iterator[Client]:
    with Client.create(tmp_path / "carol.wl", key=KEY) as client:
        yield client


def received(store: Path, *letters: tuple[Client, str]) -> None:
    """The bot received these, and then it ended."""
    with Client.open(store, key=KEY) as bot:
        for user, text in letters:
            user.add_contact(bot.bundle())
            for envelope in user.send(bot.address(), text).envelopes:
                bot.receive(envelope.bytes)


def starts(store: Path, *arguments: str, **settings: str) -> tuple[list[int], str]:
    """Starts the bot until it ends well; how it ended each time, and what it logged."""
    ends, logged = [DIED], ""
    while ends[-1] == DIED:
        assert len(ends) < 20, logged
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(store), *arguments],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        ends.append(ran.returncode)
        logged += ran.stderr
    assert ends[-1] == 0, logged
    return ends[1:], logged


def said(store: Path, user: Client) -> list[str | None]:
    """What the bot answered somebody."""
    with Client.open(store, key=KEY) as bot:
        assert bot.unhandled() == []
        return [one.text for one in bot.conversation(user.address()).messages() if one.outgoing]


def test_it_is_set_aside_after_so_many_starts_and_told_and_everybody_else_is_answered_once(
    store: Path, alice: Client, carol: Client
) -> None:
    received(store, (alice, "poison"), (alice, "after"), (carol, "slow"), (carol, "hello"))
    ends, logged = starts(store)
    assert ends == [DIED, DIED, DIED, 0]
    assert said(store, alice) == ["PoisonMessage: the process died 3 times with this message", "after"]
    # It ran each time at first, and is not taken for the one that kills.
    assert said(store, carol) == ["slow", "hello"]
    assert logged.count("is set aside") == 1 and "poison" not in logged
    # Once more it is nothing special.
    received(store, (alice, "poison"))
    assert starts(store, WINDLASS_RETRIES="1")[0] == [DIED, 0]


def test_an_error_handler_that_does_not_survive_it_either_is_called_once(
    store: Path, alice: Client, carol: Client
) -> None:
    received(store, (alice, "poison"), (alice, "after"), (carol, "hello"))
    ends, logged = starts(store, "deadly", WINDLASS_RETRIES="2")
    assert ends == [DIED, DIED, DIED, 0]
    assert said(store, alice) == ["after"] and said(store, carol) == ["hello"]
    assert logged.count("is set aside") == 2


def test_a_bot_that_was_stopped_did_not_die_of_what_it_was_doing(store: Path, alice: Client) -> None:
    received(store, (alice, "takes long"))

    async def talk() -> None:
        url = office()
        go_on = asyncio.Event()
        for last in (False, False, False, True):
            bot = Bot(store, key=KEY, transport=url, retries=1, grace=0.01)
            inside = asyncio.Event()

            @bot.on_message
            async def slow(message: Message, inside: asyncio.Event = inside) -> None:
                inside.set()
                await go_on.wait()
                await message.reply("done")

            async with bot:
                await asyncio.wait_for(inside.wait(), PATIENCE)
                # While it runs it counts: the process may die now.
                (waiting,) = bot.client.unhandled()
                assert waiting.attempts == 1
                if last:
                    go_on.set()
                    while bot.client.unhandled():
                        await asyncio.sleep(0)

    asyncio.run(talk())
    assert said(store, alice) == ["done"]
