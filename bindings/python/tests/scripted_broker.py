"""A server that speaks just enough MQTT to misbehave, for tests: real sockets, and each packet answered as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
RETAIN_AND_NO_OTHER_FLAG = 0x31


class Peer:
    """A connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader, self.writer, self.number = reader, writer, number
        self.five = True
        self.sent: list[int] = []
        """Sizes of what was published on it."""

    async def packet(self) -> tuple[int, int, bytes]:
        """Kind, flags and content of the next one."""
        first = (await self.reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self.reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first >> 4, first & 15, await self.reader.readexactly(length)

    def send(self, kind: int, content: bytes, flags: int = 0) -> None:
        """A packet to the client."""
        length, size = bytearray(), len(content)
        while True:
            size, low = size >> 7, size & 127
            length.append(low | 128 if size else low)
            if not size:
                break
        self.writer.write(bytes([kind << 4 | flags]) + length + content)

    def greet(self, session_present: bool = True, properties: bytes = b"", reason: int = 0) -> None:
        """CONNACK."""
        end = bytes([len(properties)]) + properties if self.five else b""
        self.send(CONNACK, bytes([session_present, reason]) + end)

    def subscribed(self, content: bytes, granted: int = 1) -> None:
        """SUBACK."""
        self.send(SUBACK, content[:2] + (b"\0" if self.five else b"") + bytes([granted]))

    def published(self, content: bytes, reason: int = 0) -> None:
        """PUBACK."""
        topic = int.from_bytes(content[:2], "big")
        number = content[2 + topic : 4 + topic]
        self.send(PUBACK, number + (bytes([reason]) if self.five and reason else b""))

    def end(self, reason: int | None = None) -> None:
        """DISCONNECT with a reason, or none."""
        if reason is not None:
            self.send(DISCONNECT, bytes([reason, 0]))
        self.writer.close()


Script = Callable[[Peer, int, bytes], Awaitable[bool | None]]
"""Called with each packet; true if it is answered."""


class ScriptedBroker:
    """Greets, lets subscribe and confirms what is published, as far as the script does nothing else. A context manager."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script
        self.peers: list[Peer] = []
        self.connects: list[bytes] = []

    async def __aenter__(self) -> ScriptedBroker:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self.server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.server.close()
        for peer in self.peers:
            peer.writer.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"mqtt://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, len(self.peers))
        self.peers.append(peer)
        try:
            while True:
                kind, flags, content = await peer.packet()
                if kind == CONNECT:
                    self.connects.append(content)
                    peer.five = content[6] == 5
                if kind == PUBLISH:
                    peer.sent.append(len(content))
                if self.script is None or not await self.script(peer, kind, content):
                    self._answer(peer, kind, flags, content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    def _answer(self, peer: Peer, kind: int, flags: int, content: bytes) -> None:
        if kind == CONNECT:
            peer.greet()
        elif kind == SUBSCRIBE:
            peer.subscribed(content)
        elif kind == PUBLISH and flags & 6:
            peer.published(content)
        elif kind == PINGREQ:
            peer.send(13, b"")
        elif kind == DISCONNECT:
            peer.writer.close()
