"""`devices`: the devices of our identity."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from windlass_chat.cli.identity import link_check, open_client, shown
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import typed_line
from windlass_chat.cli.wrong import WrongUsage
from windlass_chat.client import Client


def devices(given: argparse.Namespace, out: Output) -> None:
    """Lists the devices; links or removes device."""
    with open_client(given) as client:
        if given.link is not None:
            _link(client, given, out)
            return
        if given.remove is not None:
            _ask(given, f"Device {given.remove} will not be able to read or write any more. Remove it?", out)
            client.remove_device(given.remove)
        listed = client.devices()
    data: list[dict[str, object]] = [
        {
            "device_id": device.device_id,
            "this_device": device.this_device,
            "added_at": _iso(device.added_at),
            "last_seen": _iso(device.last_seen),
        }
        for device in listed
    ]
    out.result({"devices": data}, [_line(row) for row in data])


def _link(client: Client, given: argparse.Namespace, out: Output) -> None:
    try:
        answer = client.link_device(given.link)
        out.result({"answer": answer}, [*out.code(answer), answer])
        out.note("Paste this on the new device, and here what it prints then.")
        check = client.check_link(typed_line())
        out.result(link_check(check), shown(check))
        question = "Does the new device show the same? It will be able to write as you and read everything. Link it?"
        # Nobody else can compare the two: a program that runs this has to say so as well.
        if not given.yes and not _agrees(question, out):
            raise WrongUsage("nothing was linked", "Answer with y, or give --yes.")
        transfer = client.confirm_link()
    except BaseException:
        client.cancel_link()
        raise
    # Sealed to the key of that device: no other can open this.
    out.result({"transfer": transfer}, transfer)
    out.note("Paste this on the new device. Contacts and history follow with the next `windlass chat`.")


def _line(device: dict[str, object]) -> str:
    if device["this_device"]:
        return f"{device['device_id']:>10}  this device"
    return f"{device['device_id']:>10}  added {device['added_at'] or '?'}, last seen {device['last_seen'] or 'never'}"


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time is not None else None


def _ask(given: argparse.Namespace, question: str, out: Output) -> None:
    # A program that runs this has decided already.
    if given.yes or not sys.stdin.isatty():
        return
    if not _agrees(question, out):
        raise WrongUsage("nothing was changed", "Answer with y, or give --yes.")


def _agrees(question: str, out: Output) -> bool:
    out.ask(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
