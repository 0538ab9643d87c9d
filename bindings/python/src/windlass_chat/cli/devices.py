"""`devices`: the devices of our identity."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from windlass_chat import _native
from windlass_chat.cli.identity import open_client
from windlass_chat.cli.output import Output
from windlass_chat.cli.wrong import WrongUsage


def devices(given: argparse.Namespace, out: Output) -> None:
    """Lists the devices; links or removes device."""
    with open_client(given) as client:
        if given.link is not None:
            _ask(given, "The new device will be able to write as you and read everything. Link it?")
            uri = _native.device_transfer_to_uri(client.link_device(given.link))
            # Sealed to the code: only the device that shows it can open this.
            out.result({"transfer": uri}, uri)
            out.note("Paste this on the new device. Contacts and history follow with the next `windlass chat`.")
            return
        if given.remove is not None:
            _ask(given, f"Device {given.remove} will not be able to read or write any more. Remove it?")
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


def _line(device: dict[str, object]) -> str:
    if device["this_device"]:
        return f"{device['device_id']:>10}  this device"
    return f"{device['device_id']:>10}  added {device['added_at'] or '?'}, last seen {device['last_seen'] or 'never'}"


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time is not None else None


def _ask(given: argparse.Namespace, question: str) -> None:
    # A program that runs this has decided already.
    if given.yes or not sys.stdin.isatty():
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise WrongUsage("nothing was changed", "Answer with y, or give --yes.")
