"""What can be asked of a client by name: by a command that has opened the store, or of the bot that has it open."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from windlass_chat import _keys
from windlass_chat._native import Inspection, InvitationLink, LinkCheck, SafetyEmoji, Session, StoreKey
from windlass_chat.client import Client

Answer = dict[str, object]
Progress = Callable[[int, int], object]

MOST_COUNTED = 10_000
MOST_BACKLOGS = 1000
"""How many authors a list of what waits names."""


class BadQuestion(ValueError):
    """There is no such question, or it cannot be asked like this."""


@dataclass
class Question:
    """What was asked, and what comes with it."""

    client: Client
    arguments: Mapping[str, Any]
    folder: Path | None = None
    """Where files are left for who asks. Without it a path is where it says."""
    progress: Progress | None = None

    def text(self, name: str) -> str:
        """An argument that has to be there."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            raise BadQuestion(f"the argument {name} has to be a text")
        return value

    def count(self, name: str) -> int:
        """An argument that has to be there, a number that is not large."""
        value = self.arguments.get(name)
        if not isinstance(value, int) or not 0 <= value < MOST_COUNTED:
            raise BadQuestion(f"the argument {name} has to be a number below {MOST_COUNTED}")
        return value


def answer(name: str, question: Question) -> Answer:
    """The answer to a question, as JSON takes it."""
    if name not in QUESTIONS:
        raise BadQuestion("nobody knows the answer to this question")
    return QUESTIONS[name](question)


def _address(question: Question) -> Answer:
    return {"address": question.client.address(), "device_id": question.client.device_id()}


def _invite(question: Question) -> Answer:
    client, kind = question.client, question.text("kind")
    made: dict[str, Callable[[], str]] = {
        "in_person": client.in_person_code,
        "single_use": lambda: client.single_use_bundle().to_uri(),
        "reusable": lambda: client.bundle().to_uri(),
        "lasting": client.identity().to_uri,
    }
    if kind not in made:
        raise BadQuestion(f"an invitation is one of {', '.join(made)}")
    return {"address": client.address(), "uri": made[kind](), "kind": kind}


def _verify(question: Question) -> Answer:
    client = question.client
    contact = client.contact(question.text("address"))
    session = client.session(contact.address)
    data = safety(session, contact.address)
    if "proof" in question.arguments:
        prove(session, question.text("proof"))
    data["verified"] = client.contact(contact.address).verified
    return data


def safety(session: Session, address: str) -> Answer:
    """The safety number of a contact, in each form."""
    return {
        "address": address,
        "safety_number": session.safety_number(),
        "pictures": _pictures(session.safety_emoji()),
        "code": session.safety_code(),
        "post_quantum": session.post_quantum().name.lower(),
    }


def prove(session: Session, typed: str) -> None:
    """Marks the contact as verified if the digits, or the code, are those of their side."""
    typed = "".join(typed.split())
    if any(one.isalpha() for one in typed):
        session.verify_code(typed)
    else:
        session.verify(typed)


def _nickname_of(client: Client, address: str) -> str | None:
    return client.conversation(address).settings().nickname


def _nickname(question: Question) -> Answer:
    """The user's own name for somebody or for a group; another one from now on, if it is given, or none."""
    address = question.text("address")
    if "nickname" in question.arguments:
        question.client.conversation(address).set_nickname(question.text("nickname"))
    return {"address": address, "nickname": _nickname_of(question.client, address)}


def _contacts(question: Question) -> Answer:
    return {
        "contacts": [
            {
                "address": contact.address,
                "nickname": _nickname_of(question.client, contact.address),
                "verified": contact.verified,
                "accepted": contact.accepted,
                "blocked": contact.blocked,
                "added_at": iso(contact.added_at),
                "added_by_us": contact.added_by_us,
                "moved_to": contact.moved_to,
                "devices": contact.devices,
            }
            for contact in question.client.contacts()
        ]
    }


def _conversations(question: Question) -> Answer:
    return {
        "conversations": [
            {
                "address": summary.address,
                "nickname": _nickname_of(question.client, summary.address),
                "group": summary.group_name,
                "unread": summary.unread,
                "last_activity": iso(summary.last_activity),
            }
            for summary in question.client.conversations()
        ]
    }


def _groups(question: Question) -> Answer:
    client, found = question.client, []
    for summary in client.conversations():
        if summary.group_name is None:
            continue
        group = client.conversation(summary.address)
        members = [
            {"address": member.address, "joined": member.joined, "admin": member.admin} for member in group.members()
        ]
        found.append(
            {
                "address": summary.address,
                "name": summary.group_name,
                "joined": group.is_joined(),
                "invited_by": group.invited_by(),
                "members": members,
            }
        )
    return {"groups": found}


def _group_links(question: Question) -> Answer:
    group = question.client.conversation(question.text("address"))
    return {"links": [_group_link(link) for link in group.invitation_links()]}


def _group_link(link: InvitationLink) -> Answer:
    return {
        "id": link.id,
        "uri": link.uri,
        "code": link.code,
        "created_at": iso(link.created_at),
        "expires_at": iso(link.expires_at),
        "uses_left": link.uses_left,
    }


def _new_group_link(question: Question) -> Answer:
    people, days = question.count("people"), timedelta(days=question.count("days"))
    group = question.client.conversation(question.text("address"))
    return _group_link(group.create_invitation_link(people, days))


def _revoke_group_link(question: Question) -> Answer:
    question.client.conversation(question.text("address")).revoke_invitation_link(question.text("id"))
    return _group_links(question)


def _join(question: Question) -> Answer:
    return {"asked": question.client.join_by_link(question.text("link")).address}


def _joins(question: Question) -> Answer:
    waiting = question.client.pending_joins()
    return {
        "joins": [
            {"asked": one.asked, "asked_at": iso(one.asked_at), "expires_at": iso(one.expires_at)} for one in waiting
        ]
    }


def _cancel_join(question: Question) -> Answer:
    question.client.cancel_join(question.text("address"))
    return _joins(question)


def _devices(question: Question) -> Answer:
    return {
        "devices": [
            {
                "device_id": device.device_id,
                "this_device": device.this_device,
                "added_at": iso(device.added_at),
                "last_seen": iso(device.last_seen),
            }
            for device in question.client.devices()
        ]
    }


def _remove_device(question: Question) -> Answer:
    number = question.arguments.get("device_id")
    if not isinstance(number, int) or not 0 <= number < 2**32:
        raise BadQuestion("the argument device_id has to be the number of a device")
    question.client.remove_device(number)
    return _devices(question)


def _link(question: Question) -> Answer:
    return {"answer": question.client.link_device(question.text("code"))}


def _check_link(question: Question) -> Answer:
    return link_check(question.client.check_link(question.text("reply")))


def link_check(check: LinkCheck) -> Answer:
    """What to compare on the two devices."""
    return {"address": check.address, "digits": check.digits, "pictures": _pictures(check.emoji)}


def _pictures(emojis: list[SafetyEmoji]) -> list[dict[str, str]]:
    return [{"picture": emoji.picture, "name": emoji.name} for emoji in emojis]


def _confirm_link(question: Question) -> Answer:
    return {"transfer": question.client.confirm_link()}


def _cancel_link(question: Question) -> Answer:
    question.client.cancel_link()
    return {}


def _backlog(question: Question) -> Answer:
    client = question.client
    dropped = client.drop_backlog(question.text("drop")) if "drop" in question.arguments else 0
    waiting = [
        {"address": one.address, "messages": one.messages, "bytes": one.bytes} for one in client.backlog(MOST_BACKLOGS)
    ]
    outbox: Counter[str] = Counter()
    after = 0
    while page := client.outbox(after):
        outbox.update(envelope.to for envelope in page)
        after = page[-1].id
    going = [{"address": address, "envelopes": count} for address, count in outbox.most_common(MOST_BACKLOGS)]
    return {"unhandled": waiting, "outbox": going, "dropped": dropped}


def _inspect(question: Question) -> Answer:
    # That the store was an older copy its bot has told when it opened it.
    return inspection(question.client.inspect(), None)


def inspection(found: Inspection, rolled_back: bool | None) -> Answer:
    """What is in a store."""
    return {
        "schema_version": found.schema_version,
        "epoch": found.epoch,
        "opened_by": "passphrase" if found.passphrase else "key",
        "dirty_buckets": found.dirty_buckets,
        "file_bytes": found.file_bytes,
        "slots_in_database": found.slots_in_database,
        "slots_in_vault": found.slots_in_vault,
        "rollback_noticed": rolled_back,
        "rows": {table.table: table.rows for table in found.tables},
    }


def _shred(question: Question) -> Answer:
    report = question.client.shred()
    return {"buckets": report.buckets, "rows": report.rows}


def _backup(question: Question) -> Answer:
    file, key = question.text("file"), _given_key(question)
    if question.folder is None:
        path = Path(file)
    else:
        # Its own disk is where a service can write, and may be all that it sees. Who asks fetches it from there.
        path = question.folder / f"backup-{os.urandom(8).hex()}"
        file = path.name
    records = question.client.export_backup(path, key, question.progress)
    return {"file": file, "records": records}


def _given_key(question: Question) -> StoreKey:
    try:
        if "passphrase" in question.arguments:
            return StoreKey.from_passphrase(question.text("passphrase"))
        if "key_text" in question.arguments:
            return _keys.of_text(question.text("key_text"), "what was given")
        return _keys.of_content(bytes.fromhex(question.text("key_content")), "what was given")
    except ValueError as error:
        # What holds a secret is not quoted.
        raise BadQuestion(str(error) if isinstance(error, _keys.KeyUnreadable) else "the key cannot be read") from None


def iso(time: datetime | None) -> str | None:
    """A time as JSON has it."""
    return time.isoformat(timespec="seconds") if time is not None else None


QUESTIONS: dict[str, Callable[[Question], Answer]] = {
    "address": _address,
    "invite": _invite,
    "verify": _verify,
    "contacts": _contacts,
    "conversations": _conversations,
    "groups": _groups,
    "group_links": _group_links,
    "new_group_link": _new_group_link,
    "revoke_group_link": _revoke_group_link,
    "join": _join,
    "joins": _joins,
    "cancel_join": _cancel_join,
    "nickname": _nickname,
    "devices": _devices,
    "remove_device": _remove_device,
    "link": _link,
    "check_link": _check_link,
    "confirm_link": _confirm_link,
    "cancel_link": _cancel_link,
    "backlog": _backlog,
    "inspect": _inspect,
    "shred": _shred,
    "backup": _backup,
}
