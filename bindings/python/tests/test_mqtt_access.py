"""The published settings of a broker, loaded as they stand into a real mosquitto, and attacks on it."""

import asyncio
import hashlib
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PATIENCE, Broker, publish, tool
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from windlass_chat import Bundle, Client, UnknownContact
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import NoMailbox, TransportError, transport_of
from windlass_chat.transport.mqtt import MqttTransport

PUBLISHED = Path(__file__).parents[3] / "examples/broker"
KEY = bytes(32)


class Published(Broker):
    """A broker with the settings of `examples/broker`, but for its places and its port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        command = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost"]
        command += ["-keyout", str(folder / "broker.key"), "-out", str(folder / "broker.pem")]
        subprocess.run(command, check=True, capture_output=True)
        rules = (PUBLISHED / "windlass.acl").read_text()
        (folder / "windlass.acl").write_text(rules)
        (folder / "windlass.acl").chmod(0o700)
        text = (PUBLISHED / "windlass.conf").read_text()
        for ours, theirs in (
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("/etc/mosquitto/certs", str(folder)),
            ("/etc/mosquitto", str(folder)),
            ("/var/lib/mosquitto", str(folder)),
        ):
            assert ours in text
            text = text.replace(ours, theirs)
        user = self.config.read_text().partition("\nuser ")[2].partition("\n")[0]
        self.config.write_text(f"user {user}\n{text}")
        (folder / "windlass.passwords").touch(mode=0o700)

    @property
    def url(self) -> str:
        """Where it is, without anybody's password."""
        return f"mqtts://localhost:{self.port}?ca={self.folder}/broker.pem"

    def admit(self, address: str) -> str:
        """Gives somebody an account, and answers with their URL."""
        password = self.folder / f"{address}.password"
        password.write_text(os.urandom(16).hex() + "\n")
        passwords = self.folder / "windlass.passwords"
        command = [tool("mosquitto_passwd"), "-b", str(passwords), address, password.read_text().strip()]
        subprocess.run(command, check=True)
        return f"{self.url}&password_file={password}"

    def password(self, address: str) -> str:
        return (self.folder / f"{address}.password").read_text().strip()


class Attacker:
    """Somebody with an account and a client that does anything."""

    def __init__(self, broker: Published, address: str, name: str, five: bool = True) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: dict[int, Any] = {}
        self.changed = threading.Condition()
        self.ended = False
        self.client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if five else True,
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(address, broker.password(address))
        client.tls_set(str(broker.folder / "broker.pem"))
        client.on_message = lambda _client, _data, message: self._note(message.topic, message.payload)
        client.on_publish = lambda _client, _data, number, reason, _properties=None: self._answer(number, reason)
        client.on_subscribe = lambda _client, _data, number, reasons, _properties=None: self._answer(number, reasons)
        client.on_disconnect = lambda *_: self._end()
        client.on_connect = lambda *_: self._answer(0, True)
        client.connect("localhost", broker.port)
        client.loop_start()
        self.wait(0)

    def _note(self, topic: str, payload: bytes | bytearray) -> None:
        with self.changed:
            self.got.append((topic, bytes(payload)))
            self.changed.notify_all()

    def _answer(self, number: int, reason: Any) -> None:
        with self.changed:
            self.answers[number] = reason
            self.changed.notify_all()

    def _end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, number: int) -> Any:
        """For the broker's answer."""
        with self.changed:
            assert self.changed.wait_for(lambda: number in self.answers or self.ended, PATIENCE)
            return self.answers.get(number)

    def put(self, topic: str, payload: bytes, retain: bool = False) -> Any:
        return self.wait(self.client.publish(topic, payload, qos=1, retain=retain).mid)

    def take(self, topic: str) -> Any:
        number = self.client.subscribe(topic, qos=1)[1]
        assert number is not None
        return self.wait(number)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class People:
    """A bot, a friend of it who talks with it over the broker, and somebody with an account of their own."""

    def __init__(self, folder: Path, broker: Published) -> None:
        self.broker = broker
        for name in ("bot", "friend", "mallory"):
            with Client.create(folder / f"{name}.wl", key=KEY) as client:
                broker.admit(client.address())
                setattr(self, name, client.address())
        self.paths = {"bot": folder / "bot.wl", "friend": folder / "friend.wl"}
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    bot: str
    friend: str
    mallory: str

    def as_bot(self) -> Bot:
        bot = Bot(self.paths["bot"], key=KEY, transport=self.url(self.bot), grace=1)

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        return bot

    def as_friend(self) -> Bot:
        friend = Bot(self.paths["friend"], key=KEY, transport=self.url(self.friend), grace=1)

        @friend.on_message
        async def hear(message: Message) -> None:
            self.heard.put_nowait(message.text)

        return friend

    def url(self, address: str) -> str:
        return f"{self.broker.url}&password_file={self.broker.folder}/{address}.password"

    async def talk(self, friend: Bot, text: str) -> None:
        """By the address alone, and back."""
        while True:
            try:
                await friend.send(self.bot, text)
                break
            except UnknownContact:
                pass  # The bot has not published its bundle yet.
        assert await asyncio.wait_for(self.heard.get(), PATIENCE) == text

    def attacker(self, name: str = "mallory", five: bool = True) -> Attacker:
        return Attacker(self.broker, self.mallory, name, five)


def test_with_the_published_access_rules_nobody_reads_takes_or_replaces_what_is_anothers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(people: People) -> None:
        async with people.as_bot(), people.as_friend() as friend:
            await people.talk(friend, "before")
            mallory = await asyncio.to_thread(people.attacker)
            bundle = f"windlass/v1/bundle/{people.bot}"

            def attack() -> None:
                # Subscribing may be granted; nothing comes by it.
                inbox = "windlass/v1/inbox"
                for topic in (f"{inbox}/{people.bot}", f"{inbox}/+", f"{inbox}/#", "#", "+/+/+/+"):
                    mallory.take(topic)
                with Client.create(tmp_path / "another.wl", key=KEY) as another:
                    theirs = another.bundle().encode()
                for rubbish in (b"", b"rubbish", theirs):
                    assert mallory.put(bundle, rubbish, retain=True).value == 0x87
                for topic in ("windlass/v2/inbox/x", "$SYS/x", f"windlass/v1/bundle/{people.bot}/x", f"{bundle}x"):
                    assert mallory.put(topic, b"x").value == 0x87

            await asyncio.to_thread(attack)
            await people.talk(friend, "while somebody listens")
            # What can be had: bundles, which are public.
            assert {topic.split("/")[2] for topic, _ in mallory.got} == {"bundle"}
            found = await transport_of_started(people, people.friend)
            assert Bundle.decode(await found.fetch_bundle(people.bot) or b"").identity().address() == people.bot
            await found.close()
            await asyncio.to_thread(mallory.leave)
        assert "put back" not in caplog.text

    broker = Published(tmp_path)
    people = People(tmp_path, broker)
    with broker:
        asyncio.run(run(people))


async def transport_of_started(people: People, address: str) -> MqttTransport:
    """A further device of theirs."""
    transport = transport_of(people.url(address))
    assert isinstance(transport, MqttTransport)
    await transport.start(address, 2)
    return transport


def test_nobody_gets_in_without_a_name_a_password_or_a_greeting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And whoever cannot says so, with what to look at."""

    async def refused(url: str) -> None:
        transport = transport_of(url)
        await transport.start("wl1nobody", 1)
        while "refused the connection" not in caplog.text:
            await asyncio.sleep(0.01)
        assert "access rules" in caplog.text or "password_file" in caplog.text
        await transport.close()

    broker = Published(tmp_path)
    broker.admit("wl1somebody")
    (tmp_path / "wrong").write_text("guessed")
    with broker:
        for url in (broker.url, f"{broker.url}&password_file={tmp_path}/wrong"):
            asyncio.run(asyncio.wait_for(refused(url), PATIENCE))
            caplog.clear()
        # Connected, and without a greeting: costs the others nothing.
        silent = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(50)]

        async def come_and_go() -> None:
            one = transport_of(f"{broker.url}&password_file={tmp_path}/wl1somebody.password")
            await one.start("wl1somebody", 1)
            await asyncio.wait_for(one.deliver("wl1somebody", b"to myself"), PATIENCE)
            await one.close()

        asyncio.run(come_and_go())
        for one in silent:
            one.close()


def test_a_message_of_200_megabytes_reaches_nobody(tmp_path: Path) -> None:
    async def run(people: People) -> None:
        async with people.as_bot(), people.as_friend() as friend:
            await people.talk(friend, "before")
            mallory = await asyncio.to_thread(people.attacker, "large", False)
            answer = await asyncio.to_thread(mallory.put, f"windlass/v1/inbox/{people.bot}", bytes(200_000_000))
            assert answer is None and mallory.ended
            await people.talk(friend, "after")

    broker = Published(tmp_path)
    people = People(tmp_path, broker)
    with broker:
        asyncio.run(run(people))


def test_the_name_of_a_mailbox_follows_from_nothing_that_others_know(tmp_path: Path) -> None:
    """Whoever connects with the client id of another puts it out, and gets its mail."""

    async def run(people: People) -> None:
        names = set()
        for _ in range(2):
            async with people.as_bot() as bot, people.as_friend() as friend:
                await people.talk(friend, "hello")
                names.add(transport_name(bot))
                for known in (f"{people.bot}/{bot.client.device_id()}", people.bot, f"{bot.client.device_id()}"):
                    guessed = "wl" + hashlib.sha256(known.encode()).hexdigest()[:21]
                    for name in (known, guessed):
                        attacker = await asyncio.to_thread(people.attacker, name)
                        await asyncio.to_thread(attacker.leave)
                await people.talk(friend, "and again")
        # The same after a restart, and such that every broker takes it.
        (name,) = names
        assert len(name) == 23 and name.isalnum()
        assert "already connected" not in people.broker.log.read_text()

    broker = Published(tmp_path)
    people = People(tmp_path, broker)
    with broker:
        asyncio.run(run(people))


def transport_name(bot: Bot) -> str:
    assert bot._running is not None and isinstance(bot._running.transport, MqttTransport)
    return bot._running.transport._name


def test_without_access_rules_our_bundle_is_put_back_and_rubbish_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Deleted, replaced by rubbish, by somebody else's, by one for a single person."""

    async def run(broker: Broker) -> None:
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=broker.url, grace=1)
        stranger = Client.create(tmp_path / "stranger.wl", key=KEY)
        async with bot:
            topic = f"windlass/v1/bundle/{bot.address}"
            single = bot.client.single_use_bundle().encode()
            looking = transport_of(broker.url)
            await looking.start("looking", 1)
            while await looking.fetch_bundle(bot.address) is None:
                pass
            for count, wrong in enumerate((b"rubbish", b"", stranger.bundle().encode(), single)):
                caplog.clear()
                restored = bot._running.transport._bundles  # type: ignore[union-attr]
                restored._not_before = 0.0
                await asyncio.to_thread(publish, broker, topic, wrong, qos=1, retain=True)
                found = await looking.fetch_bundle(bot.address)
                assert found is not None and found not in (wrong, single), count
                assert Bundle.decode(found).identity().address() == bot.address
                while "put back" not in caplog.text:
                    await asyncio.sleep(0.01)
            # Nobody else's business: the address of somebody who is not there.
            with pytest.raises(NoMailbox):
                await looking.deliver("nobody", b"?")
            await looking.close()
        stranger.close()

    with Broker(tmp_path) as broker:
        asyncio.run(asyncio.wait_for(run(broker), PATIENCE))


def test_a_file_that_cannot_be_read_is_told_at_the_start_by_its_name(tmp_path: Path) -> None:
    async def start(url: str) -> None:
        transport = transport_of(url)
        try:
            await transport.start("wl1me", 1)
        finally:
            await transport.close()

    secret = tmp_path / "password"
    url = f"mqtts://localhost?password_file={secret}"
    with pytest.raises(TransportError, match="cannot be read: No such file"):
        asyncio.run(start(url))
    secret.write_bytes(b"\xff\xfesecret")
    with pytest.raises(TransportError, match="not UTF-8") as told:
        asyncio.run(start(url))
    assert "secret" not in str(told.value)
    secret.write_text("\n")
    with pytest.raises(TransportError, match="empty"):
        asyncio.run(start(url))
    secret.write_text("x" * 70_000)
    with pytest.raises(TransportError, match="too long"):
        asyncio.run(start(url))
    secret.write_text("hunter2")
    key = tmp_path / "key.pem"
    encrypted = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:hunter2", "-subj", "/CN=me"]
    subprocess.run([*encrypted, "-keyout", key, "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    nothing = tmp_path / "nothing.pem"
    for options, told_of in (
        (f"ca={nothing}", "authorities in .*nothing.pem cannot be read: No such file"),
        (f"ca={secret}", "authorities in .*password cannot be read"),
        (f"cert={nothing}", "key in .*nothing.pem cannot be read: No such file"),
        (f"cert={tmp_path}/cert.pem&key={nothing}", "cert.pem and .*nothing.pem cannot be read"),
        (f"cert={tmp_path}/cert.pem&key={key}", "cert.pem and .*key.pem cannot be read"),
    ):
        with pytest.raises(TransportError, match=told_of) as wrong:
            asyncio.run(start(f"mqtts://localhost?{options}"))
        assert "hunter2" not in str(wrong.value)
