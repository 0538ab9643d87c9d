"""`Conversation` and `Attachment`: iteration, paths, progress told to any callable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from windlass_chat import _native, _paths
from windlass_chat._native import Message
from windlass_chat._threads import in_thread
from windlass_chat.store import ProgressCallback, telling

_PAGE = 100

_A = TypeVar("_A", bound="Attachment")


class Attachment(_native.Attachment):
    """A file that was encrypted, to be sent once the encrypted file is where the others can fetch it."""

    @classmethod
    def encrypt(
        cls: type[_A],
        path: _paths.Path,
        encrypted: _paths.Path,
        media_type: str,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> _A:
        """Encrypts a file to a new file, 64 KiB at a time. Progress is told in bytes."""
        with telling(progress) as told:
            attachment = super().encrypt(_paths.told(path), _paths.told(encrypted), media_type, told)
        assert isinstance(attachment, cls)
        return attachment


class Conversation(_native.Conversation):
    """The history with one contact, or of a group. Iterating goes through all of it, the latest message first.

    for message in conversation:
        print(message.text)

    async for message in conversation: ...  # without holding up the event loop
    """

    def __iter__(self) -> Iterator[Message]:
        before: Message | None = None
        while page := self.messages(_PAGE, before):
            yield from reversed(page)
            before = page[0]

    async def __aiter__(self) -> AsyncIterator[Message]:
        before: Message | None = None
        while page := await in_thread(self.messages, _PAGE, before):
            for message in reversed(page):
                yield message
            before = page[0]

    def save_attachment(
        self,
        message: Message,
        encrypted: _paths.Path,
        path: _paths.Path,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> None:
        """Decrypts the attachment of a message to a new file, which has its name only when it is whole."""
        with telling(progress) as told:
            super().save_attachment(message, _paths.told(encrypted), _paths.told(path), told)
