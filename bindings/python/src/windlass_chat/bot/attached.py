"""Files that a bot sends and receives. They travel encrypted, by the place that `files` names."""

from __future__ import annotations

import mimetypes
import os
import secrets
import tempfile
from pathlib import Path

from windlass_chat import _native
from windlass_chat._native import AttachmentInfo, Body, OutgoingFile, WindlassError
from windlass_chat._threads import in_thread
from windlass_chat.bot.files import Files, FilesError
from windlass_chat.client import Client
from windlass_chat.conversation import Attachment

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is saved unless the program says otherwise."""


async def uploaded(files: Files, path: str | os.PathLike[str], media_type: str | None) -> OutgoingFile:
    """A file, encrypted, where others can fetch it: what a message says of it."""
    kind = media_type or mimetypes.guess_type(os.fspath(path))[0] or "application/octet-stream"
    with tempfile.TemporaryDirectory() as folder:
        encrypted = Path(folder) / "encrypted"
        attachment = await in_thread(Attachment.encrypt, os.fspath(path), encrypted, kind)
        location = await files.put(encrypted, secrets.token_hex(20))
    return OutgoingFile(attachment=attachment, location=location)


async def saved(
    client: Client, files: Files, stored: _native.Message, path: str | os.PathLike[str], limit: int
) -> Path:
    """Fetches the file of a message and decrypts it to a new file; which one that is."""
    info = info_of(stored)
    if info.size > limit:
        raise FilesError(f"the file has {info.size} bytes, and may have {limit}")
    to = Path(path)
    if to.is_dir():
        to = to / info.name
    if os.path.lexists(to):
        # Before it is fetched for nothing. What is made meanwhile is not overwritten either.
        raise WindlassError.FileExists(f"there is something at {to} already")
    with tempfile.TemporaryDirectory() as folder:
        encrypted = Path(folder) / "encrypted"
        # With what encrypting adds to each 64 KiB.
        await files.get(info.location, encrypted, limit + limit // 1024 + 1024)
        await in_thread(client.conversation(stored.conversation).save_attachment, stored, encrypted, to)
    return to


def info_of(stored: _native.Message) -> AttachmentInfo:
    """What a message says of its file. Raises `ValueError` if it has none."""
    if not isinstance(stored.body, Body.ATTACHMENT):
        raise ValueError("this message is no file")
    return stored.body.attachment
