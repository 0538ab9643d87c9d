"""`export`: the whole of one conversation, to be read, searched or kept elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from windlass_chat._native import Body, Conversation, Message
from windlass_chat.cli.identity import open_client
from windlass_chat.cli.output import Output, json_line
from windlass_chat.cli.plain import plain
from windlass_chat.cli.said import ends, file_of, said
from windlass_chat.cli.screen import INDENT
from windlass_chat.client import Client

PAGE = 100


def export(given: argparse.Namespace, out: Output) -> None:
    """Prints a conversation, the oldest message first."""
    with open_client(given) as client:
        names: dict[str, str] = {}
        conversation = client.conversation(given.address)
        if not conversation.is_group() and not conversation.messages(1):
            # Says that nobody is known by this address, if that is so.
            client.contact(given.address)
        for message in oldest_first(conversation):
            name = names.setdefault(message.author, _name(client, message.author))
            if out.as_json:
                out.write(json_line(_object(message, name)))
            else:
                out.write(_line(message, name), lines=True)
    out.note("What stands there is protected by nothing of Windlass any more.")


def oldest_first(conversation: Conversation) -> Iterator[Message]:
    """The history, of which one message a page is held."""
    befores: list[Message | None] = [None]
    while page := conversation.messages(PAGE, befores[-1]):
        befores.append(page[0])
    # Before the last of them there is nothing.
    for before in reversed(befores[:-1]):
        yield from conversation.messages(PAGE, before)


def _name(client: Client, address: str) -> str:
    """What somebody is called, and whose it is: two can give themselves one name."""
    if address == client.address():
        return "you"
    name = plain(client.display_name(address))
    return ends(address) if name == address else f"{name} ({ends(address)})"


def _line(message: Message, name: str) -> str:
    text = f"\n{INDENT}".join(plain(said(message), lines=True).split("\n"))
    edited = " (edited)" if message.edited else ""
    reactions = "".join(f" {plain(one.emoji)}" for one in message.reactions)
    return f"{message.sent_at.astimezone():%Y-%m-%d %H:%M} {name}: {text}{edited}{reactions}"


def _object(message: Message, name: str) -> dict[str, object]:
    data: dict[str, object] = {
        "id": message.id,
        "author": message.author,
        "name": name,
        "outgoing": message.outgoing,
        "sent_at": message.sent_at.isoformat(),
        "text": message.text,
        "reply_to": message.reply_to,
        "edited": message.edited,
        "deleted": message.deleted,
        "reactions": [{"emoji": one.emoji, "by": one.by} for one in message.reactions],
    }
    data |= file_of(message)
    match message.body:
        case Body.ATTACHMENT() | Body.TEXT():
            pass
        case _:
            data["said"] = said(message)
    return data
