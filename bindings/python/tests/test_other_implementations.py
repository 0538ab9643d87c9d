"""Ours against X3DH and the Double Ratchet as others wrote them: the packages X3DH and DoubleRatchet of PyPI.

They do the agreement, the chains and the skipped keys; the framing around them is that of the peer built from the specification.
"""

import asyncio
import hashlib
import os
import random
import struct
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import bundles
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
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"Windlass v1 root chain"


class ChainKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class Aead(foreign_aead.AEAD):
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
        return peer.hkdf(bytes(32), message_key, b"Windlass v1 message key")


class Agreement(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format: x3dh.IdentityKeyFormat, pub: bytes) -> bytes:
        return pub


class Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        # The two first fields of a session's headers are the same in all of them, so they stand behind the agreement's data.
        agreed, name = associated_data[:76], associated_data[76:]
        return agreed + name + ratchet_fields(header)


def ratchet_fields(header: Header) -> bytes:
    numbers = (4, header.previous_sending_chain_length), (5, header.sending_chain_length)
    return peer.encode((3, header.ratchet_pub), *numbers)


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

    def __init__(self, one_time: bool) -> None:
        self.agreement = Agreement.create(
            x3dh.IdentityKeyFormat.ED_25519,
            x3dh.HashFunction.SHA_256,
            b"Windlass v1 X3DH",
            x3dh_keys.IdentityKeyPairSeed(THEIRS),
        )
        if one_time:
            self.agreement.generate_pre_keys(1)
        self.identity = self.agreement.bundle.identity_key
        self.ratchet: Ratchet | None = None
        self.handshake = b""

    def bundle(self) -> bytes:
        bundle = self.agreement.bundle
        one_time = [peer.Prekey(9, key) for key in bundle.pre_keys]
        device = peer.Device(DEVICE, peer.Prekey(3, bundle.signed_pre_key), one_time[0] if one_time else None)
        return bundles.make_bundle(THEIRS, [device], int(time.time()))

    def name_session(self, associated_data: bytes, *keys: bytes) -> None:
        self.associated_data = struct.pack(">I", 1) + associated_data
        name = hashlib.sha256(b"Windlass v1 session id" + self.associated_data + b"".join(keys))
        self.session_id = name.digest()[:16]
        key = peer.hint_key(THEIRS, self.other)
        self.hints = {
            sender: peer.sender_hint(key, sender, self.session_id) for sender in (self.identity, self.other)
        }

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
        appendix = struct.pack(">II", DEVICE, self.other_device)
        secret, data, header = wait(self.agreement.get_shared_secret_active(foreign, appendix, one_time is not None))
        self.name_session(data, header.ephemeral_key, header.signed_pre_key, header.pre_key or bytes(32))
        self.handshake = peer.encode(
            (1, self.identity),
            (2, peer.Fixed32(DEVICE)),
            (3, header.ephemeral_key),
            (4, device.signed_prekey.id),
            (5, one_time.id if one_time else 0),
        )
        self.ratchet, sealed = wait(
            Ratchet.encrypt_initial_message(
                **CONFIGURATION,
                shared_secret=secret,
                recipient_ratchet_pub=header.signed_pre_key,
                message=self.wrap(plaintext),
                associated_data=self.authenticated(self.identity),
            )
        )
        return self.envelope(sealed)

    def answer(self, envelope: bytes) -> bytes:
        """X3DH as the responder, and the first message."""
        handshake = peer.decode(peer.blob(self.message(envelope), 2))
        self.other, self.other_device = peer.blob(handshake, 1), peer.first(handshake, 2, 0)
        [one_time] = self.agreement.bundle.pre_keys if peer.first(handshake, 5, 0) else [None]
        header = x3dh.Header(self.other, peer.blob(handshake, 3), self.agreement.bundle.signed_pre_key, one_time)
        appendix = struct.pack(">II", self.other_device, DEVICE)
        secret, data, signed = wait(self.agreement.get_shared_secret_passive(header, appendix, one_time is not None))
        self.name_session(data, header.ephemeral_key, header.signed_pre_key, one_time or bytes(32))
        self.ratchet, padded = wait(
            Ratchet.decrypt_initial_message(
                **CONFIGURATION,
                shared_secret=secret,
                own_ratchet_priv=signed.priv,
                message=self.sealed(envelope),
                associated_data=self.authenticated(self.other),
            )
        )
        return self.unwrap(padded)

    def send(self, plaintext: bytes) -> bytes:
        assert self.ratchet
        return self.envelope(wait(self.ratchet.encrypt_message(self.wrap(plaintext), self.authenticated(self.identity))))

    def receive(self, envelope: bytes) -> bytes:
        assert self.ratchet
        padded = wait(self.ratchet.decrypt_message(self.sealed(envelope), self.authenticated(self.other)))
        self.handshake = b""
        return self.unwrap(padded)

    # Framing.
    def authenticated(self, sender: bytes) -> bytes:
        return self.associated_data + peer.encode((1, self.session_id), (2, self.hints[sender]))

    def wrap(self, plaintext: bytes) -> bytes:
        content = peer.encode((1, os.urandom(16)), (19, peer.encode((1, plaintext))))
        return peer.pad(peer.encode((1, content), (2, self.bundle())))

    @staticmethod
    def unwrap(padded: bytes) -> bytes:
        """The opaque bytes, or nothing for a delivery receipt."""
        content = peer.decode(peer.blob(peer.decode(peer.unpad(padded)), 1))
        return peer.blob(peer.decode(peer.blob(content, 19)), 1)

    def envelope(self, sealed: EncryptedMessage) -> bytes:
        hint = self.hints[self.identity]
        header = peer.encode((1, self.session_id), (2, hint)) + ratchet_fields(sealed.header)
        device = peer.Fixed32(self.other_device)
        return peer.encode((1, 1), (2, peer.encode((1, device), (2, self.handshake), (3, header), (4, sealed.ciphertext))))

    @staticmethod
    def message(envelope: bytes) -> list[peer.Field]:
        return peer.decode(peer.blob(peer.decode(envelope), 2))

    @classmethod
    def sealed(cls, envelope: bytes) -> EncryptedMessage:
        message = cls.message(envelope)
        header = peer.decode(peer.blob(message, 3))
        ratchet = Header(peer.blob(header, 3), peer.first(header, 4, 0), peer.first(header, 5, 0))
        return EncryptedMessage(ratchet, peer.blob(message, 4))


class Network:
    """One direction: reorders, loses, and loses what is so late that its chain is forgotten (RFC windlass §3.6)."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.waiting: list[tuple[int, bytes]] = []
        self.chains: list[bytes] = []

    def carry(self, envelope: bytes) -> None:
        chain = Foreign.sealed(envelope).header.ratchet_pub
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
    foreign = Foreign(one_time and role == "we begin")
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
