"""One message of 64 B, sent and received from Python with both sides durable: Windlass against what a program would write around its peers.

Such a program keeps each side's session in SQLite, in write-ahead mode with full synchronisation, and commits before it hands anything on:
vodozemac's as an encrypted pickle, DoubleRatchet's as JSON, which is not encrypted. It keeps no history, no contacts and no outbox, all of
which are in what Windlass does here.

    python durable.py RESULT.json FOLDER
"""

import asyncio
import json
import pathlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import vodozemac
import windlass_chat as windlass
from doubleratchet import DoubleRatchet, Header
from doubleratchet.recommended import HashFunction, aead_aes_hmac, kdf_hkdf
from doubleratchet.recommended import diffie_hellman_ratchet_curve25519 as curve
from doubleratchet.recommended import kdf_separate_hmacs

TEXT = "as long as most of what people write to each other, no more than"
KEY = bytes(32)
ROUNDS = 15
COUNT = 40
BATCH = 100


def database(path: pathlib.Path) -> sqlite3.Connection:
    side = sqlite3.connect(path, isolation_level=None)
    side.execute("PRAGMA journal_mode = WAL")
    side.execute("PRAGMA synchronous = FULL")
    side.execute("CREATE TABLE session (id INTEGER PRIMARY KEY, state TEXT)")
    return side


def save(side: sqlite3.Connection, state: str) -> None:
    side.execute("INSERT OR REPLACE INTO session VALUES (1, ?)", (state,))


def load(side: sqlite3.Connection) -> str:
    state: str = side.execute("SELECT state FROM session WHERE id = 1").fetchone()[0]
    return state


class Ours:
    """Two clients."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.alice, self.bob = (
            windlass.Client.create(str(folder / name), key=KEY) for name in ("alice", "bob")
        )
        self.to = self.bob.address()
        self.alice.add_contact(self.bob.bundle())
        self.bob.add_contact(self.alice.bundle())
        # Each has heard the other, so that no message carries a handshake any more.
        self.alice.send(self.to, TEXT)
        self.bob.send(self.alice.address(), TEXT)
        for _ in range(4):
            self.carry(self.alice, self.bob)
            self.carry(self.bob, self.alice)

    @staticmethod
    def carry(sender: windlass.Client, receiver: windlass.Client) -> None:
        """All that waits for the other one, receipts too."""
        for envelope in sender.outbox():
            sender.mark_sent([envelope.id])
            receiver.receive(envelope.bytes)

    def single(self) -> None:
        for envelope in self.alice.send(self.to, TEXT).envelopes:
            self.alice.mark_sent([envelope.id])
            self.bob.receive(envelope.bytes)

    def batch(self) -> None:
        message = windlass.OutgoingMessage(to=self.to, body=windlass.Body.TEXT(text=TEXT))
        sent = self.alice.send_many([message] * BATCH)
        envelopes = [envelope for one in sent for envelope in one.envelopes]
        self.alice.mark_sent([envelope.id for envelope in envelopes])
        self.bob.receive_many([envelope.bytes for envelope in envelopes])


class Olm:
    """vodozemac, and a database for each side."""

    def __init__(self, folder: pathlib.Path) -> None:
        alice, bob = vodozemac.Account(), vodozemac.Account()
        bob.generate_one_time_keys(1)
        one_time = next(iter(bob.one_time_keys.values()))
        ours = alice.create_outbound_session(bob.curve25519_key, one_time)
        first = ours.encrypt(TEXT.encode()).to_pre_key()
        assert first is not None
        theirs, _ = bob.create_inbound_session(alice.curve25519_key, first)
        ours.decrypt(theirs.encrypt(TEXT.encode()))
        self.alice, self.bob = database(folder / "alice.olm"), database(folder / "bob.olm")
        save(self.alice, ours.pickle(KEY))
        save(self.bob, theirs.pickle(KEY))

    def single(self) -> None:
        session = vodozemac.Session.from_pickle(load(self.alice), KEY)
        message = session.encrypt(TEXT.encode())
        save(self.alice, session.pickle(KEY))
        session = vodozemac.Session.from_pickle(load(self.bob), KEY)
        assert session.decrypt(message) == TEXT.encode()
        save(self.bob, session.pickle(KEY))


class Root(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"root"


class Chain(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class Sealing(aead_aes_hmac.AEAD):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"message"


class Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        numbers = (header.previous_sending_chain_length, header.sending_chain_length)
        return b"".join(
            [associated_data, header.ratchet_pub, *(number.to_bytes(4, "big") for number in numbers)]
        )


class Doubles:
    """DoubleRatchet, and a database for each side."""

    CHOICES = {
        "diffie_hellman_ratchet_class": curve.DiffieHellmanRatchet,
        "root_chain_kdf": Root,
        "message_chain_kdf": Chain,
        "message_chain_constant": b"\x01\x02",
        "dos_protection_threshold": 100,
        "max_num_skipped_message_keys": 1000,
        "aead": Sealing,
    }

    def __init__(self, folder: pathlib.Path) -> None:
        # One loop for all that follows: making one would cost more than the message.
        self.loop = asyncio.new_event_loop()
        self.alice, self.bob = database(folder / "alice.dr"), database(folder / "bob.dr")
        self.loop.run_until_complete(self.begin())

    async def begin(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        own = X25519PrivateKey.generate()
        ours, first = await Ratchet.encrypt_initial_message(
            **self.CHOICES,
            shared_secret=KEY,
            recipient_ratchet_pub=own.public_key().public_bytes_raw(),
            message=TEXT.encode(),
            associated_data=b"",
        )
        theirs, _ = await Ratchet.decrypt_initial_message(
            **self.CHOICES,
            shared_secret=KEY,
            own_ratchet_priv=own.private_bytes_raw(),
            message=first,
            associated_data=b"",
        )
        save(self.alice, json.dumps(ours.json))
        save(self.bob, json.dumps(theirs.json))

    def single(self) -> None:
        self.loop.run_until_complete(self.message())

    async def message(self) -> None:
        ratchet = Ratchet.from_json(json.loads(load(self.alice)), **self.CHOICES)
        message = await ratchet.encrypt_message(TEXT.encode(), b"")
        save(self.alice, json.dumps(ratchet.json))
        ratchet = Ratchet.from_json(json.loads(load(self.bob)), **self.CHOICES)
        assert await ratchet.decrypt_message(message, b"") == TEXT.encode()
        save(self.bob, json.dumps(ratchet.json))


def measure(folder: pathlib.Path, clock: Callable[[], float]) -> list[dict[str, object]]:
    """All of them in turn; who begins changes from round to round."""
    olm, ours, doubles = Olm(folder), Ours(folder), Doubles(folder)
    contestants: list[tuple[str, Callable[[], None], int]] = [
        ("vodozemac and SQLite", olm.single, 1),
        ("DoubleRatchet and SQLite", doubles.single, 1),
        ("Windlass", ours.single, 1),
        ("Windlass, in batches of 100", ours.batch, BATCH),
    ]
    times: list[list[float]] = [[] for _ in contestants]
    for number in range(-2, ROUNDS):
        for turn in range(len(contestants)):
            which = (number + turn) % len(contestants)
            _, work, messages = contestants[which]
            count = max(1, COUNT // messages)
            begin = clock()
            for _ in range(count):
                work()
            took = (clock() - begin) / count / messages * 1e6
            # The first two are to warm up.
            if number >= 0:
                times[which].append(took)
    return [
        {
            "name": name,
            "micros": statistics.median(own),
            "times": statistics.median(a / b for a, b in zip(own, times[0])),
        }
        for (name, _, _), own in zip(contestants, times)
    ]


def main(result: pathlib.Path, disk: pathlib.Path) -> None:
    works = []
    # The processor's time has nothing of what others on the machine do; the clock's has the waiting for the disk.
    places = [
        ("from Python, the processor's part", pathlib.Path("/dev/shm"), time.process_time),
        ("from Python, on this machine's disk", disk, time.perf_counter),
    ]
    for name, parent, clock in places:
        if parent.is_dir():
            print(f"python: {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=parent) as folder:
                results = measure(pathlib.Path(folder), clock)
                works.append({"name": name, "part": "python", "results": results})
    result.write_text(json.dumps({"works": works, "allocations": []}, indent=2))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
