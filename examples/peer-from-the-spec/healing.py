"""What a request for healing is answered with, from the RFC alone (§8.4). Section numbers are those of the RFC."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import histories
import peer
from histories import Name, Said
from peer import blob, decode, first

DAY, WINDOW, HEALING_KEY_DAYS = 86_400_000, 14, 16  # Milliseconds, days, days.
MAX_HEALING_PER_DAY = 12


def name_of(salt: bytes, author: bytes, id: bytes) -> bytes:
    """§8.4.2."""
    return hashlib.sha256(b"Windlass v2 message name" + salt + author + id).digest()[:8]


@dataclass
class Kept:
    """A conversation of two as it is asked for: what it says, and when each came."""

    own: bytes
    peer: bytes
    history: histories.History = field(init=False)
    came: dict[Name, int] = field(default_factory=dict)
    acknowledged: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.history = histories.History(self.own, self.peer)

    def take(self, by: str, at: int, encoded: bytes) -> None:
        one = histories.read(self.own if by == "own" else self.peer, encoded)
        if one.kind == histories.RECEIPT:
            for id in [value for number, value in one.body if number == 1 and isinstance(value, bytes)]:
                self.acknowledged.setdefault(id, at)
        elif self.history.take(one) == "taken in":
            self.came[one.name] = min(at, one.sent_at)

    def came_at(self, one: Said) -> int:
        """§8.4.11: one's own words, when they were acknowledged."""
        known = self.acknowledged.get(one.id, 0) if one.author == self.own else 0
        return max(self.came[one.name], known)

    def answer(self, request: bytes, proved_since: int | None, now: int) -> dict[str, Any]:
        """§8.4.4 and §8.4.7."""
        asked = decode(blob(decode(request), 20))
        salt, went_back = blob(asked, 4), bool(first(asked, 2, 0))
        states = [decode(value) for number, value in asked if number == 1 and isinstance(value, bytes)]
        state = next((state for state in states if blob(state, 1) == self.own and not first(state, 4, 0)), [])
        have = blob(state, 3)
        named = {have[at : at + 8] for at in range(0, len(have), 8)}
        ours = [one for one in self.history.ordered() if one.lamport >= first(state, 2, 0)]
        lacking = [one for one in ours if name_of(salt, *one.name) not in named]
        from_then = now + 1 if proved_since is None else max(proved_since, now - WINDOW * DAY)
        waits = [one for one in self.history.said.values() if one.author == self.own and one.id not in self.acknowledged]
        promised = [one for one in lacking if self.came_at(one) >= from_then and not self.is_deleted(one)]
        ahead = named - {name_of(salt, *one.name) for one in ours}
        return {
            "promised": len(promised),
            "not_acknowledged": [self.show(one) for one in waits],
            "lacking": [self.show(one) for one in promised if one not in waits],
            "asks": ("at once" if went_back else "later") if ahead else "no",
        }

    def is_deleted(self, one: Said) -> bool:
        """§9.5.3, and what was said of it as well."""
        deleted = {other.about for other in self.history.said.values() if other.kind == histories.DELETION}
        return one.name in deleted or (one.kind != histories.DELETION and one.about in deleted)

    def show(self, one: Said) -> list[str]:
        return [self.history.side(one.author), one.id.hex()]


def requested(device: histories.Device, salt: bytes, most: int) -> dict[str, Any]:
    """What a request names of a conversation: the latest messages, and from which clock on that is all (§8.4.2, §8.3.10)."""
    gone = max(device.floor.clock, device.floor.lamport)
    start = gone + 1 if gone else 0
    latest = [one for one in list(reversed(device.history.ordered()))[: most + 1] if one.lamport >= start]
    if len(latest) > most:
        start = latest[-1].lamport + 1
    have = sorted(name_of(salt, *one.name) for one in latest if one.lamport >= start)
    return {"from_lamport": start, "have": b"".join(have).hex()}


def proved_since(input: dict[str, Any]) -> int | None:
    """§8.4.11: the first day whose key is here and gives the MAC, not before its giver was known."""
    proof, content, session_id = (bytes.fromhex(input[name]) for name in ("proof", "content", "session_id"))
    asker, answerer = (
        bytes.fromhex(input[who]["identity"]) + input[who]["device_id"].to_bytes(4, "big") for who in ("asker", "answerer")
    )
    for place in range(min(len(proof) // 16, HEALING_KEY_DAYS + 1)):
        day = input["proof_day"] + place
        said = b"Windlass v2 healing proof" + session_id + asker + answerer + day.to_bytes(4, "big") + content
        for kept in input["kept"]:
            mac = peer.hmac_sha256(bytes.fromhex(kept["key"]), said)[:16]
            if kept["day"] == day and mac == proof[16 * place : 16 * place + 16]:
                return max(int(kept["since"]), int(day) * DAY)
    return None
