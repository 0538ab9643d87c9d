"""`Client` and its asynchronous form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import ParamSpec, TypeVar

from windlass_chat import _native, _paths
from windlass_chat._extended import extended
from windlass_chat._keys import StoreKey
from windlass_chat._native import (
    Body,
    Bundle,
    Contact,
    DeviceInfo,
    Event,
    Identity,
    KeptEvent,
    LinkCheck,
    OutgoingEnvelope,
    Received,
    Sent,
)
from windlass_chat._threads import in_thread
from windlass_chat.conversation import Conversation
from windlass_chat.store import EncryptedStore, ProgressCallback, telling

BytesLike = bytes | bytearray | memoryview
"""What is taken wherever bytes go in."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_C = TypeVar("_C", bound="Client")


def _store_key(passphrase: str | None, key: BytesLike | None) -> StoreKey:
    if (passphrase is None) == (key is None):
        raise TypeError("give either passphrase= or key=")
    if passphrase is not None:
        return StoreKey.from_passphrase(passphrase)
    assert key is not None
    return StoreKey.from_bytes(bytes(key))


def _store_at(
    store: _native.EncryptedStore | _paths.Path,
    at: Callable[[_paths.Path, _native.StoreKey], _native.EncryptedStore],
    passphrase: str | None,
    key: BytesLike | None,
) -> _native.EncryptedStore:
    """The store itself, or what `at` makes of a path."""
    if isinstance(store, _native.EncryptedStore):
        return store
    return at(store, _store_key(passphrase, key))


class _OutboxTold(_native.OutboxListener):
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback

    def on_outbox(self) -> None:
        _told("outbox", self.callback)


class _ChangeTold(_native.ChangeListener):
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback

    def on_change(self) -> None:
        _told("changes", self.callback)


def _told(what: str, callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        # What was written is durable, whatever happens here: nobody may take it for a failure of the write.
        import logging

        logging.getLogger("windlass_chat").exception("the listener of the %s failed", what)


class Client(_native.Client):
    """An identity, its store, its sessions and conversations. Any thread may call anything.

    A context manager: leaving the block shreds and closes the store.
    """

    @classmethod
    def create(
        cls: type[_C],
        store: _native.EncryptedStore | _paths.Path,
        identity: Identity | None = None,
        *,
        passphrase: str | None = None,
        key: BytesLike | None = None,
    ) -> _C:
        """Puts an identity into a new store: the given one, or a new one.

        `store` is a store, or a path where nothing is yet; with a path comes either a passphrase or a key of 32 bytes.
        """
        store = _store_at(store, EncryptedStore.create, passphrase, key)
        client = super().create(store, identity)
        assert isinstance(client, cls)
        return client

    @classmethod
    def open(
        cls: type[_C],
        store: _native.EncryptedStore | _paths.Path,
        *,
        passphrase: str | None = None,
        key: BytesLike | None = None,
    ) -> _C:
        """The client of a store that holds one. Never makes an identity."""
        store = _store_at(store, EncryptedStore.open, passphrase, key)
        client = super().open(store)
        assert isinstance(client, cls)
        return client

    def conversation(self, address: str) -> Conversation:
        """The conversation with an address, or of a group."""
        return extended(super().conversation(address), Conversation)

    def create_group(self, name: str, members: Iterable[str] = ()) -> Conversation:
        """Makes a group of us and these contacts, who are invited to it."""
        return extended(super().create_group(name, list(members)), Conversation)

    def receive(self, envelope: BytesLike) -> list[Event]:
        """Takes in an envelope that the transport delivered. Whatever the events tell is durable."""
        return super().receive(bytes(envelope))

    def receive_many(self, envelopes: Iterable[BytesLike]) -> list[Received]:
        """Takes in several envelopes in one transaction; the answers are in the same order."""
        return super().receive_many([bytes(envelope) for envelope in envelopes])

    def set_outbox_listener(self, listener: _native.OutboxListener | Callable[[], object] | None) -> None:
        """Calls a function, in the thread that wrote, when something was put into the outbox; `None` ends that.

        It returns at once and calls nothing of the client. Of an event loop: `lambda: loop.call_soon_threadsafe(look)`.
        """
        told = _OutboxTold(listener) if callable(listener) else listener
        super().set_outbox_listener(told)

    def set_change_listener(self, listener: _native.ChangeListener | Callable[[], object] | None) -> None:
        """Calls a function, in the thread that wrote, when this device wrote, changed or deleted something that is shown; `None` ends that.

        `take_changes` has what there is. It may call the client. Of an event loop: `lambda: loop.call_soon_threadsafe(look)`.
        """
        told = _ChangeTold(listener) if callable(listener) else listener
        super().set_change_listener(told)

    def export_backup(
        self,
        path: _paths.Path,
        key: _native.StoreKey,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> int:
        """Writes identity, contacts and history to a new file, sealed under a key of its own; answers how many records."""
        with telling(progress) as told:
            return super().export_backup(_paths.told(path), key, told)

    def __enter__(self: _C) -> _C:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.address()}>"


class DeviceLink(_native.DeviceLink):
    """A new device's side of linking, kept in its store for a day.

    It shows a code, takes the answer of `Client.link_device`, shows what to compare and a reply, and takes the transfer of
    `Client.confirm_link`.
    """

    def __init__(
        self,
        store: _native.EncryptedStore | _paths.Path,
        *,
        passphrase: str | None = None,
        key: BytesLike | None = None,
    ) -> None:
        """Begins in a new store, or goes on with what was begun in a store.

        `store` is a store, or a path where nothing is yet; with a path comes either a passphrase or a key of 32 bytes.
        """
        super().__init__(_store_at(store, EncryptedStore.create, passphrase, key))

    def finish(self, transfer: str) -> Client:
        """Takes the transfer: this device is one of the identity's. Contacts and history come from the others."""
        return extended(super().finish(transfer), Client)


class AsyncClient:
    """The asynchronous form of a client. Each call runs in a thread, so a disk sync never holds up the event loop.

    What has no form of its own here goes by `run`.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Runs a call that may wait for the disk in a thread: `await client.run(client.client.contacts)`."""
        return await in_thread(call, *args, **kwargs)

    async def bundle(self) -> Bundle:
        """Our reusable bundle."""
        return await self.run(self.client.bundle)

    async def single_use_bundle(self) -> Bundle:
        """A bundle for one person."""
        return await self.run(self.client.single_use_bundle)

    async def add_contact(self, bundle: Bundle) -> Contact:
        """Adds a contact, or takes in a newer bundle of one."""
        return await self.run(self.client.add_contact, bundle)

    async def in_person_code(self) -> str:
        """A code to show to somebody who stands in front of us."""
        return await self.run(self.client.in_person_code)

    async def meet(self, code: str) -> Contact:
        """Adds the person whose in-person code was scanned from their own screen, verified."""
        return await self.run(self.client.meet, code)

    async def accept_contact(self, address: str) -> Contact:
        """We want to talk with somebody who wrote first, or who was blocked."""
        return await self.run(self.client.accept_contact, address)

    async def block_contact(self, address: str) -> Contact:
        """Nothing of theirs is taken in any more."""
        return await self.run(self.client.block_contact, address)

    async def remove_contact(self, address: str) -> None:
        """Erases a contact, the conversation and the sessions, on all our devices."""
        await self.run(self.client.remove_contact, address)

    async def delete_conversation(self, address: str) -> None:
        """Deletes a conversation for us alone, on all our devices; it does not come back."""
        await self.run(self.client.delete_conversation, address)

    async def devices(self) -> list[DeviceInfo]:
        """The devices of our identity, this one first."""
        return await self.run(self.client.devices)

    async def link_device(self, code: str) -> str:
        """Begins to link the new device whose code this is; the answer to show to it."""
        return await self.run(self.client.link_device, code)

    async def check_link(self, reply: str) -> LinkCheck:
        """What to compare with the new device, which showed this reply."""
        return await self.run(self.client.check_link, reply)

    async def confirm_link(self) -> str:
        """Our identity, sealed to the new device, once the user has seen the same on both."""
        return await self.run(self.client.confirm_link)

    async def remove_device(self, device_id: int) -> None:
        """Removes another device of ours for good."""
        await self.run(self.client.remove_device, device_id)

    async def maintain(self) -> None:
        """Does what is due by now."""
        await self.run(self.client.maintain)

    async def send(self, to: str, text: str) -> Sent:
        """Writes a text to a contact."""
        return await self.run(self.client.send, to, text)

    async def send_body(self, to: str, body: Body, reply_to: str | None = None) -> Sent:
        """Writes anything to a contact."""
        return await self.run(self.client.send_body, to, body, reply_to)

    async def receive(self, envelope: BytesLike) -> list[Event]:
        """Takes in an envelope that the transport delivered."""
        return await self.run(self.client.receive, envelope)

    async def receive_many(self, envelopes: Iterable[BytesLike]) -> list[Received]:
        """Takes in several envelopes in one transaction."""
        return await self.run(self.client.receive_many, envelopes)

    async def events_after(self, cursor: str | None = None, limit: int = 100) -> list[KeptEvent]:
        """The events that are kept until they were handled: those behind a cursor, or the oldest."""
        return await self.run(self.client.events_after, cursor, limit)

    async def events_handled(self, up_to: str) -> None:
        """The events up to this cursor are not told again."""
        await self.run(self.client.events_handled, up_to)

    async def outbox(self, after: int = 0) -> list[OutgoingEnvelope]:
        """The oldest envelopes that wait for the transport."""
        return await self.run(self.client.outbox, after)

    async def mark_sent(self, ids: list[int]) -> None:
        """Removes what the transport took over for good."""
        await self.run(self.client.mark_sent, ids)

    async def close(self) -> None:
        """Shreds and closes the store."""
        await self.run(self.client.close)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
