"""Examples of bots that take part in groups and let answers grow, run as they stand there, over a real broker."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker
from people import KEY, User

from windlass_chat import Body, Bundle, Event, events

EXAMPLES = Path(__file__).parents[3] / "examples/python"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


@contextmanager
def program(name: str, folder: Path, broker: Broker, **settings: str) -> Iterator[Bundle]:
    """An example as a process; its invitation."""
    shown, log = folder / f"{name}.txt", folder / f"{name}.log"
    environment = os.environ | {"BOT_KEY": KEY.hex(), "WINDLASS_TRANSPORT": broker.url} | settings
    with shown.open("w") as out, log.open("w") as err:
        command = [sys.executable, str(EXAMPLES / name)]
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while "connected with" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        yield Bundle.from_uri(shown.read_text().splitlines()[-1])
    finally:
        process.terminate()
        status = process.wait(PATIENCE)
    assert status == 0 and "ERROR" not in log.read_text(), log.read_text()


@asynccontextmanager
async def person(folder: Path, broker: Broker, name: str, bot: Bundle | None = None) -> AsyncIterator[User]:
    """Somebody whose mailbox the broker keeps."""
    async with User(folder, broker.url, name) as user:
        # When the broker has this, it has the mailbox, for that was asked for before.
        await user.transport.publish_bundle(user.client.address(), user.client.bundle().encode())
        if bot is not None:
            user.client.add_contact(bot)
        yield user


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, (events.Message, events.Edited)) and event.message.text == text


def has_sign(emoji: str, removed: bool = False) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, events.Reacted) and (event.emoji, event.removed) == (emoji, removed)


def test_the_streaming_reply_grows_by_changes(tmp_path: Path, broker: Broker) -> None:
    async def talk(bot: Bundle) -> None:
        async with person(tmp_path, broker, "user", bot) as user:
            address = bot.identity().address()
            user.client.send(address, "Where to?")
            await user._post()
            begun = await user.hear()
            whole = "You asked: Where to? Let me think about it. The wind decides, and the sea agrees with it."
            assert begun.endswith(" ...") and whole.startswith(begun.removesuffix(" ..."))
            await user.learn(has_sign("👀"))
            await user.learn(says(whole))
            await user.learn(has_sign("👀", removed=True))
            question, answer = user.client.conversation(address).messages()
            assert answer.text == whole and answer.edited and answer.reply_to == question.id
            assert question.reactions == []

    with program("streaming_reply.py", tmp_path, broker) as bot:
        asyncio.run(talk(bot))


def test_the_help_desk_carries_requests_to_the_staff_and_answers_back(tmp_path: Path, broker: Broker) -> None:
    async def talk() -> None:
        async with person(tmp_path, broker, "staff") as staff:
            with program("help_desk.py", tmp_path, broker, HELP_DESK_STAFF=staff.client.address()) as bot:
                await serve(staff, bot)

    async def serve(staff: User, bot: Bundle) -> None:
        address = bot.identity().address()
        async with person(tmp_path, broker, "guest", bot) as guest:
            guest.client.send(address, "Hello?")
            # Not of the staff: the bot does not take part.
            theirs = guest.client.create_group("Not the desk", [address])
            await guest._post()
            assert (await guest.hear()).startswith("Nobody is at the desk yet")
            while len(theirs.members()) > 1:
                await guest.learn(lambda event: isinstance(event, events.GroupChanged))

            staff.client.add_contact(bot)
            group = staff.client.create_group("Help desk", [address])
            await staff._post()
            while not all(member.joined for member in group.members()):
                await staff.learn(lambda event: isinstance(event, events.GroupChanged))

            guest.client.send(address, "My anchor is stuck.")
            await guest._post()
            assert await staff.hear() == f"{guest.client.address()} asks:\nMy anchor is stuck."
            await guest.learn(has_sign("📨"))
            request = group.messages()[-1]
            group.send("Who takes it?")
            group.send_body(Body.TEXT("Sail forward over it, then pull."), request.id)
            await staff._post()
            # What the staff said to each other would have come before it.
            assert await guest.hear() == "Sail forward over it, then pull."
            await staff.learn(has_sign("✅"))
            assert [one.author for one in guest.client.conversation(address).messages() if not one.outgoing] == [
                address,
                address,
            ]

    asyncio.run(talk())
