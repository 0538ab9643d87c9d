"""What a transport is: `Transport`, what it brings, and the errors it raises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass


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

    at_once: int = 1
    """How many envelopes for one address are delivered at a time. More than one only where they arrive in the order of the calls
    all the same: then none waits until another was confirmed."""

    def use_secret(self, secret: bytes) -> None:
        """Called before `start`, with 32 bytes that nobody else knows and that this device's store has at each start.

        For names and passwords at the transport that follow from nothing in the invitation. Does nothing by default.
        """

    def use_worker(self, worker: str) -> None:
        """Called before `start` of a process that shares the mailbox with others: each envelope comes to one of them, and again to somebody
        if that one does not acknowledge it. By its name the process is known again after a restart. Raises by default."""
        raise TransportError("this transport brings mail to one process alone; several workers need another one")

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
