"""Walks tests/vectors with the peer of this folder: python check_vectors.py [FOLDER]

A case is passed when what comes out is what the file says, or when it is refused and the file says so; for which reason is for people.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bundles
import chats
import epochs
import first_messages as firsts
import healing
import histories
import linking
import links
import memberships
import kem
import peer
import siblings
from bundles import check_identity, check_x25519
from linking import ExistingDevice, NewDevice
from peer import Field, Fixed32, Prekey, Ratchet, Refused, Session, blob, check, decode, encode, first

Case = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "tests/vectors"


def unhex(input: Case, name: str) -> bytes:
    return bytes.fromhex(input[name])


def identity(input: Case) -> Case:
    seed = unhex(input, "seed")
    key, secret = peer.identity_of_seed(seed), peer.x25519_of_seed(seed)
    assert peer.x25519_public(secret) == peer.x25519_of_identity(key)
    return {
        "public_key": key.hex(),
        "address": bundles.address_of_identity(key),
        "x25519_secret": secret.hex(),
        "x25519_public": peer.x25519_public(secret).hex(),
    }


def address(input: Case) -> Case:
    return {"public_key": bundles.identity_of_address(input["address"]).hex()}


def ed25519_key(input: Case) -> Case:
    return {"x25519_public": peer.x25519_of_identity(check_identity(unhex(input, "public_key"))).hex()}


def ml_kem(input: Case) -> Case:
    if "key" in input:
        key = unhex(input, "key")
        check(kem.is_valid(key), "key")
        ciphertext, shared = kem.encapsulate(key, unhex(input, "coins"))
        return {"ciphertext": ciphertext.hex(), "shared_secret": shared.hex()}
    seed = unhex(input, "seed")
    if "ciphertext" not in input:
        return {"key": kem.public_of_seed(seed).hex()}
    check(len(unhex(input, "ciphertext")) == 1_088, "ciphertext")
    return {"shared_secret": kem.decapsulate(seed, unhex(input, "ciphertext")).hex()}


def x25519(input: Case) -> Case:
    return {"shared_secret": peer.agree(unhex(input, "secret"), unhex(input, "public_key")).hex()}


def safety_number(input: Case) -> Case:
    a, b = unhex(input, "a"), unhex(input, "b")
    digits = bundles.safety_number(a, b)
    emoji = "".join(bundles.safety_emoji(digits))
    return {"digits": digits, "emoji": emoji, "code_shown_by_a": bundles.to_uri("S", a + b)}


def show_prekey(prekey: Prekey | None) -> Case | None:
    return {"id": prekey.id, "key": prekey.key.hex()} if prekey else None


def bundle(input: Case) -> Case:
    bundle = bundles.read_bundle(unhex(input, "encoded"), input.get("now"))
    devices = [
        {
            "device_id": device.device_id,
            "signed_prekey": show_prekey(device.signed_prekey),
            "one_time_prekey": show_prekey(device.one_time_prekey),
            "kem_commitment": device.commitment.hex(),
            "has_kem_key": bool(device.kem_key),
        }
        for device in bundle.devices
    ]
    return {
        "identity_key": bundle.identity.hex(),
        "issued_at": bundle.issued_at,
        "expires_at": bundle.expires_at,
        "code_secret": bundle.code_secret.hex() or None,
        "devices": devices,
    }


def bundle_build(input: Case) -> Case:
    def prekey(prekey: Case) -> Prekey:
        return Prekey(prekey["id"], unhex(prekey, "key"))

    def device(d: Case) -> peer.Device:
        kem_key = unhex(d, "kem_key")
        one_time = d["one_time_prekey"] and prekey(d["one_time_prekey"])
        return peer.Device(d["device_id"], prekey(d["signed_prekey"]), one_time, hashlib.sha256(kem_key).digest(), kem_key)

    devices = [device(d) for d in input["devices"]]
    secret = unhex(input, "code_secret") if "code_secret" in input else b""
    encoded = bundles.make_bundle(unhex(input, "seed"), devices, secret, input["issued_at"])
    return {"encoded": encoded.hex(), "uri": bundles.bundle_to_uri(encoded)}


def uri(input: Case) -> Case:
    encoded, in_person = bundles.invitation(input["uri"])
    return {"encoded": encoded.hex(), "in_person": in_person}


def code_frames(input: Case) -> Case:
    return {"frames": bundles.frames(input["uri"])}


def group_link(input: Case) -> Case:
    token, tag, encoded = bundles.group_link(input["uri"])
    of_group = hashlib.sha256(b"Windlass v2 link to group" + token + unhex(input, "group")).digest()[:16]
    return {"token": token.hex(), "tag": tag.hex(), "bundle": encoded.hex(), "is_of_group": of_group == tag}


class Party:
    """One side of a case: a seed, a device and perhaps prekeys."""

    def __init__(self, input: Case) -> None:
        self.seed = unhex(input, "seed")
        self.device_id: int = input["device_id"]
        signed, one_time = input.get("signed_prekey"), input.get("one_time_prekey")
        self.signed = (signed["id"], peer.Signed(unhex(signed, "secret"), unhex(signed, "kem_seed"))) if signed else None
        self.shows_kem_key: bool = input.get("shows_kem_key", True)
        self.one_time: tuple[int, peer.OneTime] | None = None
        if one_time:
            given = unhex(one_time, "code_secret") if "code_secret" in one_time else b""
            self.one_time = one_time["id"], peer.OneTime(unhex(one_time, "secret"), given)

    def device(self) -> peer.Device:
        assert self.signed
        signed = Prekey(self.signed[0], peer.x25519_public(self.signed[1].secret))
        one_time = Prekey(self.one_time[0], peer.x25519_public(self.one_time[1].secret)) if self.one_time else None
        kem_key = kem.public_of_seed(self.signed[1].kem_seed)
        return peer.Device(self.device_id, signed, one_time, self.signed[1].commitment(), kem_key if self.shows_kem_key else b"")

    def once(self) -> peer.OneTime | None:
        return self.one_time[1] if self.one_time else None

    def given(self) -> bytes:
        return self.one_time[1].given if self.one_time else b""

    def secrets(self) -> peer.Signed:
        assert self.signed
        return self.signed[1]


def drawn(input: Case) -> list[bytes]:
    return [unhex(input, name) for name in ("ephemeral_secret", "kem_coins", "handshake_nonce")]


def pqxdh(input: Case) -> Case:
    a, b = Party(input["initiator"]), Party(input["responder"])
    identity = peer.identity_of_seed(b.seed)
    agreed, handshake = peer.initiate(a.seed, a.device_id, identity, b.device(), b.given(), *drawn(input))
    assert peer.respond(b.seed, b.device_id, b.secrets(), b.once(), handshake) == agreed
    return {
        "handshake": handshake.hex(),
        "shared_secret": agreed.shared_secret.hex(),
        "associated_data": agreed.associated_data.hex(),
        "session_id": agreed.session_id.hex(),
    }


def root_step(input: Case) -> Case:
    root, chain, following = peer.root_step(unhex(input, "root_key"), unhex(input, "dh_output"))
    return {
        "root_key": root.hex(),
        "chain_key": chain.hex(),
        "next_header_key": following.key.hex(),
        "next_chain_tag": following.tag.hex(),
    }


def first_header_keys(input: Case) -> Case:
    keys = zip(("initiator", "responder"), peer.first_header_keys(unhex(input, "shared_secret")), strict=True)
    return {of: {"header_key": key.key.hex(), "chain_tag": key.tag.hex()} for of, key in keys}


def chain_steps(input: Case) -> Case:
    chain, keys = unhex(input, "chain_key"), []
    for _ in range(input["steps"]):
        key, chain = peer.chain_step(chain)
        keys.append(key.hex())
    return {"message_keys": keys, "chain_key": chain.hex()}


def message_key(input: Case) -> Case:
    classical, other, nonce, data = (unhex(input, name) for name in ("classical_key", "post_quantum_key", "nonce", "associated_data"))
    key = epochs.hybrid(classical, other)
    sealed = peer.seal(key, unhex(input, "plaintext"), data, nonce)
    assert peer.open_aead(key, sealed, data) == unhex(input, "plaintext")
    return {"key": key.hex(), "sealed": sealed.hex()}


def show_epoch(root: bytes, initiator: bytes, responder: bytes) -> Case:
    return {"root_key": root.hex(), "initiator_chain_key": initiator.hex(), "responder_chain_key": responder.hex()}


def first_epoch(input: Case) -> Case:
    return show_epoch(*epochs.first_epoch(unhex(input, "shared_secret")))


def epoch_step(input: Case) -> Case:
    return show_epoch(*epochs.epoch_step(unhex(input, "root_key"), unhex(input, "agreed_secret")))


def plaintext(input: Case) -> Case:
    said, payload = epochs.split(unhex(input, "plaintext"))
    return {"kind": said.kind, "epoch": said.epoch, "bytes": said.data.hex(), "payload": payload.hex()}


def scka(input: Case) -> list[Case]:
    sides = {
        "initiator": epochs.start(bytes(32), initiator=True, at_once=input["at_once"]).agreement,
        "responder": epochs.start(bytes(32), initiator=False).agreement,
    }
    sent: list[epochs.Message] = []
    results: list[Case] = []
    for step in input["steps"]:
        side, agreed = sides[step["by"]], b""
        if "confirmed" in step:
            side = side.confirm()
            results.append({"is_shared": side.is_shared()})
        elif "send" in step:
            places = []
            for place in range(step["send"]):
                side, message, secret = side.send(step["now"], unhex(step, "kem_seed"), unhex(step, "kem_coins"))
                agreed = agreed or secret
                if message.kind:
                    places.append([place, message.encode().hex()])
                    sent.append(message)
            results.append({"sent": places, "secret": agreed.hex() or None})
        else:
            taken = sent[step["receive"]] if "receive" in step else epochs.split(unhex(step, "take"))[0]
            side, agreed = side.receive(taken)
            results.append({"secret": agreed.hex() or None})
        sides[step["by"]] = side
    return results


def sender_hint(input: Case) -> Case:
    seed, other, chain_tag = (unhex(input, name) for name in ("seed", "other", "chain_tag"))
    key = peer.hint_key(seed, other)
    ours, theirs = (peer.sender_hint(key, sender, chain_tag) for sender in (peer.identity_of_seed(seed), other))
    return {"hint_key": key.hex(), "sent_by_us": ours.hex(), "sent_by_other": theirs.hex()}


def own_words(input: Case) -> Case:
    kept, conversation, said = (unhex(input, name) for name in ("kept_key", "conversation", "content"))
    key = peer.own_words_key(kept, input["kept_day"], input["day"])
    return {"key": key.hex(), "proved": peer.prove(key, input["day"], conversation, input["group"], said).hex()}


def message_name(input: Case) -> Case:
    salt, author, id = (unhex(input, name) for name in ("salt", "author", "id"))
    return {"name": hashlib.sha256(b"Windlass v2 message name" + salt + author + id).digest()[:8].hex()}


def healing_proof(input: Case) -> Case:
    root, day = unhex(input, "root"), input["day"]
    check(day >= input["root_day"], "erased")
    for _ in range(day - input["root_day"]):
        root = peer.hkdf(bytes(32), root, b"Windlass v2 healing step")
    asker, answerer = (unhex(input[who], "identity") + input[who]["device_id"].to_bytes(4, "big") for who in ("asker", "answerer"))
    key = peer.hkdf(answerer, root, b"Windlass v2 healing key")
    proved = unhex(input, "session_id") + asker + answerer + day.to_bytes(4, "big") + unhex(input, "content")
    proof = peer.hmac_sha256(key, b"Windlass v2 healing proof" + proved)[:16]
    return {"root": root.hex(), "key": key.hex(), "proof": proof.hex()}


def floor_name(input: Case) -> Case:
    seed, conversation, author, id = (unhex(input, name) for name in ("seed", "conversation", "author", "id"))
    key = peer.hkdf(bytes(32), seed, b"Windlass v2 floor", 32)

    clock = input["lamport"].to_bytes(8, "big")
    return {
        "conversation": peer.hmac_sha256(key, bytes([input["group"]]) + conversation)[:16].hex(),
        "message": (clock + peer.hmac_sha256(key, b"\x02" + author + id)[:8]).hex(),
    }


def padding(input: Case) -> Case:
    return {"padded": peer.pad(unhex(input, "plaintext")).hex()}


def unpadding(input: Case) -> Case:
    return {"plaintext": peer.unpad(unhex(input, "padded")).hex()}


# Strict decoding (§4.2): the fields, encoded again, are the bytes that came.
def strict(encoded: bytes, *fields: Field) -> None:
    check(encode(*fields) == encoded, "not the one encoding")


def read_handshake(encoded: bytes) -> Case:
    fields = decode(encoded)
    ephemeral, signed, sealed = check_x25519(blob(fields, 1)), first(fields, 2, 0), blob(fields, 3)
    ciphertext = blob(fields, 4)
    strict(encoded, (1, ephemeral), (2, signed), (3, sealed), (4, ciphertext))
    check(signed and len(sealed) == 69 and len(ciphertext) in (0, 1_088), "handshake")
    return {
        "ephemeral_key": ephemeral.hex(),
        "signed_prekey_id": signed,
        "sealed_initiator": sealed.hex(),
        "kem_ciphertext": ciphertext.hex(),
    }


def handshake(input: Case) -> Case:
    b, encoded = Party(input["responder"]), unhex(input, "encoded")
    read_handshake(encoded)
    began = peer.read_initiator(b.seed, b.device_id, b.secrets(), encoded)
    identity, device_id = began.party
    return {
        "identity_key": check_identity(identity).hex(),
        "device_id": device_id,
        "one_time_prekey_id": began.one_time_id,
        "mode": began.mode,
        "kem_shared": began.shared.hex() or None,
    }


def read_message(encoded: bytes) -> Case:
    fields = decode(encoded)
    device_id, handshake = first(fields, 1, 0), blob(fields, 2)
    tag, hint, sealed_header, body = (blob(fields, number) for number in (3, 4, 5, 6))
    strict(encoded, (1, Fixed32(device_id)), (2, handshake), (3, tag), (4, hint), (5, sealed_header), (6, body))
    check(device_id and (len(tag), len(hint), len(sealed_header)) == (16, 8, 72), "lengths")
    return {
        "device_id": device_id,
        "handshake": read_handshake(handshake) if handshake else None,
        "chain_tag": tag.hex(),
        "sender_hint": hint.hex(),
        "sealed_header": sealed_header.hex(),
        "ciphertext": body.hex(),
    }


def header(input: Case) -> Case:
    key = peer.HeaderKey(unhex(input, "header_key"), b"")
    header = key.open(unhex(input, "sealed"), unhex(input, "associated_data"))
    return {
        "ratchet_key": check_x25519(header.remote).hex(),
        "previous_chain_length": header.previous,
        "message_number": header.number,
        "epoch": header.epoch,
    }


def envelope(input: Case) -> Case:
    encoded = unhex(input, "encoded")
    check(len(encoded) <= 16_777_216, "length")
    fields = decode(encoded)
    check(first(fields, 1, 0) == 2, "version")
    messages = [value for number, value in fields if number == 2 and isinstance(value, bytes)]
    strict(encoded, (1, 2), *[(2, message) for message in messages])
    shown = [read_message(message) for message in messages]
    ids = {message["device_id"] for message in shown}
    check(1 <= len(ids) <= 8 and len(ids) == len(shown), "devices")
    return {"messages": shown}


def show_body(number: int, body: list[Field]) -> Any:
    if number == 16:
        return {"text": chats.show_text(body)}
    if number == 17:
        media_type = blob(body, 1).decode()
        parts = media_type.split("/")
        check(len(parts) == 2 and all(parts) and all(" " <= c <= "~" for c in media_type), "media type")
        check(len(media_type) <= 255 and len(blob(body, 2)) <= 1_048_576, "data")
        return {"media_type": media_type, "data": blob(body, 2).hex()}
    if number == 18:
        ids = [value for number, value in body if number == 1 and isinstance(value, bytes)]
        check(1 <= len(ids) <= 1_024 and all(len(id) == 16 for id in ids), "receipt")
        return {"delivery_receipt": [id.hex() for id in ids]}
    if number == 19:
        check(len(blob(body, 1)) <= 1_048_576, "opaque")
        return {"opaque": blob(body, 1).hex()}
    if number == 20:
        states = [show_state(decode(value)) for value in messages(body, 1)]
        token, salt = blob(body, 3), blob(body, 4)
        check(len(token) in (0, 16), "link token")
        check(len(salt) == 16 or not (salt or states), "salt")
        shown = {"conversations": states, "went_back": bool(first(body, 2, 0)), "link_token": token.hex() or None, "salt": salt.hex() or None}
        return {"healing_request": shown}
    if number == 21:
        author, conversation = blob(body, 1), blob(body, 2)
        check(len(author) == len(conversation) == 32, "copy")
        return {"copy": {"author": author.hex(), "conversation": conversation.hex(), "content": blob(body, 3).hex()}}
    if number >= 25:
        return chats.show_body(number, body)
    if number == 24:
        check(len(blob(body, 1)) <= 18_432, "bundle")
        return {"identity_change": blob(body, 1).hex()}
    if number == 23:
        check(len(blob(body, 2)) <= 18_432, "bundle")
        return {"healing_answer": {"messages": min(first(body, 1, 0), 2**62), "bundle": blob(body, 2).hex()}}
    removed = b"".join(messages(body, 1))
    check(len(removed) <= 4 * 1_024 and len(messages(body, 10)) <= 64, "removed devices")
    set_chats = [show_chat(decode(value)) for value in messages(body, 11)]
    return {
        "device_update": {
            **({"chats": set_chats} if set_chats else {}),
            **({"profile": chats.show_profile(decode(b"".join(said)))} if (said := messages(body, 12)) else {}),
            "removed_devices": fixed32s(removed),
            "contacts": [show_contact(decode(value)) for value in messages(body, 2)],
            "read": [show_mark(decode(value)) for value in messages(body, 3)],
            "complete": bool(first(body, 4, 0)),
            "floors": [show_floor(decode(value)) for value in messages(body, 8)],
            "deleted_groups": [show_deleted_group(decode(value)) for value in messages(body, 9)],
            "links": [show_link(decode(value)) for value in messages(body, 10)],
        }
    }


def show_chat(fields: list[Field]) -> Case:
    conversation, settings = blob(fields, 1), [decode(value) for value in messages(fields, 3)]
    kinds = [first(one, 1, 0) for one in settings]
    check(len(conversation) == 32 and len(settings) <= 16 and kinds == sorted(set(kinds)), "chat settings")
    shown = []
    for kind, one in zip(kinds, settings, strict=True):
        number, text = first(one, 2, 0), blob(one, 3)
        check(len(text) <= 256, "name")
        if 1 <= kind <= 5:
            most = {1: 253_402_300_799_000, 5: 0}.get(kind, 1)
            name = text.decode() if kind == 5 else ""
            shown.append({"kind": kind, "number": min(number, most), "text": name, "decided": show_decision(one, 4)})
    return {"conversation": conversation.hex(), "group": bool(first(fields, 2, 0)), "settings": shown}


def messages(fields: list[Field], number: int) -> list[bytes]:
    return [value for at, value in fields if at == number and isinstance(value, bytes)]


def show_state(fields: list[Field]) -> Case:
    conversation, have = blob(fields, 1), blob(fields, 3)
    ids = [have[at : at + 8] for at in range(0, len(have), 8)]
    check(len(conversation) == 32 and len(have) % 8 == 0 and len(ids) <= 2_048 and ids == sorted(ids), "state")
    return {"conversation": conversation.hex(), "group": bool(first(fields, 4, 0)), "from_lamport": first(fields, 2, 0), "have": have.hex()}


def fixed32s(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[at : at + 4], "little") for at in range(0, len(packed), 4)]


def show_link(fields: list[Field]) -> Case:
    token = blob(fields, 1)
    check(len(token) == 16, "link token")
    return {"token": token.hex(), "expires_at": first(fields, 2, 0), "device_id": first(fields, 3, 0)}


def show_deleted_group(fields: list[Field]) -> Case:
    group, left, hashes = blob(fields, 1), blob(fields, 3), messages(fields, 2)
    check(len(group) == 32 and len(left) <= 4_096 and len(hashes) <= 1_000 and all(len(one) == 32 for one in hashes), "deleted group")
    return {"group": group.hex(), "invitations": [one.hex() for one in hashes], "left": left.hex(), "deleted_at": first(fields, 4, 0)}


def show_mark(fields: list[Field]) -> Case:
    conversation, group = blob(fields, 1), bool(first(fields, 2, 0))
    check(len(conversation) == 32, "read mark")
    return {"conversation": conversation.hex(), "group": group, "lamport": first(fields, 3, 0), "messages": show_names(fields, 4, 32)}


def show_names(fields: list[Field], number: int, most: int) -> str:
    named = blob(fields, number)
    names = [named[at : at + 16] for at in range(0, len(named), 16)]
    check(len(named) % 16 == 0 and len(names) <= most and names == sorted(set(names)), "names of messages")
    return named.hex()


def show_floor(fields: list[Field]) -> Case:
    conversation, timer = blob(fields, 1), decode(blob(fields, 6))
    check(len(conversation) == 16, "conversation name")
    check(len(blob(timer, 2)) in (0, 16), "message id")
    return {
        "conversation": conversation.hex(),
        "clock": first(fields, 2, 0),
        "lamport": first(fields, 3, 0),
        "until": first(fields, 4, 0),
        "messages": show_names(fields, 5, 512),
        "timer": {"lamport": first(timer, 1, 0), "message_id": blob(timer, 2).hex(), "milliseconds": first(timer, 3, 0)},
        "removed": show_decision(fields, 7),
    }


def show_decision(fields: list[Field], number: int) -> Case:
    decision = decode(blob(fields, number))
    return {"clock": first(decision, 1, 0), "device_id": int(first(decision, 2, Fixed32(0)))}


def show_contact(fields: list[Field]) -> Case:
    verified, accepted, blocked = (bool(first(fields, number, 0)) for number in (2, 3, 4))
    devices = [decode(value) for value in messages(fields, 7)]
    check(len(devices) <= 8, "known devices")
    return {
        "bundle": blob(fields, 1).hex(),
        "verified": verified,
        "accepted": accepted,
        "blocked": blocked,
        "standing": show_decision(fields, 5),
        "verification": show_decision(fields, 6),
        "devices": [{"device_id": first(one, 1, 0), "known_since": first(one, 2, 0)} for one in devices],
    }


def content(input: Case) -> Case:
    encoded = unhex(input, "encoded")
    check(len(encoded) <= 1_200_000, "length")
    fields = decode(encoded)
    message_id, lamport, reply_to, group = blob(fields, 1), first(fields, 2, 0), blob(fields, 4), blob(fields, 5)
    check(len(message_id) == 16 and lamport <= 2**62 and len(reply_to) in (0, 16) and len(group) in (0, 32), "content")
    follows = [value for number, value in fields if number == 6 and isinstance(value, bytes)]
    check(len(blob(fields, 7)) in (0, 20), "proof")
    check(len(follows) <= 8 and all(len(followed) == 16 for followed in follows), "list of followed messages")
    shown: Any = "unknown"
    kind, said = 0, b""
    for number, value in fields:
        if (16 <= number <= 33 or 36 <= number <= 39) and isinstance(value, bytes):
            # Pieces of one message are one message (B.4).
            kind, said = number, said + value if number == kind else value
    if kind:
        try:
            shown = show_body(kind, decode(said))
        except UnicodeDecodeError:
            raise Refused("not UTF-8") from None
    shown_view = {}
    if view := blob(fields, 9):
        digest, heads = blob(decode(view), 1), messages(decode(view), 2)
        check(len(group) == 32 and len(digest) == 16 and len(heads) <= 4 and all(len(head) == 16 for head in heads), "view")
        shown_view = {"view": {"digest": digest.hex(), "heads": [head.hex() for head in heads]}}
    origin = min(first(fields, 8, 0), 2)
    shown_origin = {"origin": ("bot", "bot answer")[origin - 1]} if origin else {}
    return {
        **shown_view,
        **shown_origin,
        "message_id": message_id.hex(),
        "lamport": lamport,
        "sent_at": first(fields, 3, 0),
        "reply_to": reply_to.hex() or None,
        "group": group.hex() or None,
        "follows": [followed.hex() for followed in follows],
        "body": shown,
    }


def bounds(input: Case) -> Case:
    encoded = b"".join(bytes.fromhex(piece) * times for piece, times in input["pieces"])
    {"content": content, "envelope": envelope, "bundle": bundle}[input["of"]]({"encoded": encoded.hex()})
    return {"accepted": len(encoded)}


def group(input: Case) -> Case:
    events = [bytes.fromhex(event) for event in input["events"]]
    return chats.group(unhex(input, "group_id"), events)


def history(input: Case) -> Case:
    contents = [(said["by"], unhex(said, "encoded")) for said in input["contents"]]
    return histories.history(unhex(input, "own"), unhex(input, "peer"), contents)


def receipts(input: Case) -> list[Case]:
    device = histories.Device(histories.History(unhex(input, "own"), unhex(input, "peer")))
    return histories.receipts(device, input["contents"])


def copies(input: Case) -> list[Case]:
    words = input["own_words"]["day"], unhex(input["own_words"], "key")
    history = histories.History(unhex(input, "own"), unhex(input, "peer"))
    device = histories.Device(history, unhex(input, "own_seed"), words, input["now"])
    return histories.receipts(device, input["contents"])


def answers(input: Case) -> Case:
    kept = healing.Kept(unhex(input, "own"), unhex(input, "peer"))
    for came in input["contents"]:
        kept.take(came["by"], came["at"], unhex(came, "encoded"))
    answer = kept.answer(unhex(input, "request"), input["proved_since"], input["now"])
    return answer if input.get("times", 1) <= healing.MAX_HEALING_PER_DAY else {**answer, "promised": 0}


def requests(input: Case) -> Case:
    device = histories.Device(histories.History(unhex(input, "own"), unhex(input, "peer")), unhex(input, "own_seed"), now=input["now"])
    for came in input["contents"]:
        device.hear(came["by"], unhex(came, "encoded"))
    return healing.requested(device, unhex(input, "salt"), input["names"])


def proved_days(input: Case) -> Case:
    return {"proved_since": healing.proved_since(input)}


def updates(input: Case) -> Case:
    people = siblings.People(unhex(input, "own_seed"), input["device_id"], input["now"])
    for step in input["steps"]:
        if "user" in step:
            [side] = people.contacts
            people.does(step["user"], side)
        else:
            people.update(unhex(step, "update"))
    return people.show()


def deleted_groups(input: Case) -> list[Case]:
    return links.deleted_groups(peer.identity_of_seed(unhex(input, "own_seed")), input)


def first_messages(input: Case) -> list[Case]:
    own = Party(input["own"])
    assert own.one_time and own.signed
    device = firsts.Device(own.seed, own.device_id, dict([own.signed]), dict([own.one_time]), own.one_time[0])
    results = []
    for came in input["envelopes"]:
        if isinstance(came, str):
            results.append(device.receive(bytes.fromhex(came)))
        else:
            device.user(came["user"], unhex(came, "whom"))
    return results


def attachment(input: Case) -> Case:
    chunks = [bytes.fromhex(chunk) for chunk in input["chunks"]]
    sealed = chats.seal_file(unhex(input, "key"), chunks)
    return {"sealed": sealed.hex(), "digest": hashlib.sha256(sealed).hexdigest()}


def device_link(input: Case) -> Case:
    new = NewDevice(unhex(input, "new_secret"))
    code = linking.read(input["code_uri"], "L", 32)
    existing = ExistingDevice(unhex(input, "existing_secret"), code, unhex(input, "identity"))
    agreed = existing.agree(linking.read(input["reply_uri"], "R", 32))
    return {
        "code_uri": bundles.to_uri("L", new.code()),
        "answer_uri": bundles.to_uri("A", existing.answer()),
        "reply_uri": bundles.to_uri("R", new.reply()),
        "address": bundles.address_of_identity(agreed.identity),
        "existing_digits": agreed.digits(),
        "new_digits": new.agree(existing.answer()).digits(),
    }


def device_transfer(input: Case) -> Case:
    answer = linking.read(input["answer_uri"], "A", 64)
    agreed = NewDevice(unhex(input, "new_secret")).agree(answer)
    seed, bundle, token, words, linked = agreed.open_transfer(unhex(input, "encoded"))
    return {"identity_seed": seed.hex(), "bundle": bundle.hex(), "link_token": token.hex(), "own_words": words.hex(), "linked_devices": fixed32s(linked)}


def conversation(input: Case) -> list[Case]:
    a, b = Party(input["alice"]), Party(input["bob"])
    b_identity = peer.identity_of_seed(b.seed)
    ends: dict[str, Session | None] = {
        "alice": peer.start(a.seed, a.device_id, b_identity, b.device(), b.given(), *drawn(input)),
        "bob": None,
    }
    sent: list[bytes] = []
    results: list[Case] = []
    for step in input["steps"]:
        end = ends[step["by"]]
        if "send" in step:
            assert end
            secret, nonce, header_nonce, seed, coins = (
                unhex(step, name) for name in ("ratchet_secret", "nonce", "header_nonce", "kem_seed", "kem_coins")
            )
            real = end.ratchet.epochs.sending.epoch
            end.claim_epoch(step.get("claims_epoch", real))
            sent.append(end.send(unhex(step, "send"), secret, nonce, header_nonce, seed, coins, step["now"]))
            end.claim_epoch(real if "claims_epoch" in step else end.ratchet.epochs.sending.epoch)
            results.append({"envelope": sent[-1].hex()})
            continue
        if "lose" in step:
            assert end
            for _ in range(step["lose"]):
                end.ratchet = end.ratchet.send(b"")[0]
            results.append({"lost": step["lose"]})
            continue
        envelope = bytearray(sent[step["receive"]])
        if "flip_byte_from_end" in step:
            envelope[-step["flip_byte_from_end"]] ^= 1
        try:
            if end:
                payload = end.receive(bytes(envelope))
            else:
                ends["bob"], payload = peer.answer(b.seed, b.device_id, b.secrets(), b.once(), bytes(envelope))
            results.append({"payload": payload.hex()})
        except Refused:
            results.append({"error": ...})
    return results


KINDS: dict[str, Callable[[Case], Any]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(identity, address, ed25519_key, x25519, ml_kem, safety_number, bundle, bundle_build, uri, code_frames, group_link),
        *(pqxdh, handshake, root_step, first_header_keys, chain_steps, message_key, first_epoch, epoch_step, plaintext, scka, sender_hint, own_words, message_name, healing_proof, floor_name, padding, unpadding, header, envelope, content, device_link, device_transfer, conversation),
        *(bounds, history, receipts, copies, updates, answers, requests, proved_days, memberships.group_device, links.linked_devices, deleted_groups, first_messages, group, attachment),
    )
}


def same(found: Any, expected: Any) -> bool:
    """Equal, whatever the reason of a refusal."""
    if isinstance(expected, dict) and "error" in expected:
        return isinstance(found, dict) and "error" in found
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return bool(found == expected)


def run(file: Path) -> tuple[int, list[str]]:
    """How many cases a file has, and which failed."""
    vectors = json.loads(file.read_text())
    failed = []
    for case in vectors["cases"]:
        try:
            found = KINDS[vectors["kind"]](case["input"])
        except Refused as refused:
            found = {"error": str(refused)}
        if not same(found, case["expect"]):
            failed.append(f"{vectors['kind']}: {case['name']}: {found}")
    return len(vectors["cases"]), failed


def main() -> None:
    files = sorted((Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER).rglob("*.json"))
    results = [run(file) for file in files]
    failed = [line for _, lines in results for line in lines]
    print("\n".join(failed))
    print(f"{sum(count for count, _ in results)} cases in {len(files)} files, {len(failed)} failed")
    sys.exit(bool(failed) or not files)


if __name__ == "__main__":
    main()
