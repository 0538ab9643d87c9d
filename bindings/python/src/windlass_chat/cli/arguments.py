"""What can be typed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from windlass_chat.cli.chat import chat
from windlass_chat.cli.devices import devices
from windlass_chat.cli.identity import init, invite, verify
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import add_options
from windlass_chat.cli.stores import backup, inspect, restore, shred

Command = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command, of this name and with this help, that opens a store."""

DEFAULT_TRANSPORT = "mqtt://localhost"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        # Before anything was read there is no telling from the result of reading.
        Output(as_json="--json" in sys.argv[1:]).error(message, "usage", f"See {self.prog} --help.", retry=False)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = _Parser(prog="windlass", description="Forward-secret chat: stores, invitations, devices, backups, a chat.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        added.add_argument("--json", action="store_true", help="print JSON, one object a line")
        add_options(added)
        return added

    # In the order in which the help lists them.
    for add in (_init, _invite, _chat, _inspect, _verify, _devices, _shred, _backup, _restore):
        add(command)
    return whole


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
    added.add_argument("--svg", metavar="FILE", help="write the code as SVG")
    added.add_argument("--png", metavar="FILE", help="write the code as PNG")
    added.set_defaults(command=invite)


def _chat(command: Command) -> None:
    added = command("chat", "talk with somebody in the terminal")
    added.add_argument("path", metavar="PATH")
    added.add_argument("whom", metavar="URI_OR_ADDRESS", help="an invitation, an address, or the address of a group")
    added.add_argument(
        "--transport",
        metavar="URL",
        default=os.environ.get("WINDLASS_TRANSPORT") or DEFAULT_TRANSPORT,
        help=f"mqtt://..., mqtts://..., memory; else WINDLASS_TRANSPORT, else {DEFAULT_TRANSPORT}",
    )
    added.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="how long to listen on after the end of the input, if that is no terminal",
    )
    added.set_defaults(command=chat)


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
    what.add_argument("--remove", metavar="ID", type=int, help="remove a device for good")
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
