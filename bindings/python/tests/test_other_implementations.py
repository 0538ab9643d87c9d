"""Ours against X3DH and the Double Ratchet as others wrote them: the packages X3DH and DoubleRatchet of PyPI.

They do the agreement, the chains and the skipped keys. The framing around them, header keys and seals included, is that of the peer built from the
specification: neither package encrypts headers. So is the post-quantum half of the ratchet, which neither has: it steps beside theirs.
"""

import asyncio
import hashlib
import os
import random
import struct
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from unittest import mock

import bundles
import epochs
import peer
import pytest
import x3dh
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from doubleratchet import AuthenticationFailedException, DoubleRatchet, EncryptedMessage, Header
from doubleratchet import aead as foreign_aead
from doubleratchet.recommended import HashFunction, diffie_hellman_ratchet_curve25519, kdf_hkdf, kdf_separate_hmacs
from x3dh import identity_key_pair as x3dh_keys

from windlass_chat import Bundle, Client, Identity

OURS, THEIRS = bytes([1] * 32), bytes([2] * 32)
DEVICE = 0x0BADF00D
MESSAGES = 500
T = TypeVar("T")


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


class RootKdf(kdf_hkdf.KDF):
    """Theirs takes a root key and a chain key of what comes out; the header key of the chain after that stands behind them."""

    following: ClassVar[list[peer.HeaderKey]] = []

    @classmethod
    async def derive(cls, key: bytes, data: bytes, length: int) -> bytes:
        output = await super().derive(key, data, length + 48)
        cls.following.append(peer.HeaderKey(output[length:-16], output[-16:]))
        return output[:length]

    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"Windlass v2 root chain"


class ChainKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class Aead(foreign_aead.AEAD):
    """Mixes what their ratchet gives with the post-quantum key of the same message."""

    post_quantum: ClassVar[bytes]

    @staticmethod
    async def encrypt(plaintext: bytes, key: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(Aead.key(key)).encrypt(nonce, plaintext, associated_data)

    @staticmethod
    async def decrypt(ciphertext: bytes, key: bytes, associated_data: bytes) -> bytes:
        try:
            return AESGCM(Aead.key(key)).decrypt(ciphertext[:12], ciphertext[12:], associated_data)
        except InvalidTag:
            raise AuthenticationFailedException from None

    @staticmethod
    def key(message_key: bytes) -> bytes:
        return epochs.hybrid(message_key, Aead.post_quantum)


def seal(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


class Agreement(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format: x3dh.IdentityKeyFormat, pub: bytes) -> bytes:
        return pub


class Ratchet(DoubleRatchet):
    epoch: ClassVar[int]

    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        return associated_data + header_bytes(header)


def header_bytes(header: Header) -> bytes:
    numbers = header.previous_sending_chain_length, header.sending_chain_length
    return header.ratchet_pub + struct.pack(">III", *numbers, Ratchet.epoch)


CONFIGURATION: dict[str, Any] = {
    "diffie_hellman_ratchet_class": diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": RootKdf,
    "message_chain_kdf": ChainKdf,
    # The chain key first, then the message key.
    "message_chain_constant": b"\x02\x01",
    "dos_protection_threshold": 2_000,
    "max_num_skipped_message_keys": 2_000,
    "aead": Aead,
}


class Foreign:
    """A party whose cryptography is theirs."""

    def __init__(self, one_time: bool, gives: bool) -> None:
        """For a session with a one-time prekey or without; `gives` if it is theirs."""
        self.agreement = Agreement.create(
            x3dh.IdentityKeyFormat.ED_25519,
            x3dh.HashFunction.SHA_256,
            # Which parts there are; ML-KEM is not among theirs.
            b"Windlass v2 PQXDH" + bytes([one_time]),
            x3dh_keys.IdentityKeyPairSeed(THEIRS),
        )
        if gives:
            self.agreement.generate_pre_keys(1)
        self.identity = self.agreement.bundle.identity_key
        self.mode = bytes([one_time])
        self.ratchet: Ratchet | None = None
        self.handshake = b""
        self.chains: list[peer.HeaderKey] = []
        # The chain whose messages come, how many of it came, and the post-quantum keys of those that did not.
        self.remote, self.received = b"", 0
        self.kept: dict[tuple[bytes, int], bytes] = {}
        self.begins = True

    def bundle(self) -> bytes:
        bundle = self.agreement.bundle
        one_time = [peer.Prekey(9, key) for key in bundle.pre_keys]
        signed = peer.Prekey(3, bundle.signed_pre_key)
        device = peer.Device(DEVICE, signed, one_time[0] if one_time else None, self.secrets().commitment())
        return bundles.make_bundle(THEIRS, [device], b"", int(time.time()))

    def secrets(self) -> peer.Signed:
        return peer.Signed(self.agreement.model.signed_pre_key.priv, bytes(64))

    def name_session(self, associated_data: bytes, *keys: bytes) -> None:
        self.associated_data = struct.pack(">I", 2) + associated_data
        name = hashlib.sha256(b"Windlass v2 session id" + self.associated_data + b"".join(keys))
        self.session_id = name.digest()[:16]
        RootKdf.following.clear()

    def begin(self, encoded: bytes, plaintext: bytes) -> bytes:
        """X3DH as the initiator, and the first message."""
        bundle = bundles.read_bundle(encoded)
        [device] = bundle.devices
        self.other, self.other_device = bundle.identity, device.device_id
        one_time = device.one_time_prekey
        foreign = x3dh.Bundle(
            bundle.identity,
            device.signed_prekey.key,
            # Theirs wants the signed prekey signed alone; ours signs the whole bundle, which was verified above.
            Ed25519PrivateKey.from_private_bytes(OURS).sign(device.signed_prekey.key),
            frozenset([one_time.key] if one_time else []),
        )
        appendix = struct.pack(">II", DEVICE, self.other_device) + self.mode + device.commitment
        ephemeral = os.urandom(32)
        with mock.patch("secrets.token_bytes", return_value=ephemeral):
            agreeing = self.agreement.get_shared_secret_active(foreign, appendix, one_time is not None)
            secret, data, header = wait(agreeing)
        self.name_session(data, header.ephemeral_key, header.signed_pre_key, header.pre_key or bytes(32), bytes(32))
        sealing = peer.agree(ephemeral, device.signed_prekey.key)
        them = bundle.identity, device.device_id
        key, bound = peer.handshake_seal(sealing, them, header.ephemeral_key, device.signed_prekey.key, b"")
        initiator = self.identity + struct.pack(">II", DEVICE, one_time.id if one_time else 0) + self.mode
        sealed_initiator = seal(key, initiator, bound)
        self.handshake = peer.encode((1, header.ephemeral_key), (2, device.signed_prekey.id), (3, sealed_initiator))
        self.next_sending, self.expected = peer.first_header_keys(secret)
        self.epochs = epochs.start(secret, initiator=True)
        self.ratchet, sealed = wait(
            Ratchet.encrypt_initial_message(
                **CONFIGURATION,
                shared_secret=secret,
                recipient_ratchet_pub=header.signed_pre_key,
                message=self.wrap(plaintext),
                associated_data=self.authenticated,
            )
        )
        [following] = RootKdf.following
        self.sending, self.next_sending = self.next_sending, following
        return self.envelope(sealed)

    def answer(self, envelope: bytes) -> bytes:
        """X3DH as the responder, and the first message."""
        handshake = peer.blob(self.message(envelope), 2)
        began = peer.read_initiator(THEIRS, DEVICE, self.secrets(), handshake)
        (self.other, self.other_device), once = began.party, began.one_time_id
        [one_time] = self.agreement.bundle.pre_keys if once else [None]
        ephemeral = peer.blob(peer.decode(handshake), 1)
        header = x3dh.Header(self.other, ephemeral, self.agreement.bundle.signed_pre_key, one_time)
        appendix = struct.pack(">II", self.other_device, DEVICE) + self.mode + self.secrets().commitment()
        secret, data, signed = wait(self.agreement.get_shared_secret_passive(header, appendix, one_time is not None))
        self.name_session(data, header.ephemeral_key, header.signed_pre_key, one_time or bytes(32), bytes(32))
        self.expected, self.next_sending = peer.first_header_keys(secret)
        self.epochs = epochs.start(secret, initiator=False)
        self.ratchet, padded = wait(
            Ratchet.decrypt_initial_message(
                **CONFIGURATION,
                shared_secret=secret,
                own_ratchet_priv=signed.priv,
                message=self.sealed(envelope),
                associated_data=self.authenticated,
            )
        )
        self.turn()
        return self.unwrap(padded)

    def send(self, plaintext: bytes) -> bytes:
        assert self.ratchet
        return self.envelope(wait(self.ratchet.encrypt_message(self.wrap(plaintext), self.authenticated)))

    def receive(self, envelope: bytes) -> bytes:
        assert self.ratchet
        RootKdf.following.clear()
        padded = wait(self.ratchet.decrypt_message(self.sealed(envelope), self.authenticated))
        self.handshake = b""
        if RootKdf.following:
            self.turn()
        return self.unwrap(padded)

    def turn(self) -> None:
        """A chain began with what came, and the one that answers it: theirs makes both at once."""
        received, sent = RootKdf.following
        self.chains, self.expected, self.begins = [*self.chains, self.expected], received, True
        self.sending, self.next_sending = self.next_sending, sent

    # Framing.
    @property
    def authenticated(self) -> bytes:
        return self.associated_data + self.session_id

    def wrap(self, plaintext: bytes) -> bytes:
        """Also the step of the post-quantum ratchet."""
        self.epochs = self.epochs.begin_sending() if self.begins else self.epochs
        self.begins = False
        self.epochs, Aead.post_quantum, message = self.epochs.send(int(time.time() * 1000), None, None)
        Ratchet.epoch = self.epochs.sending.epoch
        content = peer.encode((1, os.urandom(16)), (19, peer.encode((1, plaintext))))
        return peer.pad(message.encode() + peer.encode((1, content), (2, self.bundle())))

    def unwrap(self, padded: bytes) -> bytes:
        """The opaque bytes, or nothing for a delivery receipt."""
        message, payload = epochs.split(peer.unpad(padded))
        self.epochs = self.epochs.hear(message)
        content = peer.decode(peer.blob(peer.decode(payload), 1))
        return peer.blob(peer.decode(peer.blob(content, 19)), 1)

    def envelope(self, sealed: EncryptedMessage) -> bytes:
        tag, body = self.sending.tag, sealed.ciphertext
        hint = peer.sender_hint(peer.hint_key(THEIRS, self.other), self.identity, tag)
        header = seal(self.sending.key, header_bytes(sealed.header), self.associated_data + tag + hint + body)
        device = peer.Fixed32(self.other_device)
        message = peer.encode((1, device), (2, self.handshake), (3, tag), (4, hint), (5, header), (6, body))
        return peer.encode((1, 2), (2, message))

    @staticmethod
    def message(envelope: bytes) -> list[peer.Field]:
        return peer.decode(peer.blob(peer.decode(envelope), 2))

    def sealed(self, envelope: bytes) -> EncryptedMessage:
        tag, hint, header, body = (peer.blob(self.message(envelope), number) for number in (3, 4, 5, 6))
        [key] = [key for key in [*self.chains, self.expected] if key.tag == tag]
        opened = key.open(header, self.associated_data + tag + hint + body)
        Ratchet.epoch, Aead.post_quantum = opened.epoch, self.step(opened)
        return EncryptedMessage(Header(opened.remote, opened.previous, opened.number), body)

    def step(self, header: peer.Header) -> bytes:
        """The post-quantum key of a message that came; all that come are genuine."""
        if (header.remote, header.number) in self.kept:
            return self.kept.pop((header.remote, header.number))
        if header.remote != self.remote:
            self.skip_to(header.previous if self.remote else 0)
            assert self.epochs.may_receive_in(header.epoch)
            self.epochs = self.epochs.begin_receiving(header.epoch)
            self.remote, self.received = header.remote, 0
        self.skip_to(header.number + 1)
        return self.kept.pop((header.remote, header.number))

    def skip_to(self, number: int) -> None:
        while self.received < number:
            self.epochs, self.kept[self.remote, self.received] = self.epochs.step_receiving()
            self.received += 1


class Network:
    """One direction: reorders, loses, and loses what is so late that its chain is forgotten (RFC windlass §3.6)."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.waiting: list[tuple[int, bytes]] = []
        self.chains: list[bytes] = []

    def carry(self, envelope: bytes) -> None:
        chain = peer.blob(Foreign.message(envelope), 3)
        if chain not in self.chains:
            self.chains.append(chain)
        if self.chance.random() > 0.1:
            self.waiting.append((self.chains.index(chain), envelope))

    def deliver(self) -> bytes | None:
        self.waiting = [(at, envelope) for at, envelope in self.waiting if at + 5 > len(self.chains)]
        if not self.waiting:
            return None
        return self.waiting.pop(self.chance.randrange(len(self.waiting)))[1]


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "single use"])
@pytest.mark.parametrize("role", ["we begin", "they begin"])
def test_a_long_conversation_with_reordering_and_loss(tmp_path: Path, role: str, one_time: bool) -> None:
    chance = random.Random(f"{role} {one_time}")
    foreign = Foreign(one_time, one_time and role == "we begin")
    with Client.create(tmp_path / "ours.wl", key=bytes(32), identity=Identity.from_seed(OURS)) as client:
        to_us, to_them = Network(chance), Network(chance)

        def drain() -> None:
            # What we sent, and the receipts for what came.
            for envelope in client.outbox():
                to_them.carry(envelope.bytes)
                client.mark_sent([envelope.id])

        address = Identity.from_seed(THEIRS).address()
        if role == "they begin":
            invitation = (client.single_use_bundle() if one_time else client.bundle()).encode()
            hello = foreign.begin(invitation, b"they begin")
            client.receive(hello)
            session = client.session(address)
        else:
            client.add_contact(Bundle.decode(foreign.bundle()))
            session = client.session(address)
            [hello] = [envelope.bytes for envelope in session.encrypt(b"we begin").envelopes]
            client.mark_sent([envelope.id for envelope in client.outbox()])
            assert foreign.answer(hello) == b"we begin"

        sent, received = 0, 0
        while sent < MESSAGES or to_us.waiting or to_them.waiting:
            match chance.randrange(2 if sent < MESSAGES else 0, 6) if sent < MESSAGES else chance.randrange(2, 6):
                case 0 | 3 if sent < MESSAGES:
                    session.encrypt(b"ours %d" % sent)
                    drain()
                    sent += 1
                case 1 | 2 if sent < MESSAGES:
                    to_us.carry(foreign.send(b"theirs %d" % sent))
                    sent += 1
                case 4:
                    if envelope := to_us.deliver():
                        assert session.decrypt(envelope).startswith(b"theirs ")
                        received += 1
                        drain()
                case _:
                    if envelope := to_them.deliver():
                        text = foreign.receive(envelope)
                        assert text.startswith(b"ours ") or not text
                        received += 1
        assert received > MESSAGES / 2
        assert foreign.epochs.sending.epoch > 2
