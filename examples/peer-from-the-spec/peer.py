"""A peer built from docs/spec/rfc.md and proto/ alone, with nothing of Windlass and no library but `cryptography`.

It makes envelopes and opens them, for one device, in memory; the post-quantum half of its ratchet is in epochs.py, bundles are in bundles.py. Section numbers are those of the RFC. What a
peer has to refuse beyond this, §4.2 above all, is in check_vectors.py.
"""

import hashlib
import os
import struct
import time
from dataclasses import dataclass, field, replace
from typing import TypeVar

import epochs
import kem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from epochs import Epochs, Message

# Other files have them from here.
from suite import Refused as Refused
from suite import chain_step as chain_step
from suite import check as check
from suite import hkdf as hkdf
from suite import hmac_sha256 as hmac_sha256

MAX_CHAIN_JUMP, MAX_SKIPPED_KEYS, MAX_RECEIVING_CHAINS = 25_000, 2_000, 5
P = 2**255 - 19
T = TypeVar("T")


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


def seal(key: bytes, plaintext: bytes, associated_data: bytes, nonce: bytes) -> bytes:
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def open_aead(key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], associated_data)
    except Exception:
        raise Refused("authentication") from None


# PQXDH (§7.2) with one device of a bundle.
@dataclass(frozen=True)
class Prekey:
    id: int
    key: bytes


@dataclass(frozen=True)
class Device:
    device_id: int
    signed_prekey: Prekey
    one_time_prekey: Prekey | None = None
    commitment: bytes = b""
    kem_key: bytes = b""


@dataclass(frozen=True)
class Signed:
    """The private halves that go together: of the signed prekey, and d || z of the ML-KEM prekey."""

    secret: bytes
    kem_seed: bytes

    def commitment(self) -> bytes:
        return hashlib.sha256(kem.public_of_seed(self.kem_seed)).digest()


@dataclass(frozen=True)
class OneTime:
    """The private half of a one-time prekey, and what was given with it."""

    secret: bytes
    given: bytes = b""


@dataclass(frozen=True)
class Agreement:
    shared_secret: bytes
    associated_data: bytes
    session_id: bytes


Party = tuple[bytes, int]


@dataclass(frozen=True)
class Initiator:
    """What is sealed in a handshake (7.2.7), and what its ciphertext gives."""

    party: Party
    one_time_id: int
    mode: int
    shared: bytes


def agreement(parts: list[bytes], mode: int, initiator: Party, responder: Party, commitment: bytes, *keys: bytes) -> Agreement:
    """`keys` are the ephemeral key, the signed prekey, the one-time prekey and the ciphertext's hash, or 32 zero bytes for one that is missing."""
    data = struct.pack(">I", 2) + initiator[0] + responder[0] + struct.pack(">II", initiator[1], responder[1])
    data += bytes([mode]) + commitment
    secret = hkdf(bytes(32), b"\xff" * 32 + b"".join(parts), b"Windlass v2 PQXDH" + bytes([mode]))
    name = hashlib.sha256(b"Windlass v2 session id" + data + b"".join(keys)).digest()[:16]
    return Agreement(secret, data, name)


def handshake_seal(parts: bytes, responder: Party, ephemeral: bytes, signed: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """Key and associated data of 7.2.9."""
    data = struct.pack(">I", 2) + responder[0] + struct.pack(">I", responder[1]) + ephemeral + signed + ciphertext
    return hkdf(bytes(32), parts, b"Windlass v2 sealed handshake"), data


def hash_or_zeros(data: bytes) -> bytes:
    return hashlib.sha256(data).digest() if data else bytes(32)


def initiate(
    seed: bytes, device_id: int, identity: bytes, device: Device, given: bytes, ephemeral: bytes, coins: bytes, nonce: bytes
) -> tuple[Agreement, bytes]:
    """What both sides will share, and the handshake that tells the other side. `given` is what came with the one-time prekey."""
    signed, one_time = device.signed_prekey, device.one_time_prekey or Prekey(0, bytes(32))
    dh = [agree(x25519_of_seed(seed), signed.key), agree(ephemeral, x25519_of_identity(identity)), agree(ephemeral, signed.key)]
    dh += [agree(ephemeral, one_time.key)] if one_time.id else []
    ciphertext, shared = kem.encapsulate(device.kem_key, coins) if device.kem_key else (b"", b"")
    mode = 1 * bool(one_time.id) + 2 * bool(shared) + 4 * bool(given)
    me, public = identity_of_seed(seed), x25519_public(ephemeral)
    keys = public, signed.key, one_time.key, hash_or_zeros(ciphertext)
    parties = (me, device_id), (identity, device.device_id)
    agreed = agreement([*dh, shared, given], mode, *parties, device.commitment, *keys)
    key, data = handshake_seal(dh[2] + shared, parties[1], public, signed.key, ciphertext)
    sealed = nonce + AESGCM(key).encrypt(nonce, me + struct.pack(">IIB", device_id, one_time.id, mode), data)
    return agreed, encode((1, public), (2, signed.id), (3, sealed), (4, ciphertext))


def read_initiator(seed: bytes, device_id: int, signed: Signed, handshake: bytes) -> Initiator:
    """Who began, and with what (7.2.9)."""
    fields = decode(handshake)
    ephemeral, sealed, ciphertext = blob(fields, 1), blob(fields, 3), blob(fields, 4)
    shared = kem.decapsulate(signed.kem_seed, ciphertext) if ciphertext else b""
    own, public = (identity_of_seed(seed), device_id), x25519_public(signed.secret)
    key, data = handshake_seal(agree(signed.secret, ephemeral) + shared, own, ephemeral, public, ciphertext)
    opened = open_aead(key, sealed, data)
    check(len(opened) == 41, "sealed initiator")
    device, one_time, mode = struct.unpack(">IIB", opened[32:])
    check(device, "device id")
    check(mode & 3 == 1 * bool(one_time) + 2 * bool(ciphertext) and mode in (0, 1, 2, 3, 5, 7), "mode")
    return Initiator((opened[:32], device), one_time, mode, shared)


def respond(seed: bytes, device_id: int, signed: Signed, one_time: OneTime | None, handshake: bytes) -> Agreement:
    ephemeral, ciphertext = blob(decode(handshake), 1), blob(decode(handshake), 4)
    began = read_initiator(seed, device_id, signed, handshake)
    identity, secret = began.party[0], signed.secret
    dh = [agree(secret, x25519_of_identity(identity)), agree(x25519_of_seed(seed), ephemeral), agree(secret, ephemeral)]
    dh += [agree(one_time.secret, ephemeral)] if one_time else []
    given = one_time.given if one_time and began.mode & 4 else b""
    keys = ephemeral, x25519_public(secret), x25519_public(one_time.secret) if one_time else bytes(32), hash_or_zeros(ciphertext)
    own = identity_of_seed(seed), device_id
    return agreement([*dh, began.shared, given], began.mode, began.party, own, signed.commitment(), *keys)


# Header keys (§7.3): the key and the tag of a chain.
@dataclass(frozen=True)
class HeaderKey:
    key: bytes
    tag: bytes

    def open(self, sealed: bytes, associated_data: bytes) -> "Header":
        header = open_aead(self.key, sealed, associated_data)
        check(len(header) == 44, "header")
        return Header(header[:32], *struct.unpack(">III", header[32:]))


@dataclass(frozen=True)
class Header:
    """7.3.6: the ratchet key, PN, N and the post-quantum epoch."""

    remote: bytes
    previous: int
    number: int
    epoch: int

    def encode(self) -> bytes:
        return self.remote + struct.pack(">III", self.previous, self.number, self.epoch)


def first_header_keys(shared_secret: bytes) -> tuple[HeaderKey, HeaderKey]:
    """The initiator's and the responder's."""
    output = hkdf(bytes(32), shared_secret, b"Windlass v2 header keys", 96)
    return HeaderKey(output[:32], output[32:48]), HeaderKey(output[48:80], output[80:])


# The Double Ratchet (§7.4).
def root_step(root_key: bytes, dh_output: bytes) -> tuple[bytes, bytes, HeaderKey]:
    output = hkdf(root_key, dh_output, b"Windlass v2 root chain", 112)
    return output[:32], output[32:64], HeaderKey(output[64:96], output[96:])


@dataclass(frozen=True)
class Ratchet:
    root: bytes
    next_header: HeaderKey
    expected: HeaderKey
    epochs: Epochs
    header: HeaderKey | None = None
    remote: bytes = b""
    own: bytes = b""
    sending: bytes = b""
    sent: int = 0
    previous: int = 0
    receiving: bytes = b""
    received: int = 0
    chains: tuple[tuple[bytes, HeaderKey, int], ...] = ()
    skipped: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    def send(
        self, new_secret: bytes, now: int = 0, seed: bytes | None = None, coins: bytes | None = None
    ) -> tuple["Ratchet", HeaderKey, Header, bytes, Message]:
        """The next state, the key of the header, the header, the message key and what goes with the payload."""
        state = self
        if not state.sending or not state.header:
            root, sending, following = root_step(state.root, agree(new_secret, state.remote))
            state = replace(state, root=root, own=new_secret, sending=sending)
            state = replace(state, header=state.next_header, next_header=following, epochs=state.epochs.begin_sending())
        assert state.header
        key, sending = chain_step(state.sending)
        of_epoch, other, message = state.epochs.send(now, seed, coins)
        header = Header(x25519_public(state.own), state.previous, state.sent, of_epoch.sending.epoch)
        state = replace(state, sending=sending, sent=state.sent + 1, epochs=of_epoch)
        assert state.header
        return state, state.header, header, epochs.hybrid(key, other), message

    def tags(self) -> list[bytes]:
        """Of the chains that can come (7.3.2)."""
        return [header.tag for _, header, _ in self.chains] + [self.expected.tag]

    def open_header(self, tag: bytes, sealed: bytes, associated_data: bytes) -> Header:
        known = {header.tag: (remote, header) for remote, header, _ in self.chains}
        remote, key = known.get(tag, (b"", self.expected))
        check(key.tag == tag, "unknown chain")
        try:
            header = key.open(sealed, associated_data)
        except Refused:
            raise Refused("header") from None
        # 7.3.8: each chain has one ratchet key.
        check(header.remote == remote if remote else header.remote not in [one[0] for one in self.chains], "ratchet key")
        return header

    def receive(self, header: Header) -> tuple["Ratchet", bytes]:
        """The state and the key for a header; not to be kept before the AEAD accepted (§7.5)."""
        state, remote, number = self, header.remote, header.number
        known = {one: epoch for one, _, epoch in state.chains}
        if remote not in known:
            check(state.own, "ratchet key")
            check(state.epochs.may_receive_in(header.epoch), "epoch")
            state = state.skip_to(header.previous) if state.receiving else state
            root, receiving, following = root_step(state.root, agree(state.own, remote))
            chains = (*state.chains, (remote, state.expected, header.epoch))[-MAX_RECEIVING_CHAINS:]
            kept = [one[0] for one in chains]
            skipped = {at: key for at, key in state.skipped.items() if at[0] in kept}
            of_epoch = state.epochs.begin_receiving(header.epoch)
            state = Ratchet(
                root, state.next_header, following, of_epoch, None, remote, b"", b"", 0, state.sent, receiving, 0, chains, skipped
            )
        # 7.4.16: each chain has one epoch.
        check(header.epoch == known.get(remote, header.epoch), "epoch")
        if remote != state.chains[-1][0] or number < state.received:
            skipped = dict(state.skipped)
            check((remote, number) in skipped, "key gone")
            key = skipped.pop((remote, number))
            return replace(state, skipped=skipped), key
        state = state.skip_to(number)
        key, receiving = chain_step(state.receiving)
        of_epoch, other = state.epochs.step_receiving()
        return replace(state, receiving=receiving, received=number + 1, epochs=of_epoch), epochs.hybrid(key, other)

    def skip_to(self, number: int) -> "Ratchet":
        check(number - self.received <= MAX_CHAIN_JUMP, "too far ahead")
        chain, of_epoch, passed = self.receiving, self.epochs, list[tuple[int, bytes, bytes]]()
        for n in range(self.received, number):
            key, chain = chain_step(chain)
            of_epoch, other = of_epoch.step_receiving()
            passed.append((n, key, other))
        skipped = dict(self.skipped)
        for n, key, other in passed[-MAX_SKIPPED_KEYS - 1 :]:
            skipped[self.chains[-1][0], n] = epochs.hybrid(key, other)
        skipped = dict(list(skipped.items())[-MAX_SKIPPED_KEYS:])
        return replace(self, receiving=chain, received=max(number, self.received), skipped=skipped, epochs=of_epoch)


# Envelopes (§7.1, §7.3, §7.5).
def hint_key(seed: bytes, other: bytes) -> bytes:
    return hkdf(bytes(32), agree(x25519_of_seed(seed), x25519_of_identity(other)), b"Windlass v2 sender hint")


def sender_hint(key: bytes, sender: bytes, chain_tag: bytes) -> bytes:
    return hmac_sha256(key, sender + chain_tag)[:8]


# 9.1.4: the key of a day, from that of an earlier one.
def own_words_key(kept: bytes, kept_day: int, day: int) -> bytes:
    check(kept_day <= day, "erased")
    for _ in range(day - kept_day):
        kept = hkdf(bytes(32), kept, b"Windlass v2 next day of own words")
    return kept


def prove(day_key: bytes, day: int, conversation: bytes, group: bool, content: bytes) -> bytes:
    key = hkdf(bytes(32), day_key, b"Windlass v2 own words")
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

    def send(
        self,
        payload: bytes,
        ratchet_secret: bytes | None = None,
        nonce: bytes | None = None,
        header_nonce: bytes | None = None,
        seed: bytes | None = None,
        coins: bytes | None = None,
        now: int | None = None,
    ) -> bytes:
        """An envelope with one message."""
        now = int(time.time() * 1000) if now is None else now
        self.ratchet, chain, opened, key, message = self.ratchet.send(ratchet_secret or os.urandom(32), now, seed, coins)
        header, plaintext = opened.encode(), message.encode() + payload
        hint = sender_hint(hint_key(self.seed, self.peer), identity_of_seed(self.seed), chain.tag)
        body = seal(key, pad(plaintext), self.agreed.associated_data + self.agreed.session_id + header, nonce or os.urandom(12))
        header_nonce = header_nonce or os.urandom(12)
        data = self.agreed.associated_data + chain.tag + hint + body
        sealed = header_nonce + AESGCM(chain.key).encrypt(header_nonce, header, data)
        device = Fixed32(self.peer_device)
        return encode((1, 2), (2, encode((1, device), (2, self.handshake), (3, chain.tag), (4, hint), (5, sealed), (6, body))))

    def claim_epoch(self, epoch: int) -> None:
        """What only a faulty side does."""
        state = self.ratchet.epochs
        self.ratchet = replace(self.ratchet, epochs=replace(state, sending=replace(state.sending, epoch=epoch)))

    def receive(self, envelope: bytes) -> bytes:
        """The payload of an envelope's only message."""
        message = decode(blob(decode(envelope), 2))
        tag, hint, sealed, body = (blob(message, number) for number in (3, 4, 5, 6))
        header = self.ratchet.open_header(tag, sealed, self.agreed.associated_data + tag + hint + body)
        ratchet, key = self.ratchet.receive(header)
        padded = open_aead(key, body, self.agreed.associated_data + self.agreed.session_id + header.encode())
        # 7.8.2: from here on the key is used, whatever is inside.
        self.ratchet, self.handshake = ratchet, b""
        said, payload = epochs.split(unpad(padded))
        self.ratchet = replace(ratchet, epochs=ratchet.epochs.hear(said))
        return payload


def start(
    seed: bytes,
    device_id: int,
    identity: bytes,
    device: Device,
    given: bytes = b"",
    ephemeral: bytes | None = None,
    coins: bytes | None = None,
    nonce: bytes | None = None,
) -> Session:
    """A session with a device of a bundle."""
    drawn = ephemeral or os.urandom(32), coins or os.urandom(32), nonce or os.urandom(12)
    agreed, handshake = initiate(seed, device_id, identity, device, given, *drawn)
    ours, theirs = first_header_keys(agreed.shared_secret)
    unprotected = not device.kem_key and not given
    of_epoch = epochs.start(agreed.shared_secret, initiator=True, at_once=unprotected)
    ratchet = Ratchet(agreed.shared_secret, ours, theirs, of_epoch, remote=device.signed_prekey.key)
    return Session(seed, identity, device.device_id, agreed, ratchet, handshake)


def answer(seed: bytes, device_id: int, signed: Signed, one_time: OneTime | None, envelope: bytes) -> tuple[Session, bytes]:
    """The session that a first message makes, and its payload."""
    handshake = blob(decode(blob(decode(envelope), 2)), 2)
    agreed = respond(seed, device_id, signed, one_time, handshake)
    theirs, ours = first_header_keys(agreed.shared_secret)
    of_epoch = epochs.start(agreed.shared_secret, initiator=False)
    ratchet = Ratchet(agreed.shared_secret, ours, theirs, of_epoch, own=signed.secret)
    identity, device = read_initiator(seed, device_id, signed, handshake).party
    session = Session(seed, identity, device, agreed, ratchet)
    return session, session.receive(envelope)
