"""One of four programs in four languages that talk in a group, each a process of its own: see `xtask/src/talk.rs`.

    python talk.py FOLDER ROUND

Who takes part is in `FOLDER/languages`, a name in each line. The mail is in files, `FOLDER/mail/ADDRESS/NAME`. Each round a program takes its mail in,
says what it has to say, and leaves its mail; at the end it writes down the group's history.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from windlass_chat import Attachment, Body, Bundle, Client, Conversation, Message

NAME = "python"
KEY = bytes([7]) * 32


def group_of(client: Client) -> Conversation:
    return client.conversation(next(one.address for one in client.conversations() if one.group_name is not None))


def said(group: Conversation, text: str) -> Message:
    return next(message for message in group.messages(limit=1000) if message.text == text)


def line(message: Message, names: dict[str, str]) -> str:
    """One line of the transcript, the same in every language."""
    match message.body:
        case Body.TEXT(text=text):
            what = f"text {text}"
        case Body.DATA(media_type=media_type, data=data):
            what = f"data {media_type} {data.hex()}"
        case Body.OPAQUE(data=data):
            what = f"opaque {data.hex()}"
        case Body.ATTACHMENT(attachment=info):
            what = f"attachment {info.media_type} {info.name} {info.size} {info.location}"
        case Body.DISAPPEARING_TIMER(after=after):
            what = f"timer {int(after.total_seconds()) if after else 0}"
        case Body.GROUP(change=change):
            members = ",".join(sorted(names[member] for member in change.members))
            what = f"group {change.kind.name.lower()} {change.name or '-'} {members}"
        case Body.IDENTITY_CHANGE():
            what = "identity"
        case _:
            what = "unknown"
    reply = f" re {message.reply_to}" if message.reply_to else ""
    reactions = "".join(f" {names[one.by]}:{one.emoji}" for one in message.reactions)
    marks = (" edited" if message.edited else "") + (" deleted" if message.deleted else "")
    return f"{message.id} {names[message.author]} {what}{reply}{marks}{reactions}"


def talk(client: Client, folder: Path, number: int) -> None:
    others = [name for name in (folder / "languages").read_text().split() if name != NAME]
    if number == 1:
        for other in others:
            client.add_contact(Bundle.from_uri((folder / f"{other}.uri").read_text()))
        client.create_group("Languages", [contact.address for contact in client.contacts()])
    if number == 3:
        group = group_of(client)
        group.send("from python")
        group.send_body(Body.DATA("image/png", bytes([0, 255, 7])))
        group.set_disappearing(timedelta(days=1))
    if number == 4:
        group = group_of(client)
        group.edit(said(group, "from python"), "from Python")
        if "swift" in others:
            group.add_admins([Bundle.from_uri((folder / "swift.uri").read_text()).identity().address()])
        group.mark_read()
    if number == 5:
        group = group_of(client)
        message = next(m for m in group.messages() if isinstance(m.body, Body.ATTACHMENT))
        assert isinstance(message.body, Body.ATTACHMENT)
        saved = folder / "saved-by-python"
        saved.unlink(missing_ok=True)
        group.save_attachment(message, str(folder / message.body.attachment.location), str(saved))
        assert saved.read_bytes() == b"anchor" * 20_000


def main() -> None:
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    store = folder / f"{NAME}.wl"
    with Client.open(store, key=KEY) if store.exists() else Client.create(store, key=KEY) as client:
        (folder / f"{NAME}.uri").write_text(client.bundle().to_uri())
        box = folder / "mail" / client.address()
        for envelope in sorted(box.glob("*")):
            client.receive(envelope.read_bytes())
            envelope.unlink()
        talk(client, folder, number)
        for outgoing in client.outbox():
            to = folder / "mail" / outgoing.to
            to.mkdir(parents=True, exist_ok=True)
            # In the order in which it is sent: the four take turns in a round.
            (to / f"{number:02}-1-{NAME}-{outgoing.id:06}").write_bytes(outgoing.bytes)
            client.mark_sent([outgoing.id])
        if number >= 3:
            languages = (folder / "languages").read_text().split()
            names = {Bundle.from_uri((folder / f"{n}.uri").read_text()).identity().address(): n for n in languages}
            lines = [line(message, names) for message in group_of(client).messages(limit=1000)]
            # The event that made the group went to its maker alone.
            lines = [text for text in lines if " group created " not in text]
            (folder / f"{NAME}.txt").write_text("\n".join(lines) + os.linesep)


if __name__ == "__main__":
    main()
