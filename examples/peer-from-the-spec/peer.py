"""A peer built from docs/spec/rfc.md and proto/ alone, with nothing of Windlass and no library but `cryptography`.

It makes envelopes and opens them, for one device, in memory; bundles are in bundles.py. Section numbers are those of the RFC. What a
peer has to refuse beyond this, §4.2 above all, is in check_vectors.py.
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAX_CHAIN_JUMP, MAX_SKIPPED_KEYS, MAX_RECEIVING_CHAINS = 25_000, 2_000, 5
P = 2**255 - 19
T = TypeVar("T")


class Refused(Exception):
    """What came is not what the RFC allows; nothing has changed."""


def check(condition: object, what: str) -> None:
    if not condition:
        raise Refused(what)


# Protobuf (§4): a message is its fields in order, a field an int (varint), a Fixed32 or bytes; defaults are left out.
class Fixed32(int):
    pass


Field = tuple[int, int | bytes | None]


def varint(number: int) -> bytes:
    low = bytes([number & 0x7F | (0x80 if number > 0x7F else 0)])
    return low + varint(number >> 7) if number > 0x7F else low


def encode(*fields: Field) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, Fixed32):
            out += varint(number << 3 | 5) + struct.pack("<I", value) if value else b""
        elif isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        elif value:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def decode(data: bytes) -> list[Field]:
    def read_varint() -> int:
        nonlocal data
        length = next((i + 1 for i, byte in enumerate(data[:10]) if byte < 0x80), 11)
        head = take(length)
        return sum((byte & 0x7F) << 7 * i for i, byte in enumerate(head))

    def take(count: int) -> bytes:
        nonlocal data
        check(count <= len(data), "cut short")
        head, data = data[:count], data[count:]
        return head

    fields: list[Field] = []
    while data:
        number, kind = divmod(read_varint(), 8)
        check(number and kind in (0, 2, 5), "wire type")
        if kind == 0:
            fields.append((number, read_varint()))
        else:
            fields.append((number, take(read_varint()) if kind == 2 else Fixed32(struct.unpack("<I", take(4))[0])))
    return fields


def first(fields: list[Field], number: int, default: T) -> T:
    value = dict(fields).get(number, default)
    if not isinstance(value, type(default)):
        raise Refused(f"field {number}")
    return value


def blob(fields: list[Field], number: int) -> bytes:
    return first(fields, number, b"")


# Suite 1 (§3).
def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(ikm)


def x25519_public(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def agree(secret: bytes, public: bytes) -> bytes:
    # `exchange` raises on an all-zero result (§3.2); an encoding that is not canonical is refused here.
    check(len(public) == 32 and int.from_bytes(public, "little") < P, "X25519 key")
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Refused("agreement") from None


def identity_of_seed(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def x25519_of_seed(seed: bytes) -> bytes:
    return hashlib.sha512(seed).digest()[:32]


def x25519_of_identity(key: bytes) -> bytes:
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    check(len(key) == 32 and 1 < y < P - 1, "Ed25519 key")
    return ((1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")


def pad(plaintext: bytes) -> bytes:
    length = max(len(plaintext) + 1, 64)
    exponent = length.bit_length() - 1
    mask = (1 << max(exponent - exponent.bit_length(), 0)) - 1
    return (plaintext + b"\x80").ljust(length + mask & ~mask, b"\0")


def unpad(padded: bytes) -> bytes:
    plaintext = padded.rstrip(b"\0")[:-1]
    check(pad(plaintext) == padded, "padding")
    return plaintext


def seal(message_key: bytes, plaintext: bytes, associated_data: bytes, nonce: bytes) -> bytes:
    key = hkdf(bytes(32), message_key, b"Windlass v1 message key")
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def unseal(message_key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    return open_aead(hkdf(bytes(32), message_key, b"Windlass v1 message key"), sealed, associated_data)


def open_aead(key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], associated_data)
    except Exception:
        raise Refused("authentication") from None


# X3DH (§7.2) with one device of a bundle.
@dataclass(frozen=True)
class Prekey:
    id: int
    key: bytes


@dataclass(frozen=True)
class Device:
    device_id: int
    signed_prekey: Prekey
    one_time_prekey: Prekey | None = None


@dataclass(frozen=True)
class Agreement:
    shared_secret: bytes
    associated_data: bytes
    session_id: bytes


Party = tuple[bytes, int]


def agreement(dh: list[bytes], initiator: Party, responder: Party, *keys: bytes) -> Agreement:
    """`keys` are the ephemeral key, the signed prekey and the one-time prekey or 32 zero bytes."""
    data = struct.pack(">I", 1) + initiator[0] + responder[0] + struct.pack(">II", initiator[1], responder[1])
    secret = hkdf(bytes(32), b"\xff" * 32 + b"".join(dh), b"Windlass v1 X3DH")
    name = hashlib.sha256(b"Windlass v1 session id" + data + b"".join(keys)).digest()[:16]
    return Agreement(secret, data, name)


def initiate(seed: bytes, device_id: int, identity: bytes, device: Device, ephemeral: bytes) -> tuple[Agreement, bytes]:
    """What both sides will share, and the handshake that tells the other side."""
    signed, one_time = device.signed_prekey, device.one_time_prekey or Prekey(0, bytes(32))
    dh = [agree(x25519_of_seed(seed), signed.key), agree(ephemeral, x25519_of_identity(identity)), agree(ephemeral, signed.key)]
    dh += [agree(ephemeral, one_time.key)] if one_time.id else []
    me, public = identity_of_seed(seed), x25519_public(ephemeral)
    agreed = agreement(dh, (me, device_id), (identity, device.device_id), public, signed.key, one_time.key)
    return agreed, encode((1, me), (2, Fixed32(device_id)), (3, public), (4, signed.id), (5, one_time.id))


def respond(seed: bytes, device_id: int, signed: bytes, one_time: bytes | None, handshake: bytes) -> Agreement:
    fields = decode(handshake)
    identity, ephemeral = blob(fields, 1), blob(fields, 3)
    dh = [agree(signed, x25519_of_identity(identity)), agree(x25519_of_seed(seed), ephemeral), agree(signed, ephemeral)]
    dh += [agree(one_time, ephemeral)] if one_time else []
    keys = ephemeral, x25519_public(signed), x25519_public(one_time) if one_time else bytes(32)
    return agreement(dh, (identity, first(fields, 2, 0)), (identity_of_seed(seed), device_id), *keys)


# The Double Ratchet (§7.4).
def root_step(root_key: bytes, dh_output: bytes) -> tuple[bytes, bytes]:
    output = hkdf(root_key, dh_output, b"Windlass v1 root chain", 64)
    return output[:32], output[32:]


def chain_step(chain_key: bytes) -> tuple[bytes, bytes]:
    return hmac_sha256(chain_key, b"\x01"), hmac_sha256(chain_key, b"\x02")


@dataclass(frozen=True)
class Ratchet:
    root: bytes
    remote: bytes = b""
    own: bytes = b""
    sending: bytes = b""
    sent: int = 0
    previous: int = 0
    receiving: bytes = b""
    received: int = 0
    chains: tuple[bytes, ...] = ()
    skipped: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    def send(self, new_secret: bytes) -> tuple["Ratchet", list[Field], bytes]:
        """The next state, the ratchet's fields of the header and the message key."""
        state = self
        if not state.sending:
            root, sending = root_step(state.root, agree(new_secret, state.remote))
            state = replace(state, root=root, own=new_secret, sending=sending)
        key, sending = chain_step(state.sending)
        header: list[Field] = [(3, x25519_public(state.own)), (4, state.previous), (5, state.sent)]
        return replace(state, sending=sending, sent=state.sent + 1), header, key

    def receive(self, remote: bytes, previous: int, number: int) -> tuple["Ratchet", bytes]:
        """The state and the key for a header; not to be kept before the AEAD accepted (§7.5)."""
        state = self
        if remote not in state.chains:
            check(state.own, "ratchet key")
            state = state.skip_to(previous) if state.receiving else state
            root, receiving = root_step(state.root, agree(state.own, remote))
            chains = (*state.chains, remote)[-MAX_RECEIVING_CHAINS:]
            skipped = {at: key for at, key in state.skipped.items() if at[0] in chains}
            state = Ratchet(root, remote, b"", b"", 0, state.sent, receiving, 0, chains, skipped)
        if remote != state.chains[-1] or number < state.received:
            skipped = dict(state.skipped)
            check((remote, number) in skipped, "key gone")
            key = skipped.pop((remote, number))
            return replace(state, skipped=skipped), key
        state = state.skip_to(number)
        key, receiving = chain_step(state.receiving)
        return replace(state, receiving=receiving, received=number + 1), key

    def skip_to(self, number: int) -> "Ratchet":
        check(number - self.received <= MAX_CHAIN_JUMP, "too far ahead")
        chain, skipped = self.receiving, dict(self.skipped)
        for n in range(self.received, number):
            skipped[self.chains[-1], n], chain = chain_step(chain)
        skipped = dict(list(skipped.items())[-MAX_SKIPPED_KEYS:])
        return replace(self, receiving=chain, received=max(number, self.received), skipped=skipped)


# Envelopes (§7.1, §7.3, §7.5).
def hint_key(seed: bytes, other: bytes) -> bytes:
    return hkdf(bytes(32), agree(x25519_of_seed(seed), x25519_of_identity(other)), b"Windlass v1 sender hint")


def sender_hint(key: bytes, sender: bytes, session_id: bytes) -> bytes:
    return hmac_sha256(key, sender + session_id)[:8]


# 9.1.4: the key of a day, from that of an earlier one.
def own_words_key(kept: bytes, kept_day: int, day: int) -> bytes:
    check(kept_day <= day, "erased")
    for _ in range(day - kept_day):
        kept = hkdf(bytes(32), kept, b"Windlass v1 next day of own words")
    return kept


def prove(day_key: bytes, day: int, conversation: bytes, group: bool, content: bytes) -> bytes:
    key = hkdf(bytes(32), day_key, b"Windlass v1 own words")
    proof = day.to_bytes(4, "big") + hmac_sha256(key, bytes([group]) + conversation + content)[:16]
    return content + b"\x3a\x14" + proof


@dataclass
class Session:
    seed: bytes
    peer: bytes
    peer_device: int
    agreed: Agreement
    ratchet: Ratchet
    handshake: bytes = b""

    def send(self, payload: bytes, ratchet_secret: bytes | None = None, nonce: bytes | None = None) -> bytes:
        """An envelope with one message."""
        self.ratchet, ratchet_fields, key = self.ratchet.send(ratchet_secret or os.urandom(32))
        hint = sender_hint(hint_key(self.seed, self.peer), identity_of_seed(self.seed), self.agreed.session_id)
        header = encode((1, self.agreed.session_id), (2, hint), *ratchet_fields)
        sealed = seal(key, pad(payload), self.agreed.associated_data + header, nonce or os.urandom(12))
        return encode((1, 1), (2, encode((1, Fixed32(self.peer_device)), (2, self.handshake), (3, header), (4, sealed))))

    def receive(self, envelope: bytes) -> bytes:
        """The payload of an envelope's only message."""
        message = decode(blob(decode(envelope), 2))
        header = decode(blob(message, 3))
        check(blob(header, 1) == self.agreed.session_id, "session")
        ratchet, key = self.ratchet.receive(blob(header, 3), first(header, 4, 0), first(header, 5, 0))
        payload = unpad(unseal(key, blob(message, 4), self.agreed.associated_data + blob(message, 3)))
        self.ratchet, self.handshake = ratchet, b""
        return payload


def start(seed: bytes, device_id: int, identity: bytes, device: Device, ephemeral: bytes | None = None) -> Session:
    """A session with a device of a bundle."""
    agreed, handshake = initiate(seed, device_id, identity, device, ephemeral or os.urandom(32))
    ratchet = Ratchet(agreed.shared_secret, remote=device.signed_prekey.key)
    return Session(seed, identity, device.device_id, agreed, ratchet, handshake)


def answer(seed: bytes, device_id: int, signed: bytes, one_time: bytes | None, envelope: bytes) -> tuple[Session, bytes]:
    """The session that a first message makes, and its payload."""
    handshake = blob(decode(blob(decode(envelope), 2)), 2)
    agreed = respond(seed, device_id, signed, one_time, handshake)
    ratchet = Ratchet(agreed.shared_secret, own=signed)
    session = Session(seed, blob(decode(handshake), 1), first(decode(handshake), 2, 0), agreed, ratchet)
    return session, session.receive(envelope)
