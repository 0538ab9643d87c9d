"""Mail over any MQTT broker: a persistent session is the mailbox, a retained message the bundle.

    transport = MqttTransport("mqtts://bot:secret@broker.example:8883?ca=/etc/ssl/broker.pem")

| topic | what |
| --- | --- |
| `windlass/v1/inbox/<address>` | envelopes, QoS 1; each device of the address has a session of its own |
| `windlass/v1/bundle/<address>` | the reusable bundle, retained |

Needs paho-mqtt, which comes with the extra `mqtt` of the package. Of the URL: `?version=3` speaks MQTT 3.1.1 instead
of 5, `?ca=` names the authorities to trust, `?cert=` and `?key=` a certificate of our own, `?prefix=` other topics than
`windlass/v1`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from windlass_chat._threads import in_thread
from windlass_chat.transport.base import Incoming, NoMailbox, TooLarge, Transport, TransportError
from windlass_chat.transport.urls import split_url

KEEP_MAIL_SECONDS = 28 * 24 * 3600
"""How long a broker keeps mail for a device that is away: less than prekeys are kept, so that it can be opened."""
RECEIVE_MAXIMUM = 256
"""How many envelopes a broker may bring that are not acknowledged: a flood waits there and not in memory."""
FETCH_SECONDS = 5.0
"""How long to wait for a bundle. A broker does not say that there is none."""
NO_SUBSCRIBERS = 0x10
REFUSED = 0x80
HEADERS = 32
"""What a packet is longer than its topic and its content, at most."""
OPTIONS = {"version", "prefix"}
TLS_OPTIONS = {"ca", "cert", "key"}

log = logging.getLogger("windlass_chat.transport.mqtt")


class MqttTransport(Transport):
    """A device's session with a broker. Connects again by itself, later and later, up to a minute apart."""

    def __init__(self, url: str) -> None:
        parts, port = split_url(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("an address of a broker is mqtt://host:port or mqtts://host:port")
        self._tls = parts.scheme == "mqtts"
        for name in options.keys() - OPTIONS:
            if name not in TLS_OPTIONS:
                raise ValueError(f"the address of a broker has no option {name}")
            if not self._tls:
                # A person who names authorities believes that the connection is encrypted.
                raise ValueError(f"the option {name} needs mqtts://")
        self._host = parts.hostname
        self._port = port or (8883 if self._tls else 1883)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._options = options
        self._prefix = options.get("prefix", "windlass/v1")
        self._five = options.get("version", "5") != "3"
        self._client: mqtt.Client | None = None
        self._lock = threading.Lock()
        self._connection = 0

    def __repr__(self) -> str:
        # Without user and password.
        return f"<MqttTransport {self._host}:{self._port}>"

    async def start(self, address: str, device: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._published: dict[int, asyncio.Future[int]] = {}
        self._wanted: dict[str, list[asyncio.Future[bytes]]] = {}
        self._bundle: tuple[str, bytes] | None = None
        self._address = address
        self._connected = asyncio.Event()
        self._largest: int | None = None
        self._subscription: int | None = None
        # The same device has the same session after a restart. 23 characters are what every broker takes.
        name = "wl" + hashlib.sha256(f"{address}/{device}".encode()).hexdigest()[:21]
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            # Of MQTT 5 `clean_start` says it, when connecting.
            clean_session=None if self._five else False,
            protocol=mqtt.MQTTv5 if self._five else mqtt.MQTTv311,
            manual_ack=True,
        )
        if self._user is not None:
            client.username_pw_set(self._user, self._password)
        if self._tls:
            context = ssl.create_default_context(cafile=self._options.get("ca"))
            if "cert" in self._options:
                context.load_cert_chain(self._options["cert"], self._options.get("key"))
            client.tls_set_context(context)
        client.reconnect_delay_set(min_delay=1, max_delay=60)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._client = client
        if self._five:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = KEEP_MAIL_SECONDS
            session.ReceiveMaximum = RECEIVE_MAXIMUM
            client.connect_async(self._host, self._port, clean_start=False, properties=session)
        else:
            client.connect_async(self._host, self._port)
        client.loop_start()

    # --- called in the thread of the connection ----------------------------------------------------------------------

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            pass  # The loop has ended; what was not acknowledged comes again.

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any = None) -> None:
        if reason.is_failure:
            log.warning("%s refused the connection: %s", self._host, reason)
            return
        log.info("connected with %s", self._host)
        if self._subscription is not None and not flags.session_present:
            log.warning("%s has lost our mailbox; the senders send again what was in it", self._host)
        self._subscription = client.subscribe(self._topic("inbox", self._address), qos=1)[1]
        self._tell(self._greeted, getattr(properties, "MaximumPacketSize", None))
        # A broker that lost its disk has lost the bundle too.
        self._tell(self._publish_again)
        self._tell(self._ask_again)

    def _on_connect_fail(self, client: mqtt.Client, data: Any) -> None:
        # Called where it was caught, which is the one way to learn why.
        log.warning("cannot reach %s:%d: %s", self._host, self._port, sys.exc_info()[1])

    def _on_subscribe(self, client: mqtt.Client, data: Any, number: int, reasons: Any, properties: Any = None) -> None:
        if number == self._subscription and any(reason.is_failure for reason in reasons):
            log.error("%s keeps no mail for us: %s", self._host, reasons[0])

    def _on_disconnect(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any = None) -> None:
        # A number means another envelope in the next connection. Its acknowledgement must not go there.
        with self._lock:
            self._connection += 1
        if reason.is_failure:
            log.warning("the connection with %s is gone: %s", self._host, reason)

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        bundles = self._topic("bundle", "")
        if message.topic.startswith(bundles):
            self._tell(self._found_bundle, message.topic[len(bundles) :], bytes(message.payload))
        elif message.topic == self._topic("inbox", self._address):
            self._tell(self._came, bytes(message.payload), message.mid, message.qos, self._connection)

    def _on_publish(self, client: mqtt.Client, data: Any, number: int, reason: Any, properties: Any = None) -> None:
        self._tell(self._confirmed, number, reason.value)

    # --- called in the event loop ------------------------------------------------------------------------------------

    def _topic(self, kind: str, address: str) -> str:
        return f"{self._prefix}/{kind}/{address}"

    def _running(self) -> mqtt.Client:
        if self._client is None:
            raise TransportError("the transport is not started")
        return self._client

    def _greeted(self, largest: int | None) -> None:
        self._largest = largest
        self._connected.set()

    def _came(self, envelope: bytes, number: int, qos: int, connection: int) -> None:
        async def acknowledge() -> None:
            with self._lock:
                # Of an earlier connection: the broker sends it again, and that one is acknowledged.
                if connection == self._connection and self._client is not None:
                    self._client.ack(number, qos)

        self._inbox.put_nowait(Incoming(envelope, acknowledge))

    def _confirmed(self, number: int, reason: int) -> None:
        waiting = self._published.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(reason)

    def _found_bundle(self, address: str, bundle: bytes) -> None:
        for waiting in self._wanted.get(address, []):
            if bundle and not waiting.done():
                waiting.set_result(bundle)

    def _publish_again(self) -> None:
        if self._bundle is not None and self._client is not None:
            topic, bundle = self._bundle
            self._client.publish(topic, bundle, qos=1, retain=True)

    def _ask_again(self) -> None:
        if self._client is not None:
            for address in self._wanted:
                self._client.subscribe(self._topic("bundle", address), qos=0)

    async def _publish(self, topic: str, payload: bytes, retain: bool) -> int:
        self._running()
        # Before that we do not know what it takes. One packet too large ends the connection, each time it is made.
        await self._connected.wait()
        if self._largest is not None and len(topic) + len(payload) + HEADERS > self._largest:
            raise TooLarge(f"the broker takes packets of at most {self._largest} bytes")
        properties = None
        if self._five and not retain:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = KEEP_MAIL_SECONDS
        info = self._running().publish(topic, payload, qos=1, retain=retain, properties=properties)
        # When the connection is gone it waits in memory, and goes out with the next one.
        if info.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_NO_CONN):
            raise TransportError(mqtt.error_string(info.rc))
        waiting: asyncio.Future[int] = self._loop.create_future()
        self._published[info.mid] = waiting
        try:
            reason: int = await waiting
        finally:
            self._published.pop(info.mid, None)
        if reason >= REFUSED:
            raise TransportError(f"the broker refused the message, reason {reason:#x}")
        return reason

    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        kept = self._topic("bundle", address), bytes(bundle)
        await self._publish(*kept, retain=True)
        self._bundle = kept

    async def fetch_bundle(self, address: str) -> bytes | None:
        if not address.isalnum():
            raise ValueError("this is no address")
        waiting: asyncio.Future[bytes] = self._loop.create_future()
        others = self._wanted.setdefault(address, [])
        others.append(waiting)
        topic = self._topic("bundle", address)
        self._running().subscribe(topic, qos=0)
        try:
            return await asyncio.wait_for(waiting, FETCH_SECONDS)
        except asyncio.TimeoutError:
            return None
        finally:
            others.remove(waiting)
            if not others:
                self._wanted.pop(address, None)
                if self._client is not None:
                    self._client.unsubscribe(topic)

    async def deliver(self, address: str, envelope: bytes) -> None:
        # MQTT 5 tells that nobody has a session for the topic, and so that the broker has thrown the envelope away.
        if await self._publish(self._topic("inbox", address), bytes(envelope), retain=False) == NO_SUBSCRIBERS:
            raise NoMailbox(f"nobody keeps mail for {address}")

    async def receive(self) -> AsyncIterator[Incoming]:
        self._running()
        while (incoming := await self._inbox.get()) is not None:
            yield incoming

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return

        def end() -> None:
            client.disconnect()
            client.loop_stop()

        await in_thread(end)
        self._connected.set()  # A caller that waits for it learns that there is nothing to wait for.
        for waiting in self._published.values():
            if not waiting.done():
                waiting.set_exception(TransportError("the transport was closed"))
                waiting.exception()  # Nobody may be waiting any more.
        self._inbox.put_nowait(None)
