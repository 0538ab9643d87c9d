"""What all files of this peer stand on: refusing, and the derivations of suite 1 (§3). Section numbers are those of the RFC."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Refused(Exception):
    """What came is not what the RFC allows; nothing has changed."""


def check(condition: object, what: str) -> None:
    if not condition:
        raise Refused(what)


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(ikm)


def chain_step(chain_key: bytes) -> tuple[bytes, bytes]:
    """A message key of one of the ratchets, and the next chain key (§7.4)."""
    return hmac_sha256(chain_key, b"\x01"), hmac_sha256(chain_key, b"\x02")
