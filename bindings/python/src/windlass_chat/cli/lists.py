"""`address`, `contacts`, `conversations`, `groups`, `nickname`, `backlog`: who and what is in a store."""

from __future__ import annotations

import argparse
from typing import Any

from windlass_chat._questions import Answer
from windlass_chat.cli.asking import asking
from windlass_chat.cli.output import Output
from windlass_chat.cli.plain import plain


def address(given: argparse.Namespace, out: Output) -> None:
    """Our own address."""
    with asking(given, out) as ask:
        data = ask("address")
    out.result(data, str(data["address"]))


def contacts(given: argparse.Namespace, out: Output) -> None:
    """Whom we know, and how."""
    with asking(given, out) as ask:
        data = ask("contacts")
    out.result(data, [f"{one['address']}  {_how(one)}{_known_as(one)}" for one in _rows(data, "contacts")])


def conversations(given: argparse.Namespace, out: Output) -> None:
    """With whom there is something, the newest first."""
    with asking(given, out) as ask:
        data = ask("conversations")
    out.result(data, [_conversation(one) for one in _rows(data, "conversations")])


def groups(given: argparse.Namespace, out: Output) -> None:
    """In which groups we are, or are invited to."""
    with asking(given, out) as ask:
        data = ask("groups")
    out.result(data, [_group(one) for one in _rows(data, "groups")])


def backlog(given: argparse.Namespace, out: Output) -> None:
    """What waits to be handled, and to go out."""
    with asking(given, out) as ask:
        data = ask("backlog", **({} if given.drop is None else {"drop": given.drop}))
    lines = [] if given.drop is None else [f"{data['dropped']} messages of {given.drop} will not be handled"]
    waiting, outbox = _rows(data, "unhandled"), _rows(data, "outbox")
    lines += [f"{one['messages']:>8} to be handled of {one['address']}, {one['bytes']} bytes" for one in waiting]
    lines += [f"{one['envelopes']:>8} to go out to {one['address']}" for one in outbox]
    out.result(data, lines or "nothing waits")


def nickname(given: argparse.Namespace, out: Output) -> None:
    """The user's own name for somebody."""
    name = None if given.name is None else {"nickname": given.name}
    with asking(given, out) as ask:
        data = ask("nickname", address=given.address, **(name or {}))
    said = data["nickname"]
    out.result(data, plain(str(said)) if said is not None else "(no name)")


def _rows(data: Answer, name: str) -> list[dict[str, Any]]:
    rows = data[name]
    assert isinstance(rows, list)
    return rows


def _known_as(one: dict[str, Any]) -> str:
    return f"  {_name(one['nickname'])}" if one["nickname"] is not None else ""


def _how(contact: dict[str, Any]) -> str:
    if contact["blocked"]:
        return "blocked"
    if not contact["accepted"]:
        return "waits to be accepted"
    moved = f", goes on as {contact['moved_to']}" if contact["moved_to"] else ""
    return ("verified" if contact["verified"] else "not verified") + moved


def _conversation(one: dict[str, Any]) -> str:
    # What somebody else has chosen stands last, where it moves nothing of ours.
    name = _known_as(one) or (f"  {_name(one['group'])}" if one["group"] is not None else "")
    return f"{one['address']}  {one['last_activity'][:10]}  {one['unread']} unread{name}"


def _group(one: dict[str, Any]) -> str:
    state = "" if one["joined"] else ", invited" if one["invited_by"] else ", not a member"
    return f"{one['address']}  {len(one['members'])} members{state}  {_name(one['name'])}"


def _name(name: str) -> str:
    return plain(name).strip() or "(no name)"
