"""Mail over MQTT, with a real broker: what it keeps, whom it trusts, what it says when something is wrong."""

import asyncio
import json
import socket
import subprocess
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker, tool
from people import KEY, User, told

import windlass_chat
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import Incoming, NoMailbox, TooLarge, TransportError, transport_of
from windlass_chat.transport.mqtt import MqttTransport


def test_a_transport_over_mqtt_keeps_what_it_says(tmp_path: Path) -> None:
    """Both versions of MQTT, a password, a bundle, mail that waits and comes again until it is acknowledged."""

    async def talk(broker: Broker, version: str) -> None:
        url = f"mqtt://bot:hunter2@127.0.0.1:{broker.port}?version={version}&prefix=test/{version}"
        here, there = transport_of(url), transport_of(url)
        assert isinstance(here, MqttTransport) and "hunter2" not in repr(here)
        await here.start("here", 1)
        await there.start("there", 1)
        if version == "5":
            with pytest.raises(NoMailbox):
                await there.deliver("nowhere", b"?")
        await here.publish_bundle("here", b"old")
        await here.publish_bundle("here", b"bundle")
        assert await there.fetch_bundle("here") == b"bundle"
        with pytest.raises(ValueError):
            await there.fetch_bundle("#")

        async def first(count: int) -> list[Incoming]:
            incoming = here.receive()
            return [await asyncio.wait_for(anext(incoming), PATIENCE) for _ in range(count)]

        await there.deliver("here", b"1")
        await there.deliver("here", b"2")
        one, two = await first(2)
        assert (one.envelope, two.envelope) == (b"1", b"2")
        await one.acknowledge()
        await here.close()
        with pytest.raises(TransportError):
            await here.deliver("there", b"closed")
        # Mail that comes while nobody is there, over a restart of the broker.
        await there.deliver("here", b"3")
        broker.stop()
        broker.start()
        delivering = asyncio.create_task(there.deliver("here", b"4"))
        await here.start("here", 1)
        again = await first(3)
        assert [one.envelope for one in again] == [b"2", b"3", b"4"]
        # An acknowledgement of a connection that is gone goes nowhere.
        await two.acknowledge()
        for one in again:
            await one.acknowledge()
        await delivering
        assert await there.fetch_bundle("here") == b"bundle"
        await here.close()
        await there.close()

    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o700)
    subprocess.run([tool("mosquitto_passwd"), "-b", passwords, "bot", "hunter2"], check=True)
    with Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        for version in ("5", "3"):
            asyncio.run(talk(broker, version))


def test_a_bot_talks_over_tls_and_only_with_the_broker_it_trusts(tmp_path: Path) -> None:
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    command = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)

    async def talk(broker: Broker) -> None:
        url = f"mqtts://localhost:{broker.port}?ca={certificate}"
        bot, user = Bot(tmp_path / "bot.wl", key=KEY, transport=url), Bot(tmp_path / "user.wl", key=KEY, transport=url)
        heard: asyncio.Queue[str] = asyncio.Queue()

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        @user.on_message
        async def hear(message: Message) -> None:
            await heard.put(message.text)

        async with bot, user:
            # By the address alone: the bundle comes from the broker.
            while True:
                try:
                    await user.send(bot.address, "over TLS")
                    break
                except windlass_chat.UnknownContact:
                    pass  # The bot has not published it yet.
            assert await asyncio.wait_for(heard.get(), PATIENCE) == "over TLS"

        stranger = transport_of(f"mqtts://localhost:{broker.port}")
        await stranger.start("stranger", 1)
        delivering = asyncio.create_task(stranger.deliver("stranger", b"?"))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(delivering), 1)
        await stranger.close()
        with pytest.raises(TransportError):
            await delivering

    with Broker(tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}") as broker:
        asyncio.run(talk(broker))


def logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.getMessage() for record in caplog.records)


async def until_logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Waits until a record says it; the connection has a thread of its own."""

    async def look() -> None:
        while not logged(caplog, text):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), PATIENCE)


def test_a_broker_that_is_not_there_or_not_trusted_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def connect(url: str, told: str) -> None:
        transport = transport_of(url)
        await transport.start("here", 1)
        await until_logged(caplog, told)
        await transport.close()

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    asyncio.run(connect(f"mqtt://me:hunter2@127.0.0.1:{port}", f"cannot reach 127.0.0.1:{port}: "))
    with Broker(tmp_path) as broker:
        # It does not speak TLS.
        asyncio.run(connect(f"mqtts://127.0.0.1:{broker.port}", f"cannot reach 127.0.0.1:{broker.port}: "))
    assert "hunter2" not in caplog.text


def test_a_broker_that_keeps_no_mail_for_us_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def listen(broker: Broker) -> None:
        transport = transport_of(broker.url)
        await transport.start("here", 1)
        await until_logged(caplog, "keeps no mail for us")
        with pytest.raises(TransportError):
            await transport.deliver("here", b"?")
        await transport.close()

    plugin = next(iter(Path("/usr/lib").glob("**/mosquitto_dynamic_security.so")), None)
    if plugin is None:
        pytest.skip("mosquitto has no plugin that refuses subscriptions")
    refusing = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"defaultACLAccess": refusing}))
    settings = ("allow_anonymous true", f"plugin {plugin}", f"plugin_opt_config_file {rules}")
    with Broker(tmp_path, *settings) as broker:
        asyncio.run(listen(broker))


def test_an_envelope_that_is_too_large_for_the_broker_holds_up_no_other(tmp_path: Path) -> None:
    """The broker ends the connection of a client that sends one, and each later one on which it is sent again."""

    async def talk(broker: Broker) -> None:
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=broker.url)

        @bot.on_message
        async def repeat(message: Message) -> None:
            await message.reply(message.text * 10_000)
            await message.reply(message.text)

        async with bot, User(tmp_path, broker.url) as user:
            await bot.flush(PATIENCE)
            await user.transport.publish_bundle(user.client.address(), b"so that the mailbox is there")
            with pytest.raises(TooLarge):
                await user.transport.deliver(bot.address, bytes(20_000))
            assert await user.ask(bot, "Ahoy!") == "Ahoy!"
            # Nothing waits but what can never go out.
            assert await bot.flush(PATIENCE)
            (left,) = bot.client.outbox()
            assert len(left.bytes) > 20_000
            assert "Ahoy!" in told(bot.client, user.client.address())

    with Broker(tmp_path, "allow_anonymous true", "max_packet_size 20000") as broker:
        asyncio.run(talk(broker))


@pytest.mark.parametrize("wrong", ["version=5&ca=broker.pem", "colour=red"])
def test_an_option_that_would_do_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="ca|colour"):
        transport_of(f"mqtt://localhost?{wrong}")
