"""What devices of one identity tell each other of people and of what was deleted, from the RFC alone (§8.3.8, §8.3.9)."""

from dataclasses import dataclass, field
from typing import Any

import bundles
import peer
from peer import Field, Fixed32, Refused, blob, decode, first

JUMP, DAY = 2**32, 86_400
MOST = 2**62  # §3.6, MAX_LAMPORT.
Number = tuple[int, int]  # Of a decision: its clock, and the device.


def number(fields: list[Field], at: int) -> Number:
    decision = decode(blob(fields, at))
    return min(first(decision, 1, 0), MOST), int(first(decision, 2, Fixed32(0)))


def all_of(fields: list[Field], at: int) -> list[bytes]:
    return [value for number, value in fields if number == at and isinstance(value, bytes)]


def names_of(named: bytes) -> list[bytes]:
    return [named[at : at + 16] for at in range(0, len(named), 16)]


class Names:
    """How conversations and messages are named among devices of one identity (§8.3.9)."""

    def __init__(self, seed: bytes) -> None:
        self.key = peer.hkdf(bytes(32), seed, b"Windlass v2 floor")

    def conversation(self, side: bytes, group: bool = False) -> bytes:
        return peer.hmac_sha256(self.key, bytes([group]) + side)[:16]

    def message(self, lamport: int, author: bytes, id: bytes) -> bytes:
        return lamport.to_bytes(8, "big") + peer.hmac_sha256(self.key, b"\x02" + author + id)[:8]


@dataclass
class Floor:
    conversation: bytes
    clock: int = 0
    lamport: int = 0
    until: int = 0
    messages: list[bytes] = field(default_factory=list)
    timer: tuple[int, bytes, int] = 0, b"", 0
    removed: Number = 0, 0
    closed: int = 0  # The highest clock of a name that had to make room (§8.3.10).

    def merge(self, other: "Floor", now: int) -> None:
        clock = min(other.clock, self.clock + JUMP)
        self.clock = max(self.clock, clock)
        self.lamport = max(self.lamport, min(other.lamport, clock))
        self.until = max(self.until, min(other.until, now + DAY * 1000))
        if other.removed[0] <= self.removed[0] + JUMP:
            self.removed = max(self.removed, other.removed)
        if other.timer[0] <= clock:
            self.timer = max(self.timer, other.timer)
        names = sorted({*self.messages, *other.messages})
        self.messages = names[-512:]
        self.closed = max([self.closed, *(int.from_bytes(name[:8], "big") for name in names[:-512])])

    def covers(self, name: bytes, lamport: int, sent_at: int) -> bool:
        below = max(self.lamport, self.closed)
        return (lamport <= below and sent_at <= self.until) or name[8:] in [known[8:] for known in self.messages]


def read_floor(encoded: bytes) -> Floor:
    fields = decode(encoded)
    timer = decode(blob(fields, 6))
    clock, lamport = min(first(fields, 2, 0), MOST), min(first(fields, 3, 0), MOST)
    set_by = min(first(timer, 1, 0), MOST), blob(timer, 2), first(timer, 3, 0)
    return Floor(blob(fields, 1), clock, lamport, first(fields, 4, 0), names_of(blob(fields, 5)), set_by, number(fields, 7))


@dataclass
class Contact:
    bundle: bundles.Bundle
    blocked: bool = False
    accepted: bool = False
    verified: bool = False
    standing: Number = 0, 0
    verification: Number = 0, 0

    def take_bundle(self, new: bundles.Bundle, now: int) -> None:
        """§5.3.5, of bundles without one-time prekeys."""
        ahead, known_ahead = (one.issued_at > now // 1000 + DAY for one in (new, self.bundle))
        later = new.issued_at > self.bundle.issued_at
        if (known_ahead and not ahead) or later:
            self.bundle = new


@dataclass
class People:
    """Those whom a device knows, and what is gone."""

    seed: bytes
    device_id: int
    now: int
    contacts: dict[bytes, Contact] = field(default_factory=dict)
    floors: dict[bytes, Floor] = field(default_factory=dict)

    def floor(self, side: bytes) -> Floor:
        name = Names(self.seed).conversation(side)
        return self.floors.setdefault(name, Floor(name))

    def next(self, side: bytes) -> Number:
        known = self.contacts[side]
        last = max(known.standing[0], known.verification[0], self.floor(side).removed[0])
        return last + 1, self.device_id

    def does(self, what: str, side: bytes) -> None:
        contact, mine = self.contacts[side], self.next(side)
        if what == "verify":
            contact.verification, contact.verified = mine, True
        elif what == "block":
            contact.standing, contact.blocked = mine, True
        else:
            self.floor(side).removed = mine
            del self.contacts[side]

    def update(self, content: bytes) -> None:
        said = decode(blob(decode(content), 22))
        for encoded in all_of(said, 8):
            other = read_floor(encoded)
            self.floors.setdefault(other.conversation, Floor(other.conversation)).merge(other, self.now)
            self.contacts = {
                side: contact for side, contact in self.contacts.items() if self.floor(side).removed <= contact.standing
            }
        for encoded in all_of(said, 2):
            self.hear_of(decode(encoded))

    def hear_of(self, told: list[Field]) -> None:
        try:
            bundle = bundles.read_bundle(blob(told, 1))
        except Refused:
            return
        verified, accepted, blocked = (bool(first(told, at, 0)) for at in (2, 3, 4))
        standing, verification = number(told, 5), number(told, 6)
        side, removed = bundle.identity, self.floor(bundle.identity).removed
        if side not in self.contacts:
            if removed != (0, 0) and standing <= removed:
                return
            self.contacts[side] = Contact(bundle, standing=removed, verification=removed)
        contact = self.contacts[side]
        contact.take_bundle(bundle, self.now)
        furthest = self.next(side)[0] + JUMP
        if standing[0] <= furthest and (standing, blocked, accepted) > (contact.standing, contact.blocked, contact.accepted):
            contact.standing, contact.blocked, contact.accepted = standing, blocked, accepted
        if verification[0] <= furthest and (verification, verified) > (contact.verification, contact.verified):
            contact.verification, contact.verified = verification, verified

    def show(self) -> dict[str, Any]:
        said = [floor for _, floor in sorted(self.floors.items()) if floor != Floor(floor.conversation, until=floor.until)]
        return {
            "contacts": [show_contact(side, contact) for side, contact in sorted(self.contacts.items())],
            "floors": [show_floor(floor) for floor in said],
        }


def show_contact(side: bytes, contact: Contact) -> dict[str, Any]:
    return {
        "identity": side.hex(),
        "issued_at": contact.bundle.issued_at,
        "accepted": contact.accepted,
        "blocked": contact.blocked,
        "verified": contact.verified,
        "standing": list(contact.standing),
        "verification": list(contact.verification),
    }


def show_floor(floor: Floor) -> dict[str, Any]:
    lamport, id, milliseconds = floor.timer
    return {
        "conversation": floor.conversation.hex(),
        "clock": floor.clock,
        "lamport": floor.lamport,
        "until": floor.until,
        "messages": b"".join(floor.messages).hex(),
        "timer": [lamport, id.hex(), milliseconds],
        "removed": list(floor.removed),
    }
