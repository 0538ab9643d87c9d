"""Bodies of conversations, groups and attachments, from the RFC alone. Section numbers are those of the RFC."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import peer
from bundles import bech32m, check_identity
from peer import Field, Refused, blob, check, decode, encode, first


def text(fields: list[Field], number: int) -> str:
    try:
        return blob(fields, number).decode()
    except UnicodeDecodeError:
        raise Refused("not UTF-8") from None


def all_of(fields: list[Field], number: int) -> list[bytes]:
    return [value for at, value in fields if at == number and isinstance(value, bytes)]


def id_of(fields: list[Field], number: int) -> str:
    check(len(blob(fields, number)) == 16, "message id")
    return blob(fields, number).hex()


# Bodies (§9.2).
def show_body(number: int, body: list[Field]) -> Any:
    if number == 25:
        author, emoji = blob(body, 1), text(body, 3)
        check(len(author) == 32 and 1 <= len(emoji.encode()) <= 64, "reaction")
        removed = bool(first(body, 4, 0))
        return {"reaction": {"author": author.hex(), "message_id": id_of(body, 2), "emoji": emoji, "removed": removed}}
    if number == 26:
        check(len(blob(body, 2)) <= 262_144, "edit")
        return {"edit": {"message_id": id_of(body, 1), "text": text(body, 2)}}
    if number == 27:
        return {"deletion": id_of(body, 1)}
    if number == 28:
        check(first(body, 1, 0) <= 2**62, "clock")
        return {"read_receipt": first(body, 1, 0)}
    if number == 29:
        return {"disappearing_timer": first(body, 1, 0)}
    if number == 30:
        events, bundles = all_of(body, 1), all_of(body, 2)
        check(1 <= len(events) <= 1_000 and len(bundles) <= 64, "group events")
        return {"group_events": {"events": [e.hex() for e in events], "bundles": [b.hex() for b in bundles]}}
    media_type, name, key, location = text(body, 1), text(body, 2), blob(body, 4), text(body, 5)
    parts = media_type.split("/")
    check(len(parts) == 2 and all(parts) and media_type.isprintable() and len(media_type) <= 255, "media type")
    check(1 <= len(name.encode()) <= 255 and not name.startswith(".") and name.isprintable(), "name")
    check(not set(name) & {"/", "\\"} and len(key) == 32 and len(location.encode()) <= 4_096, "attachment")
    size = first(body, 3, 0)
    return {"attachment": {"media_type": media_type, "name": name, "size": size, "key": key.hex(), "location": location}}


# Groups (§9.6).
@dataclass
class Event:
    hash: bytes
    author: bytes
    parents: list[bytes]
    kind: int
    name: str
    members: list[bytes]
    depth: int = 0

    @property
    def for_admins(self) -> bool:
        return self.kind not in (16, 19, 20)


@dataclass
class Member:
    since: int
    joined: bool = False
    rank: int | None = None


@dataclass
class Members:
    """What follows from events that are applied in their order (§9.6.5)."""

    name: str = ""
    all: dict[bytes, Member] = field(default_factory=dict)
    count: int = 0

    def may_demote(self, author: bytes, whom: bytes) -> bool:
        mine, theirs = self.all[author].rank, self.all[whom].rank
        return mine is not None and (theirs is None or mine < theirs)

    def does_something(self, event: Event) -> bool:
        author, listed = self.all.get(event.author), [one for one in event.members if one in self.all]
        if event.kind == 16:
            return not self.all
        if author is None or (event.for_admins and author.rank is None):
            return False
        new = len(event.members) - len(listed)
        return {
            18: 0 < new <= 64 - len(self.all),
            21: any(self.may_demote(event.author, one) for one in listed),
            22: any(self.all[one].rank is None for one in listed),
            23: any(self.may_demote(event.author, one) for one in listed),
        }.get(event.kind, True)

    def apply(self, event: Event) -> list[tuple[int, bytes, bytes]]:
        """Removals that had an effect: rank of the author, hash, whom."""
        if not self.does_something(event):
            return []
        self.count += 1
        removals = []
        rank = self.all[event.author].rank or 0 if event.author in self.all else 0
        if event.kind in (16, 17):
            self.name = event.name
        if event.kind == 16:
            self.all[event.author] = Member(0, True, 0)
        if event.kind == 18:
            for place, one in enumerate(event.members):
                self.all.setdefault(one, Member(64 * self.count + place))
        if event.kind == 19:
            self.all[event.author].joined = True
        if event.kind == 20:
            del self.all[event.author]
            if self.all and all(member.rank is None for member in self.all.values()):
                eldest = min(self.all.values(), key=lambda member: (not member.joined, member.since))
                eldest.rank = 64 * self.count
        if event.kind in (21, 23):
            for one in event.members:
                if one in self.all and self.may_demote(event.author, one):
                    removals.append((rank, event.hash, one))
                    if event.kind == 21:
                        del self.all[one]
                    else:
                        self.all[one].rank = None
        if event.kind == 22:
            for place, one in enumerate(event.members):
                if one in self.all and self.all[one].rank is None:
                    self.all[one].rank = 64 * self.count + place
        return removals


def read_event(group_id: bytes, encoded: bytes) -> Event:
    fields = decode(encoded)
    body, signature = blob(fields, 1), blob(fields, 2)
    check(encode((1, body), (2, signature)) == encoded, "strict")
    said = decode(body)
    author, parents = check_identity(blob(said, 2)), all_of(said, 3)
    try:
        Ed25519PublicKey.from_public_bytes(author).verify(signature, b"Windlass v1 signed group event" + body)
    except InvalidSignature:
        raise Refused("signature") from None
    kinds = [(number, decode(value)) for number, value in said if 16 <= number <= 23 and isinstance(value, bytes)]
    check(len(kinds) > 0 and blob(said, 1) == group_id, "group")
    kind, inner = kinds[-1]
    check(parents == sorted(set(parents)) and len(parents) <= 16 and (not parents) == (kind == 16), "parents")
    check(all(len(parent) == 32 for parent in parents), "parents")
    name, members = "", []
    if kind in (16, 17):
        name = text(inner, 1)
        check(1 <= len(name.encode()) <= 256, "name")
    if kind == 16:
        check(hashlib.sha256(b"Windlass v1 group id" + author + blob(inner, 2)).digest() == group_id, "group")
    if kind in (18, 21, 22, 23):
        members = [check_identity(key) for key in all_of(inner, 1)]
        check(1 <= len(members) <= 64 and members == sorted(set(members)), "members")
    return Event(hashlib.sha256(b"Windlass v1 hash of group event" + body).digest(), author, parents, kind, name, members)


class Log:
    """The events of a group (§9.6.4, §9.6.6, §9.6.7)."""

    def __init__(self) -> None:
        self.events: dict[bytes, Event] = {}
        self.waiting: list[Event] = []

    def ancestors(self, of: list[bytes]) -> set[bytes]:
        found, open_ = set(), list(of)
        while open_:
            hash_ = open_.pop()
            if hash_ not in found and hash_ in self.events:
                found.add(hash_)
                open_ += self.events[hash_].parents
        return found

    def ordered(self, among: set[bytes] | None = None) -> list[Event]:
        chosen = [event for event in self.events.values() if among is None or event.hash in among]
        return sorted(chosen, key=lambda event: (event.depth, event.hash))

    def take(self, event: Event) -> None:
        if not all(parent in self.events for parent in event.parents):
            self.waiting.append(event)
            return
        members = Members()
        for earlier in self.ordered(self.ancestors(event.parents)):
            members.apply(earlier)
        check(members.does_something(event), "void")
        event.depth = 1 + max((self.events[parent].depth for parent in event.parents), default=0)
        self.events[event.hash] = event
        ready = [one for one in self.waiting if all(parent in self.events for parent in one.parents)]
        for one in ready:
            self.waiting.remove(one)
            try:
                self.take(one)
            except Refused:
                pass

    def members(self) -> Members:
        void: set[bytes] = set()
        before = {hash_: self.ancestors([hash_]) for hash_ in self.events}
        while True:
            members, removals = Members(), []
            for event in self.ordered():
                if event.hash not in void:
                    removals += members.apply(event)
            beside: set[bytes] = set()
            for _, removal, whom in sorted(removals):
                beside = {
                    event.hash
                    for event in self.events.values()
                    if event.author == whom and event.for_admins and event.hash not in void
                    if removal not in before[event.hash] and event.hash not in before[removal]
                }
                if beside:
                    break
            if not beside:
                return members
            void |= beside


def group(group_id: bytes, events: list[bytes]) -> dict[str, Any]:
    log, refused = Log(), []
    for number, encoded in enumerate(events):
        try:
            event = read_event(group_id, encoded)
            if event.hash not in log.events:
                log.take(event)
        except Refused:
            refused.append(number)
    members = log.members()
    listed = [
        {"identity": key.hex(), "joined": member.joined, "admin": member.rank is not None}
        for key, member in sorted(members.all.items(), key=lambda pair: pair[1].since)
    ]
    return {"address": bech32m("wlg", group_id), "name": members.name, "members": listed, "refused": refused}


# Attachments (§9.7).
def seal_file(key: bytes, chunks: list[bytes]) -> bytes:
    cipher = AESGCM(peer.hkdf(bytes(32), key, b"Windlass v1 attachment"))
    sealed = b""
    for number, chunk in enumerate(chunks):
        last = number + 1 == len(chunks)
        sealed += cipher.encrypt(bytes(4) + number.to_bytes(8, "big"), chunk, bytes([last]))
    return sealed
