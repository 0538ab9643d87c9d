"""`Connection`: one connection with a broker, in a thread of its own, from the beginning to the end."""

from __future__ import annotations

import enum
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from windlass_chat.transport.base import TransportError
from windlass_chat.transport.broker_url import BrokerUrl

GREETING_SECONDS = 10.0
"""How long a broker may take to greet. One that is one does it at once."""
KEEP_ALIVE_SECONDS = 60
KEEP_MAIL_SECONDS = 28 * 24 * 3600
"""How long a broker keeps mail for a device that is away: less than prekeys are kept, so that it can be opened."""
KEEP_SHARE_SECONDS = 3600
"""The same for one of several workers: brokers go on to give it its share, which nobody else gets."""
RECEIVE_MAXIMUM = 128
"""How many envelopes a broker may bring that are not acknowledged: a flood waits there and not in memory."""
LARGEST_ENVELOPE = 16 * 1024 * 1024
"""`MAX_ENVELOPE_LEN` of the core. Nobody of ours sends more."""
AROUND_IT = 65_536
"""What a packet may have beside its envelope."""
NEVER_RETAINED = 2
"""What subscribing brings of retained messages. An envelope is none."""
FAREWELL_SECONDS = 2.0
UNSPECIFIED = 0x80
"""What the library calls an end without a word."""


def _of_mail() -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = KEEP_MAIL_SECONDS
    return properties


OF_MAIL = _of_mail()
"""What an envelope is published with: the same for each, and dear to make."""


class End(enum.Enum):
    """How a connection ended."""

    UNREACHABLE = enum.auto()
    """It did not come to one."""
    SILENT = enum.auto()
    """Somebody listens there, and does not greet, or does not answer our subscription."""
    REFUSED = enum.auto()
    """The broker does not want us."""
    LOST = enum.auto()
    """Nobody said why."""
    TOLD = enum.auto()
    """The broker ended it, and said why."""
    OURS = enum.auto()
    """We ended it."""
    FAULT = enum.auto()
    """A fault of a program, ours or the library's."""


@dataclass(frozen=True)
class Ending:
    """How a connection ended, and why."""

    how: End
    reason: int | None = None
    """A reason code of MQTT 5."""
    words: str = ""
    error: BaseException | None = None


@dataclass(frozen=True)
class Greeting:
    """What a broker said about itself."""

    session_present: bool
    largest: int | None
    window: int
    keeps: bool
    """Whether it takes mail to keep."""


class Listener(Protocol):
    """Who is told what happens on a connection, in the connection's thread."""

    def greeted(self, connection: Connection, greeting: Greeting) -> None:
        """The broker has greeted."""

    def opened(self, connection: Connection, granted: Any) -> None:
        """The broker has answered our subscription: the connection is alive. With the reason code of the answer."""

    def came(self, connection: Connection, message: mqtt.MQTTMessage) -> None:
        """Something came."""

    def confirmed(self, connection: Connection, number: int, reason: int) -> None:
        """The broker has answered what we published."""

    def ended(self, connection: Connection, ending: Ending) -> None:
        """It is over."""


class Connection:
    """Uses a client of the library for one connection, so that it never has anything to send again."""

    def __init__(self, broker: BrokerUrl, name: str, address: str, inbox: str, five: bool, listener: Listener) -> None:
        """`inbox` is a topic, or a shared subscription to it."""
        self.five = five
        self._broker, self._address, self._inbox, self._listener = broker, address, inbox, listener
        self._subscription: int | None = None
        self._is_greeted = self._is_opened = False
        self._left: tuple[Any, bool] | None = None
        """The reason with which it ended, and whether the broker told it."""
        self._ending_since: float | None = None
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            # Of MQTT 5 `clean_start` says it, when connecting.
            clean_session=None if five else False,
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = GREETING_SECONDS
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _client, _data, message: listener.came(self, message)
        client.on_publish = self._on_publish
        client.on_socket_open = self._on_socket_open
        # Without it whoever calls would write to the socket too, beside the thread.
        client.on_socket_register_write = lambda *_: None
        self._thread = threading.Thread(target=self._run, name=f"windlass-mqtt-{broker.host}", daemon=True)

    def begin(self) -> None:
        """Connects, in the thread."""
        self._thread.start()

    def end(self) -> None:
        """Says farewell. `Listener.ended` follows."""
        if self._ending_since is None:
            self._ending_since = time.monotonic()
            self._client.disconnect()

    def join(self) -> None:
        """Waits until the thread has ended. Not for one that still connects: it will not greet any more."""
        self._thread.join(2 * FAREWELL_SECONDS if self._is_greeted else 0.2)

    def publish(self, topic: str, payload: bytes, retain: bool) -> int | None:
        """Sends once. The number by which it is confirmed; nothing when the connection is gone."""
        properties = OF_MAIL if self.five and not retain else None
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    def subscribe(self, topic: str) -> None:
        """Asks for what is retained there, and for what comes."""
        self._client.subscribe(topic, qos=0)

    def unsubscribe(self, topic: str) -> None:
        """Asks for no more of it."""
        self._client.unsubscribe(topic)

    def acknowledge(self, number: int, qos: int) -> None:
        """What came by this number is durable."""
        self._client.ack(number, qos)

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            ending = self._live()
        except BaseException as error:  # Whatever it is, somebody has to learn that there is no connection any more.
            ending = Ending(End.FAULT, error=error)
        finally:
            left = self._client.socket()
            if left is not None:
                left.close()
        self._listener.ended(self, ending)

    def _live(self) -> Ending:
        try:
            self._connect()
        except (OSError, ValueError, TransportError) as error:
            # A host name that is none raises a `ValueError`.
            return Ending(End.OURS if self._ending_since is not None else End.UNREACHABLE, words=str(error), error=error)
        began = time.monotonic()
        while self._client.loop(1.0) == mqtt.MQTT_ERR_SUCCESS:
            now = time.monotonic()
            if self._ending_since is not None and now > self._ending_since + FAREWELL_SECONDS:
                break
            patience = GREETING_SECONDS * (2 if self._is_greeted else 1)
            if not self._is_opened and self._left is None and now > began + patience:
                return Ending(End.SILENT)
        if self._ending_since is not None:
            return Ending(End.OURS)
        if self._left is None:
            return Ending(End.LOST)
        reason, told = self._left
        words = "" if not told and reason.value == UNSPECIFIED else str(reason)
        if not self._is_greeted and told:
            return Ending(End.REFUSED, reason.value, words)
        return Ending(End.TOLD if told else End.LOST, reason.value, words)

    def _connect(self) -> None:
        client, broker = self._client, self._broker
        credentials = broker.credentials(self._address)
        if credentials is not None:
            client.username_pw_set(*credentials)
        context: ssl.SSLContext | None = broker.tls_context()
        if context is not None:
            client.tls_set_context(context)
        connect: Callable[..., object] = client.connect
        if self.five:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            shares = self._inbox.startswith("$share/")
            session.SessionExpiryInterval = KEEP_SHARE_SECONDS if shares else KEEP_MAIL_SECONDS
            session.ReceiveMaximum = RECEIVE_MAXIMUM
            session.MaximumPacketSize = LARGEST_ENVELOPE + AROUND_IT
            connect(broker.host, broker.port, KEEP_ALIVE_SECONDS, clean_start=False, properties=session)
        else:
            connect(broker.host, broker.port, KEEP_ALIVE_SECONDS)

    def _on_socket_open(self, client: mqtt.Client, data: Any, opened: Any) -> None:
        # Else what we say waits until the broker's machine has confirmed what we said before, and that one waits too: 40 ms.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._ending_since is not None:
            # Asked for while it was made; and there may be another one by now.
            raise ConnectionAbortedError("not wanted any more")

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any = None) -> None:
        if reason.is_failure:
            self._left = reason, True
            return
        self._is_greeted = True
        greeting = Greeting(
            flags.session_present,
            getattr(properties, "MaximumPacketSize", None),
            getattr(properties, "ReceiveMaximum", 65_535),
            getattr(properties, "MaximumQoS", 1) > 0,
        )
        self._listener.greeted(self, greeting)
        if self.five:
            options = SubscribeOptions(qos=1, retainHandling=NEVER_RETAINED)
            self._subscription = client.subscribe(self._inbox, options=options)[1]
        else:
            self._subscription = client.subscribe(self._inbox, qos=1)[1]

    def _on_subscribe(self, client: mqtt.Client, data: Any, number: int, reasons: Any, properties: Any = None) -> None:
        if number == self._subscription:
            self._is_opened = True
            self._listener.opened(self, reasons[0])

    def _on_publish(self, client: mqtt.Client, data: Any, number: int, reason: Any, properties: Any = None) -> None:
        self._listener.confirmed(self, number, reason.value)

    def _on_disconnect(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any = None) -> None:
        if self._left is None:
            self._left = reason, flags.is_disconnect_packet_from_server
