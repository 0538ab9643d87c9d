"""What can be typed."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from windlass.cli import chat, devices, identity, secrets, stores
from windlass.cli.output import Output

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

    def command(name: str, help: str, with_key: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        one.add_argument("--json", action="store_true", help="print JSON, one object a line")
        if with_key:
            secrets.add_options(one)
        return one

    one = command("init", "make a store with a new identity, and print its address")
    one.add_argument("path", metavar="PATH")
    one.add_argument("--link", action="store_true", help="become another device of an identity that is elsewhere")
    one.set_defaults(command=identity.init)

    one = command("invite", "show how others reach this identity: a QR code and a URI")
    one.add_argument("path", metavar="PATH")
    kind = one.add_mutually_exclusive_group()
    kind.add_argument("--single-use", action="store_true", help="for one person, with a one-time prekey")
    kind.add_argument("--in-person", action="store_true", help="to be scanned from this screen; it verifies")
    one.add_argument("--svg", metavar="FILE", help="write the code as SVG")
    one.add_argument("--png", metavar="FILE", help="write the code as PNG")
    one.set_defaults(command=identity.invite)

    one = command("chat", "talk with somebody in the terminal")
    one.add_argument("path", metavar="PATH")
    one.add_argument("whom", metavar="URI_OR_ADDRESS", help="an invitation, an address, or the address of a group")
    one.add_argument(
        "--transport",
        metavar="URL",
        default=os.environ.get("WINDLASS_TRANSPORT") or DEFAULT_TRANSPORT,
        help=f"mqtt://..., mqtts://..., memory; else WINDLASS_TRANSPORT, else {DEFAULT_TRANSPORT}",
    )
    one.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="how long to listen on after the end of the input, if that is no terminal",
    )
    one.set_defaults(command=chat.chat)

    one = command("inspect", "say what is in a store: no secrets, safe to paste")
    one.add_argument("path", metavar="PATH")
    one.set_defaults(command=stores.inspect)

    one = command("verify", "compare a contact's safety number")
    one.add_argument("path", metavar="PATH")
    one.add_argument("address", metavar="ADDRESS")
    one.add_argument("proof", metavar="NUMBER|CODE", nargs="*", help="what their side shows: marks them verified")
    one.add_argument("--qr", action="store_true", help="show our safety code, to be scanned by them")
    one.set_defaults(command=identity.verify)

    one = command("devices", "list, link and remove the devices of this identity")
    one.add_argument("path", metavar="PATH")
    what = one.add_mutually_exclusive_group()
    what.add_argument("--link", metavar="CODE", help="link the device that shows this code (`windlass init --link`)")
    what.add_argument("--remove", metavar="ID", type=int, help="remove a device for good")
    one.add_argument("--yes", action="store_true", help="do not ask")
    one.set_defaults(command=devices.devices)

    one = command("shred", "erase now what was deleted, so that no key brings it back")
    one.add_argument("path", metavar="PATH")
    one.set_defaults(command=stores.shred)

    one = command("backup", "write identity, contacts and history to a new file, under a key of its own")
    one.add_argument("path", metavar="PATH")
    one.add_argument("file", metavar="FILE")
    secrets.add_options(one, "backup-", "backup")
    one.set_defaults(command=stores.backup)

    one = command("restore", "make a new store from a backup, as a new device of its identity")
    one.add_argument("file", metavar="FILE")
    one.add_argument("path", metavar="PATH")
    secrets.add_options(one, "backup-", "backup")
    one.set_defaults(command=stores.restore)
    return whole
