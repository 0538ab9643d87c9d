"""The examples of bots, run as they stand there. The echo bot is run by `test_broker.py`, and by the guides' test."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker

from windlass_chat import Bundle, Client, events
from windlass_chat.transport import NoMailbox, transport_of

KEY = bytes(range(32))
EXAMPLES = Path(__file__).parents[3] / "examples/python"


def test_the_echo_bot_is_ten_lines() -> None:
    lines = (EXAMPLES / "echo_bot.py").read_text().splitlines()
    assert len([line for line in lines if line]) <= 10


def test_the_notifier_posts_what_a_cron_job_gives_it(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        environment = os.environ | {"NOTIFIER_KEY": KEY.hex(), "WINDLASS_TRANSPORT": broker.url}

        def notifier(*arguments: str) -> list[str]:
            command = [sys.executable, str(EXAMPLES / "notifier.py"), *arguments]
            ran = subprocess.run(
                command, cwd=tmp_path, env=environment, input="the disk is full\n", text=True, capture_output=True
            )
            assert ran.returncode == 0, ran.stderr
            return ran.stdout.splitlines()

        invitation = (await asyncio.to_thread(notifier))[-1]
        client = Client.create(tmp_path / "reader.wl", key=KEY)
        client.add_contact(Bundle.from_uri(invitation))
        transport = transport_of(broker.url)
        await transport.start(client.address(), client.device_id())
        (letter,) = client.send(Bundle.from_uri(invitation).identity().address(), "here I am").envelopes
        deadline = time.monotonic() + PATIENCE
        while client.address() not in await asyncio.to_thread(notifier):
            assert time.monotonic() < deadline
            # It stays a few seconds: the first time it may have gone before it had its mailbox.
            with contextlib.suppress(NoMailbox):
                await transport.deliver(letter.to, letter.bytes)
        await asyncio.to_thread(notifier, client.address())
        async for incoming in transport.receive():
            came = client.receive(incoming.envelope)
            heard = [event.message.text for event in came if isinstance(event, events.Message)]
            await incoming.acknowledge()
            if heard:
                assert heard == ["the disk is full"]
                break
        await transport.close()
        client.close()

    with Broker(tmp_path) as broker:
        asyncio.run(talk(broker))
