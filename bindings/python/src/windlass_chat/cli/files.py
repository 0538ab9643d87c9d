"""`send` and `save`: a file or a text of the input to somebody, and a file of theirs to the disk."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from windlass_chat import _native
from windlass_chat._native import Body, Event, Message, RichText, Sent, WindlassError
from windlass_chat._threads import in_thread
from windlass_chat.bot.attached import saved, uploaded
from windlass_chat.bot.files import Files, files_of
from windlass_chat.cli.identity import open_client
from windlass_chat.cli.output import Output
from windlass_chat.cli.reaching import not_delivered, reach, transport_given, waits
from windlass_chat.cli.wrong import Failed, WrongUsage
from windlass_chat.client import Client
from windlass_chat.conversation import Conversation
from windlass_chat.sync import Sync
from windlass_chat.transport import Transport

PLACE = "Give --files file:///folder or https://server/path?token_file=PATH, or set WINDLASS_FILES."


def send(given: argparse.Namespace, out: Output) -> None:
    """Sends one message: a file, or what stands on the input."""
    transport = transport_given(given.transport)
    path: str | None = given.file
    if path is None and given.caption:
        raise WrongUsage("a caption is of a file", "Give --file, or leave --caption out.")
    files = None if path is None else _place(given.files)
    if path is not None and not Path(path).is_file():
        # Before anybody types a caption, or is looked for.
        raise WindlassError.FileNotFound(f"there is no file {path}")
    text = _input() if path is None or given.caption else None
    with open_client(given) as client:
        sent = asyncio.run(_send(client, transport, given, files, text))
    data: dict[str, object] = {"id": sent.message_id}
    if path is not None:
        data["file"] = path
    out.result(data, sent.message_id)


async def _send(
    client: Client, transport: Transport, given: argparse.Namespace, files: Files | None, text: str | None
) -> Sent:
    async def unheard(event: Event) -> None:
        """What comes meanwhile is in the store, unread."""

    line = Sync(client, transport, unheard, own_writes=False)
    await line.open()
    try:
        conversation = await reach(client, transport, given.whom)
        if files is None:
            assert text is not None
            sent = await in_thread(conversation.send, text)
        else:
            sent = await _send_file(conversation, files, given.file, given.media_type, text)
        line.listen()
        if not await line.flush():
            ours = {envelope.id for envelope in sent.envelopes}
            if await in_thread(waits, client, ours):
                raise not_delivered("the message")
        return sent
    finally:
        await line.close()


async def _send_file(
    conversation: _native.Conversation, files: Files, path: str, media_type: str | None, caption: str | None
) -> Sent:
    # The place has it before anybody is told of it.
    file = await uploaded(files, path, media_type)
    if caption is None:
        return await in_thread(conversation.send_attachment, file.attachment, file.location)
    rich = RichText(text=caption)
    return await in_thread(conversation.send_captioned, file.attachment, file.location, rich)


def save(given: argparse.Namespace, out: Output) -> None:
    """Fetches the file of a message, and decrypts it to a new file."""
    files = _place(given.files)
    with open_client(given) as client:
        message = _with_file(client.conversation(given.address), given.message)
        path = asyncio.run(saved(client, files, message, given.to, given.limit))
    out.result({"id": message.id, "author": message.author, "path": str(path)}, str(path))


def _with_file(conversation: Conversation, number: str | None) -> Message:
    """The message that is meant: the latest of theirs that has a file, or the one with this id, whoever wrote it."""
    for message in conversation:
        if number is None and message.outgoing or number not in (None, message.id):
            continue
        if isinstance(message.body, Body.ATTACHMENT):
            return message
    if number is None:
        raise Failed("they sent no file", "no_file", "`windlass chat` receives what comes; `windlass export` lists it.")
    raise Failed("no message with this id has a file", "no_file", "`windlass export --json` says which ones have one.")


def _place(url: str | None) -> Files:
    """The place that the command line names for files."""
    url = url or os.environ.get("WINDLASS_FILES")
    if not url:
        raise WrongUsage("it is not said where files are put and fetched", PLACE)
    try:
        return files_of(url)
    except ValueError as error:
        raise WrongUsage(str(error), PLACE) from None


def _input() -> str:
    """All of the input, without the end of its last line."""
    text = sys.stdin.read().removesuffix("\n")
    if not text:
        raise WrongUsage("there is nothing to send", "Write the text to standard input, or give --file.")
    return text
