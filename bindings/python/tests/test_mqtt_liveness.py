"""Connections that end, and why: what is sent again, what is given up, what is said. Against servers that misbehave."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker
from scripted_broker import CONNECT, PUBLISH, SUBSCRIBE, Peer, ScriptedBroker

from windlass_chat.transport import (
    TooLarge,
    TransportError,
    mqtt,
    mqtt_connection,
    mqtt_outgoing,
    mqtt_retries,
    transport_of,
)
from windlass_chat.transport.mqtt import MqttTransport
from windlass_chat.transport.mqtt_retries import Retries

DEAD, LARGE = 20_000, bytes(30_000)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for the next connection."""
    monkeypatch.setattr(mqtt_retries, "FIRST", 0.01)
    caplog.set_level(logging.INFO)


async def started(url: str) -> MqttTransport:
    transport = transport_of(url)
    assert isinstance(transport, MqttTransport)
    await transport.start("here", 1)
    return transport


async def until(happened: Callable[[], object]) -> None:
    async def look() -> None:
        while not happened():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), PATIENCE)


def with_broker(
    script: Callable[[Peer, int, bytes], Awaitable[bool | None]],
    talk: Callable[[ScriptedBroker, MqttTransport], Awaitable[None]],
    options: str = "",
) -> ScriptedBroker:
    """A broker of this script, and a transport that speaks with it, for as long as they talk."""

    async def run() -> ScriptedBroker:
        async with ScriptedBroker(script) as broker:
            transport = await started(broker.url + options)
            try:
                await asyncio.wait_for(talk(broker, transport), PATIENCE)
            finally:
                await transport.close()
            return broker

    return asyncio.run(run())


async def end(peer: Peer) -> None:
    peer.end()


async def say_too_large(peer: Peer) -> None:
    peer.end(0x95)


async def hear_nonsense(peer: Peer) -> None:
    # What mosquitto 2.0 says for its message_size_limit. The library takes it for nonsense, and ends the connection.
    peer.published(b"\0\0\0\1", 0x95)


@pytest.mark.parametrize(("kill", "version"), [(end, "5"), (end, "3"), (say_too_large, "5"), (hear_nonsense, "5")])
def test_an_envelope_that_ends_connections_is_tried_once_more_and_holds_up_no_other(
    kill: Callable[[Peer], Awaitable[None]], version: str
) -> None:
    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == PUBLISH and len(content) > DEAD:
            await kill(peer)
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", b"first")
        large = asyncio.create_task(transport.deliver("there", LARGE))
        others = [asyncio.create_task(transport.deliver("there", f"{number}".encode())) for number in range(50)]
        with pytest.raises(TooLarge):
            await large
        await asyncio.gather(*others)
        await transport.deliver("there", b"last")

    broker = with_broker(script, talk, f"?version={version}")
    # Never a third time.
    assert sum(size > DEAD for peer in broker.peers for size in peer.sent) == 2
    assert len(broker.peers) == 3


def test_a_refusal_in_an_answer_may_pass_and_ends_no_connection() -> None:

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == PUBLISH and len(content) > DEAD:
            peer.published(content, 0x97)
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        with pytest.raises(TransportError) as refused:
            await transport.deliver("there", LARGE)
        assert not isinstance(refused.value, TooLarge) and "0x97" in str(refused.value)
        await transport.deliver("there", b"small")

    assert len(with_broker(script, talk).peers) == 1


def test_a_broker_that_is_restarted_makes_nothing_too_large() -> None:
    """A letter that is no larger than one that got through is tried until it does, or is given up as what may pass."""
    ends = {1, 2}

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == PUBLISH and b"unlucky" in content and ends:
            ends.pop()
            peer.end()
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", bytes(100))
        await transport.deliver("there", b"unlucky")
        ends.update(range(100))
        with pytest.raises(TransportError) as given_up:
            await transport.deliver("there", b"unlucky")
        assert not isinstance(given_up.value, TooLarge)
        ends.clear()
        await transport.deliver("there", b"unlucky")

    with_broker(script, talk)


def test_a_broker_that_shuts_down_in_the_middle_suspects_nobody() -> None:
    """Whatever was on its way goes again, all at once, and nothing is lost."""
    count = 0

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        nonlocal count
        count += kind == PUBLISH
        if kind == PUBLISH and count == 5:
            peer.end(0x8B)
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await asyncio.gather(*(transport.deliver("there", LARGE) for _ in range(10)))

    assert len(with_broker(script, talk).peers) == 2


def test_a_bundle_that_ends_connections_does_not_end_all_of_them() -> None:
    """It is published anew with each connection, for brokers forget; not when it is what ends them."""
    forbidden = False

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == PUBLISH and b"/bundle/" in content and forbidden:
            peer.end()
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        nonlocal forbidden
        await transport.publish_bundle("here", b"bundle")
        for _ in range(3):
            count = len(broker.peers)
            broker.peers[-1].end(0x8B)
            await until(lambda: len(broker.peers) == count + 1)
            await transport.deliver("there", b"larger than the bundle")
        forbidden = True
        broker.peers[-1].end(0x8B)
        await until(lambda: len(broker.peers) >= count + 1 + mqtt_outgoing.TRIES + 1)
        await transport.deliver("there", b"over a connection that stays")
        last = len(broker.peers)
        broker.peers[-1].end(0x8B)
        await until(lambda: len(broker.peers) == last + 1)
        await transport.deliver("there", b"and the next")
        assert len(broker.peers) == last + 1
        forbidden = False
        await transport.publish_bundle("here", b"a new one")

    with_broker(script, talk)


def test_a_probe_that_is_not_answered_holds_up_the_others_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_outgoing, "PROBE_SECONDS", 0.1)

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == PUBLISH and len(content) > DEAD:
            if peer.number == 0:
                peer.end()
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        large = asyncio.create_task(transport.deliver("there", LARGE))
        await until(lambda: len(broker.peers) == 2 and broker.peers[1].sent)
        await transport.deliver("there", b"another")
        assert not large.done()
        large.cancel()

    with_broker(script, talk)


@pytest.mark.parametrize("size", [len(LARGE), 1])
def test_an_envelope_that_is_never_answered_is_tried_again_and_given_up(
    size: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module, name in ((mqtt_outgoing, "ANSWER_SECONDS"), (mqtt_outgoing, "PROBE_SECONDS"), (mqtt, "LOOK_SECONDS")):
        monkeypatch.setattr(module, name, 0.1)
    monkeypatch.setattr(mqtt_outgoing, "SLOWEST", 1e9)

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        return kind == PUBLISH and b"/nowhere" in content

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", bytes(100))
        with pytest.raises(TransportError) as given_up:
            await transport.deliver("nowhere", bytes(size))
        assert isinstance(given_up.value, TooLarge) == (size > 100)
        await transport.deliver("there", b"another")
        assert "does not answer what it was sent" in caplog.text

    with_broker(script, talk)


def test_a_broker_that_greets_and_says_nothing_more_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt_connection, "GREETING_SECONDS", 0.2)

    async def script(peer: Peer, kind: int, content: bytes) -> bool:
        return kind == SUBSCRIBE and peer.number == 0

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", b"over the next one")
        assert "greeted and does not answer" in caplog.text

    with_broker(script, talk)


def test_somebody_who_listens_and_does_not_greet_is_told_with_what_to_try(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt_connection, "GREETING_SECONDS", 0.2)

    async def silent(peer: Peer, kind: int, content: bytes) -> bool:
        return True

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await until(lambda: "did not greet" in caplog.text)
        assert "is it mqtts://" in caplog.text and "?version=3" in caplog.text

    with_broker(silent, talk)


@pytest.mark.parametrize("how", ["says so", "ends", "waits"])
def test_a_broker_of_an_older_version_is_spoken_to_in_that_one(
    how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt_connection, "GREETING_SECONDS", 1.0)

    async def old(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == CONNECT and peer.five:
            peer.five = False
            if how == "says so":
                peer.greet(False, reason=1)
            if how != "waits":
                peer.end()
            return True
        return False

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", b"hello")
        assert "?version=3" in caplog.text
        # One that was asked for by name stays.
        five = await started(f"{broker.url}?version=5")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(five.deliver("there", b"?"), 0.5)
        await five.close()
        assert not any(connect[6] == 4 for connect in broker.connects[-1:])

    with_broker(old, talk)


def test_a_keep_alive_of_the_broker_is_kept() -> None:
    """MQTT 5 §3.2.2.3.14. A second is the least; whoever is silent for one and a half is put out."""

    async def impatient(peer: Peer, kind: int, content: bytes) -> bool:
        if kind == CONNECT:
            peer.greet(properties=b"\x13\0\1")
            return True
        pings.append(kind == 12)
        return False

    pings: list[bool] = []

    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await until(lambda: any(pings))

    assert len(with_broker(impatient, talk).peers) == 1


def test_a_fault_in_the_thread_is_an_error_that_whoever_receives_sees(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(broker: ScriptedBroker, transport: MqttTransport) -> None:
        await transport.deliver("there", b"before")

        def broken(*_: object) -> None:
            monkeypatch.undo()
            raise MemoryError

        monkeypatch.setattr(MqttTransport, "came", broken)
        topic = b"windlass/v1/inbox/here"
        broker.peers[0].send(PUBLISH, len(topic).to_bytes(2, "big") + topic + b"\0\1" + b"\0" + b"hello", 2)
        with pytest.raises(TransportError, match="MemoryError"):
            await anext(transport.receive())
        assert "has died: MemoryError at " in caplog.text
        await transport.deliver("there", b"after")

    with_broker(lambda *_: asyncio.sleep(0), talk)


@pytest.mark.parametrize("said", [True, False])
def test_a_mailbox_that_another_process_takes_is_told_and_not_fought_for(
    said: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By its reason code; or by mosquitto 2.0, which says nothing."""

    async def told(url: str) -> None:
        one, two = transport_of(url), transport_of(url)
        for transport in (one, two):
            transport.use_secret(bytes(32))
            await transport.start("here", 1)
        await until(lambda: "another process uses this mailbox" in caplog.text)
        await one.close()
        await two.close()

    async def scripted() -> None:
        async def take_over(peer: Peer, kind: int, content: bytes) -> bool:
            if kind == SUBSCRIBE and peer.number:
                broker.peers[peer.number - 1].end(0x8E)
            return False

        async with ScriptedBroker(take_over) as broker:
            await told(broker.url)
            assert len(broker.peers) == 2

    if said:
        asyncio.run(scripted())
        return
    with Broker(tmp_path) as mosquitto:
        asyncio.run(told(mosquitto.url))
        assert mosquitto.log.read_text().count("New client connected") < 12


def test_the_time_between_connections_grows_until_one_has_lived() -> None:
    retries = Retries(lambda: 0.5)
    first = mqtt_retries.FIRST
    assert [retries.failed() for _ in range(3)] == [first, 2 * first, 4 * first]
    retries.lived(mqtt_retries.LIVED - 1)
    assert retries.failed() == 8 * first
    assert max(retries.failed() for _ in range(20)) == mqtt_retries.LONGEST
    retries.lived(mqtt_retries.LIVED)
    assert retries.failed() == first
    # Nor do a thousand come back at the same moment.
    assert Retries(lambda: 0.0).failed() < Retries(lambda: 1.0).failed()


def test_who_is_taken_over_rests_long_and_a_restarted_broker_is_nobody_else() -> None:
    retries = Retries(lambda: 0.5)
    for _ in range(10):
        assert retries.lost(lived=1.0, kept=False) <= mqtt_retries.LONGEST
        assert retries.lost(lived=mqtt_retries.QUICK, kept=True) <= mqtt_retries.LONGEST
    assert not retries.fighting
    rests = [retries.lost(lived=1.0, kept=True) for _ in range(10)]
    assert retries.fighting and rests[-1] == mqtt_retries.LONGEST_TAKEN_OVER
    retries.lived(mqtt_retries.IN_PEACE)
    assert not retries.fighting and retries.lost(1.0, True) == mqtt_retries.FIRST
    assert retries.taken_over() == mqtt_retries.TAKEN_OVER
