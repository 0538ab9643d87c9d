"""`devices`: the devices of our identity."""

from __future__ import annotations

import argparse
import contextlib
import sys

from windlass_chat._native import WindlassError
from windlass_chat.cli.asking import Ask, asking
from windlass_chat.cli.identity import shown
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import typed_line
from windlass_chat.cli.wrong import Failed, WrongUsage


def devices(given: argparse.Namespace, out: Output) -> None:
    """Lists the devices; links or removes device."""
    with asking(given, out) as ask:
        if given.link is not None:
            _link(ask, given, out)
            return
        if given.remove is not None:
            _agree(given, f"Device {given.remove} will not be able to read or write any more. Remove it?", out)
            data = ask("remove_device", device_id=given.remove)
        else:
            data = ask("devices")
    listed = data["devices"]
    assert isinstance(listed, list)
    out.result(data, [_line(row) for row in listed])


def _link(ask: Ask, given: argparse.Namespace, out: Output) -> None:
    try:
        answer = str(ask("link", code=given.link)["answer"])
        out.result({"answer": answer}, [*out.code(answer), answer])
        out.note("Paste this on the new device, and here what it prints then.")
        check = ask("check_link", reply=typed_line())
        out.result(check, shown(check))
        question = "Does the new device show the same? It will be able to write as you and read everything. Link it?"
        # Nobody else can compare the two: a program that runs this has to say so as well.
        if not given.yes and not _agrees(question, out):
            raise WrongUsage("nothing was linked", "Answer with y, or give --yes.")
        transfer = str(ask("confirm_link")["transfer"])
    except BaseException:
        with contextlib.suppress(Failed, WindlassError):
            ask("cancel_link")
        raise
    # Sealed to the key of that device: no other can open this.
    out.result({"transfer": transfer}, transfer)
    out.note("Paste this on the new device. Contacts and history follow with the next `windlass chat`.")


def _line(device: dict[str, object]) -> str:
    if device["this_device"]:
        return f"{device['device_id']:>10}  this device"
    return f"{device['device_id']:>10}  added {device['added_at'] or '?'}, last seen {device['last_seen'] or 'never'}"


def _agree(given: argparse.Namespace, question: str, out: Output) -> None:
    # A program that runs this has decided already.
    if given.yes or not sys.stdin.isatty():
        return
    if not _agrees(question, out):
        raise WrongUsage("nothing was changed", "Answer with y, or give --yes.")


def _agrees(question: str, out: Output) -> bool:
    out.ask(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
