"""ML-KEM-768 (FIPS 203): by the package `cryptography`, but for encapsulation with coins that are given, which it does not offer."""

import hashlib
import os

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

Q, N, K = 3_329, 256, 3
Poly = list[int]


def public_of_seed(seed: bytes) -> bytes:
    return MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    return MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)


def is_valid(key: bytes) -> bool:
    """Length and modulus (FIPS 203 §7.2)."""
    return len(key) == 1_184 and all(coefficient < Q for coefficient in unpack(key[:1_152], 12))


def encapsulate(key: bytes, coins: bytes | None = None) -> tuple[bytes, bytes]:
    """The ciphertext and the shared secret; `coins` are m of FIPS 203."""
    coins = coins or os.urandom(32)
    both = hashlib.sha3_512(coins + hashlib.sha3_256(key).digest()).digest()
    return encrypt(key, coins, both[32:]), both[:32]


def encrypt(key: bytes, message: bytes, randomness: bytes) -> bytes:
    """K-PKE.Encrypt (FIPS 203, algorithm 14)."""
    t = [unpack(key[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rho = key[1_152:]
    noise = [binomial(hashlib.shake_256(randomness + bytes([i])).digest(128)) for i in range(2 * K + 1)]
    y = [ntt(poly) for poly in noise[:K]]
    u = []
    for i in range(K):
        row = [uniform(rho + bytes([i, j])) for j in range(K)]
        u.append(add(inverse_ntt(dot(row, y)), noise[K + i]))
    v = add(add(inverse_ntt(dot(t, y)), noise[2 * K]), [bit * (Q + 1) // 2 for bit in unpack(message, 1)])
    return b"".join(pack(compress(poly, 10), 10) for poly in u) + pack(compress(v, 4), 4)


def unpack(data: bytes, bits: int) -> Poly:
    whole = int.from_bytes(data, "little")
    return [whole >> bits * i & (1 << bits) - 1 for i in range(len(data) * 8 // bits)]


def pack(values: Poly, bits: int) -> bytes:
    whole = sum(value << bits * i for i, value in enumerate(values))
    return whole.to_bytes(len(values) * bits // 8, "little")


def compress(poly: Poly, bits: int) -> Poly:
    return [((value << bits) + Q // 2) // Q & (1 << bits) - 1 for value in poly]


def add(a: Poly, b: Poly) -> Poly:
    return [(x + y) % Q for x, y in zip(a, b, strict=True)]


def uniform(seed: bytes) -> Poly:
    """SampleNTT."""
    values: Poly = []
    stream = hashlib.shake_128(seed).digest(3 * 1_024)
    for at in range(0, len(stream), 3):
        a, b, c = stream[at : at + 3]
        values += [one for one in (a + 256 * (b % 16), b // 16 + 16 * c) if one < Q]
    return values[:N]


def binomial(data: bytes) -> Poly:
    """SamplePolyCBD with eta = 2."""
    bits = unpack(data, 1)
    return [(bits[4 * i] + bits[4 * i + 1] - bits[4 * i + 2] - bits[4 * i + 3]) % Q for i in range(N)]


def reversed_bits(number: int) -> int:
    return int(f"{number:07b}"[::-1], 2)


ZETAS = [pow(17, reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * reversed_bits(i) + 1, Q) for i in range(128)]


def ntt(poly: Poly) -> Poly:
    poly, at, length = list(poly), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                turned = ZETAS[at] * poly[j + length]
                poly[j + length], poly[j] = (poly[j] - turned) % Q, (poly[j] + turned) % Q
            at += 1
        length //= 2
    return poly


def inverse_ntt(poly: Poly) -> Poly:
    poly, at, length = list(poly), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                kept = poly[j]
                poly[j] = (kept + poly[j + length]) % Q
                poly[j + length] = ZETAS[at] * (poly[j + length] - kept) % Q
            at -= 1
        length *= 2
    return [value * 3_303 % Q for value in poly]


def dot(a: list[Poly], b: list[Poly]) -> Poly:
    total = [0] * N
    for x, y in zip(a, b, strict=True):
        for i in range(128):
            x0, x1, y0, y1 = x[2 * i], x[2 * i + 1], y[2 * i], y[2 * i + 1]
            total[2 * i] = (total[2 * i] + x0 * y0 + x1 * y1 * GAMMAS[i]) % Q
            total[2 * i + 1] = (total[2 * i + 1] + x0 * y1 + x1 * y0) % Q
    return total
