"""`init`, `invite`, `verify`: who we are, how others find us, and whether they are who they say."""

from __future__ import annotations

import argparse
from pathlib import Path

from windlass_chat import _native
from windlass_chat._native import WindlassError
from windlass_chat._questions import Answer, link_check
from windlass_chat.cli.asking import asking
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import open_store, store_key, typed_line
from windlass_chat.cli.wrong import WrongUsage
from windlass_chat.client import Client, DeviceLink
from windlass_chat.store import EncryptedStore


def open_client(given: argparse.Namespace) -> Client:
    """The client of the store that the command line names."""
    return Client.open(open_store(given))


def init(given: argparse.Namespace, out: Output) -> None:
    """Makes a store, with a new identity or as a device of an old one."""
    key = store_key(given, new=True)
    if given.link:
        client = _linked(EncryptedStore.create(given.path, key), given.path, out)
    else:
        client = Client.create(EncryptedStore.create(given.path, key))
    with client:
        data: dict[str, object] = {"path": given.path, "address": client.address(), "device_id": client.device_id()}
    out.result(data, f"{data['address']}")


def _linked(store: EncryptedStore, path: str, out: Output) -> Client:
    try:
        link = DeviceLink(store)
        code = link.to_uri()
        out.result({"code": code}, [*out.code(code), code])
        out.note("On the other device: windlass devices PATH --link CODE. Then paste here what it prints.")
        check = link.take_answer(typed_line())
        reply = link.reply()
        data = link_check(check)
        out.result({"reply": reply, **data}, [*out.code(reply), reply, *shown(data)])
        out.note("Paste the text there. If it shows the same, agree there, and paste here what it prints.")
        return link.finish(typed_line())
    except BaseException:
        # A store without an identity is of no use, and would be in the way of the next try.
        store.close()
        for made in (path, f"{path}.keys"):
            Path(made).unlink(missing_ok=True)
        raise


def shown(check: Answer) -> list[str]:
    """What to compare on the two devices, for people."""
    pictures = check["pictures"]
    assert isinstance(pictures, list)
    row = "  ".join(f"{emoji['picture']} {emoji['name']}" for emoji in pictures)
    return [str(check["address"]), f"{check['digits']}   {row}"]


def invite(given: argparse.Namespace, out: Output) -> None:
    """Shows an invitation."""
    kind = "in_person" if given.in_person else "single_use" if given.single_use else "lasting" if given.lasting else "reusable"
    with asking(given, out) as ask:
        data = ask("invite", kind=kind)
    uri = str(data["uri"])
    if given.svg is not None:
        Path(given.svg).write_text(_native.qr_svg(uri), encoding="utf-8")
        data["svg"] = given.svg
    if given.png is not None:
        Path(given.png).write_bytes(_native.qr_png(uri))
        data["png"] = given.png
    lines = [uri]
    if given.svg is None and given.png is None:
        try:
            lines = [*out.code(uri), uri]
        except WindlassError.TooLongForQrCode:
            out.note("Too long for one code: --svg shows several in turn.")
    out.result(data, lines)


def verify(given: argparse.Namespace, out: Output) -> None:
    """Shows what is to be compared; with what the other side shows, marks the contact as verified."""
    proof = {"proof": "".join(given.proof)} if given.proof else {}
    if proof and not proof["proof"].strip():
        raise WrongUsage("there is nothing to compare", "Give the 60 digits, or the code, that their side shows.")
    with asking(given, out) as ask:
        data = ask("verify", address=given.address, **proof)
    lines = safety_lines(data)
    if given.qr:
        lines += [*out.code(str(data["code"])), str(data["code"])]
    protection = f"post-quantum protection of the next message: {data['post_quantum']}"
    out.result(data, [*lines, protection, "verified" if data["verified"] else "not verified"])


def safety_lines(data: Answer) -> list[str]:
    """Digits in groups of five and pictures, in rows that can be read aloud."""
    number, pictures = str(data["safety_number"]), data["pictures"]
    assert isinstance(pictures, list)
    groups = [number[at : at + 5] for at in range(0, len(number), 5)]
    shown = [str(picture["picture"]) for picture in pictures]
    return [
        *(" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)),
        *(" ".join(shown[at : at + 10]) for at in range(0, len(shown), 10)),
    ]
