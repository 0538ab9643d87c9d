"""Linking a device (RFC windlass 8.5): what the two show each other, the digits that are compared, and the transfer."""

import hashlib
from dataclasses import dataclass

import bundles
import peer
from bundles import check_identity, check_x25519
from peer import blob, check, decode, encode, first


def code_of(new_key: bytes) -> bytes:
    return hashlib.sha256(b"Windlass v2 link code" + new_key).digest()


def read(uri: str, kind: str, length: int) -> bytes:
    """What a code of linking says; never one behind a web link (6.5)."""
    found, data = bundles.of_uri(uri)
    check(found == kind and len(data) == length, "kind")
    return data


@dataclass
class Agreed:
    """What both have once the new device has shown its key (8.5.4)."""

    transcript: bytes
    key: bytes
    identity: bytes

    def digits(self) -> str:
        hashed = hashlib.sha256(b"Windlass v2 link digits" + self.transcript).digest()
        return f"{int.from_bytes(hashed[:8], 'big') % 10**8:08}"

    def open_transfer(self, encoded: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        """Seed, bundle, token, the key of own words, and which devices are linked."""
        fields = decode(encoded)
        check(first(fields, 1, 0) == 2, "version")
        check(encode((1, 2), (2, blob(fields, 2))) == encoded, "not the one encoding")
        body = decode(peer.unpad(peer.open_aead(self.key, blob(fields, 2), self.transcript)))
        seed, bundle, token, words, linked = (blob(body, field) for field in (1, 2, 3, 4, 5))
        check(len(token) == 16 and len(blob(decode(words), 2)) == 32, "transfer")
        check(self.identity == peer.identity_of_seed(seed) == bundles.read_bundle(bundle).identity, "identity")
        return seed, bundle, token, words, linked


def agree(secret: bytes, code: bytes, answer: bytes, new_key: bytes) -> Agreed:
    existing_key, identity = check_x25519(answer[:32]), check_identity(answer[32:])
    theirs = new_key if peer.x25519_public(secret) == existing_key else existing_key
    parts = (2).to_bytes(4, "big") + code + existing_key + identity + new_key
    transcript = hashlib.sha256(b"Windlass v2 link transcript" + parts).digest()
    key = peer.hkdf(transcript, peer.agree(secret, theirs), b"Windlass v2 device transfer")
    return Agreed(transcript, key, identity)


@dataclass
class NewDevice:
    secret: bytes

    def reply(self) -> bytes:
        return peer.x25519_public(self.secret)

    def code(self) -> bytes:
        return code_of(self.reply())

    def agree(self, answer: bytes) -> Agreed:
        return agree(self.secret, self.code(), answer, self.reply())


@dataclass
class ExistingDevice:
    secret: bytes
    code: bytes
    identity: bytes

    def answer(self) -> bytes:
        return peer.x25519_public(self.secret) + self.identity

    def agree(self, reply: bytes) -> Agreed:
        check(code_of(check_x25519(reply)) == self.code, "another device")
        return agree(self.secret, self.code, self.answer(), reply)
