"""Mail over MQTT, with a real broker: what it keeps, whom it trusts, what it says when something is wrong."""

import asyncio
import json
import math
import re
import socket
import subprocess
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from mosquitto import PATIENCE, Broker, publish, tool
from people import KEY, User, told

import windlass_chat
from windlass_chat import Client
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import Incoming, NoMailbox, TooLarge, TransportError, mqtt_bundles, mqtt_connection, transport_of
from windlass_chat.transport import mqtt as mqtt_transport
from windlass_chat.transport.mqtt import MqttTransport


def test_a_transport_over_mqtt_keeps_what_it_says(tmp_path: Path) -> None:
    """Both versions of MQTT, a password, a bundle, mail that waits and comes again until it is acknowledged."""
    with Client.create(tmp_path / "somebody.wl", key=KEY) as client:
        somebody, bundle = client.address(), client.bundle().encode()

    async def talk(broker: Broker, version: str) -> None:
        url = f"mqtt://bot:hunter2@127.0.0.1:{broker.port}?version={version}&prefix=test/{version}"
        here, there = transport_of(url), transport_of(url)
        assert isinstance(here, MqttTransport) and "hunter2" not in repr(here)
        await here.start("here", 1)
        await there.start("there", 1)
        if version == "5":
            with pytest.raises(NoMailbox):
                await there.deliver("nowhere", b"?")
        await here.publish_bundle(somebody, b"old")
        await here.publish_bundle(somebody, bundle)
        assert await there.fetch_bundle(somebody) == bundle
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
        assert await there.fetch_bundle(somebody) == bundle
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


WRONG = {
    "mqtt://localhost?version=5&ca=broker.pem": "ca needs mqtts",
    "mqtt://localhost?colour=red": "colour",
    "mqtt://localhost?version=4": "version",
    "mqtt://localhost?version=": "version",
    "mqtt://localhost?prefix=%23": "prefix",
    "mqtt://localhost?prefix=": "prefix",
    "mqtt://localhost?password_file=": "password_file",
    "mqtt://me:hunter2@localhost?password_file=x": "not both",
    "mqtt://localhost?cleartext=no": "cleartext",
    "mqtts://localhost?key=key.pem": "key needs cert",
    "mqtts://localhost?ca=": "ca is empty",
    "mqtt://": "mqtt://host",
    "mqtt://localhost:hunter2": "cannot be read",
    # Whatever is not known to be this machine, whoever owns the name.
    "mqtt://me:hunter2@broker.example": "not encrypted",
    "mqtt://localhost.example": "not encrypted",
    "mqtt://10.0.0.1": "not encrypted",
    "mqtt://0.0.0.0": "not encrypted",
    "mqtt://[::]": "not encrypted",
    "mqtt://[fe80::1]": "not encrypted",
    "mqtt://[::ffff:10.0.0.1]": "not encrypted",
    "mqtt://127.0.0.1.nip.io": "not encrypted",
    "mqtt://2130706433": "not encrypted",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_url_that_would_do_less_than_it_seems_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=WRONG[wrong]) as told:
        transport_of(wrong)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "right",
    [
        "mqtt://localhost",
        "mqtt://127.0.0.2:1",
        "mqtt://[::1]",
        "mqtt://[::ffff:127.0.0.1]",
        "mqtt://10.0.0.1?cleartext=yes",
        "mqtts://broker.example",
        "mqtts://me@broker.example?version=3.1.1",
        "mqtts://me:x@broker.example?version=5&ca=a&cert=b&key=c",
    ],
)
def test_other_urls_are_taken(right: str) -> None:
    assert isinstance(transport_of(right), MqttTransport)


async def mailbox(broker: Broker) -> MqttTransport:
    """The mailbox of the address `here`, once the broker has it."""
    here = transport_of(broker.url)
    assert isinstance(here, MqttTransport)
    await here.start("here", 1)
    await here.publish_bundle("here", b"so that the mailbox is there")
    return here


def test_what_nobody_acknowledges_is_held_up_to_a_bound_and_comes_again_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile what goes out goes out, and small mail finds room."""
    monkeypatch.setattr(mqtt_transport, "HELD_BYTES", 100_000)
    large = [bytes([number]) * 30_000 for number in range(10)]

    async def talk(broker: Broker) -> None:
        here, there = await mailbox(broker), transport_of(broker.url)
        await there.start("there", 1)
        for envelope in large:
            await there.deliver("here", envelope)
        await there.deliver("here", b"small")
        incoming = here.receive()
        waiting = [await asyncio.wait_for(anext(incoming), PATIENCE) for _ in range(4)]
        assert [one.envelope for one in waiting] == [*large[:3], b"small"]
        assert here._held <= 100_000
        await here.deliver("there", b"still going out")
        got: set[bytes] = set()
        while got != {*large, b"small"}:
            one = waiting.pop(0) if waiting else await asyncio.wait_for(anext(incoming), PATIENCE)
            got.add(one.envelope)
            await one.acknowledge()
            assert here._held <= 100_000
        await here.close()
        await there.close()

    with Broker(tmp_path) as broker:
        asyncio.run(talk(broker))


def test_what_is_let_go_before_the_loop_comes_to_the_greeting_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker brings its mail at once, while the program is at work."""
    monkeypatch.setattr(mqtt_transport, "HELD_BYTES", 100_000)

    async def talk(broker: Broker) -> None:
        here = await mailbox(broker)
        connection, greeting = here._connection, here._greeting
        assert connection is not None and greeting is not None
        large = mqtt.MQTTMessage(mid=1, topic=b"windlass/v1/inbox/here")
        large.payload = bytes(60_000)
        # As the connection's thread does, before the loop has a turn.
        here.greeted(connection, greeting)
        here.came(connection, large)
        here.came(connection, large)
        assert here._let_go
        incoming = await asyncio.wait_for(anext(here.receive()), PATIENCE)
        assert here._let_go and here._connection is connection
        await incoming.acknowledge()

        async def another() -> None:
            while here._connection is connection:
                await asyncio.sleep(0)

        await asyncio.wait_for(another(), PATIENCE)
        await here.close()

    with Broker(tmp_path) as broker:
        asyncio.run(talk(broker))


def test_a_flood_of_empty_envelopes_has_its_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without quality of service the broker waits for no acknowledgement."""
    monkeypatch.setattr(mqtt_transport, "HELD_BYTES", 50_000)

    async def talk(broker: Broker) -> None:
        here = await mailbox(broker)
        await asyncio.to_thread(publish, broker, "windlass/v1/inbox/here", *[b""] * 1_000)
        while not here._let_go:
            await asyncio.sleep(0.01)
        assert 0 < here._inbox.qsize() < 50
        await here.close()

    with Broker(tmp_path) as broker:
        asyncio.run(asyncio.wait_for(talk(broker), PATIENCE))


def limit(name: str) -> int:
    """A bound of the core, by its text."""
    text = (Path(__file__).parents[3] / "src/limits.rs").read_text()
    said = re.search(rf"const {name}: usize = ([0-9A-Z_ *+]+);", text)
    assert said is not None
    terms = [[factor.strip() for factor in term.split("*")] for term in said[1].split("+")]
    return sum(math.prod(limit(one) if one[0].isalpha() else int(one) for one in factors) for factors in terms)


def test_more_than_an_envelope_can_be_is_not_brought_and_a_retained_one_is_none(tmp_path: Path) -> None:
    """The broker throws away what is larger than we announced; what is retained would come with each connection."""
    assert limit("MAX_ENVELOPE_LEN") == mqtt_connection.LARGEST_ENVELOPE
    assert limit("MAX_BUNDLE_LEN") == mqtt_bundles.LARGEST_BUNDLE

    async def talk(broker: Broker, version: str) -> None:
        topic = f"windlass/v1/inbox/here{version}"
        await asyncio.to_thread(publish, broker, topic, b"retained", qos=1, retain=True)
        here = transport_of(f"{broker.url}?version={version}")
        await here.start(f"here{version}", 1)
        await here.publish_bundle("here", b"so that the mailbox is there")
        # MQTT 3.1.1 cannot announce it.
        too_large = bytes(mqtt_connection.LARGEST_ENVELOPE + (mqtt_connection.AROUND_IT if version == "5" else 1))
        await asyncio.to_thread(publish, broker, topic, too_large, qos=1)
        await here.deliver(f"here{version}", b"mail")
        incoming = await asyncio.wait_for(anext(here.receive()), PATIENCE)
        assert incoming.envelope == b"mail"
        await here.close()

    with Broker(tmp_path) as broker:
        for version in ("5", "3"):
            asyncio.run(talk(broker, version))


def test_a_broker_that_keeps_no_mail_is_told_once_and_the_connection_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(broker: Broker, version: str) -> None:
        here = transport_of(f"{broker.url}?version={version}")
        await here.start("here", 1)
        for _ in range(3):
            with pytest.raises(TransportError, match="keeps no mail"):
                await here.deliver("here", b"?")
        await here.close()

    with Broker(tmp_path, "allow_anonymous true", "max_qos 0") as broker:
        for version in ("5", "3"):
            caplog.clear()
            asyncio.run(talk(broker, version))
            assert caplog.text.count("keeps no mail") == 1
        assert broker.log.read_text().count("New client connected") == 2
