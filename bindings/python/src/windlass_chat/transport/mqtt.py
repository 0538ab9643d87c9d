"""Mail over any MQTT broker: a persistent session is the mailbox, a retained message the bundle.

    transport = MqttTransport("mqtts://broker.example:8883?password_file=/run/secrets/broker&ca=/etc/ssl/broker.pem")

| topic | what |
| --- | --- |
| `windlass/v1/inbox/<address>` | envelopes, QoS 1; each device of the address has a session of its own |
| `windlass/v1/bundle/<address>` | the reusable bundle, retained |

Needs paho-mqtt, which comes with the extra `mqtt` of the package. Of the URL: `?password_file=` names a file with the
password, and without a user in the URL the user is our address; `?ca=` names the authorities to trust, `?cert=` and
`?key=` a certificate of our own; `?version=3` speaks MQTT 3.1.1 from the start, `?version=5` nothing else than 5;
`?prefix=` other topics than `windlass/v1`; `?cleartext=yes` allows `mqtt://` to another machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

from paho.mqtt import client as mqtt

from windlass_chat._threads import in_thread
from windlass_chat.transport.base import Incoming, NoMailbox, TooLarge, Transport, TransportError
from windlass_chat.transport.broker_url import BrokerUrl
from windlass_chat.transport.mqtt_bundles import LARGEST_BUNDLE, Bundles
from windlass_chat.transport.mqtt_connection import LARGEST_ENVELOPE, Connection, End, Ending, Greeting
from windlass_chat.transport.mqtt_outgoing import REFUSED, WINDOW, Letter, Outgoing
from windlass_chat.transport.mqtt_retries import Retries

HELD_BYTES = 64 * 1024 * 1024
"""Of what came and nobody has acknowledged, so much is held. The rest is left to the broker."""
LOOK_SECONDS = 10.0
"""How often we look whether what was sent was answered."""
AROUND_ENVELOPE = 1_024
"""What an envelope costs beside its bytes. Without it a flood of empty ones would cost nothing."""
GROUP = "windlass"
"""What workers of one address call themselves at the broker, all the same."""
NO_SUBSCRIBERS = 0x10
WRONG_VERSION = 0x84
NOT_AUTHORISED = 0x87
SHUTTING_DOWN = 0x8B
KEEP_ALIVE_TIMEOUT = 0x8D
TAKEN_OVER = 0x8E
TOO_LARGE = 0x95
HEADERS = 32
"""What a packet is longer than its topic and its content, at most."""
ADVICE = {
    0x81: "is it a broker, and of MQTT 5 or 3.1.1?",
    0x85: "it takes no client id of 23 letters and digits",
    0x86: "look at user and password in the URL, or at its password_file",
    NOT_AUTHORISED: "look at user and password, and at the broker's access rules",
    0x88: "it may be back later",
    0x8A: "ask whoever runs it",
    0x97: "ask whoever runs it for more room",
    0x9C: "it wants us to use another broker: change the URL",
    0x9D: "it has moved: change the URL",
}

log = logging.getLogger("windlass_chat.transport.mqtt")


def _place(error: BaseException | None) -> str:
    """What was raised and where, without its text, which may quote what came."""
    if error is None:
        return "nothing was raised"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{where}"


class MqttTransport(Transport):
    """A device's session with a broker. Connects again by itself, later and later; see `mqtt_retries`."""

    at_once = WINDOW

    def __init__(self, url: str) -> None:
        self._broker = BrokerUrl.parse(url)
        self._secret = secrets.token_bytes(32)
        self._worker = ""
        self._running_task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        # Without user and password.
        return f"<MqttTransport {self._broker}>"

    def use_secret(self, secret: bytes) -> None:
        """What the name of this device's session at the broker is made of."""
        self._secret = bytes(secret)

    def use_worker(self, worker: str) -> None:
        """Takes part in the shared subscription of all workers of this address. What is for a worker that is away waits for one of its name, an hour."""
        if self._broker.version == 3:
            raise TransportError("several workers share a mailbox by MQTT 5 alone: leave out ?version=3")
        self._worker = worker

    async def start(self, address: str, device: int) -> None:
        """Checks the settings, and begins to connect; what needs the broker waits until it is there."""
        await self.close()
        # What is wrong in the settings is told here, and not in the log.
        await in_thread(self._broker.credentials, address)
        await in_thread(self._broker.tls_context)
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[Incoming | Exception | None] = asyncio.Queue()
        self._address = address
        # Nobody else may know it: with it, whoever is let in has our mailbox. 23 characters are what every broker takes.
        said = f"mqtt client id {address}/{device}{'/' if self._worker else ''}{self._worker}".encode()
        self._name = "wl" + hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:21]
        self._outgoing = Outgoing()
        self._bundles = Bundles(address, self._topic("bundle", ""), self._subscribe, self._unsubscribe, self._put_back)
        self._retries = Retries()
        self._five = self._broker.version != 3
        self._connection: Connection | None = None
        self._alive = asyncio.Event()
        """Set while there is a connection over which mail comes and goes."""
        self._greeting: Greeting | None = None
        self._ungreeted = 0
        self._alive_since: float | None = None
        self._keeps, self._told = True, set[str]()
        self._held_lock = threading.Lock()
        self._held, self._let_go = 0, False
        self._was_connected = False
        self._closing = False
        self._running_task = asyncio.create_task(self._run())
        self._running_task.add_done_callback(self._stopped)

    # --- connections -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """One connection after the other."""
        while not self._closing:
            self._ended: asyncio.Future[Ending] = self._loop.create_future()
            self._greeting = None
            inbox = self._topic("inbox", self._address)
            if self._worker:
                inbox = f"$share/{GROUP}/{inbox}"
            self._connection = Connection(self._broker, self._name, self._address, inbox, self._five, self)
            self._connection.begin()
            ending = await self._ended
            if not self._closing:
                await asyncio.sleep(self._after(ending))

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._closing:
            return
        # A fault of this program. Nobody would connect any more, and nobody would know.
        error = RuntimeError("the transport has stopped")
        error.__cause__ = task.exception()
        log.error("the transport has stopped: %s", _place(task.exception()))
        self._outgoing.fail(TransportError(str(error)))
        self._inbox.put_nowait(error)

    def _after(self, ending: Ending) -> float:
        """Tells what became of a connection, and answers after how many seconds there is another one."""
        retries, now = self._retries, time.monotonic()
        lived = None if self._alive_since is None else now - self._alive_since
        self._connection = self._alive_since = None
        self._alive.clear()
        known = (SHUTTING_DOWN, KEEP_ALIVE_TIMEOUT, TAKEN_OVER)
        suspicious = ending.how in (End.LOST, End.TOLD, End.FAULT) and ending.reason not in known
        probed = self._outgoing.lost(suspicious and not retries.fighting)
        if lived is not None:
            retries.lived(lived)
        if ending.how is End.OURS:
            return 0.0
        if self._broker.version is None and not self._worker and self._speak_otherwise(ending):
            return 0.0
        taken = ending.how is End.TOLD and ending.reason == TAKEN_OVER
        if taken:
            seconds = retries.taken_over()
        elif probed:
            seconds = retries.probed()
        elif ending.how is End.LOST and lived is not None and ending.reason not in known:
            seconds = retries.lost(lived, self._greeting is not None and self._greeting.session_present)
            if retries.fighting:
                self._tell_of_another(seconds, "perhaps ")
                return seconds
        else:
            seconds = retries.failed()
        if taken:
            self._tell_of_another(seconds, "")
        else:
            self._tell_ending(ending, seconds)
        return seconds

    def _speak_otherwise(self, ending: Ending) -> bool:
        """Whether the next connection is one of MQTT 3.1.1 because the broker said that it does not speak 5."""
        if ending.reason == WRONG_VERSION and self._five:
            self._five = False
            log.warning("%s does not speak MQTT 5; going on with 3.1.1, as with ?version=3", self._broker)
            return True
        if self._greeting is None and ending.how in (End.LOST, End.SILENT) and (self._five or self._guessing):
            # Some only end the connection, or wait for more of what they do not understand. So the other one is tried in turns.
            self._ungreeted += 2 if ending.how is End.SILENT else 1
            self._five = self._ungreeted // 2 % 2 == 0
        return False

    @property
    def _guessing(self) -> bool:
        return self._ungreeted > 0 and not self._five

    def _tell_of_another(self, seconds: float, perhaps: str) -> None:
        text = (
            "%sanother process uses this mailbox at %s: a copy of this store, or the same program started twice;"
            " end one of them. Again in %.1f s"
        )
        log.error(text, perhaps, self._broker, seconds, extra={"event": "taken_over", "seconds": seconds})

    def _tell_ending(self, ending: Ending, seconds: float) -> None:
        broker, words = self._broker, ending.words
        if ending.how is End.FAULT:
            kind = _place(ending.error)
            log.error("the thread of the connection with %s has died: %s; again in %.1f s", broker, kind, seconds)
            self._inbox.put_nowait(TransportError(f"the thread of the connection has died: {kind}"))
        elif ending.how is End.UNREACHABLE:
            kind, other = ("", "mqtt://") if self._broker.tls else (" in clear text", "mqtts://")
            advice = f"; does it speak {other}?" if "SSL" in words or "handshake" in words else ""
            log.warning("cannot reach %s: %s%s; again in %.1f s", broker, words, advice, seconds)
        elif ending.how is End.SILENT and self._greeting is not None:
            log.warning("%s greeted and does not answer; again in %.1f s", broker, seconds)
        elif ending.how is End.SILENT:
            text = "%s took the connection and did not greet: is it an MQTT broker, is it %s, and does it speak MQTT 5 (else ?version=3)? Again in %.1f s"
            log.warning(text, broker, "mqtt:// and not mqtts://" if broker.tls else "mqtts:// and not mqtt://", seconds)
        elif ending.how is End.REFUSED:
            advice = ADVICE.get(ending.reason or 0, "look into its log")
            log.warning("%s refused the connection: %s; %s. Again in %.1f s", broker, words, advice, seconds)
        elif self._greeting is None:
            text = "%s ended the connection before it greeted%s: is it %s, and are user and password right? Again in %.1f s"
            words = f" ({words})" if words else ""
            log.warning(text, broker, words, "mqtt:// and not mqtts://" if broker.tls else "mqtts:// and not mqtt://", seconds)
        else:
            log.warning("the connection with %s is gone: %s; again in %.1f s", broker, words or "it was closed", seconds)

    # --- called in the thread of the connection ----------------------------------------------------------------------

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            pass  # The loop has ended; what was not acknowledged comes again.

    def greeted(self, connection: Connection, greeting: Greeting) -> None:
        """The broker answered a connection; called from its thread."""
        # What the last connection let go comes with this one. Here, and not where the loop comes to it: this one may have let something go by then.
        with self._held_lock:
            self._let_go = False
        self._tell(self._greeted, greeting)

    def opened(self, connection: Connection, granted: Any) -> None:
        """The broker granted the subscriptions; called from its thread."""
        self._tell(self._opened, connection, granted)

    def confirmed(self, connection: Connection, number: int, reason: int) -> None:
        """The broker has, or refused, what was published under a number; called from its thread."""
        self._tell(self._outgoing.confirmed, number, reason)

    def ended(self, connection: Connection, ending: Ending) -> None:
        """A connection is over, for whatever reason; called from its thread."""
        self._tell(self._end, connection, ending)

    def came(self, connection: Connection, message: mqtt.MQTTMessage) -> None:
        """The broker brought an envelope or somebody's bundle; called from its thread."""
        bundles = self._topic("bundle", "")
        if message.topic.startswith(bundles):
            # Of what is too long to be one, enough to see that.
            payload = bytes(message.payload[: LARGEST_BUNDLE + 1])
            self._tell(self._bundles.found, message.topic[len(bundles) :], payload)
        elif message.topic == self._topic("inbox", self._address):
            size = len(message.payload)
            if message.retain or size > LARGEST_ENVELOPE:
                # A retained one would come with each connection; and the other is no envelope, whatever the broker was asked.
                connection.acknowledge(message.mid, message.qos)
                return
            with self._held_lock:
                if self._held and self._held + size + AROUND_ENVELOPE > HELD_BYTES:
                    # The connection goes on, for what goes out, and the broker brings it again over the next one.
                    self._let_go = True
                    return
                self._held += size + AROUND_ENVELOPE
            self._tell(self._came, bytes(message.payload), message.mid, message.qos, connection)

    # --- called in the event loop ------------------------------------------------------------------------------------

    def _topic(self, kind: str, address: str) -> str:
        return f"{self._broker.prefix}/{kind}/{address}"

    def _running(self) -> None:
        if self._running_task is None:
            raise TransportError("the transport is not started")

    def _once(self, text: str, *args: object) -> None:
        if text not in self._told:
            self._told.add(text)
            log.error(text, *args)

    def _end(self, connection: Connection, ending: Ending) -> None:
        if connection is self._connection and not self._ended.done():
            self._ended.set_result(ending)

    def _greeted(self, greeting: Greeting) -> None:
        log.info("connected with %s", self._broker)
        if self._guessing:
            text = "%s greets in MQTT 3.1.1 and not in 5; going on with that, as with ?version=3"
            log.warning(text, self._broker)
        self._ungreeted = 0
        if self._was_connected and not greeting.session_present:
            log.warning("%s has lost our mailbox; the senders send again what was in it", self._broker)
        self._was_connected = True
        self._greeting = greeting
        self._keeps = greeting.keeps

    def _opened(self, connection: Connection, granted: Any) -> None:
        if connection is not self._connection or self._greeting is None:
            return
        if granted.is_failure:
            log.error("%s keeps no mail for us: %s; look at its access rules", self._broker, granted)
        elif granted.value == 0:
            self._keeps = False
        if not self._keeps:
            self._once("%s keeps no mail: it grants QoS 0 alone (mosquitto: max_qos). Mailboxes need QoS 1", self._broker)
        self._alive_since = time.monotonic()
        self._alive.set()
        self._loop.call_later(LOOK_SECONDS, self._look_for_answers, connection)
        self._bundles.connected()
        if self._keeps:
            self._outgoing.connected(self._send, self._greeting.window)

    def _look_for_answers(self, connection: Connection) -> None:
        if connection is not self._connection or self._running_task is None:
            return
        if self._outgoing.is_overdue():
            log.warning("%s does not answer what it was sent; trying another connection", self._broker)
            connection.end()
        else:
            self._loop.call_later(LOOK_SECONDS, self._look_for_answers, connection)

    def _send(self, letter: Letter) -> int | None:
        return self._connection.publish(letter.topic, letter.payload, letter.retain) if self._connection else None

    def _subscribe(self, topic: str) -> None:
        if self._connection is not None and self._alive.is_set():
            self._connection.subscribe(topic)

    def _unsubscribe(self, topic: str) -> None:
        if self._connection is not None and self._alive.is_set():
            self._connection.unsubscribe(topic)

    def _came(self, envelope: bytes, number: int, qos: int, connection: Connection) -> None:
        held = len(envelope) + AROUND_ENVELOPE

        async def acknowledge() -> None:
            nonlocal held
            with self._held_lock:
                self._held, held = self._held - held, 0
                again = self._let_go and self._held <= HELD_BYTES // 2
                self._let_go = self._let_go and not again
            # Of an earlier connection: the broker sends it again, and that one is acknowledged.
            if connection is self._connection:
                connection.acknowledge(number, qos)
            if again and self._connection is not None:
                log.info("there is room again for what %s keeps for us", self._broker)
                self._connection.end()

        self._inbox.put_nowait(Incoming(envelope, acknowledge))

    def _put_back(self, topic: str, bundle: bytes) -> asyncio.Future[int]:
        letter = Letter(topic, bundle, True, self._loop.create_future())
        self._outgoing.add(letter)
        return letter.answer

    async def _publish(self, topic: str, payload: bytes, retain: bool) -> int:
        self._running()
        # Before that we do not know what it takes.
        await self._alive.wait()
        self._running()
        if not self._keeps:
            raise TransportError("the broker keeps no mail: it grants QoS 0 alone")
        largest = self._greeting.largest if self._greeting is not None else None
        if largest is not None and len(topic) + len(payload) + HEADERS > largest:
            raise TooLarge(f"the broker takes packets of at most {largest} bytes")
        letter = Letter(topic, payload, retain, self._loop.create_future())
        self._outgoing.add(letter)
        reason = await letter.answer
        if reason == TOO_LARGE:
            raise TooLarge(f"the broker takes no message of {len(payload)} bytes")
        if reason == NOT_AUTHORISED:
            raise TransportError(f"the broker's access rules do not let us write to {topic}")
        if reason >= REFUSED:
            raise TransportError(f"the broker refused the message, reason {reason:#x}")
        return reason

    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        """Leaves the bundle with the broker, retained under this device's address."""
        topic, kept = self._topic("bundle", address), bytes(bundle)
        with self._bundles.publishing(topic, kept):
            await self._publish(topic, kept, retain=True)

    async def fetch_bundle(self, address: str) -> bytes | None:
        """The bundle that the broker keeps for an address, or nothing if it has none."""
        if not address.isalnum():
            raise ValueError("this is no address")
        self._running()
        found = await self._bundles.fetch(address)
        if found is None and not self._alive.is_set():
            raise TransportError("there is no connection with the broker")
        return found

    async def deliver(self, address: str, envelope: bytes) -> None:
        """Publishes the envelope, and returns when the broker has confirmed it."""
        # MQTT 5 tells that nobody has a session for the topic, and so that the broker has thrown the envelope away.
        if await self._publish(self._topic("inbox", address), bytes(envelope), retain=False) == NO_SUBSCRIBERS:
            raise NoMailbox(f"nobody keeps mail for {address}")

    async def receive(self) -> AsyncIterator[Incoming]:
        """What the broker brings, until `close`. An envelope is confirmed to it when it is acknowledged."""
        self._running()
        while (incoming := await self._inbox.get()) is not None:
            if isinstance(incoming, Exception):
                raise incoming
            yield incoming

    async def close(self) -> None:
        """Ends the connection, and all that waits for it by an error."""
        task, self._running_task = self._running_task, None
        if task is None:
            return
        self._closing = True
        connection = self._connection
        if connection is not None:
            connection.end()
        task.cancel()
        await asyncio.wait([task])
        if connection is not None:
            # The next one would be taken for somebody else's.
            await in_thread(connection.join)
        self._alive.set()  # A caller that waits for it learns that there is nothing to wait for.
        self._bundles.close()
        self._outgoing.fail(TransportError("the transport was closed"))
        self._inbox.put_nowait(None)
