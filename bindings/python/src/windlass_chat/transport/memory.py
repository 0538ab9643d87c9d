"""Mail within one process, for tests.

    alice, bot = MemoryTransport("harbour"), MemoryTransport("harbour")

All transports of one name share their mail. It outlives them: what was not acknowledged comes again after the next
`start`, in the order it came, as with a broker that keeps a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from windlass_chat.transport.base import Incoming, Transport, TransportError


class _Mailbox:
    """The mail of one device: what was not acknowledged, by number."""

    def __init__(self) -> None:
        self.mail: dict[int, bytes] = {}
        self.owner: MemoryTransport | None = None


class _Office:
    """What the transports of one name share."""

    def __init__(self) -> None:
        self.last = 0
        self.bundles: dict[str, bytes] = {}
        self.boxes: dict[str, dict[int, _Mailbox]] = {}
        self.unclaimed: dict[str, list[bytes]] = {}


_offices: dict[str, _Office] = {}


class MemoryTransport(Transport):
    """A device's end. Delivers at least once. Mail for a mailbox that nobody has opened yet waits."""

    def __init__(self, name: str = "") -> None:
        self._office = _offices.setdefault(name, _Office())
        self._box: _Mailbox | None = None
        self._handed = 0

    async def start(self, address: str, device: int) -> None:
        """Opens the mailbox, with what came before anybody had one. A second start takes it over."""
        await self.close()
        self._box = self._office.boxes.setdefault(address, {}).setdefault(device, _Mailbox())
        self._box.owner = self
        self._handed = 0
        self._news = asyncio.Event()
        for envelope in self._office.unclaimed.pop(address, []):
            self._put(self._box, envelope)
        self._news.set()

    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        """Keeps the bundle for whoever asks by the address."""
        self._office.bundles[address] = bytes(bundle)

    async def fetch_bundle(self, address: str) -> bytes | None:
        """The bundle that was published last, or nothing."""
        return self._office.bundles.get(address)

    async def deliver(self, address: str, envelope: bytes) -> None:
        """Puts the envelope into each mailbox of the address, or keeps it for the first that is opened."""
        boxes = self._office.boxes.get(address)
        if not boxes:
            self._office.unclaimed.setdefault(address, []).append(bytes(envelope))
            return
        for box in boxes.values():
            self._put(box, bytes(envelope))

    def _put(self, box: _Mailbox, envelope: bytes) -> None:
        self._office.last += 1
        box.mail[self._office.last] = envelope
        if box.owner is not None:
            box.owner._news.set()

    async def receive(self) -> AsyncIterator[Incoming]:
        """What comes, until the mailbox is closed or taken over. What is not acknowledged stays in it."""
        if self._box is None:
            raise TransportError("start comes first")
        box = self._box
        while box.owner is self:
            number = next((number for number in box.mail if number > self._handed), None)
            if number is None:
                self._news.clear()
                await self._news.wait()
                continue
            self._handed = number

            async def acknowledge(number: int = number) -> None:
                box.mail.pop(number, None)

            yield Incoming(box.mail[number], acknowledge)

    async def close(self) -> None:
        """Gives the mailbox up; its mail stays."""
        if self._box is not None and self._box.owner is self:
            self._box.owner = None
            self._news.set()
