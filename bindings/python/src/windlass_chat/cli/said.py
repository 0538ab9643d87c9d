"""`said`, `file_of` and `ends`: what a message says, its file, and an address, in few words."""

from __future__ import annotations

from windlass_chat._native import Body, Message
from windlass_chat.cli.plain import plain


def said(message: Message) -> str:
    """What a message says, in one text."""
    if message.deleted:
        return "(deleted)"
    match message.body:
        case Body.TEXT(text=text):
            return text
        case Body.ATTACHMENT(attachment=attachment):
            name, location = plain(attachment.name), plain(attachment.location)
            caption = f" {message.rich_text.text}" if message.rich_text is not None else ""
            return f"(attachment {name}, {attachment.size} bytes, at {location}){caption}"
        case Body.DATA(media_type=media_type, data=data):
            return f"({len(data)} bytes of {plain(media_type)})"
        case Body.GROUP(change=change):
            return f"({change.kind.name.lower().replace('_', ' ')})"
        case Body.DISAPPEARING_TIMER(after=after):
            return f"(messages disappear after {after})" if after is not None else "(messages stay)"
        case _:
            return "(something that this program cannot show)"


def file_of(message: Message) -> dict[str, object]:
    """What programs are told of the file of a message; nothing if it has none."""
    if message.deleted or not isinstance(message.body, Body.ATTACHMENT):
        return {}
    info = message.body.attachment
    return {"attachment": {"name": info.name, "media_type": info.media_type, "size": info.size}}


def ends(address: str) -> str:
    """Both ends of an address: a beginning that looks alike can be made on purpose."""
    return f"{address[:12]}..{address[-6:]}"
