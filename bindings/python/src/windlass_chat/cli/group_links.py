"""`group-link`, `join`: links by which people ask to be let into a group, and following one."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from windlass_chat._questions import Answer
from windlass_chat.cli.asking import asking
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import typed_line
from windlass_chat.cli.wrong import WrongUsage


def group_link(given: argparse.Namespace, out: Output) -> None:
    """Makes a link to a group, takes one back, or lists them."""
    if not given.new and (given.people is not None or given.days is not None):
        raise WrongUsage("only a new link is for so many people and days", "Give --new.")
    with asking(given, out) as ask:
        if given.new:
            people, days = given.people or 1, given.days or 7
            data = ask("new_group_link", address=given.address, people=people, days=days)
            lines = [*out.code(str(data["code"])), str(data["uri"])]
        elif given.revoke is not None:
            data = ask("revoke_group_link", address=given.address, id=given.revoke)
            lines = _links(data)
        else:
            data = ask("group_links", address=given.address)
            lines = _links(data)
    out.result(data, lines)
    if given.new:
        out.note("Whoever has it can come in. They are let in while this store is at work: in `windlass chat`, or in a bot.")


def join(given: argparse.Namespace, out: Output) -> None:
    """Follows a link to a group; lists or ends what was asked for."""
    if given.pending or given.cancel is not None:
        with asking(given, out) as ask:
            data = ask("joins") if given.cancel is None else ask("cancel_join", address=given.cancel)
        out.result(data, [_pending(one) for one in _rows(data, "joins")] or "no group is waited for")
        return
    if sys.stdin.isatty():
        out.ask("The link:")
    # Not an argument, which other users of the machine can see: whoever has it can come in.
    link = typed_line()
    with asking(given, out) as ask:
        data = ask("join", link=link)
    out.result(data, str(data["asked"]))
    out.note("They are asked, and the group comes, while `windlass chat` with this address, or a bot, is at work.")


def _links(data: Answer) -> list[str]:
    return [_link(one) for one in _rows(data, "links")] or ["no link leads to this group"]


def _link(link: dict[str, Any]) -> str:
    people = "1 person" if link["uses_left"] == 1 else f"{link['uses_left']} people"
    return f"{link['id']}  for {people}, until {link['expires_at'][:10]}"


def _pending(one: dict[str, Any]) -> str:
    return f"{one['asked']}  asked {one['asked_at'][:10]}, waited for until {one['expires_at'][:10]}"


def _rows(data: Answer, name: str) -> list[dict[str, Any]]:
    rows = data[name]
    assert isinstance(rows, list)
    return rows
