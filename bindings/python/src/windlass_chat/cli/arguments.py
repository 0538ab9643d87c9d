"""What can be typed."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from windlass_chat.bot.attached import LARGEST
from windlass_chat.cli import lists
from windlass_chat.cli.chat import chat
from windlass_chat.cli.described import SHELLS, completion, man
from windlass_chat.cli.devices import devices
from windlass_chat.cli.export import export
from windlass_chat.cli.files import save, send
from windlass_chat.cli.group_links import group_link, join
from windlass_chat.cli.identity import init, invite, verify
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import add_options
from windlass_chat.cli.stores import backup, copy, inspect, restore, shred

Command = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command, of this name and with this help, that opens a store."""

DEFAULT_TRANSPORT = "mqtt://localhost"


LONGEST_WAIT = 366 * 86_400.0
LARGEST_DEVICE = 2**32 - 1


def parse(arguments: Sequence[str], out: Output) -> argparse.Namespace:
    """What was typed; ends the program if it makes no sense."""
    whole = parser(out)
    given, left = whole.parse_known_args(arguments)
    if left:
        # Without what stands behind them: somebody may have typed a passphrase there.
        options = " ".join(one.partition("=")[0] for one in left if one.startswith("-"))
        whole.error(f"unknown option: {options}" if options else "there are too many arguments")
    return given


def parser(out: Output) -> argparse.ArgumentParser:
    """The whole command line. What is wrong with it is told to `out`."""

    class _Parser(argparse.ArgumentParser):
        def __init__(self, **settings: Any) -> None:
            # A part of an option might be taken for one that reads a secret.
            super().__init__(**settings, allow_abbrev=False)

        def error(self, message: str) -> NoReturn:
            if not out.as_json:
                self.print_usage(sys.stderr)
            out.error(message, "usage", f"See {self.prog} --help.", retry=False)
            sys.exit(2)

    whole = _Parser(prog="windlass", description="Forward-secret chat: stores, invitations, devices, backups, a chat.")
    whole.add_argument("--version", action="version", version=version())
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        added.add_argument("--json", action="store_true", help="print JSON, one object a line")
        add_options(added)
        return added

    # In the order in which the help lists them.
    talking = (_init, _invite, _chat, _send, _save, _lists, _group_link, _join, _nickname, _export)
    for add in (*talking, _inspect, _verify, _devices, _backlog, _shred, _backup, _restore, _copy):
        add(command)
    for name, describe, help in (
        ("completion", completion, "print what completes commands and options in a shell"),
        ("man", man, "print the manual page: windlass man | man -l -"),
    ):
        added = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        if describe is completion:
            added.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
        added.set_defaults(command=describe, json=False, parser=whole)
    return whole


def version() -> str:
    """Which windlass this is."""
    try:
        return f"windlass {importlib.metadata.version('windlass-chat')}"
    except importlib.metadata.PackageNotFoundError:
        return "windlass, from its sources"


def _seconds(typed: str) -> float:
    try:
        seconds = float(typed)
    except ValueError:
        seconds = -1.0
    # What is no number is not in any range.
    if not 0.0 <= seconds <= LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"a number of seconds from 0 to {LONGEST_WAIT:.0f}, a year, is wanted")
    return seconds


def _bytes(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 18):
        raise argparse.ArgumentTypeError("a number of bytes is wanted")
    return int(typed)


def _device(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 10 and int(typed) <= LARGEST_DEVICE):
        raise argparse.ArgumentTypeError("the number of a device is wanted, as `windlass devices PATH` shows it")
    return int(typed)


def _count(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 4 and int(typed) > 0):
        raise argparse.ArgumentTypeError("a number is wanted, 1 or more")
    return int(typed)


def _init(command: Command) -> None:
    added = command("init", "make a store with a new identity, and print its address")
    added.add_argument("path", metavar="PATH")
    added.add_argument("--link", action="store_true", help="become another device of an identity that is elsewhere")
    added.set_defaults(command=init)


def _invite(command: Command) -> None:
    added = command("invite", "show how others reach this identity: a QR code and a URI")
    added.add_argument("path", metavar="PATH")
    kind = added.add_mutually_exclusive_group()
    kind.add_argument("--single-use", action="store_true", help="for one person, with a one-time prekey")
    kind.add_argument("--in-person", action="store_true", help="to be scanned from this screen; it verifies")
    kind.add_argument("--lasting", action="store_true", help="the address alone: it does not expire, for posters")
    added.add_argument("--svg", metavar="FILE", help="write the code as SVG")
    added.add_argument("--png", metavar="FILE", help="write the code as PNG")
    added.set_defaults(command=invite)


def _transport(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--transport",
        metavar="URL",
        default=os.environ.get("WINDLASS_TRANSPORT") or DEFAULT_TRANSPORT,
        help=f"mqtt://..., mqtts://..., memory; else WINDLASS_TRANSPORT, else {DEFAULT_TRANSPORT}",
    )


def _files(added: argparse.ArgumentParser) -> None:
    help = "where encrypted files are: file:///folder, https://server/path?token_file=PATH; else WINDLASS_FILES"
    added.add_argument("--files", metavar="URL", help=help)


def _chat(command: Command) -> None:
    added = command("chat", "talk with somebody in the terminal")
    added.add_argument("path", metavar="PATH")
    added.add_argument("whom", metavar="URI_OR_ADDRESS", help="an invitation, an address, or the address of a group")
    _transport(added)
    added.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="how long to listen on after the end of the input, if that is no terminal",
    )
    added.set_defaults(command=chat)


def _send(command: Command) -> None:
    added = command("send", "send one message: a file, or else what stands on standard input")
    added.add_argument("path", metavar="PATH")
    added.add_argument("whom", metavar="URI_OR_ADDRESS", help="an invitation, an address, or the address of a group")
    added.add_argument("--file", metavar="FILE", help="send this file")
    added.add_argument("--caption", action="store_true", help="what stands on standard input is said of the file")
    added.add_argument("--media-type", metavar="TYPE", help="what kind of file it is, else by its name: text/plain")
    _files(added)
    _transport(added)
    added.set_defaults(command=send)


def _save(command: Command) -> None:
    added = command("save", "fetch and decrypt a file that somebody sent, to a new file")
    added.add_argument("path", metavar="PATH")
    added.add_argument("address", metavar="ADDRESS", help="of a contact or a group")
    added.add_argument("--message", metavar="ID", help="the file of this message, else the latest of theirs")
    added.add_argument("--to", metavar="FILE", default=".", help="a new file, or a folder for its own name, else the working folder")
    added.add_argument("--limit", metavar="BYTES", type=_bytes, default=LARGEST, help=f"the largest file that is saved, else {LARGEST}")
    _files(added)
    added.set_defaults(command=save)


def _lists(command: Command) -> None:
    for name, run, help in (
        ("address", lists.address, "print our address"),
        ("contacts", lists.contacts, "list whom we know, and whether they are verified"),
        ("conversations", lists.conversations, "list the conversations, with what is unread"),
        ("groups", lists.groups, "list the groups that we are in, or invited to"),
    ):
        added = command(name, help)
        added.add_argument("path", metavar="PATH")
        added.set_defaults(command=run)


def _group_link(command: Command) -> None:
    added = command("group-link", "list, make and take back links by which people ask to be let into a group")
    added.add_argument("path", metavar="PATH")
    added.add_argument("address", metavar="GROUP", help="address of the group, as `windlass groups PATH` shows it")
    what = added.add_mutually_exclusive_group()
    what.add_argument("--new", action="store_true", help="make a link, and show it")
    what.add_argument("--revoke", metavar="ID", help="from now on this link lets nobody in")
    added.add_argument("--people", metavar="COUNT", type=_count, help="how many a new link lets in, 64 at most, else 1")
    added.add_argument("--days", metavar="COUNT", type=_count, help="how long a new link is of use, 14 at most, else 7")
    added.set_defaults(command=group_link)


def _join(command: Command) -> None:
    added = command("join", "ask to be let into a group by a link, which is read from standard input")
    added.add_argument("path", metavar="PATH")
    what = added.add_mutually_exclusive_group()
    what.add_argument("--pending", action="store_true", help="list the groups that were asked for and have not come")
    what.add_argument("--cancel", metavar="ADDRESS", help="be let in by nobody any more who was asked at this address")
    added.set_defaults(command=join)


def _nickname(command: Command) -> None:
    added = command("nickname", "show or set your own name for a contact or a group; nobody else is told")
    added.add_argument("path", metavar="PATH")
    added.add_argument("address", metavar="ADDRESS")
    added.add_argument("name", metavar="NAME", nargs="?", help="what you call them from now on; '' takes it away")
    added.set_defaults(command=lists.nickname)


def _export(command: Command) -> None:
    added = command("export", "print one conversation, the oldest message first")
    added.add_argument("path", metavar="PATH")
    added.add_argument("address", metavar="ADDRESS", help="of a contact or a group")
    added.set_defaults(command=export)


def _backlog(command: Command) -> None:
    added = command("backlog", "list what waits to be handled by a bot, and to go out")
    added.add_argument("path", metavar="PATH")
    added.add_argument("--drop", metavar="ADDRESS", help="what this author has waiting is not handled any more")
    added.set_defaults(command=lists.backlog)


def _inspect(command: Command) -> None:
    added = command("inspect", "say what is in a store: no secrets, safe to paste")
    added.add_argument("path", metavar="PATH")
    added.set_defaults(command=inspect)


def _verify(command: Command) -> None:
    added = command("verify", "compare a contact's safety number")
    added.add_argument("path", metavar="PATH")
    added.add_argument("address", metavar="ADDRESS")
    added.add_argument("proof", metavar="NUMBER|CODE", nargs="*", help="what their side shows: marks them verified")
    added.add_argument("--qr", action="store_true", help="show our safety code, to be scanned by them")
    added.set_defaults(command=verify)


def _devices(command: Command) -> None:
    added = command("devices", "list, link and remove the devices of this identity")
    added.add_argument("path", metavar="PATH")
    what = added.add_mutually_exclusive_group()
    what.add_argument("--link", metavar="CODE", help="link the device that shows this code (`windlass init --link`)")
    what.add_argument("--remove", metavar="ID", type=_device, help="remove a device for good")
    added.add_argument("--yes", action="store_true", help="do not ask")
    added.set_defaults(command=devices)


def _shred(command: Command) -> None:
    added = command("shred", "erase now what was deleted, so that no key brings it back")
    added.add_argument("path", metavar="PATH")
    added.set_defaults(command=shred)


def _backup(command: Command) -> None:
    added = command("backup", "write identity, contacts and history to a new file, under a key of its own")
    added.add_argument("path", metavar="PATH")
    added.add_argument("file", metavar="FILE")
    add_options(added, "backup-", "backup")
    added.set_defaults(command=backup)


def _restore(command: Command) -> None:
    added = command("restore", "make a new store from a backup, as a new device of its identity")
    added.add_argument("file", metavar="FILE")
    added.add_argument("path", metavar="PATH")
    add_options(added, "backup-", "backup")
    added.set_defaults(command=restore)


def _copy(command: Command) -> None:
    added = command("copy", "carry a store to another file or to a database, or back, and retire it where it was")
    for name, of in (("source", "the store"), ("target", "where it is to be")):
        help = f"{of}: a path or the address of a database; env:NAME if a variable holds it, as one with a password"
        added.add_argument(name, metavar=name.upper(), help=help)
    added.set_defaults(command=copy)
