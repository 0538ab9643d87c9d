"""How envelopes travel. A transport is one class with six methods; it sees bytes and addresses, never what they say.

    transport = transport_of("mqtts://bot:secret@broker.example")
    await transport.start(client.address(), client.device_id())
    await transport.deliver(envelope.to, envelope.bytes)
    async for incoming in transport.receive():
        # Anybody may send what is no envelope. `receive` raises then; this refuses it, and goes on.
        (received,) = client.receive_many([incoming.envelope])
        for event in received.events:
            print(event)
        await incoming.acknowledge()

A transport may reorder, delay, repeat and lose. What makes it a good one is that `deliver` returns only when the
envelope is kept somewhere, and that what was not acknowledged comes again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

__all__ = ["Incoming", "NoMailbox", "TooLarge", "Transport", "TransportError", "register", "transport_of"]


class TransportError(Exception):
    """The transport could not do it. Trying again later may help."""


class NoMailbox(TransportError):
    """Nobody keeps mail for this address: whoever it belongs to has never been here, or not for a long time."""


class TooLarge(TransportError):
    """The transport carries no envelope of this size. It takes the others."""


@dataclass(frozen=True)
class Incoming:
    """An envelope that came."""

    envelope: bytes
    acknowledge: Callable[[], Awaitable[None]]
    """To be called when what `Client.receive` made of the envelope is durable. Until then it comes again."""


class Transport(ABC):
    """What carries envelopes. All calls come from one event loop."""

    @abstractmethod
    async def start(self, address: str, device: int) -> None:
        """Opens the mailbox of a device. Does not wait for a connection; what needs one waits for it."""

    @abstractmethod
    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        """Puts our bundle where others find it by our address. The newest one counts."""

    @abstractmethod
    async def fetch_bundle(self, address: str) -> bytes | None:
        """Somebody's bundle, or nothing. Anybody may have put it there, so its address is to be compared."""

    @abstractmethod
    async def deliver(self, address: str, envelope: bytes) -> None:
        """Returns when the transport has the envelope for good. Raises `TransportError` if it does not take it."""

    @abstractmethod
    def receive(self) -> AsyncIterator[Incoming]:
        """What comes, until `close`. What was not acknowledged comes again, after the next `start` at the latest."""

    @abstractmethod
    async def close(self) -> None:
        """Ends. Mail that comes from now on waits."""


Factory = Callable[[str], Transport]
_factories: dict[str, Factory] = {}


def register(scheme: str, factory: Factory) -> None:
    """Makes `transport_of` know URLs of another scheme."""
    _factories[scheme] = factory


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL and its port. An error does not quote it, for it may hold a password."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        advice = "in a user name or a password write / as %2F, ? as %3F, # as %23, @ as %40"
        raise ValueError(f"the URL of the transport cannot be read; {advice}") from None


def transport_of(url: str) -> Transport:
    """The transport of a URL: `mqtt://host:port`, `mqtts://user:password@host`, `memory://name`, or registered."""
    parts, _ = split_url(url)
    scheme = parts.scheme
    if scheme in _factories:
        return _factories[scheme](url)
    if scheme == "memory":
        from windlass.transport.memory import MemoryTransport

        return MemoryTransport(parts.netloc)
    if scheme in ("mqtt", "mqtts"):
        try:
            from windlass.transport.mqtt import MqttTransport
        except ModuleNotFoundError as missing:
            raise TransportError("this transport needs paho-mqtt: pip install 'paho-mqtt>=2.1,<3'") from missing
        return MqttTransport(url)
    # Without the rest of it: a URL may hold a password.
    raise ValueError(f"no transport is known for {scheme}://")
