"""`init`, `invite`, `verify`: who we are, how others find us, and whether they are who they say."""

from __future__ import annotations

import argparse
from pathlib import Path

from windlass_chat import _native
from windlass_chat._native import LinkCheck, Session, WindlassError
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
        out.result({"reply": reply, **link_check(check)}, [*out.code(reply), reply, *shown(check)])
        out.note("Paste the text there. If it shows the same, agree there, and paste here what it prints.")
        return link.finish(typed_line())
    except BaseException:
        # A store without an identity is of no use, and would be in the way of the next try.
        store.close()
        for made in (path, f"{path}.keys"):
            Path(made).unlink(missing_ok=True)
        raise


def link_check(check: LinkCheck) -> dict[str, object]:
    """What to compare on the two devices, for programs."""
    pictures = [{"picture": emoji.picture, "name": emoji.name} for emoji in check.emoji]
    return {"address": check.address, "digits": check.digits, "pictures": pictures}


def shown(check: LinkCheck) -> list[str]:
    """The same for people."""
    pictures = "  ".join(f"{emoji.picture} {emoji.name}" for emoji in check.emoji)
    return [check.address, f"{check.digits}   {pictures}"]


def invite(given: argparse.Namespace, out: Output) -> None:
    """Shows an invitation."""
    with open_client(given) as client:
        address = client.address()
        if given.in_person:
            kind, uri = "in_person", client.in_person_code()
        elif given.single_use:
            kind, uri = "single_use", client.single_use_bundle().to_uri()
        else:
            kind, uri = "reusable", client.bundle().to_uri()
    data: dict[str, object] = {"address": address, "uri": uri, "kind": kind}
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
    with open_client(given) as client:
        contact = client.contact(given.address)
        session = client.session(contact.address)
        data = safety(session, contact.address)
        if given.proof:
            prove(session, "".join(given.proof))
        data["verified"] = client.contact(contact.address).verified
    lines = safety_lines(data)
    if given.qr:
        lines += [*out.code(str(data["code"])), str(data["code"])]
    protection = f"post-quantum protection of the next message: {data['post_quantum']}"
    out.result(data, [*lines, protection, "verified" if data["verified"] else "not verified"])


def safety(session: Session, address: str) -> dict[str, object]:
    """The safety number of a contact, in each form."""
    pictures = [{"picture": emoji.picture, "name": emoji.name} for emoji in session.safety_emoji()]
    return {
        "address": address,
        "safety_number": session.safety_number(),
        "pictures": pictures,
        "code": session.safety_code(),
        "post_quantum": session.post_quantum().name.lower(),
    }


def safety_lines(data: dict[str, object]) -> list[str]:
    """Digits in groups of five and pictures, in rows that can be read aloud."""
    number, pictures = str(data["safety_number"]), data["pictures"]
    assert isinstance(pictures, list)
    groups = [number[at : at + 5] for at in range(0, len(number), 5)]
    shown = [str(picture["picture"]) for picture in pictures]
    return [
        *(" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)),
        *(" ".join(shown[at : at + 10]) for at in range(0, len(shown), 10)),
    ]


def prove(session: Session, typed: str) -> None:
    """Marks the contact as verified if the digits, or the code, are those of their side."""
    typed = "".join(typed.split())
    if not typed:
        raise WrongUsage("there is nothing to compare", "Give the 60 digits, or the code, that their side shows.")
    if typed.isdecimal():
        session.verify(typed)
    else:
        session.verify_code(typed)
