"""How envelopes travel. A transport is one class with six methods; it sees bytes and addresses, never what they say.

    transport = transport_of("mqtts://broker.example?password_file=/run/secrets/broker")
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

from collections.abc import Callable

from windlass_chat.transport.base import Incoming, NoMailbox, TooLarge, Transport, TransportError
from windlass_chat.transport.urls import split_url

__all__ = ["Incoming", "NoMailbox", "TooLarge", "Transport", "TransportError", "register", "transport_of"]

Factory = Callable[[str], Transport]
_factories: dict[str, Factory] = {}


def register(scheme: str, factory: Factory) -> None:
    """Makes `transport_of` know URLs of another scheme."""
    _factories[scheme] = factory


def transport_of(url: str) -> Transport:
    """The transport of a URL: `mqtt://host:port`, `mqtts://user:password@host`, `memory://name`, or registered."""
    parts, _ = split_url(url)
    scheme = parts.scheme
    if scheme in _factories:
        return _factories[scheme](url)
    if scheme == "memory":
        from windlass_chat.transport.memory import MemoryTransport

        return MemoryTransport(parts.netloc)
    if scheme in ("mqtt", "mqtts"):
        try:
            from windlass_chat.transport.mqtt import MqttTransport
        except ModuleNotFoundError as missing:
            raise TransportError("this transport needs paho-mqtt: pip install 'paho-mqtt>=2.2,<3'") from missing
        return MqttTransport(url)
    # Without the rest of it: a URL may hold a password.
    raise ValueError(f"no transport is known for {scheme}://")
