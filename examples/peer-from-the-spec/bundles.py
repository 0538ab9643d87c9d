"""Bundles, invitation URIs, addresses and safety numbers, from the RFC alone. Section numbers are those of the RFC."""

import functools
import hashlib
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import kem
from peer import Device, Field, Fixed32, P, Prekey, blob, check, decode, encode, first, identity_of_seed, x25519_of_identity
from peer import Refused as Refused

RFC = Path(__file__).parents[2] / "docs/spec/rfc.md"
SMALL_ORDER_U = {0, 1, P - 1} | {
    int.from_bytes(bytes.fromhex(u), "little")
    for u in (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    )
}
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, P) % P


def check_x25519(key: bytes) -> bytes:
    """§3.2."""
    u = int.from_bytes(key, "little")
    check(len(key) == 32 and u < P and u not in SMALL_ORDER_U, "X25519 key")
    return key


def check_identity(key: bytes) -> bytes:
    """§3.1. A point of small order maps to a u of small order, and those two to which it does not have y = 1 and y = -1."""
    u = x25519_of_identity(key)
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    x_squared = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, P) % P
    check(pow(x_squared, (P - 1) // 2, P) == 1, "no point of the curve")
    check_x25519(u)
    check(is_of_prime_order(int.from_bytes(u, "little")), "not of prime order")
    return key


@functools.lru_cache(maxsize=4096)
def is_of_prime_order(u: int) -> bool:
    """Whether [L] of a point is the neutral element, by the ladder of RFC 7748 §5 without clamping: the result has Z = 0."""
    x2, z2, x3, z3 = 1, 0, u, 1
    for bit in map(int, f"{GROUP_ORDER:b}"):
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, e = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, e * a % P, c * b % P
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, (aa - bb) * (aa + 121665 * (aa - bb)) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return z2 == 0


# Bundles (§5.3).
@dataclass(frozen=True)
class Bundle:
    identity: bytes
    issued_at: int
    expires_at: int
    devices: list[Device]
    code_secret: bytes = b""


def make_bundle(seed: bytes, devices: list[Device], code_secret: bytes, issued_at: int) -> bytes:
    def prekey(prekey: Prekey | None) -> bytes | None:
        return encode((1, prekey.id), (2, prekey.key)) if prekey else None

    listed: list[Field] = [
        (4, encode((1, Fixed32(d.device_id)), (2, prekey(d.signed_prekey)), (3, prekey(d.one_time_prekey)), (4, d.commitment)))
        for d in devices
    ]
    body = encode((1, identity_of_seed(seed)), (2, issued_at), (3, issued_at + 30 * 86_400), *listed)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(b"Windlass v2 bundle signature" + body)
    keys: list[Field] = [(4, d.kem_key) for d in devices if d.kem_key]
    return encode((1, 2), (2, body), (3, signature), *keys, (5, code_secret))


def without_kem_keys(encoded: bytes) -> bytes:
    fields = decode(encoded)
    return encode((1, first(fields, 1, 0)), (2, blob(fields, 2)), (3, blob(fields, 3)), (5, blob(fields, 5)))


def read_bundle(encoded: bytes, now: int | None = None) -> Bundle:
    check(len(encoded) <= 18_432, "too long")
    outer = decode(encoded)
    version, body, signature = first(outer, 1, 0), blob(outer, 2), blob(outer, 3)
    check(version == 2, "version")
    kem_keys = [value for number, value in outer if number == 4 and isinstance(value, bytes)]
    given, keys = blob(outer, 5), [(4, key) for key in kem_keys]
    again = encode((1, version), (2, body), (3, signature), *keys, (5, given))
    check(again == encoded and len(body) <= 8_192, "bundle")
    fields = decode(body)
    identity = check_identity(blob(fields, 1))
    check(len(signature) == 64 and int.from_bytes(signature[32:], "little") < GROUP_ORDER, "signature")
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, b"Windlass v2 bundle signature" + body)
    except InvalidSignature:
        raise Refused("signature") from None

    def prekey(data: bytes) -> Prekey:
        fields = decode(data)
        check(first(fields, 1, 0), "prekey id")
        return Prekey(first(fields, 1, 0), check_x25519(blob(fields, 2)))

    def device(data: bytes) -> Device:
        fields = decode(data)
        one_time = prekey(blob(fields, 3)) if 3 in dict(fields) else None
        check(len(blob(fields, 4)) == 32, "commitment")
        return Device(first(fields, 1, 0), prekey(blob(fields, 2)), one_time, blob(fields, 4))

    devices = [device(value) for number, value in fields if number == 4 and isinstance(value, bytes)]
    ids = [d.device_id for d in devices]
    check(1 <= len(ids) <= 8 and all(ids) and ids == sorted(set(ids)), "devices")
    check(len(given) in (0, 32) and (not given or len([d for d in devices if d.one_time_prekey]) == 1), "code secret")
    bundle = Bundle(identity, first(fields, 2, 0), first(fields, 3, 0), with_kem_keys(devices, kem_keys), given)
    check(bundle.issued_at < bundle.expires_at, "lifetime")
    check(now is None or bundle.issued_at - 86_400 <= now < bundle.expires_at, "time")
    return bundle


def with_kem_keys(devices: list[Device], keys: list[bytes]) -> list[Device]:
    """§5.3.9."""
    left = list(keys)
    found: list[Device] = []
    for device in devices:
        if left and hashlib.sha256(left[0]).digest() == device.commitment:
            check(kem.is_valid(left[0]), "ML-KEM key")
            device = replace(device, kem_key=left.pop(0))
        found.append(device)
    check(not left, "ML-KEM keys")
    return found


# URIs (§6).
def to_uri(kind: str, encoded: bytes) -> str:
    checksum = hashlib.sha256(b"Windlass v2 uri checksum" + encoded).digest()[:4]
    return f"WINDLASS:{kind}" + b32encode(encoded + checksum).decode().rstrip("=")


def bundle_to_uri(encoded: bytes) -> str:
    return to_uri("B", without_kem_keys(encoded))


def of_uri(uri: str) -> tuple[str, bytes]:
    text = "".join(uri.split()).upper()
    check(text.startswith("WINDLASS:") and text[9:10].isalpha(), "scheme")
    try:
        data = b32decode(text[10:] + "=" * (-len(text[10:]) % 8))
    except ValueError:
        raise Refused("damaged") from None
    check(len(data) > 4 and to_uri(text[9], data[:-4]) == text, "damaged")
    return text[9], data[:-4]


def of_link(text: str) -> tuple[bool, str, str]:
    """Whether it is a link to a web page, what is in front of the fragment, and the URI (§6.5)."""
    is_link = text.lower().startswith(("https://", "http://"))
    link, uri = text.split("#", 1) if is_link and "#" in text else ("", text)
    return is_link, link, uri


def invitation(text: str) -> tuple[bytes, bool]:
    """The bundle, and whether it was shown in person; of a URI, or of a link to a web page (§6.5)."""
    is_link, link, uri = of_link(text)
    kind, encoded = of_uri(uri)
    check(kind in ("B" if is_link else "BP"), "kind")
    check_link(link, encoded)
    return encoded, kind == "P"


def group_link(text: str) -> tuple[bytes, bytes, bytes]:
    """Token, tag and bundle of a link to a group (§6.10)."""
    _, link, uri = of_link(text)
    kind, encoded = of_uri(uri)
    check(kind == "G" and len(encoded) > 32, "kind")
    token, tag, bundle = encoded[:16], encoded[16:32], encoded[32:]
    check_link(link, bundle)
    return token, tag, bundle


def check_link(link: str, bundle: bytes) -> None:
    identity = read_bundle(bundle).identity
    for word in re.split("[^0-9A-Za-z]", link):
        try:
            named = identity_of_address(word)
        except Refused:
            continue
        check(named == identity, "identity")


def frames(uri: str) -> list[str]:
    """A URI as what is shown in turn (§6.6)."""
    kind, data = of_uri(uri)
    if len(uri) <= 483:
        return [uri]
    whole = kind.encode() + data
    count = -(-len(whole) // 285)
    length = -(-len(whole) // count)
    head = hashlib.sha256(b"Windlass v2 uri checksum" + whole).digest()[:4]
    parts = [whole[at : at + length] for at in range(0, len(whole), length)]
    return [to_uri("F", head + bytes([number, count]) + part) for number, part in enumerate(parts)]


# Addresses (§5.1): Bech32m of BIP-350 with the prefix "wl".
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
def expanded(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def bech32m_checksum(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum ^ 0x2BC830A3


def bech32m(prefix: str, key: bytes) -> str:
    bits = int.from_bytes(key, "big") << 4
    values = [bits >> 5 * i & 31 for i in reversed(range(52))]
    checksum = bech32m_checksum([*expanded(prefix), *values, 0, 0, 0, 0, 0, 0])
    values += [checksum >> 5 * i & 31 for i in reversed(range(6))]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def address_of_identity(key: bytes) -> str:
    return bech32m("wl", key)


def identity_of_address(address: str) -> bytes:
    text = address.strip()
    check(text in (text.lower(), text.upper()) and text.lower().startswith("wl1"), "address")
    check(all(letter in ALPHABET for letter in text.lower()[3:]), "address")
    values = [ALPHABET.index(letter) for letter in text.lower()[3:]]
    check(len(values) == 58 and bech32m_checksum([*expanded("wl"), *values]) == 0, "address")
    bits = sum(value << 5 * (51 - i) for i, value in enumerate(values[:52]))
    check(bits & 15 == 0, "address")
    return check_identity((bits >> 4).to_bytes(32, "big"))


# Safety numbers (§5.2).
def safety_number(a: bytes, b: bytes) -> str:
    def half(key: bytes) -> str:
        digest = hashlib.sha512(b"Windlass v2 safety number" + key).digest()
        for _ in range(5_199):
            digest = hashlib.sha512(digest + key).digest()
        groups = [int.from_bytes(digest[5 * i : 5 * i + 5], "big") % 100_000 for i in range(6)]
        return "".join(f"{group:05}" for group in groups)

    return "".join(sorted((half(a), half(b))))


def safety_emoji(digits: str) -> list[str]:
    """One picture for each two digits, from the table in appendix A."""
    rows = [line.split("|") for line in RFC.read_text().split("## Appendix A")[1].splitlines() if line.startswith("| ")]
    table = {cells[1].strip(): cells[2].strip() for cells in rows}
    return [table[digits[at : at + 2]] for at in range(0, len(digits), 2)]
