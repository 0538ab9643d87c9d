"""A conversation of two as a device has it, from the RFC alone. Section numbers are those of the RFC."""

from dataclasses import dataclass, field
from typing import Any

from chats import text
from peer import Field, Refused, blob, check, decode, first

RECEIPT, REQUEST, COPY, UPDATE, ANSWER, REACTION, EDIT, DELETION, READ = 18, 20, 21, 22, 23, 25, 26, 27, 28
CONTROL = (RECEIPT, REQUEST, COPY, UPDATE, ANSWER, READ, 32)
Name = tuple[bytes, bytes]  # The author's identity key and the message id (§9.1.2).


@dataclass
class Said:
    author: bytes
    id: bytes
    lamport: int
    follows: list[bytes]
    group: bytes
    kind: int
    body: list[Field]

    @property
    def name(self) -> Name:
        return self.author, self.id

    @property
    def about(self) -> Name | None:
        """The message that it says something of (§9.5.1)."""
        if self.kind == REACTION:
            return blob(self.body, 1), blob(self.body, 2)
        return (self.author, blob(self.body, 1)) if self.kind in (EDIT, DELETION) else None


def read(author: bytes, encoded: bytes) -> Said:
    fields = decode(encoded)
    follows = [value for number, value in fields if number == 6 and isinstance(value, bytes)]
    bodies = [(number, value) for number, value in fields if 16 <= number <= 32 and isinstance(value, bytes)]
    kind, body = bodies[-1] if bodies else (0, b"")
    return Said(author, blob(fields, 1), first(fields, 2, 0), follows, blob(fields, 5), kind, decode(body))


@dataclass
class History:
    own: bytes
    peer: bytes
    said: dict[Name, Said] = field(default_factory=dict)
    heads: list[bytes] = field(default_factory=list)
    missing: list[bytes] = field(default_factory=list)

    def take(self, one: Said) -> str:
        if one.name in self.said:  # §9.3.3
            return "duplicate"
        try:
            self.check_target(one)
        except Refused:
            return "refused"
        self.follow(one)
        if one.about:  # §9.5.4: nothing is said of what says something itself.
            self.said = {name: other for name, other in self.said.items() if other.about != one.name}
        self.said[one.name] = one
        return "taken in"

    def check_target(self, one: Said) -> None:
        if not one.about:
            return
        if found := self.said.get(one.about):
            check(not found.about, "target")
        elif one.kind != REACTION:
            other = self.peer if one.author == self.own else self.own
            check((other, one.about[1]) not in self.said, "author")

    def follow(self, one: Said) -> None:
        """§9.3.4 and §9.3.5."""
        for id in one.follows:
            known = any((author, id) in self.said for author in (self.own, self.peer))
            if id in self.heads:
                self.heads.remove(id)
            elif not known and id not in self.missing:
                self.missing.append(id)
        if one.id in self.missing:
            self.missing.remove(one.id)
        else:
            self.heads = [*self.heads, one.id][-8:]

    def side(self, author: bytes) -> str:
        return "own" if author == self.own else "peer"

    def ordered(self) -> list[Said]:
        return sorted(self.said.values(), key=lambda one: (one.lamport, one.id, one.author))

    def reactions(self, about: list[Said]) -> list[list[str]]:
        """Of each author and emoji the last, and of each author the last sixteen (§9.5.2)."""
        counts: list[Said] = []
        of: dict[bytes, list[str]] = {}
        for one in reversed([one for one in about if one.kind == REACTION]):
            emojis, emoji = of.setdefault(one.author, []), text(one.body, 3)
            if emoji not in emojis and len(emojis) < 16:
                emojis.append(emoji)
                counts.insert(0, one)
        return [[self.side(one.author), text(one.body, 3)] for one in counts if not first(one.body, 4, 0)]

    def show(self, one: Said) -> dict[str, Any]:
        about = [other for other in self.ordered() if other.about == one.name]
        edits = [text(other.body, 2) for other in about if other.kind == EDIT]
        deleted = any(other.kind == DELETION for other in about)
        return {
            "by": self.side(one.author),
            "id": one.id.hex(),
            "text": None if deleted else [text(one.body, 1), *edits][-1],
            "deleted": deleted,
            "reactions": [] if deleted else self.reactions(about),
        }


def history(own: bytes, peer: bytes, contents: list[tuple[str, bytes]]) -> dict[str, Any]:
    kept = History(own, peer)
    results = [kept.take(read(own if by == "own" else peer, encoded)) for by, encoded in contents]
    highest = max((one.lamport for one in kept.said.values()), default=0)
    return {
        "results": results,
        "history": [kept.show(one) for one in kept.ordered() if not one.about],
        "next": {"clock": highest + 1, "follows": [id.hex() for id in kept.heads]},
        "missing": [id.hex() for id in kept.missing],
    }


@dataclass
class Device:
    """What is acknowledged and told of what comes, in no group and nothing being asked for (appendix B)."""

    history: History
    delivered: set[bytes] = field(default_factory=set)
    read: int = 0

    def take(self, sender: bytes, encoded: bytes) -> tuple[bytes | None, list[Any]]:
        own, one = self.history.own, read(sender, encoded)
        if one.kind == COPY:
            return self.take_copy(sender, one)
        if one.kind == RECEIPT:
            return None, [{"delivered": [id.hex() for id in self.confirm(sender, one)]}]
        if one.kind == UPDATE and sender == own:
            return one.id, []
        if one.kind == READ and self.history.said:
            here = min(first(one.body, 1, 0), max(other.lamport for other in self.history.said.values()))
            news, self.read = here > self.read, max(here, self.read)
            return None, ["read"] if news else []
        return (None, []) if one.kind in CONTROL or sender == own else self.take_message(one)

    def confirm(self, sender: bytes, one: Said) -> list[bytes]:
        """§9.4.2: it counts for what was written to its sender."""
        own = self.history.own
        ids = [value for number, value in one.body if number == 1 and isinstance(value, bytes)]
        new = [id for id in ids if sender != own and (own, id) in self.history.said and id not in self.delivered]
        self.delivered |= set(new)
        return new

    def take_copy(self, sender: bytes, copy: Said) -> tuple[bytes | None, list[Any]]:
        """§8.3.3; nobody was asked, so nobody else gives back anything (§8.4.6)."""
        own = self.history.own
        author, conversation, inner = (blob(copy.body, number) for number in (1, 2, 3))
        one = read(author, inner)
        if one.group and one.group != conversation:
            return None, ["content"]
        believed = sender == own != conversation and author in (own, conversation) and one.kind not in CONTROL
        return self.take_message(one) if believed else (None, ["refused"])

    def take_message(self, one: Said) -> tuple[bytes | None, list[Any]]:
        if one.group:
            return None, ["refused"]
        result = self.history.take(one)
        told = {EDIT: "edited", DELETION: "deleted"}.get(one.kind, "message")
        return one.id, [told if result == "taken in" else result]


def receipts(own: bytes, peer: bytes, contents: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
    device = Device(History(own, peer))
    taken = [device.take(own if by == "own" else peer, encoded) for by, encoded in contents]
    return [{"acknowledged": id and id.hex(), "told": told} for id, told in taken]
