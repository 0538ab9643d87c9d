"""A conversation of two as a device has it, from the RFC alone. Section numbers are those of the RFC."""

from dataclasses import dataclass, field
from typing import Any

import peer
import siblings
from chats import nested, text
from peer import Field, Refused, blob, check, decode, first
from siblings import Floor, Names
from texts import one_form

RECEIPT, REQUEST, COPY, UPDATE, ANSWER, REACTION, EDIT, DELETION, READ, EVENTS = 18, 20, 21, 22, 23, 25, 26, 27, 28, 30
PIN, AT_THE_TOP = 37, 64
CONTROL = (RECEIPT, REQUEST, COPY, UPDATE, ANSWER, READ, 32)
DAY, JUMP, WINDOW = 86_400, 2**32, 14  # Of a day the seconds, of a window the days.
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
    sent_at: int = 0

    @property
    def name(self) -> Name:
        return self.author, self.id

    @property
    def about(self) -> Name | None:
        """The message that it says something of (§9.5.1)."""
        if self.kind in (REACTION, PIN):
            return blob(self.body, 1), blob(self.body, 2)
        return (self.author, blob(self.body, 1)) if self.kind in (EDIT, DELETION) else None


def read(author: bytes, encoded: bytes) -> Said:
    fields = decode(encoded)
    follows = [value for number, value in fields if number == 6 and isinstance(value, bytes)]
    bodies = [(number, value) for number, value in fields if 16 <= number <= 37 and isinstance(value, bytes)]
    kind, body = bodies[-1] if bodies else (0, b"")
    return Said(author, blob(fields, 1), first(fields, 2, 0), follows, blob(fields, 5), kind, decode(body), first(fields, 3, 0))


@dataclass
class History:
    own: bytes
    peer: bytes
    said: dict[Name, Said] = field(default_factory=dict)
    heads: list[bytes] = field(default_factory=list)
    missing: list[bytes] = field(default_factory=list)
    dropped: dict[Name, int] = field(default_factory=dict)  # Names and clocks of what says something of what says something (§9.5.4).
    deleted_at: int = 0  # The clock of the conversation when it was deleted (§8.3.9).

    def clock(self) -> int:
        return max([self.deleted_at, *self.dropped.values(), *(one.lamport for one in self.said.values())])

    def take(self, one: Said) -> str:
        if one.name in self.said or one.name in self.dropped:  # §9.3.3
            return "duplicate"
        one.lamport = min(one.lamport, self.clock() + JUMP)  # §9.3.1
        try:
            self.check_target(one)
        except Refused as refused:
            return str(refused)
        self.follow(one)
        if one.about:  # §9.5.4: nothing is said of what says something itself.
            self.dropped |= {name: other.lamport for name, other in self.said.items() if other.about == one.name}
            self.said = {name: other for name, other in self.said.items() if name not in self.dropped}
        self.said[one.name] = one
        return "taken in"

    def check_target(self, one: Said) -> None:
        if not one.about:
            return
        if found := self.said.get(one.about):
            check(not found.about, "invalid target")
        elif one.kind not in (REACTION, PIN):
            other = self.peer if one.author == self.own else self.own
            check((other, one.about[1]) not in self.said, "not the author")

    def follow(self, one: Said) -> None:
        """§9.3.4 and §9.3.5."""
        for id in one.follows:
            known = any((author, id) in self.said for author in (self.own, self.peer))
            if id in self.heads:
                self.heads.remove(id)
            elif not known and id not in self.missing:
                self.missing.append(id)
        self.missing = self.missing[-64:]
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
            emojis, emoji = of.setdefault(one.author, []), one_form(text(one.body, 3)) or ""
            if emoji not in emojis and len(emojis) < 16:
                emojis.append(emoji)
                counts.insert(0, one)
        return [[self.side(one.author), text(one.body, 3)] for one in counts if not first(one.body, 4, 0)]

    def top(self) -> list[str]:
        """Of each message the last pin, the last of these first (§9.5.6)."""
        last = {one.about: one for one in self.ordered() if one.kind == PIN}
        gone = {one.about for one in self.said.values() if one.kind == DELETION}
        here = [one for name, one in last.items() if name in self.said and name not in gone]
        pins = [one for one in here if not first(one.body, 3, 0)]
        pins.sort(key=lambda one: (one.lamport, one.id, one.author), reverse=True)
        return [one.about[1].hex() for one in pins[:AT_THE_TOP] if one.about]

    def show(self, one: Said) -> dict[str, Any]:
        about = [other for other in self.ordered() if other.about == one.name]
        edits = [text(nested(other.body, 2), 1) for other in about if other.kind == EDIT]
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
    known, top = ("taken in", "duplicate"), kept.top()
    return {
        **({"top": top} if top else {}),
        "results": [result if result in known else "refused" for result in results],
        "history": [kept.show(one) for one in kept.ordered() if not one.about],
        "next": {"clock": kept.clock() + 1, "follows": [id.hex() for id in kept.heads]},
        "missing": [id.hex() for id in kept.missing],
    }


@dataclass
class Device:
    """What is acknowledged and told of what comes, in no group (appendix B)."""

    history: History
    seed: bytes = bytes(32)
    words: tuple[int, bytes] = 0, b""  # The key of own words that is kept, and its day.
    now: int = 0
    delivered: set[bytes] = field(default_factory=set)
    read: int = 0
    floor: Floor = field(default_factory=lambda: Floor(b""))
    asked_at: int = 0
    answers_due: int = 0
    copies_due: int = 0

    def ask(self) -> None:
        self.asked_at = self.now
        self.answers_due += 1

    def take(self, sender: bytes, encoded: bytes) -> tuple[bytes | None, list[Any]]:
        own, one = self.history.own, read(sender, encoded)
        if one.kind == COPY:
            return self.take_copy(sender, one)
        if one.kind == RECEIPT:
            return None, [{"delivered": [id.hex() for id in self.confirm(sender, ids_of(one))]}]
        if one.kind == UPDATE and sender == own:
            return one.id, self.update(one)
        if one.kind == ANSWER and self.answers_due:
            self.answers_due -= 1
            self.copies_due = min(self.copies_due + first(one.body, 1, 0), 10_000)
            return None, [{"synchronising": first(one.body, 1, 0)}]
        if one.kind == READ and self.history.said:
            here = min(first(one.body, 1, 0), self.history.clock())
            news, self.read = here > self.read, max(here, self.read)
            return None, ["read"] if news else []
        return (None, []) if one.kind in CONTROL or sender == own else self.take_message(one)

    def hear(self, by: str, encoded: bytes) -> None:
        """From a device of the user's: what was written there, or deleted."""
        one = read(self.history.own if by == "own" else self.history.peer, encoded)
        if one.kind == UPDATE:
            self.update(one)
        else:
            self.history.take(one)

    def update(self, update: Said) -> list[Any]:
        """Of this conversation alone (§8.3.9)."""
        names, history = Names(self.seed), self.history
        self.floor.conversation = names.conversation(history.peer)
        for encoded in siblings.all_of(update.body, 8):
            other = siblings.read_floor(encoded)
            if other.conversation == self.floor.conversation:
                self.floor.merge(other, self.now)
                history.deleted_at = self.floor.clock
                history.said = {name: one for name, one in history.said.items() if not self.is_gone(one)}
                return [] if history.said or not self.floor.clock else ["conversation deleted"]
        return []

    def is_gone(self, one: Said) -> bool:
        name = Names(self.seed).message(one.lamport, one.author, one.id)
        return self.floor.covers(name, one.lamport, one.sent_at)

    def beside(self, sender: bytes, receipt: bytes) -> list[Any]:
        """§9.4.1: `receipt` of the payload, before the content."""
        ids = [receipt[at : at + 16] for at in range(0, len(receipt), 16)]
        if not ids or len(receipt) % 16 or len(ids) > 1_024:
            return []
        return [{"delivered": [id.hex() for id in self.confirm(sender, ids)]}]

    def confirm(self, sender: bytes, ids: list[bytes]) -> list[bytes]:
        """§9.4.2: it counts for what was written to its sender."""
        own = self.history.own
        new = [id for id in ids if sender != own and (own, id) in self.history.said and id not in self.delivered]
        self.delivered |= set(new)
        return new

    def take_copy(self, sender: bytes, copy: Said) -> tuple[bytes | None, list[Any]]:
        """§8.3.3 and §8.4.6."""
        own = self.history.own
        author, conversation, inner = (blob(copy.body, number) for number in (1, 2, 3))
        one = read(author, inner)
        if one.group and one.group != conversation:
            return None, ["content"]
        if sender == own:
            believed = own != conversation and author in (own, conversation)
        else:
            believed = author == own and conversation == sender and self.proves(conversation, inner)
        if not believed or one.kind in CONTROL:
            return None, [{"refused": "not proved"}]
        new = one.name not in self.history.said
        due = self.copies_due and self.now - self.asked_at < WINDOW * DAY * 1000
        if sender != own and new and not due:
            return None, [{"refused": "not asked"}]
        self.copies_due -= sender != own and new
        return self.take_message(one)

    def proves(self, conversation: bytes, content: bytes) -> bool:
        """§9.1.4 to §9.1.6."""
        said, proof = content[:-22], content[-20:]
        day, kept = int.from_bytes(proof[:4], "big"), max(self.words[0], self.now // 1000 // DAY - WINDOW)
        if not kept <= day <= kept + 2 * WINDOW:
            return False
        key = peer.own_words_key(self.words[1], self.words[0], day)
        return peer.prove(key, day, conversation, False, said) == content

    def take_message(self, one: Said) -> tuple[bytes | None, list[Any]]:
        if one.group or one.kind == EVENTS:
            return None, [{"refused": "unknown group"}]
        if one.name not in self.history.said and self.is_gone(one):
            return one.id, [{"refused": "deleted"}]
        result = self.history.take(one)
        told = {EDIT: "edited", DELETION: "deleted"}.get(one.kind, "message")
        if result == "taken in":
            return one.id, [] if one.kind in (REACTION, PIN) and one.about not in self.history.said else [told]
        return one.id, [result if result == "duplicate" else {"refused": result}]


def ids_of(receipt: Said) -> list[bytes]:
    return [value for number, value in receipt.body if number == 1 and isinstance(value, bytes)]


def receipts(device: Device, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    results = []
    for came in contents:
        device.now += came.get("later", 0) * 1000
        if came.get("ask"):
            device.ask()
        if "encoded" in came:
            sender = device.history.own if came["by"] == "own" else device.history.peer
            beside = device.beside(sender, bytes.fromhex(came.get("receipt", "")))
            id, told = device.take(sender, bytes.fromhex(came["encoded"]))
            results.append({"acknowledged": id and id.hex(), "told": beside + told})
    return results
